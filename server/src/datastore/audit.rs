use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::entity::records::audit_event::{Column, Entity};
use super::{AuditEvent, Datastore, Result, Txn, insert};

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
}
