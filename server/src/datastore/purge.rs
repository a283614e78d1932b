//! Forgetting what is of no more use, in batches that keep each write transaction short.

use super::{Datastore, Result, execute, retried};

const HOUR: i64 = 60 * 60 * 1000;
const DAY: i64 = 24 * HOUR;

/// One kind of row that ends: the table, its key, and which rows are over at the moment `$1`.
struct Ending {
    table: &'static str,
    key: &'static str,
    over: &'static str,
    /// How long a row is kept after that.
    grace: i64,
}

/// Rows that refer to others come before those others.
const ENDINGS: &[Ending] = &[
    // A used token is kept as long as its family can live: used again, it must still end it.
    Ending {
        table: "refresh_tokens",
        key: "id",
        over: "session_id IN (SELECT id FROM sessions WHERE expires_at < $1)",
        grace: 7 * DAY,
    },
    Ending {
        table: "sessions",
        key: "id",
        over: "expires_at < $1 AND NOT EXISTS \
               (SELECT 1 FROM refresh_tokens WHERE session_id = sessions.id)",
        grace: 7 * DAY,
    },
    Ending {
        table: "mfa_challenges",
        key: "jti",
        over: "expires_at < $1",
        grace: HOUR,
    },
    // An expired code is kept for a while, so that it can be told apart from a wrong one.
    Ending {
        table: "sms_codes",
        key: "user_id, purpose",
        over: "expires_at < $1",
        grace: DAY,
    },
    Ending {
        table: "mfa_methods",
        key: "id",
        over: "NOT verified AND expires_at < $1",
        grace: DAY,
    },
    // A clock that runs ahead for a while must not make a limit forget.
    Ending {
        table: "rate_windows",
        key: "bucket",
        over: "expires_at < $1",
        grace: DAY,
    },
    Ending {
        table: "rate_levels",
        key: "bucket",
        over: "level < ($1 - at) * 1000",
        grace: HOUR,
    },
    Ending {
        table: "password_failures",
        key: "account, network",
        over: "updated_at < $1 AND blocked_until < $1",
        grace: DAY,
    },
    // Of a process that died while it looked at a password.
    Ending {
        table: "leases",
        key: "name",
        over: "until < $1",
        grace: DAY,
    },
    // A second use is answered as such for as long as anybody may still try the mailed link.
    Ending {
        table: "mfa_reset_tokens_used",
        key: "token_id",
        over: "expires_at < $1",
        grace: 90 * DAY,
    },
    Ending {
        table: "reactivation_tokens_used",
        key: "token_id",
        over: "expires_at < $1",
        grace: 90 * DAY,
    },
    // Nothing it signed is good any more, but what was used is still answered as used, and a stale
    // cookie still finds the session that a logout ends.
    Ending {
        table: "keys",
        key: "id",
        over: "retires_at < $1",
        grace: 90 * DAY,
    },
    Ending {
        table: "trusted_devices",
        key: "id",
        over: "expires_at < $1",
        grace: 90 * DAY,
    },
    Ending {
        table: "outbox",
        key: "id",
        over: "state <> 'pending' AND finished_at < $1",
        grace: 30 * DAY,
    },
];

impl Datastore {
    /// Deletes at most `batch` rows of each table and says how many. A count of `batch` means that
    /// more may be waiting.
    pub async fn purge(&self, now: i64, batch: i64) -> Result<Vec<(&'static str, u64)>> {
        let mut counts = Vec::with_capacity(ENDINGS.len());
        for ending in ENDINGS {
            counts.push((ending.table, self.purge_batch(ending, now, batch).await?));
        }
        Ok(counts)
    }

    /// Deletes at most `batch` audit rows from before that moment and says how many.
    pub async fn audit_purge(&self, before: i64, batch: i64) -> Result<u64> {
        self.purge_before("audit_events", "id", "at < $1", before, batch)
            .await
    }

    /// The same for the rows about what strangers did.
    pub async fn audit_purge_of_strangers(&self, before: i64, batch: i64) -> Result<u64> {
        let over = "repeats LIKE 'stranger:%' AND repeats IS NOT NULL AND at < $1";
        self.purge_before("audit_events", "id", over, before, batch)
            .await
    }

    /// Deletes at most `batch` networks that nobody has logged in from since that moment.
    pub async fn known_networks_purge(&self, before: i64, batch: i64) -> Result<u64> {
        let (key, over) = ("user_id, network", "last_used_at < $1");
        self.purge_before("known_networks", key, over, before, batch)
            .await
    }

    async fn purge_before(
        &self,
        table: &'static str,
        key: &'static str,
        over: &'static str,
        before: i64,
        batch: i64,
    ) -> Result<u64> {
        let ending = Ending {
            table,
            key,
            over,
            grace: 0,
        };
        self.purge_batch(&ending, before, batch).await
    }

    async fn purge_batch(&self, ending: &Ending, now: i64, batch: i64) -> Result<u64> {
        let Ending {
            table, key, over, ..
        } = ending;
        // The condition twice: PostgreSQL judges a row that somebody renews meanwhile by the outer one
        // only, and would else remove a lease that was just taken or a counter that counts again.
        let sql = format!(
            "DELETE FROM {table} WHERE ({over}) AND ({key}) IN \
             (SELECT {key} FROM {table} WHERE {over} LIMIT $2)"
        );
        let before = now.saturating_sub(ending.grace);
        retried(|| async {
            let txn = self.begin().await?;
            let rows = execute(&txn.inner, &sql, [before.into(), batch.into()]).await?;
            txn.commit().await?;
            Ok(rows)
        })
        .await
    }
}
