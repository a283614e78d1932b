//! The time of a spawned server: a file that it reads, and only this suite writes.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};

/// Stands still until it is moved.
pub struct TestClock {
    file: PathBuf,
    ms: AtomicI64,
}

impl TestClock {
    pub fn create(file: PathBuf, ms: i64) -> Result<Self> {
        let clock = Self {
            file,
            ms: AtomicI64::new(ms),
        };
        clock.write(ms)?;
        Ok(clock)
    }

    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Milliseconds since the epoch.
    pub fn now_ms(&self) -> i64 {
        self.ms.load(Ordering::SeqCst)
    }

    pub fn advance(&self, by: Duration) -> Result<()> {
        let by = i64::try_from(by.as_millis())?;
        let now = self.ms.fetch_add(by, Ordering::SeqCst) + by;
        self.write(now)
    }

    /// Also backwards, as a clock does that somebody sets.
    pub fn jump_to(&self, ms: i64) -> Result<()> {
        self.ms.store(ms, Ordering::SeqCst);
        self.write(ms)
    }

    /// A server that reads meanwhile sees the old time or the new one, never half of it.
    fn write(&self, ms: i64) -> Result<()> {
        let next = self.file.with_extension("next");
        std::fs::write(&next, ms.to_string())?;
        std::fs::rename(&next, &self.file).context("cannot move the clock")
    }
}
