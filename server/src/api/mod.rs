//! The interface: what bp-auth promises over HTTP, in one readable table.
//!
//! The 24 published operations are written here once. The OpenAPI document is emitted from these
//! traits ([`document`]), the generated client follows the document, and `http` implements the
//! traits without adding anything that a client could see.
//!
//! There is a trait for each group, [`auth`] and [`mfa`], and a third for one operation, because the
//! framework's router refuses a variable beside literals at the same place (`/mfa/{method}` beside
//! `/mfa/methods`), whatever their methods. Each has a router; the gateway asks them in turn.
//!
//! Extractors never fail: they carry a `Result`, so that a handler decides the order of refusals
//! (credentials before fields) and answers with headers of its own.

pub mod auth;
pub mod diff;
pub mod document;
pub mod error;
pub mod extract;
pub mod json;
pub mod mfa;
pub mod reference;
pub mod reply;
pub mod secret;
pub mod types;

pub use auth::AuthApi;
pub use error::{Error, ErrorCode, FieldError};
pub use extract::{Credentials, FormBody, JsonBody, OptionalJsonBody, PathParam, RefreshCookies};
pub use mfa::{MfaApi, MfaMethodApi};
pub use reply::Reply;
pub use secret::{Secret, Typed};

/// What every operation returns: a finished response whose success schema is `R`'s.
pub type Answer<R> = Result<Reply<R>, Error>;

/// A body may be this large; the gateway answers 413 beyond it.
pub const BODY_LIMIT_BYTES: usize = 16 * 1024;
