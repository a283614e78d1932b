//! Budgets: what may be done so often in a window, by a network, about an account, or in all.
//!
//! Whoever needs several takes one event of each, or of none. Whoever takes a bucket holds it until the
//! end of the transaction on PostgreSQL, so a list is always in the same order, and those who come at
//! once wait for each other and never in a circle.

use std::time::Duration;

use super::clock::Timestamp;
use super::error::{Error, Result};
use super::network::Networks;
use super::{App, Client};
use crate::datastore::{Event, Taken, Txn};
use crate::metrics::Limit;

pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const HOUR: Duration = Duration::from_secs(3600);
pub(super) const DAY: Duration = Duration::from_secs(24 * 3600);

/// The bucket of a budget that is counted exactly is a row with every event in it, so a larger one is
/// counted as a level.
const MOST_EXACT: u32 = 1000;

/// At most `most` events within `window`.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    pub limit: Limit,
    pub bucket: String,
    pub window: Duration,
    pub most: u32,
    pub counted: Counted,
}

/// How a bucket counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    /// Each event by its time, so that no window of that length has more than `most`.
    Exactly,
    /// As a level that falls evenly. It costs the same however large `most` is, and grants up to twice as
    /// much in the first window.
    AsLevel,
}

/// What was taken, or when to try again.
pub(super) type Granted = std::result::Result<Vec<Event>, Timestamp>;

impl Budget {
    pub fn exactly(limit: Limit, bucket: String, window: Duration, most: u32) -> Self {
        Self {
            limit,
            bucket,
            window,
            most,
            counted: Counted::Exactly,
        }
    }

    pub fn as_level(limit: Limit, bucket: String, window: Duration, most: u32) -> Self {
        Self {
            counted: Counted::AsLevel,
            ..Self::exactly(limit, bucket, window, most)
        }
    }

    /// The same budget for the narrow network and, `factor` times as large, for the wide one. The wide
    /// one comes first: what it refuses has made no row for the narrow one, of which it has many.
    pub fn by_network(self, networks: &Networks, factor: u32) -> [Self; 2] {
        let of = |network: &str, most: u32| Self {
            bucket: format!("{}:{network}", self.bucket),
            most,
            ..self.clone()
        };
        [
            of(&networks.wide, self.most.saturating_mul(factor)),
            of(&networks.narrow, self.most),
        ]
    }

    fn window_ms(&self) -> i64 {
        i64::try_from(self.window.as_millis()).unwrap_or(i64::MAX)
    }
}

impl App {
    /// Takes one event of every budget, or of none. A refusal is to be committed like a success.
    pub(super) async fn budgets_take(
        &self,
        txn: &Txn,
        budgets: &[Budget],
        networks: &Networks,
    ) -> Result<Granted> {
        let now = self.now();
        let mut events = Vec::with_capacity(budgets.len());
        for budget in budgets {
            // No window: the operator has switched the limit off.
            if budget.window.is_zero() {
                continue;
            }
            let (bucket, window, most) = (&budget.bucket, budget.window_ms(), budget.most.into());
            let taken = match budget.counted {
                Counted::Exactly if budget.most <= MOST_EXACT => {
                    txn.rate_take(bucket, now.ms(), window, most).await?
                }
                Counted::Exactly | Counted::AsLevel => {
                    txn.rate_level_take(bucket, now.ms(), window, most).await?
                }
            };
            match taken {
                Taken::Granted(event) => events.push(event),
                Taken::Limited { retry_at } => {
                    self.budgets_give_back(txn, &events).await?;
                    let retry_at = Timestamp(retry_at);
                    self.budget_is_hit(budget, retry_at, networks);
                    return Ok(Err(retry_at));
                }
            }
        }
        Ok(Ok(events))
    }

    pub(super) async fn budgets_give_back(&self, txn: &Txn, events: &[Event]) -> Result<()> {
        for event in events {
            txn.rate_give_back(event).await?;
        }
        Ok(())
    }

    /// [`Self::budgets_take`] in a transaction of its own, before anything else is done for a request.
    pub(super) async fn budgets_spend(&self, budgets: &[Budget], client: &Client) -> Result<()> {
        self.budgets_shield(budgets)?;
        let networks = client.networks();
        let granted = self
            .retried(|| async {
                let txn = self.store.begin().await?;
                let granted = self.budgets_take(&txn, budgets, &networks).await?;
                txn.commit().await?;
                Ok(granted)
            })
            .await?;
        granted.map(|_| ()).map_err(|at| self.limited(at))
    }

    /// Refuses without the database what it has refused a moment ago.
    pub(super) fn budgets_shield(&self, budgets: &[Budget]) -> Result<()> {
        let now = self.now();
        for budget in budgets {
            if let Some(retry_at) = self.shield.refused(&budget.bucket, now) {
                self.metrics.limit_hit(budget.limit);
                return Err(self.limited(retry_at));
            }
        }
        Ok(())
    }

    pub(super) fn limited(&self, retry_at: Timestamp) -> Error {
        Error::RateLimited {
            retry_after: retry_at.retry_after(self.now()),
        }
    }

    /// Counts the refusal, and logs the first one of a bucket and window. The line names a network and
    /// never an address or number of a person.
    fn budget_is_hit(&self, budget: &Budget, retry_at: Timestamp, networks: &Networks) {
        // Counted again when another transaction makes this one begin anew, which is rare.
        self.metrics.limit_hit(budget.limit);
        let Budget { bucket, window, .. } = budget;
        if self.shield.note(bucket, self.now(), retry_at, *window) {
            let (limit, network) = (budget.limit.name(), &networks.narrow);
            let wide = &networks.wide;
            tracing::warn!(limit, %network, %wide, "a budget is hit");
        }
    }
}
