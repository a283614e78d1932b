//! Time as the logic sees it: handed in, so that tests cross every expiry without sleeping.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};

/// Milliseconds since the Unix epoch, which is also how the database stores time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;
}

impl Timestamp {
    pub fn ms(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, as JWT claims and TOTP count.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }

    /// How much later than `earlier` it is; nothing if it is not.
    pub fn since(self, earlier: Self) -> Duration {
        let ms = self.0.saturating_sub(earlier.0);
        Duration::from_millis(u64::try_from(ms).unwrap_or_default())
    }

    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }

    /// Whole seconds from `now` until this moment, rounded up, at least one: a `Retry-After`.
    pub fn retry_after(self, now: Timestamp) -> u64 {
        u64::try_from((self.0 - now.0).max(0))
            .unwrap_or(0)
            .div_ceil(1000)
            .max(1)
    }

    pub fn to_utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or_default()
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The machine's own clock.
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks the machine for the time"
    )]
    fn now(&self) -> Timestamp {
        Timestamp(Utc::now().timestamp_millis())
    }
}

/// A clock that moves only when told to.
#[derive(Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    pub fn starting_at(start: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(start.0)))
    }

    /// Also backwards, as a clock does that somebody sets.
    pub fn jump_to(&self, to: Timestamp) {
        self.0.store(to.0, Ordering::SeqCst);
    }

    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(millis(by), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// A clock that stands where a file says, in milliseconds since the epoch, so that a suite moves the
/// time of processes it has started.
#[cfg(debug_assertions)]
pub struct FileClock(std::path::PathBuf);

#[cfg(debug_assertions)]
impl FileClock {
    /// Fails unless the file can be read now.
    pub fn open(path: std::path::PathBuf) -> Result<Self, String> {
        match Self::read(&path) {
            Some(_) => Ok(Self(path)),
            None => Err(format!("{} holds no time", path.display())),
        }
    }

    fn read(path: &std::path::Path) -> Option<i64> {
        std::fs::read_to_string(path).ok()?.trim().parse().ok()
    }
}

#[cfg(debug_assertions)]
impl Clock for FileClock {
    fn now(&self) -> Timestamp {
        match Self::read(&self.0) {
            Some(ms) => Timestamp(ms),
            None => panic!("{} no longer holds a time", self.0.display()),
        }
    }
}
