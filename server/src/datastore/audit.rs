use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::entity::records::audit_event::{Column, Entity};
use super::{AuditEvent, Datastore, Result, Txn, execute, insert};

impl Datastore {
    /// The latest events, newest first.
    pub async fn audit_tail(&self, limit: u64) -> Result<Vec<AuditEvent>> {
        let query = Entity::find()
            .order_by_desc(Column::At)
            .order_by_desc(Column::Id)
            .limit(limit);
        Ok(query.all(&self.read).await?)
    }

    /// The latest events about one user, newest first.
    pub async fn audit_list_by_user(&self, user: Uuid, limit: u64) -> Result<Vec<AuditEvent>> {
        let query = Entity::find()
            .filter(Column::UserId.eq(user))
            .order_by_desc(Column::At)
            .order_by_desc(Column::Id)
            .limit(limit);
        Ok(query.all(&self.read).await?)
    }
}

impl Txn {
    pub async fn audit_insert(&self, row: AuditEvent) -> Result<()> {
        insert(&self.inner, row).await
    }

    /// Records an event, or counts it where its like is on record, so that repetitions take no room.
    pub async fn audit_count(&self, row: AuditEvent) -> Result<()> {
        let sql = "INSERT INTO audit_events (id, at, event, user_id, tenant_id, session_id, actor, ip, \
                     user_agent, request_id, detail, times, repeats) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1, $12) \
                   ON CONFLICT (repeats) WHERE repeats IS NOT NULL DO UPDATE SET \
                     times = audit_events.times + 1, last_at = excluded.at";
        let values = [
            row.id.into(),
            row.at.into(),
            row.event.into(),
            row.user_id.into(),
            row.tenant_id.into(),
            row.session_id.into(),
            row.actor.into(),
            row.ip.into(),
            row.user_agent.into(),
            row.request_id.into(),
            row.detail.into(),
            row.repeats.into(),
        ];
        execute(&self.inner, sql, values).await?;
        Ok(())
    }
}
