//! The public keys of bp-auth: read, kept, and read again before they are old.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::Duration;

use jsonwebtoken::DecodingKey;
use reqwest::Url;
use reqwest::header::CACHE_CONTROL;
use serde::Deserialize;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::VerifyError;

/// More than bp-auth ever publishes.
const LARGEST: usize = 64 * 1024;
/// bp-auth asks its readers to come back at least that often.
const LONGEST_PERIOD: Duration = Duration::from_secs(300);
const SHORTEST_PERIOD: Duration = Duration::from_secs(10);
/// After a reading that failed, doubled with each further one.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(60);

#[derive(Clone, Copy)]
pub(super) struct Policy {
    pub(super) stay: Duration,
    pub(super) cool_down: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            stay: Duration::from_secs(24 * 60 * 60),
            cool_down: Duration::from_secs(10),
        }
    }
}

pub(super) struct Keys {
    http: reqwest::Client,
    url: Url,
    policy: Policy,
    known: RwLock<Arc<Known>>,
    /// Held by the one who reads; whoever waits for it finds what was read.
    reading: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    keys: HashMap<String, Arc<DecodingKey>>,
    /// When these keys were read; never, at first.
    read_at: Option<Instant>,
    /// When they were last tried to be read, and whether that failed.
    tried: Option<(Instant, bool)>,
    period: Duration,
}

impl Keys {
    pub(super) fn new(http: reqwest::Client, url: Url, policy: Policy) -> Self {
        Self {
            http,
            url,
            policy,
            known: RwLock::default(),
            reading: tokio::sync::Mutex::default(),
        }
    }

    /// The key of this id. One that is not known is looked for once, and then not again for a while:
    /// anybody can make up ids.
    pub(super) async fn key(&self, kid: &str) -> Result<Arc<DecodingKey>, VerifyError> {
        let known = self.known();
        if let Some(key) = self.found(&known, kid) {
            return Ok(key);
        }
        self.read_unless(|known| self.found(known, kid).is_some() || self.is_cooling(known))
            .await;
        let known = self.known();
        if let Some(key) = self.found(&known, kid) {
            return Ok(key);
        }
        // A key that cannot be asked for may exist.
        match known.tried {
            Some((_, false)) if self.is_fresh(&known) => Err(VerifyError::UnknownKey),
            _ => Err(VerifyError::KeysUnavailable),
        }
    }

    /// Keys there are, however old the last reading may be.
    pub(super) async fn fetched(&self) -> Result<(), VerifyError> {
        self.read_unless(|known| self.is_fresh(known)).await;
        match self.is_fresh(&self.known()) {
            true => Ok(()),
            false => Err(VerifyError::KeysUnavailable),
        }
    }

    fn found(&self, known: &Known, kid: &str) -> Option<Arc<DecodingKey>> {
        let key = known.keys.get(kid)?;
        self.is_fresh(known).then(|| key.clone())
    }

    fn is_fresh(&self, known: &Known) -> bool {
        known
            .read_at
            .is_some_and(|at| at.elapsed() <= self.policy.stay)
    }

    fn is_cooling(&self, known: &Known) -> bool {
        // The very first tokens of a service wait for no cool-down but the retry's.
        let pause = match known.tried {
            Some((_, true)) if known.read_at.is_none() => FIRST_RETRY,
            _ => self.policy.cool_down,
        };
        known.tried.is_some_and(|(at, _)| at.elapsed() < pause)
    }

    fn known(&self) -> Arc<Known> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }

    /// Reads, unless somebody else has meanwhile made that needless.
    async fn read_unless(&self, needless: impl Fn(&Known) -> bool) {
        let _reading = self.reading.lock().await;
        let before = self.known();
        if needless(&before) {
            return;
        }
        let read = self.read().await;
        let now = Instant::now();
        let known = match read {
            Some((keys, period)) => Known {
                keys,
                read_at: Some(now),
                tried: Some((now, false)),
                period,
            },
            None => Known {
                keys: before.keys.clone(),
                read_at: before.read_at,
                tried: Some((now, true)),
                period: before.period,
            },
        };
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
    }

    /// The keys and when to read them again. Nothing, whatever it is that went wrong: the old ones go on.
    async fn read(&self) -> Option<(HashMap<String, Arc<DecodingKey>>, Duration)> {
        let mut response = self.http.get(self.url.clone()).send().await.ok()?;
        if response.status() != reqwest::StatusCode::OK {
            return None;
        }
        let period = max_age(&response).unwrap_or(LONGEST_PERIOD);
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.ok()? {
            if body.len() + chunk.len() > LARGEST {
                return None;
            }
            body.extend_from_slice(&chunk);
        }
        let set: Set = serde_json::from_slice(&body).ok()?;
        let keys = set.keys.into_iter().filter_map(Published::usable).collect();
        Some((keys, period.clamp(SHORTEST_PERIOD, LONGEST_PERIOD)))
    }
}

