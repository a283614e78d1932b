use chrono::{DateTime, Utc};

/// Tells the time: the system's, or in tests one that moves when it is told to.
pub(crate) type Clock = Box<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// The one place where the client reads the clock of the system.
#[expect(
    clippy::disallowed_methods,
    reason = "what everything else is given as its clock"
)]
pub(crate) fn system_clock() -> DateTime<Utc> {
    Utc::now()
}
