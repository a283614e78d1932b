use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use reqwest::StatusCode;
use tokio::time::Instant;

/// When a request is sent again, and for how long at most.
///
/// Only what is safe to repeat is: any request whose connection was refused, because nothing was
/// sent, and a `GET` whose answer was lost or says that the server was busy (429, 502, 503, 504).
/// Nothing else is sent twice, with the two exceptions that [`session`](crate::session) explains:
/// a request that the server turned away because of an expired token, and a refresh.
///
/// ```
/// use std::time::Duration;
/// use bp_auth_client::session::RetryPolicy;
///
/// let policy = RetryPolicy { total: Duration::from_secs(5), ..RetryPolicy::default() };
/// assert_eq!((policy.attempts, policy.reserve), (4, 10));
/// assert_eq!(RetryPolicy::none().attempts, 1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    /// How often a request is sent at most, the first time included.
    pub attempts: u32,
    /// The longest first pause; it doubles with each further one. The pause is drawn at random
    /// below that, so that clients that failed together do not come back together.
    pub base: Duration,
    /// No pause is longer, unless the server asks for it by `Retry-After`.
    pub longest: Duration,
    /// No request is sent again when this much time has passed since its first attempt, or would
    /// have after the pause. A longer `Retry-After` is therefore not waited for but reported.
    pub total: Duration,
    /// How many retries there may be per hundred calls: when a server is down, retries must not
    /// multiply the load that keeps it down.
    pub percent: u32,
    /// How many retries a client has to begin with, and saves up at most while all goes well. It is
    /// what a client that calls rarely retries from, and what a burst of refusals uses up. Without
    /// any, nothing is sent again.
    pub reserve: u32,
}

impl RetryPolicy {
    /// Nothing is sent a second time.
    ///
    /// ```
    /// use bp_auth_client::{AuthClient, session::RetryPolicy};
    ///
    /// let auth = AuthClient::builder("https://auth.example.org").retry(RetryPolicy::none()).build()?;
    /// # Ok::<(), bp_auth_client::SessionError>(())
    /// ```
    pub const fn none() -> Self {
        Self {
            attempts: 1,
            base: Duration::ZERO,
            longest: Duration::ZERO,
            total: Duration::ZERO,
            percent: 0,
            reserve: 0,
        }
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 4,
            base: Duration::from_millis(100),
            longest: Duration::from_secs(2),
            total: Duration::from_secs(20),
            percent: 10,
            reserve: 10,
        }
    }
}

/// The retries of one call, paid from the budget of all.
pub(crate) struct Attempts {
    policy: RetryPolicy,
    budget: Arc<Budget>,
    began: Instant,
    sent: u32,
}

impl Attempts {
    /// For the span of the call.
    #[cfg(feature = "tracing")]
    pub fn sent(&self) -> u32 {
        self.sent
    }

    pub fn count_one(&mut self) {
        self.sent += 1;
    }

    /// Waits until the request may be sent again; false, at once, when it may not.
    pub async fn wait(&self, asked: Option<Duration>) -> bool {
        if self.sent >= self.policy.attempts {
            return false;
        }
        let pause = self.pause(asked);
        if self.began.elapsed() + pause >= self.policy.total || !self.budget.withdraw() {
            return false;
        }
        tokio::time::sleep(pause).await;
        true
    }

    fn pause(&self, asked: Option<Duration>) -> Duration {
        let doublings = self.sent.saturating_sub(1).min(16);
        let ceiling = self
            .policy
            .base
            .saturating_mul(1 << doublings)
            .min(self.policy.longest);
        let drawn = ceiling.mul_f64(fastrand::f64());
        // Never earlier than the server asked, and not all at that moment.
        asked.unwrap_or_default() + drawn
    }
}

/// What all calls of a client have saved up for retries, in hundredths of one.
#[derive(Debug)]
pub(crate) struct Budget {
    policy: RetryPolicy,
    saved: AtomicU32,
}

impl Budget {
    const RETRY: u32 = 100;

    pub fn new(policy: RetryPolicy) -> Arc<Self> {
        let saved = AtomicU32::new(Self::most(policy));
        Arc::new(Self { policy, saved })
    }

    fn most(policy: RetryPolicy) -> u32 {
        policy.reserve.saturating_mul(Self::RETRY)
    }

    /// Begins a call, which pays in what the policy grants for it.
    pub fn begin(self: &Arc<Self>) -> Attempts {
        let RetryPolicy { percent, .. } = self.policy;
        let most = Self::most(self.policy);
        let deposit = |saved: u32| Some(saved.saturating_add(percent).min(most));
        // It cannot fail: the closure always gives a value.
        let _ = self
            .saved
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, deposit);
        Attempts {
            policy: self.policy,
            budget: Arc::clone(self),
            began: Instant::now(),
            sent: 0,
        }
    }

    fn withdraw(&self) -> bool {
        let take = |saved: u32| saved.checked_sub(Self::RETRY);
        self.saved
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_ok()
    }
}

/// Answers of a server, or of a proxy before it, that is busy or not there at present.
pub(crate) fn is_busy(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn attempts(policy: RetryPolicy, sent: u32) -> Attempts {
        let mut attempts = Budget::new(policy).begin();
        attempts.sent = sent;
        attempts
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_are_drawn_below_that() {
        for (sent, ceiling) in [(1, 100), (2, 200), (3, 400), (6, 2000), (40, 2000)] {
            let attempts = attempts(RetryPolicy::default(), sent);
            let ceiling = Duration::from_millis(ceiling);
            let drawn: Vec<_> = (0..1000).map(|_| attempts.pause(None)).collect();
            assert!(drawn.iter().all(|pause| *pause <= ceiling));
            let (least, most) = (drawn.iter().min().unwrap(), drawn.iter().max().unwrap());
            assert!(
                *least < ceiling / 5 && *most > ceiling * 4 / 5,
                "{least:?} to {most:?}"
            );
        }
    }

    #[test]
    fn nobody_comes_back_earlier_than_the_server_asked() {
        let attempts = attempts(RetryPolicy::default(), 1);
        for _ in 0..1000 {
            let pause = attempts.pause(Some(7 * SECOND));
            assert!(pause >= 7 * SECOND && pause <= 7 * SECOND + Duration::from_millis(100));
        }
    }

    #[test]
    fn calls_earn_retries_up_to_the_reserve() {
        for reserve in [0, 1, 10, 50] {
            let policy = RetryPolicy {
                reserve,
                ..RetryPolicy::default()
            };
            let budget = Budget::new(policy);
            for _ in 0..1000 {
                budget.begin();
            }
            let granted = (0..100).filter(|_| budget.withdraw()).count();
            assert_eq!(granted, usize::try_from(reserve).unwrap());
            for _ in 0..10 {
                budget.begin();
            }
            assert_eq!(budget.withdraw(), reserve > 0);
            assert!(!budget.withdraw());
        }
    }

    #[test]
    fn a_reserve_without_bound_is_one() {
        let policy = RetryPolicy {
            reserve: u32::MAX,
            ..RetryPolicy::default()
        };
        let budget = Budget::new(policy);
        assert!((0..1000).all(|_| budget.withdraw()));
    }
}
