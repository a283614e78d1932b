//! Many accounts in few statements.

use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, Insert, IntoActiveModel,
    QueryFilter, QuerySelect,
};

use super::entity::accounts::user::{Column, Entity};
use super::{AuditEvent, Datastore, Result, Tenant, Txn, User};

impl Datastore {
    /// Which of these canonical addresses have an account.
    pub async fn users_taken(&self, keys: Vec<String>) -> Result<Vec<String>> {
        taken(&self.read, keys).await
    }
}

impl Txn {
    /// The same, as this transaction sees it.
    pub async fn users_taken(&self, keys: Vec<String>) -> Result<Vec<String>> {
        taken(&self.inner, keys).await
    }

    /// [`super::Error::Conflict`] when a canonical address is taken. None of the lists may be empty.
    pub async fn accounts_insert(
        &self,
        tenants: Vec<Tenant>,
        users: Vec<User>,
        events: Vec<AuditEvent>,
    ) -> Result<()> {
        insert_all(&self.inner, tenants).await?;
        insert_all(&self.inner, users).await?;
        insert_all(&self.inner, events).await
    }
}

async fn taken(conn: &impl ConnectionTrait, keys: Vec<String>) -> Result<Vec<String>> {
    let query = Entity::find()
        .select_only()
        .column(Column::EmailKey)
        .filter(Column::EmailKey.is_in(keys));
    Ok(query.into_tuple().all(conn).await?)
}

async fn insert_all<A, M>(conn: &impl ConnectionTrait, rows: Vec<M>) -> Result<()>
where
    A: ActiveModelTrait,
    M: IntoActiveModel<A>,
{
    let rows = rows.into_iter().map(IntoActiveModel::into_active_model);
    Insert::many(rows).exec_without_returning(conn).await?;
    Ok(())
}
