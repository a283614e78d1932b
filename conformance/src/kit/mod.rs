//! What cases are written in: people, their sessions and factors, and answers with expectations.

mod answer;
mod beside;
mod factors;
pub mod mfa;
pub mod jwt;
mod people;
mod session_state;
mod wire;

pub use answer::{Granted, Raw, Refused};
pub use factors::{Authenticator, Guarded};
pub use people::{PASSWORD, Person, Session, WRONG_PASSWORD};
pub use session_state::clears_the_cookie;
pub use wire::Wire;
