//! What cases are written in: people, their sessions and factors, and answers with expectations.

mod answer;
mod devices;
mod factors;
mod mail;
mod people;
mod race;

pub use answer::{Granted, Raw, Refused};
pub use devices::{cookie_value, trust};
pub use factors::{Authenticator, Guarded, challenge};
pub use people::{PASSWORD, Person, Session, WRONG_PASSWORD};
pub use race::{Answer, Race, race};
