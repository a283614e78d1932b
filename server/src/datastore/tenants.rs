use sea_orm::sea_query::LockType;
use sea_orm::{ConnectionTrait, EntityTrait, QuerySelect};
use uuid::Uuid;

use super::entity::accounts::tenant::Entity;
use super::{Datastore, Result, Tenant, Txn, execute, insert, only};

impl Datastore {
    pub async fn tenant_fetch(&self, id: Uuid) -> Result<Option<Tenant>> {
        by_id(&self.read, id).await
    }
}

impl Txn {
    pub async fn tenant_insert(&self, row: Tenant) -> Result<()> {
        insert(&self.inner, row).await
    }

    /// The tenant, held against other writers until the end of the transaction.
    pub async fn tenant_lock(&self, id: Uuid) -> Result<Option<Tenant>> {
        let query = Entity::find_by_id(id).lock(LockType::NoKeyUpdate);
        Ok(only(query.all(&self.inner).await?))
    }

    /// False when there is no such tenant.
    pub async fn tenant_state_set(&self, id: Uuid, state: &str) -> Result<bool> {
        let sql = "UPDATE tenants SET state = $2 WHERE id = $1";
        let rows = execute(&self.inner, sql, [id.into(), state.into()]).await?;
        Ok(rows == 1)
    }

    /// False when there is no such tenant.
    pub async fn tenant_plan_set(
        &self,
        id: Uuid,
        plan: &str,
        status: &str,
        source: &str,
        period_end: Option<i64>,
    ) -> Result<bool> {
        let sql = "UPDATE tenants \
                   SET plan = $2, plan_status = $3, plan_source = $4, current_period_end = $5 \
                   WHERE id = $1";
        let values = [
            id.into(),
            plan.into(),
            status.into(),
            source.into(),
            period_end.into(),
        ];
        Ok(execute(&self.inner, sql, values).await? == 1)
    }
}

async fn by_id(conn: &impl ConnectionTrait, id: Uuid) -> Result<Option<Tenant>> {
    Ok(only(Entity::find_by_id(id).all(conn).await?))
}
