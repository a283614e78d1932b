//! Messages on their way out, written together with what caused them.

use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use uuid::Uuid;

use super::entity::records::outbox::{Column, Entity};
use super::{
    Datastore, OutboxRow, Result, Txn, execute, insert_unless, only, query_number, query_one,
    returning,
};
use crate::metrics::Outbox;

const DAY_MS: i64 = 24 * 3_600_000;

impl Datastore {
    /// How many rows are in each state that occurs.
    pub async fn outbox_counts(&self) -> Result<Vec<(String, i64)>> {
        let query = Entity::find()
            .select_only()
            .column(Column::State)
            .column_as(Column::Id.count(), "rows")
            .group_by(Column::State);
        Ok(query.into_tuple().all(&self.read).await?)
    }

    /// The newest first; of one state, or of all.
    pub async fn outbox_list(&self, state: Option<&str>, most: u64) -> Result<Vec<OutboxRow>> {
        let mut query = Entity::find().order_by_desc(Column::CreatedAt).limit(most);
        if let Some(state) = state {
            query = query.filter(Column::State.eq(state));
        }
        Ok(query.all(&self.read).await?)
    }

    pub async fn outbox_fetch(&self, id: Uuid) -> Result<Option<OutboxRow>> {
        Ok(only(Entity::find_by_id(id).all(&self.read).await?))
    }

    /// What is not sent, by one query over the indexes of what is pending and of what was finished of
    /// late: it is asked again and again.
    pub async fn outbox_depth(&self, now: i64) -> Result<Outbox> {
        let free = "(lease_until IS NULL OR lease_until <= $1)";
        let sql = format!(
            "SELECT count(CASE WHEN next_attempt_at <= $1 AND {free} THEN 1 END), \
                    count(CASE WHEN NOT {free} THEN 1 END), \
                    count(CASE WHEN next_attempt_at > $1 AND {free} THEN 1 END), \
                    min(CASE WHEN next_attempt_at <= $1 AND {free} THEN next_attempt_at END), \
                    (SELECT count(*) FROM outbox \
                     WHERE state <> 'pending' AND finished_at > $2 AND state = 'dead') \
             FROM outbox WHERE state = 'pending'"
        );
        let values = [now.into(), now.saturating_sub(DAY_MS).into()];
        let Some(row) = query_one(&self.read, &sql, values).await? else {
            return Ok(Outbox::default());
        };
        Ok(Outbox {
            due: row.try_get_by_index(0)?,
            sending: row.try_get_by_index(1)?,
            waiting: row.try_get_by_index(2)?,
            due_since: row.try_get_by_index(3)?,
            dead: row.try_get_by_index(4)?,
        })
    }

    /// When the next pending message may be claimed.
    pub async fn outbox_next_due(&self) -> Result<Option<i64>> {
        let sql = "SELECT CASE WHEN lease_until > next_attempt_at \
                          THEN lease_until ELSE next_attempt_at END AS due \
                   FROM outbox WHERE state = 'pending' ORDER BY due LIMIT 1";
        query_number(&self.read, sql, []).await
    }
}

impl Txn {
    /// False when a message with the same key was enqueued before; then nothing is added.
    pub async fn outbox_insert(&self, row: OutboxRow) -> Result<bool> {
        insert_unless(&self.inner, row, OnConflict::column(Column::DedupeKey)).await
    }

    /// Takes due messages until `lease_until`, the longest due first. The attempt counts from here
    /// on: a message that brings the process down must not be tried for ever.
    pub async fn outbox_claim(
        &self,
        now: i64,
        lease_until: i64,
        limit: i64,
    ) -> Result<Vec<OutboxRow>> {
        // Workers that come at once take different messages instead of waiting for each other, and a
        // list made once, so that none takes more than its share.
        let skip = match self.inner.get_database_backend() {
            DbBackend::Postgres => "FOR UPDATE SKIP LOCKED",
            _ => "",
        };
        let sql = format!(
            "WITH due AS MATERIALIZED \
             (SELECT id FROM outbox \
              WHERE state = 'pending' AND next_attempt_at <= $1 AND expires_at > $1 \
              AND (lease_until IS NULL OR lease_until <= $1) \
              ORDER BY next_attempt_at LIMIT $3 {skip}) \
             UPDATE outbox SET lease_until = $2, attempts = attempts + 1 \
             WHERE state = 'pending' AND (lease_until IS NULL OR lease_until <= $1) \
             AND id IN (SELECT id FROM due) \
             RETURNING *"
        );
        let values = [now.into(), lease_until.into(), limit.into()];
        let mut rows = returning::<Entity, _>(&self.inner, &sql, values).await?;
        rows.sort_by_key(|row| (row.next_attempt_at, row.created_at));
        Ok(rows)
    }

