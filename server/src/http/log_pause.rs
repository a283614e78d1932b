//! A line of the log that strangers can cause is written at most once in a while.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

pub struct LogPause {
    every: Duration,
    last: Mutex<Option<Instant>>,
}

impl LogPause {
    pub fn new(every: Duration) -> Self {
        Self {
            every,
            last: Mutex::default(),
        }
    }

    /// Whether the line may be written now, which counts as having written it.
    pub fn is_due(&self) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| last.elapsed() >= self.every);
        if is_due {
            *last = Some(Instant::now());
        }
        is_due
    }
}
