//! What cases are written in: people, their sessions and factors, and answers with expectations.

mod answer;
mod factors;
pub mod mfa;
mod people;

pub use answer::{Granted, Raw, Refused};
pub use factors::{Authenticator, Guarded};
pub use people::{PASSWORD, Person, Session, WRONG_PASSWORD};
