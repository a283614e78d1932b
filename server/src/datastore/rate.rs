//! Limits over a sliding window, as a log of events. Every process and every restart sees them.

use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::{Datastore, Result, Txn, execute, query_number, retried};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The event that was recorded; it can be given back.
    Granted(Uuid),
    /// When the next one will be granted.
    Limited { retry_at: i64 },
}

impl Datastore {
    /// [`Txn::rate_take`] in a transaction of its own.
    pub async fn rate_take(
        &self,
        bucket: &str,
        now: i64,
        window_ms: i64,
        limit: i64,
    ) -> Result<Taken> {
        retried(|| async {
            let txn = self.begin().await?;
            let taken = txn.rate_take(bucket, now, window_ms, limit).await?;
            txn.commit().await?;
            Ok(taken)
        })
        .await
    }

    /// When the bucket grants again; `None` when it would now. Records nothing.
    pub async fn rate_peek(
        &self,
        bucket: &str,
        now: i64,
        window_ms: i64,
        limit: i64,
    ) -> Result<Option<i64>> {
        retry_at(&self.read, bucket, now, window_ms, limit).await
    }

    /// When the bucket last granted.
    pub async fn rate_last(&self, bucket: &str) -> Result<Option<i64>> {
        last(&self.read, bucket).await
    }

    pub async fn rate_count(&self, bucket: &str, now: i64, window_ms: i64) -> Result<i64> {
        count(&self.read, bucket, now, window_ms).await
    }
}

impl Txn {
    /// Records an event in the bucket unless `limit` events lie in the window that ends now.
    pub async fn rate_take(
        &self,
        bucket: &str,
        now: i64,
        window_ms: i64,
        limit: i64,
    ) -> Result<Taken> {
        self.rate_lock(bucket).await?;
        let event = Uuid::now_v7();
        let sql = "INSERT INTO rate_events (id, bucket, at) SELECT $1, $2, $3 \
                   WHERE (SELECT count(*) FROM rate_events WHERE bucket = $2 AND at > $4) < $5";
        let values = [
            event.into(),
            bucket.into(),
            now.into(),
            now.saturating_sub(window_ms).into(),
            limit.into(),
        ];
        if execute(&self.inner, sql, values).await? == 1 {
            return Ok(Taken::Granted(event));
        }
        let retry_at = retry_at(&self.inner, bucket, now, window_ms, limit).await?;
        Ok(Taken::Limited {
            retry_at: retry_at.unwrap_or(now),
        })
    }

    /// Makes takers of one bucket take turns: two that count at once would both find the last free
    /// place. There is no row to lock while a bucket is empty, so the lock is on its name.
    async fn rate_lock(&self, bucket: &str) -> Result<()> {
        if self.has_company() {
            let sql = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
            execute(&self.inner, sql, [bucket.into()]).await?;
        }
        Ok(())
    }

    /// Takes one event back, and no other's.
    pub async fn rate_give_back(&self, event: Uuid) -> Result<bool> {
        let sql = "DELETE FROM rate_events WHERE id = $1";
        Ok(execute(&self.inner, sql, [event.into()]).await? == 1)
    }

    /// See [`Datastore::rate_peek`].
    pub async fn rate_peek(
        &self,
        bucket: &str,
        now: i64,
        window_ms: i64,
        limit: i64,
    ) -> Result<Option<i64>> {
        retry_at(&self.inner, bucket, now, window_ms, limit).await
    }

    /// See [`Datastore::rate_last`].
    pub async fn rate_last(&self, bucket: &str) -> Result<Option<i64>> {
        last(&self.inner, bucket).await
    }

    pub async fn rate_count(&self, bucket: &str, now: i64, window_ms: i64) -> Result<i64> {
        count(&self.inner, bucket, now, window_ms).await
    }
}

/// A full bucket grants again when its `limit`-th newest event leaves the window.
async fn retry_at(
    conn: &impl ConnectionTrait,
    bucket: &str,
    now: i64,
    window_ms: i64,
    limit: i64,
) -> Result<Option<i64>> {
    if limit < 1 {
        return Ok(Some(now.saturating_add(window_ms)));
    }
    let sql = "SELECT at FROM rate_events WHERE bucket = $1 AND at > $2 \
               ORDER BY at DESC LIMIT 1 OFFSET $3";
    let values = [
        bucket.into(),
        now.saturating_sub(window_ms).into(),
        (limit - 1).into(),
    ];
    let at = query_number(conn, sql, values).await?;
    Ok(at.map(|at| at.saturating_add(window_ms)))
}

async fn last(conn: &impl ConnectionTrait, bucket: &str) -> Result<Option<i64>> {
    let sql = "SELECT at FROM rate_events WHERE bucket = $1 ORDER BY at DESC LIMIT 1";
    query_number(conn, sql, [bucket.into()]).await
}

async fn count(conn: &impl ConnectionTrait, bucket: &str, now: i64, window_ms: i64) -> Result<i64> {
    let sql = "SELECT count(*) FROM rate_events WHERE bucket = $1 AND at > $2";
    let values = [bucket.into(), now.saturating_sub(window_ms).into()];
    Ok(query_number(conn, sql, values).await?.unwrap_or(0))
}
