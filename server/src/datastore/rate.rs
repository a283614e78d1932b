//! Limits over a sliding window, or as a level that falls. Every process and every restart sees them.
//!
//! A bucket is one row that holds the times of its events. One statement drops those that have left
//! the window, counts the rest, records the new one if there is room, and says what it decided. On
//! PostgreSQL it locks the row first and then reads it, so that those who come at once decide one
//! after the other; a bucket that many share, such as the one of all messages, is therefore held
//! until its holder commits. Take that one last.

use sea_orm::{ConnectionTrait, DbBackend};

use super::{Datastore, Error, Result, Txn, execute, query_one, retried};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The event that was recorded; it can be given back.
    Granted(Event),
    /// When the next one will be granted. To be committed as well: a clock that was set back has
    /// left marks that the statement has mended.
    Limited { retry_at: i64 },
}

/// One event of a bucket, and no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    bucket: String,
    mark: Mark,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    /// Its number among the events of a window.
    Number(i64),
    /// The microseconds that it fills of a level.
    Step(i64),
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
}

impl Txn {
    /// Records an event in the bucket unless `limit` events lie in the window that ends now.
    ///
    /// What a clock recorded that was ahead counts as of now: it neither locks the bucket until that
    /// clock would be right, nor is it forgotten.
    pub async fn rate_take(
        &self,
        bucket: &str,
        now: i64,
        window_ms: i64,
        limit: i64,
    ) -> Result<Taken> {
        if limit < 1 {
            return Ok(Taken::Limited {
                retry_at: now.saturating_add(window_ms),
            });
        }
        let events = self.events_of_row();
        let sql = format!(
            "INSERT INTO rate_windows (bucket, events, last_event, granted, expires_at) \
             VALUES ($1, '[[' || $2 || ',1]]', 1, TRUE, $2 + $3) \
             ON CONFLICT (bucket) DO UPDATE SET (events, last_event, granted, expires_at) = ( \
               SELECT \
                 '[' || CASE \
                   WHEN count(*) >= $4 THEN string_agg('[' || at || ',' || number || ']', ',') \
                   ELSE coalesce(string_agg('[' || at || ',' || number || ']', ',') || ',', '') \
                     || '[' || $2 || ',' || (rate_windows.last_event + 1) || ']' \
                 END || ']', \
                 rate_windows.last_event + CASE WHEN count(*) >= $4 THEN 0 ELSE 1 END, \
                 count(*) < $4, \
                 $2 + $3 \
               FROM (SELECT CASE WHEN at > $2 THEN $2 ELSE at END AS at, number \
                     FROM {events} WHERE at > $2 - $3) AS kept) \
             RETURNING granted, last_event, CASE WHEN granted THEN '' ELSE events END"
        );
        let values = [bucket.into(), now.into(), window_ms.into(), limit.into()];
        let row = query_one(&self.inner, &sql, values)
            .await?
            .ok_or_else(|| Error::Internal("a limit decided nothing".to_owned()))?;
        if row.try_get_by_index(0)? {
            return Ok(Taken::Granted(Event {
                bucket: bucket.to_owned(),
                mark: Mark::Number(row.try_get_by_index(1)?),
            }));
        }
        let events: String = row.try_get_by_index(2)?;
        Ok(Taken::Limited {
            retry_at: oldest_that_counts(&events, limit)?.saturating_add(window_ms),
        })
    }

    /// Fills the level of a bucket by one event, if there is room. A level that is full with `limit`
    /// events falls to nothing within the window.
    ///
    /// The bucket is one number however large the limit is. What a clock recorded that was ahead counts as
    /// of now.
    pub async fn rate_level_take(
        &self,
        bucket: &str,
        now: i64,
        window_ms: i64,
        limit: i64,
    ) -> Result<Taken> {
        if limit < 1 {
            return Ok(Taken::Limited {
                retry_at: now.saturating_add(window_ms),
            });
        }
        let window = window_ms.saturating_mul(1000);
        let step = (window / limit).max(1);
        let sql = "INSERT INTO rate_levels (bucket, level, at, granted) VALUES ($1, $4, $2, TRUE) \
             ON CONFLICT (bucket) DO UPDATE SET (level, at, granted) = ( \
               SELECT CASE WHEN fallen + $4 > $3 THEN fallen ELSE fallen + $4 END, \
                 $2, \
                 fallen + $4 <= $3 \
               FROM (SELECT CASE \
                   WHEN rate_levels.at > $2 THEN rate_levels.level \
                   WHEN rate_levels.level < ($2 - rate_levels.at) * 1000 THEN 0 \
                   ELSE rate_levels.level - ($2 - rate_levels.at) * 1000 \
                 END AS fallen) AS present) \
             RETURNING granted, level";
        let values = [bucket.into(), now.into(), window.into(), step.into()];
        let row = query_one(&self.inner, sql, values)
            .await?
            .ok_or_else(|| Error::Internal("a limit decided nothing".to_owned()))?;
        if row.try_get_by_index(0)? {
            return Ok(Taken::Granted(Event {
                bucket: bucket.to_owned(),
                mark: Mark::Step(step),
            }));
        }
        let level: i64 = row.try_get_by_index(1)?;
        let excess = level.saturating_add(step).saturating_sub(window);
        // Rounded up: a moment earlier there is no room yet.
        let wait = excess.saturating_add(999).div_euclid(1000);
        Ok(Taken::Limited {
            retry_at: now.saturating_add(wait),
        })
    }

    /// Takes one event back, and no other's.
    pub async fn rate_give_back(&self, event: &Event) -> Result<bool> {
        let number = match event.mark {
            Mark::Number(number) => number,
            Mark::Step(step) => {
                let sql = "UPDATE rate_levels SET level = level - $2 \
                           WHERE bucket = $1 AND level >= $2";
                let values = [event.bucket.as_str().into(), step.into()];
                return Ok(execute(&self.inner, sql, values).await? == 1);
            }
        };
        let events = self.events_of_row();
        let sql = format!(
            "UPDATE rate_windows SET events = ( \
               SELECT '[' || coalesce(string_agg('[' || at || ',' || number || ']', ','), '') || ']' \
               FROM {events} WHERE number <> $2) \
             WHERE bucket = $1 AND EXISTS (SELECT 1 FROM {events} WHERE number = $2)"
        );
        let values = [event.bucket.as_str().into(), number.into()];
        Ok(execute(&self.inner, &sql, values).await? == 1)
    }

    /// The events of the row at hand as a table, which the databases spell differently.
    fn events_of_row(&self) -> String {
        let each = match self.inner.get_database_backend() {
            DbBackend::Postgres => {
                "jsonb_array_elements(CAST(rate_windows.events AS JSONB)) AS pair(value)"
            }
            _ => "json_each(rate_windows.events)",
        };
        format!(
            "(SELECT CAST(value ->> 0 AS BIGINT) AS at, CAST(value ->> 1 AS BIGINT) AS number \
             FROM {each}) AS event"
        )
    }
}

/// A full bucket grants again when its `limit`-th newest event leaves the window.
fn oldest_that_counts(events: &str, limit: i64) -> Result<i64> {
    let unreadable = || Error::Internal("the events of a limit are not readable".to_owned());
    let events: Vec<(i64, i64)> = serde_json::from_str(events).map_err(|_| unreadable())?;
    let mut times: Vec<i64> = events.into_iter().map(|(at, _)| at).collect();
    times.sort_unstable_by(|a, b| b.cmp(a));
    let nth = usize::try_from(limit - 1).map_err(|_| unreadable())?;
    times.get(nth).copied().ok_or_else(unreadable)
}
