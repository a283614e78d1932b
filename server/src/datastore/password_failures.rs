//! The growing delay after wrong passwords, counted per account and client network, or per
//! account and trusted device.

use super::{Error, Result, Txn, execute, query_one};

/// Whether a password may be checked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reservation {
    /// Counted as a failure; a right password takes that back.
    Granted,
    Blocked {
        until: i64,
    },
}

impl Txn {
    /// Counts the attempt before the password is looked at. The first `free` attempts come without
    /// a delay between them; the last of these and each one after it starts a delay of `base_ms`,
    /// doubled every time up to `max_ms`. An attempt inside a delay neither counts nor prolongs it.
    pub async fn password_attempt_reserve(
        &self,
        account: &str,
        source: &str,
        now: i64,
        free: i64,
        base_ms: i64,
        max_ms: i64,
    ) -> Result<Reservation> {
        let free = free.max(1);
        let after_first = if free == 1 {
            now.saturating_add(base_ms.min(max_ms))
        } else {
            0
        };
        // A delay that lasts longer than the longest was begun by a clock that was ahead.
        let open = "(password_failures.blocked_until <= $4 \
                     OR password_failures.blocked_until > $4 + $7)";
        // The exponent is bounded before the shift, which would overflow otherwise.
        let sql = format!(
            "INSERT INTO password_failures \
               (account, network, failures, blocked_until, updated_at, granted) \
             VALUES ($1, $2, 1, $3, $4, TRUE) \
             ON CONFLICT (account, network) DO UPDATE SET \
               failures = password_failures.failures + CASE WHEN {open} THEN 1 ELSE 0 END, \
               blocked_until = CASE \
                 WHEN NOT {open} THEN password_failures.blocked_until \
                 WHEN password_failures.failures + 1 < $5 THEN 0 \
                 WHEN password_failures.failures + 1 - $5 >= $6 THEN $4 + $7 \
                 ELSE $4 + ($8 << CAST(password_failures.failures + 1 - $5 AS INTEGER)) \
               END, \
               updated_at = CASE WHEN {open} THEN $4 ELSE password_failures.updated_at END, \
               granted = {open} \
             RETURNING granted, blocked_until"
        );
        let values = [
            account.into(),
            source.into(),
            after_first.into(),
            now.into(),
            free.into(),
            doublings_below(base_ms, max_ms).into(),
            max_ms.into(),
            base_ms.into(),
        ];
        let row = query_one(&self.inner, &sql, values)
            .await?
            .ok_or_else(|| Error::Internal("a password delay decided nothing".to_owned()))?;
        if row.try_get_by_index(0)? {
            return Ok(Reservation::Granted);
        }
        let until = row.try_get_by_index(1)?;
        Ok(Reservation::Blocked { until })
    }

    /// Forgets the failures of the account from this network or device.
    pub async fn password_failures_reset(&self, account: &str, source: &str) -> Result<bool> {
        let sql = "DELETE FROM password_failures WHERE account = $1 AND network = $2";
        let rows = execute(&self.inner, sql, [account.into(), source.into()]).await?;
        Ok(rows == 1)
    }
}

/// How often `base` can be doubled before it reaches `max`.
fn doublings_below(base: i64, max: i64) -> i64 {
    let mut doublings = 0;
    let mut delay = base.max(1);
    while delay < max {
        delay = delay.saturating_mul(2);
        doublings += 1;
    }
    doublings
}

#[cfg(test)]
impl super::Datastore {
    /// [`Txn::password_attempt_reserve`] in a transaction of its own.
    pub async fn password_attempt_reserve(
        &self,
        account: &str,
        source: &str,
        now: i64,
        free: i64,
        base_ms: i64,
        max_ms: i64,
    ) -> Result<Reservation> {
        let txn = self.begin().await?;
        let reservation = txn
            .password_attempt_reserve(account, source, now, free, base_ms, max_ms)
            .await?;
        txn.commit().await?;
        Ok(reservation)
    }
}
