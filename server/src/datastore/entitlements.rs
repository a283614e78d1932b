use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use super::entity::records::entitlement_override::{Column, Entity};
use super::{Datastore, EntitlementOverride, Result, Txn, execute, insert};

impl Datastore {
    /// The overrides of the tenant and of the user.
    pub async fn entitlement_overrides_list(
        &self,
        tenant: Uuid,
        user: Uuid,
    ) -> Result<Vec<EntitlementOverride>> {
        let query = Entity::find()
            .filter(
                Condition::any()
                    .add(Column::TenantId.eq(tenant))
                    .add(Column::UserId.eq(user)),
            )
            .order_by_asc(Column::CreatedAt)
            .order_by_asc(Column::Id);
        Ok(query.all(&self.read).await?)
    }
}

impl Txn {
    /// Stores the override in the place of the one its owner had for the same key.
    pub async fn entitlement_override_put(&self, row: EntitlementOverride) -> Result<()> {
        self.entitlement_override_delete(row.tenant_id, row.user_id, &row.kind, &row.key)
            .await?;
        insert(&self.inner, row).await
    }

    /// Exactly one of `tenant` and `user` names the owner.
    pub async fn entitlement_override_delete(
        &self,
        tenant: Option<Uuid>,
        user: Option<Uuid>,
        kind: &str,
        key: &str,
    ) -> Result<bool> {
        let sql = "DELETE FROM entitlement_overrides \
                   WHERE (tenant_id = $1 OR user_id = $2) AND kind = $3 AND key = $4";
        let values = [tenant.into(), user.into(), kind.into(), key.into()];
        Ok(execute(&self.inner, sql, values).await? > 0)
    }
}