    /// Ends a pending message as `sent`, `expired` or `dead` and forgets its content, except that of a
    /// dead one: an operator may mend what was wrong and have it sent, as long as it has not expired.
    pub async fn outbox_finish(
        &self,
        id: Uuid,
        state: &str,
        now: i64,
        error: Option<&str>,
    ) -> Result<bool> {
        let sql = "UPDATE outbox SET state = $2, finished_at = $3, last_error = $4, \
                   payload = CASE WHEN $2 = 'dead' THEN payload ELSE '' END, lease_until = NULL \
                   WHERE id = $1 AND state = 'pending'";
        let values = [id.into(), state.into(), now.into(), error.into()];
        Ok(execute(&self.inner, sql, values).await? == 1)
    }

    /// Lets dead messages start over, or one of them, and pending ones not wait any longer. What has
    /// expired stays as it is.
    pub async fn outbox_revive(&self, id: Option<Uuid>, now: i64) -> Result<u64> {
        let sql = "UPDATE outbox SET state = 'pending', attempts = 0, next_attempt_at = $1, \
                   finished_at = NULL \
                   WHERE expires_at > $1 AND payload <> '' AND lease_until IS NULL \
                   AND ((state = 'dead' AND ($2 IS NULL OR id = $2)) \
                        OR (state = 'pending' AND id = $2))";
        execute(&self.inner, sql, [now.into(), id.into()]).await
    }

    /// Removes messages that ended in this state before that moment, at most `batch`.
    pub async fn outbox_remove(&self, state: &str, before: i64, batch: i64) -> Result<u64> {
        let sql = "DELETE FROM outbox WHERE id IN \
                   (SELECT id FROM outbox WHERE state = $1 AND state <> 'pending' \
                    AND finished_at <= $2 LIMIT $3)";
        execute(
            &self.inner,
            sql,
            [state.into(), before.into(), batch.into()],
        )
        .await
    }

    /// Forgets the content of dead messages that nobody can send any more.
    pub async fn outbox_forget(&self, now: i64) -> Result<u64> {
        let sql = "UPDATE outbox SET payload = '' \
                   WHERE state = 'dead' AND payload <> '' AND expires_at <= $1";
        execute(&self.inner, sql, [now.into()]).await
    }

    /// Gives a claimed message back that was not tried after all.
    pub async fn outbox_give_back(&self, id: Uuid) -> Result<bool> {
        let sql = "UPDATE outbox SET attempts = attempts - 1, lease_until = NULL \
                   WHERE id = $1 AND state = 'pending' AND attempts > 0";
        Ok(execute(&self.inner, sql, [id.into()]).await? == 1)
    }

    /// Gives a claimed message back for a later attempt.
    pub async fn outbox_retry_at(
        &self,
        id: Uuid,
        next_attempt_at: i64,
        error: &str,
    ) -> Result<bool> {
        let sql = "UPDATE outbox SET next_attempt_at = $2, last_error = $3, lease_until = NULL \
                   WHERE id = $1 AND state = 'pending'";
        let values = [id.into(), next_attempt_at.into(), error.into()];
        Ok(execute(&self.inner, sql, values).await? == 1)
    }

    /// Ends the messages that are too late to be of use, except those being sent right now.
    pub async fn outbox_expire(&self, now: i64) -> Result<u64> {
        let sql = "UPDATE outbox SET state = 'expired', finished_at = $1, payload = '', \
                   lease_until = NULL \
                   WHERE state = 'pending' AND expires_at <= $1 \
                   AND (lease_until IS NULL OR lease_until <= $1)";
        execute(&self.inner, sql, [now.into()]).await
    }
}
