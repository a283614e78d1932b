//! How a running server is: whether it can do its work, and how much of it there is.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::timeout;

use super::App;
use super::error::{Error, Result};
use crate::metrics::Now;

/// Whoever watches wants an answer, also from a server whose database says nothing.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a server needs before it is given work, each by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readiness {
    pub database: Check,
    pub migrations: Check,
    pub signing_key: Check,
    pub outbox: Check,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    Ready,
    NotReady,
    /// Nobody could look, because something else is missing.
    Unknown,
}

impl App {
    /// From now on nobody should send requests here, and whoever asks for readiness is told so.
    pub fn announce_stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    pub async fn readiness(&self) -> Readiness {
        let mut found = Readiness {
            database: Check::NotReady,
            migrations: Check::Unknown,
            signing_key: Check::when(self.tokens.can_sign(self.now())),
            outbox: Check::Unknown,
        };
        // What was found before the time is over counts.
        let _ = timeout(PATIENCE, self.look_at_database(&mut found)).await;
        found
    }

    async fn look_at_database(&self, found: &mut Readiness) {
        if self.store.ping().await.is_err() {
            return;
        }
        found.database = Check::Ready;
        if let Ok(pending) = self.store.migrations_pending().await {
            found.migrations = Check::when(pending.is_empty());
        }
        let now = self.now().ms();
        if let Ok(outbox) = self.store.outbox_depth(now).await {
            let late = self.config.delivery.late_after;
            let in_time = late.is_zero() || outbox.oldest_due(now) <= late.duration();
            found.outbox = Check::when(in_time);
        }
    }

    /// All metrics, in the form of [`crate::metrics::CONTENT_TYPE`].
    pub async fn scrape(&self) -> Result<String> {
        let now = self.now().ms();
        // Before the query, whose own connection is nobody's load.
        let pools = self.store.pools();
        let outbox = timeout(PATIENCE, self.store.outbox_depth(now)).await;
        let state = Now {
            hashes: self.hasher.queue(),
            pools,
            outbox: outbox.ok().and_then(Result::ok),
        };
        let text = self.metrics.render(&state, now);
        text.map_err(|error| Error::Internal(format!("cannot write the metrics: {error}")))
    }
}

impl Readiness {
    pub fn checks(&self) -> [(&'static str, Check); 4] {
        [
            ("database", self.database),
            ("migrations", self.migrations),
            ("signing_key", self.signing_key),
            ("outbox", self.outbox),
        ]
    }
}

impl Check {
    fn when(ready: bool) -> Self {
        match ready {
            true => Self::Ready,
            false => Self::NotReady,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::NotReady => "not_ready",
            Self::Unknown => "unknown",
        }
    }
}
