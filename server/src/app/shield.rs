//! What limits have refused lately. The database decides; this process remembers its refusals for a
//! moment, so that whoever goes on asking costs no statement, and fills no log.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::clock::Timestamp;

/// How long a refusal is repeated without a look at the database, where an event may have been given
/// back meanwhile.
const REMEMBERED: Duration = Duration::from_secs(1);
/// Refusals that are remembered at once. The oldest is forgotten first.
const MOST: usize = 4096;
/// Lines in a minute, whatever number of buckets is full.
const LINES: u32 = 60;

/// Bounded, and of this process only.
#[derive(Default)]
pub struct Shield(Mutex<Refusals>);

#[derive(Default)]
struct Refusals {
    buckets: HashMap<String, Refusal>,
    /// The buckets in the order in which they came.
    order: VecDeque<String>,
    minute: i64,
    lines: u32,
}

#[derive(Clone, Copy)]
struct Refusal {
    at: Timestamp,
    retry_at: Timestamp,
    logged_at: Timestamp,
}

impl Shield {
    /// When to try again, if the bucket was full a moment ago.
    pub fn refused(&self, bucket: &str, now: Timestamp) -> Option<Timestamp> {
        let Refusal { at, retry_at, .. } = *self.lock().buckets.get(bucket)?;
        // A clock that was set back makes the memory worthless.
        let is_fresh = at <= now && now.since(at) < REMEMBERED && now < retry_at;
        is_fresh.then_some(retry_at)
    }

    /// Remembers a refusal, and says whether it is worth a line in the log: the first one of its bucket in
    /// a window is.
    pub fn note(
        &self,
        bucket: &str,
        now: Timestamp,
        retry_at: Timestamp,
        window: Duration,
    ) -> bool {
        let mut refusals = self.lock();
        let known = refusals.buckets.get(bucket).copied();
        let was_logged = known
            .is_some_and(|known| known.logged_at <= now && now.since(known.logged_at) < window);
        let logs = !was_logged && refusals.has_line(now);
        let logged_at = match (known, logs) {
            (Some(known), false) => known.logged_at,
            _ => now,
        };
        let refusal = Refusal {
            at: now,
            retry_at,
            logged_at,
        };
        if refusals
            .buckets
            .insert(bucket.to_owned(), refusal)
            .is_none()
        {
            refusals.order.push_back(bucket.to_owned());
            if refusals.order.len() > MOST
                && let Some(oldest) = refusals.order.pop_front()
            {
                refusals.buckets.remove(&oldest);
            }
        }
        logs
    }

    fn lock(&self) -> MutexGuard<'_, Refusals> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Refusals {
    fn has_line(&mut self, now: Timestamp) -> bool {
        let minute = now.seconds().div_euclid(60);
        if minute != self.minute {
            (self.minute, self.lines) = (minute, 0);
        }
        self.lines += 1;
        self.lines <= LINES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_refusal_is_remembered_for_a_second_and_logged_once_a_window() {
        let shield = Shield::default();
        let now = Timestamp(1_000_000);
        let retry_at = now.plus(HOUR);
        assert_eq!(shield.refused("a", now), None);
        assert!(shield.note("a", now, retry_at, HOUR));
        assert_eq!(shield.refused("a", now), Some(retry_at));
        assert_eq!(shield.refused("b", now), None);
        let later = now.plus(REMEMBERED);
        assert_eq!(shield.refused("a", later), None);
        assert!(!shield.note("a", later, retry_at, HOUR));
        assert_eq!(shield.refused("a", later), Some(retry_at));
        // A clock that is set back, and a window that is over.
        assert_eq!(shield.refused("a", now.minus(HOUR)), None);
        assert!(shield.note("a", now.plus(HOUR), retry_at, HOUR));
    }

    #[test]
    fn whoever_fills_many_buckets_fills_neither_memory_nor_log() {
        let shield = Shield::default();
        let now = Timestamp(1_000_000);
        let note = |n: usize| shield.note(&n.to_string(), now, now.plus(HOUR), HOUR);
        let lines = (0..3 * MOST).filter(|n| note(*n)).count();
        assert_eq!(lines, LINES as usize);
        let refusals = shield.lock();
        assert_eq!((refusals.buckets.len(), refusals.order.len()), (MOST, MOST));
    }
}
