//! What bp-auth says of a token, remembered for a short while.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lru::LruCache;
use reqwest::{StatusCode, Url};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::VerifyError;
use crate::clock::Clock;
use crate::retry_after::retry_after;
use crate::types;

/// How many answers are kept; each is a few hundred bytes.
const KEPT: NonZeroUsize = NonZeroUsize::new(10_000).expect("not zero");

/// By a digest, so that no memory of this process holds a token that somebody once presented.
type Answers<T> = LruCache<[u8; 32], (Arc<T>, Instant)>;

/// An operation that a token is presented to.
pub(super) struct Online<T> {
    http: reqwest::Client,
    url: Url,
    cached_for: Duration,
    answers: Mutex<Answers<T>>,
}

impl<T> Online<T> {
    pub(super) fn new(http: reqwest::Client, url: Url, cached_for: Duration) -> Self {
        Self {
            http,
            url,
            cached_for,
            answers: Mutex::new(LruCache::new(KEPT)),
        }
    }
}

impl<T: DeserializeOwned> Online<T> {
    /// `good_for` is for how long an answer is good by its own words.
    pub(super) async fn ask(
        &self,
        token: &str,
        clock: &Clock,
        good_for: impl Fn(&T) -> Option<Duration>,
    ) -> Result<Arc<T>, VerifyError> {
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some((answer, until)) = self.answers().get(&digest)
            && Instant::now() < *until
        {
            return Ok(answer.clone());
        }
        // Counted from the question: the answer may be older than its arrival.
        let asked_at = Instant::now();
        let answer = Arc::new(self.answer(token, clock).await?);
        let good_for = good_for(&answer).map_or(self.cached_for, |own| own.min(self.cached_for));
        // Without a time in which it ends, it is not kept.
        if let Some(until) = asked_at.checked_add(good_for) {
            self.answers().put(digest, (answer.clone(), until));
        }
        Ok(answer)
    }

    async fn answer(&self, token: &str, clock: &Clock) -> Result<T, VerifyError> {
        let unreachable = || VerifyError::Unreachable { retry_after: None };
        let request = self.http.get(self.url.clone()).bearer_auth(token);
        let response = request.send().await.map_err(|_| unreachable())?;
        match response.status() {
            StatusCode::OK => response.json().await.map_err(|_| unreachable()),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let refusal: types::Error = response.json().await.map_err(|_| unreachable())?;
                Err(VerifyError::Refused(refusal.error_code))
            }
            _ => Err(VerifyError::Unreachable {
                retry_after: retry_after(response.headers(), clock()),
            }),
        }
    }

    fn answers(&self) -> std::sync::MutexGuard<'_, Answers<T>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
