//! What cases are written in: people, their sessions and factors, and answers with expectations.

mod answer;
mod beside;
mod devices;
mod factors;
pub mod jwt;
pub mod life;
mod mail;
pub mod mfa;
mod people;
mod race;
mod session_state;
mod wire;

pub use answer::{Granted, Raw, Refused, set_cookie};
pub use devices::{cookie_value, trust};
pub use factors::{Authenticator, Guarded, challenge};
pub use people::{PASSWORD, Person, RefreshSecret, Session, WRONG_PASSWORD};
pub use race::{Answer, Race, race};
pub use session_state::clears_the_cookie;
pub use wire::Wire;