fn max_age(response: &reqwest::Response) -> Option<Duration> {
    let header = response.headers().get(CACHE_CONTROL)?.to_str().ok()?;
    let header = header.to_ascii_lowercase();
    let mut directives = header.split(',').map(str::trim);
    let age = directives.find_map(|directive| directive.strip_prefix("max-age="))?;
    age.parse().ok().map(Duration::from_secs)
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Published>,
}

/// A key of any kind: one that is not for us must not spoil the others.
#[derive(Deserialize)]
struct Published {
    kid: Option<String>,
    kty: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
}

impl Published {
    fn usable(self) -> Option<(String, Arc<DecodingKey>)> {
        let is_ed25519 =
            self.kty.as_deref() == Some("OKP") && self.crv.as_deref() == Some("Ed25519");
        let is_for_signatures = self.usage.as_deref().unwrap_or("sig") == "sig";
        if !is_ed25519 || !is_for_signatures {
            return None;
        }
        let key = DecodingKey::from_ed_components(&self.x?).ok()?;
        Some((self.kid?, Arc::new(key)))
    }
}

/// The task that reads keys again. It ends when this is dropped.
#[derive(Default)]
pub(super) struct Refreshing(Mutex<Option<AbortHandle>>);

impl Refreshing {
    /// Within a runtime. One that has ended took its task with it.
    pub(super) fn begin(&self, keys: &Arc<Keys>) {
        let mut task = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if task.as_ref().is_none_or(AbortHandle::is_finished) {
            *task = Some(tokio::spawn(refresh(Arc::downgrade(keys))).abort_handle());
        }
    }
}

impl Drop for Refreshing {
    fn drop(&mut self) {
        let task = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = task {
            task.abort();
        }
    }
}

/// Until the next reading, after so many that failed in a row.
fn pause(known: &Known, failures: u32) -> Duration {
    match (failures.checked_sub(1), known.read_at) {
        (Some(further), _) => {
            let doubled = FIRST_RETRY.saturating_mul(1 << further.min(16));
            doubled.min(LONGEST_RETRY)
        }
        // Whoever brings the first token reads first.
        (None, None) => FIRST_RETRY,
        // From the last reading on, whoever's it was: an unknown key is looked for in between.
        (None, Some(at)) => known.period.saturating_sub(at.elapsed()),
    }
}

async fn refresh(keys: Weak<Keys>) {
    let mut failures: u32 = 0;
    loop {
        let wait = {
            let Some(keys) = keys.upgrade() else { return };
            pause(&keys.known(), failures)
        };
        tokio::time::sleep(wait).await;
        let Some(keys) = keys.upgrade() else { return };
        let due = |known: &Known| known.read_at.is_some_and(|at| at.elapsed() < known.period);
        keys.read_unless(due).await;
        failures = match keys.known().tried {
            Some((_, true)) => failures.saturating_add(1),
            _ => 0,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn the_next_reading_is_a_period_after_the_last_one_or_soon_after_a_failure() {
        let unread = Known::default();
        assert_eq!(pause(&unread, 0), SECOND);
        let known = Known {
            read_at: Some(Instant::now()),
            period: 300 * SECOND,
            ..Known::default()
        };
        assert_eq!(pause(&known, 0), 300 * SECOND);
        tokio::time::advance(200 * SECOND).await;
        assert_eq!(pause(&known, 0), 100 * SECOND);
        tokio::time::advance(200 * SECOND).await;
        assert_eq!(pause(&known, 0), Duration::ZERO);
        for known in [known, unread] {
            let pauses = [1, 2, 3, 6, 7, 8, u32::MAX].map(|failures| pause(&known, failures));
            assert_eq!(pauses, [1, 2, 4, 32, 60, 60, 60].map(Duration::from_secs));
        }
    }
}
