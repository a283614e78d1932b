use sea_orm::{
    ActiveValue, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use uuid::Uuid;

use super::entity::factors::trusted_device::{ActiveModel, Column, Entity};
use super::{Datastore, Result, TrustedDevice, Txn, execute, only};

/// A device that has no id yet: the database counts them.
#[derive(Clone, Debug)]
pub struct NewTrustedDevice {
    pub user_id: Uuid,
    pub secret_hash: String,
    pub name: Option<String>,
    pub user_agent: Option<String>,
    pub ip_address: Option<String>,
    pub created_at: i64,
    pub expires_at: i64,
    pub epoch: i64,
}

impl Datastore {
    pub async fn trusted_device_fetch(&self, id: i64) -> Result<Option<TrustedDevice>> {
        by_id(&self.read, id).await
    }

    /// At most `limit` devices that are neither revoked nor expired, newest first.
    pub async fn trusted_devices_list_live(
        &self,
        user: Uuid,
        now: i64,
        limit: u64,
    ) -> Result<Vec<TrustedDevice>> {
        let query = Entity::find()
            .filter(Column::UserId.eq(user))
            .filter(Column::RevokedAt.is_null())
            .filter(Column::ExpiresAt.gt(now))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .limit(limit);
        Ok(query.all(&self.read).await?)
    }
}

impl Txn {
    /// The new device's id, which no device had before.
    pub async fn trusted_device_insert(&self, new: NewTrustedDevice) -> Result<i64> {
        let row = ActiveModel {
            id: ActiveValue::NotSet,
            user_id: ActiveValue::Set(new.user_id),
            secret_hash: ActiveValue::Set(new.secret_hash),
            name: ActiveValue::Set(new.name),
            user_agent: ActiveValue::Set(new.user_agent),
            ip_address: ActiveValue::Set(new.ip_address),
            created_at: ActiveValue::Set(new.created_at),
            last_used_at: ActiveValue::Set(new.created_at),
            expires_at: ActiveValue::Set(new.expires_at),
            revoked_at: ActiveValue::Set(None),
            revoked_reason: ActiveValue::Set(None),
            epoch: ActiveValue::Set(new.epoch),
        };
        let done = Entity::insert(row).exec(&self.inner).await?;
        Ok(done.last_insert_id)
    }

    pub async fn trusted_device_fetch(&self, id: i64) -> Result<Option<TrustedDevice>> {
        by_id(&self.inner, id).await
    }

    /// Accepts the device's secret by replacing it. False when the device is revoked or expired or
    /// has another secret by now.
    pub async fn trusted_device_secret_rotate(
        &self,
        id: i64,
        old_hash: &str,
        new_hash: &str,
        now: i64,
        user_agent: Option<&str>,
        ip: Option<&str>,
    ) -> Result<bool> {
        let sql = "UPDATE trusted_devices \
                   SET secret_hash = $3, last_used_at = $4, user_agent = $5, ip_address = $6 \
                   WHERE id = $1 AND secret_hash = $2 AND revoked_at IS NULL AND expires_at > $4";
        let values = [
            id.into(),
            old_hash.into(),
            new_hash.into(),
            now.into(),
            user_agent.into(),
            ip.into(),
        ];
        Ok(execute(&self.inner, sql, values).await? == 1)
    }

    /// False when the user has no live device with this id.
    pub async fn trusted_device_revoke(
        &self,
        id: i64,
        user: Uuid,
        now: i64,
        reason: &str,
    ) -> Result<bool> {
        let sql = "UPDATE trusted_devices SET revoked_at = $3, revoked_reason = $4 \
                   WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL AND expires_at > $3";
        let values = [id.into(), user.into(), now.into(), reason.into()];
        let revoked = execute(&self.inner, sql, values).await? == 1;
        self.sessions_assurance_withdraw(user).await?;
        Ok(revoked)
    }

    pub async fn trusted_devices_revoke_all(
        &self,
        user: Uuid,
        now: i64,
        reason: &str,
    ) -> Result<u64> {
        let sql = "UPDATE trusted_devices SET revoked_at = $2, revoked_reason = $3 \
                   WHERE user_id = $1 AND revoked_at IS NULL";
        let values = [user.into(), now.into(), reason.into()];
        let revoked = execute(&self.inner, sql, values).await?;
        self.sessions_assurance_withdraw(user).await?;
        Ok(revoked)
    }

    /// Revokes the oldest live devices until `keep` are left.
    pub async fn trusted_devices_evict(&self, user: Uuid, keep: i64, now: i64) -> Result<u64> {
        let sql = "UPDATE trusted_devices SET revoked_at = $3, revoked_reason = 'evicted' \
                   WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $3 AND id NOT IN \
                   (SELECT id FROM trusted_devices \
                    WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $3 \
                    ORDER BY created_at DESC, id DESC LIMIT $2)";
        let evicted = execute(&self.inner, sql, [user.into(), keep.into(), now.into()]).await?;
        if evicted > 0 {
            self.sessions_assurance_withdraw(user).await?;
        }
        Ok(evicted)
    }
}

async fn by_id(conn: &impl ConnectionTrait, id: i64) -> Result<Option<TrustedDevice>> {
    Ok(only(Entity::find_by_id(id).all(conn).await?))
}
