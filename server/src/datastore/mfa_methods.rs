use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::entity::factors::mfa_method::{Column, Entity};
use super::{Datastore, MfaMethod, Result, Txn, execute, insert};

impl Datastore {
    /// Pending and verified ones, oldest first.
    pub async fn mfa_methods_list(&self, user: Uuid) -> Result<Vec<MfaMethod>> {
        by_user(&self.read, user).await
    }

    /// Some of the methods whose secret begins with none of these, after an id.
    pub async fn mfa_methods_sealed_otherwise(
        &self,
        prefixes: &[String],
        after: Uuid,
        limit: u64,
    ) -> Result<Vec<MfaMethod>> {
        let mut others = Entity::find().filter(Column::SecretSealed.is_not_null());
        for prefix in prefixes {
            others = others.filter(Column::SecretSealed.not_like(format!("{prefix}%")));
        }
        let rows = others
            .filter(Column::Id.gt(after))
            .order_by_asc(Column::Id)
            .limit(limit);
        Ok(rows.all(&self.read).await?)
    }
}

impl Txn {
    pub async fn mfa_methods_list(&self, user: Uuid) -> Result<Vec<MfaMethod>> {
        by_user(&self.inner, user).await
    }

    /// Stores a pending set-up in the place of an earlier one for the same method.
    pub async fn mfa_method_pending_replace(&self, row: MfaMethod) -> Result<()> {
        let sql = "DELETE FROM mfa_methods WHERE user_id = $1 AND method = $2 AND NOT verified";
        let values = [row.user_id.into(), row.method.as_str().into()];
        execute(&self.inner, sql, values).await?;
        insert(&self.inner, row).await
    }

    pub async fn mfa_method_pending_delete(&self, id: Uuid) -> Result<bool> {
        let sql = "DELETE FROM mfa_methods WHERE id = $1 AND NOT verified";
        Ok(execute(&self.inner, sql, [id.into()]).await? == 1)
    }

    /// Turns a live pending set-up into the verified method and drops the one it replaces. `step`
    /// is the TOTP step of the accepted code, which is thereby used up. False when the set-up is
    /// gone, expired or already verified; then nothing is changed.
    pub async fn mfa_method_verify(
        &self,
        user: Uuid,
        pending_id: Uuid,
        now: i64,
        step: Option<i64>,
    ) -> Result<bool> {
        let make_room = "DELETE FROM mfa_methods WHERE verified AND (user_id, method) IN \
                         (SELECT user_id, method FROM mfa_methods \
                          WHERE id = $1 AND NOT verified AND expires_at > $2)";
        execute(&self.inner, make_room, [pending_id.into(), now.into()]).await?;
        let verify = "UPDATE mfa_methods SET verified = TRUE, verified_at = $2, \
                      expires_at = NULL, last_used_step = $3 \
                      WHERE id = $1 AND NOT verified AND expires_at > $2";
        let values = [pending_id.into(), now.into(), step.into()];
        let verified = execute(&self.inner, verify, values).await? == 1;
        self.sessions_assurance_withdraw(user).await?;
        Ok(verified)
    }

    /// Stores what the same secret is sealed as with another key, unless it has changed meanwhile.
    pub async fn mfa_method_reseal(&self, row: &MfaMethod, sealed: &str) -> Result<bool> {
        let sql = "UPDATE mfa_methods SET secret_sealed = $3 WHERE id = $1 AND secret_sealed = $2";
        let before = row.secret_sealed.as_deref().unwrap_or_default();
        let values = [row.id.into(), before.into(), sealed.into()];
        Ok(execute(&self.inner, sql, values).await? == 1)
    }

    /// Uses a TOTP step up: only a step later than every one before it is accepted.
    pub async fn mfa_method_step_consume(&self, id: Uuid, step: i64, now: i64) -> Result<bool> {
        let sql = "UPDATE mfa_methods SET last_used_step = $2, last_used_at = $3 \
                   WHERE id = $1 AND verified \
                   AND (last_used_step IS NULL OR last_used_step < $2)";
        let rows = execute(&self.inner, sql, [id.into(), step.into(), now.into()]).await?;
        Ok(rows == 1)
    }

    pub async fn mfa_method_touch(&self, id: Uuid, now: i64) -> Result<bool> {
        let sql = "UPDATE mfa_methods SET last_used_at = $2 WHERE id = $1";
        Ok(execute(&self.inner, sql, [id.into(), now.into()]).await? == 1)
    }

    /// Removes pending and verified rows: of one method, or of all.
    pub async fn mfa_methods_delete(&self, user: Uuid, method: Option<&str>) -> Result<u64> {
        let mut delete = Entity::delete_many().filter(Column::UserId.eq(user));
        if let Some(method) = method {
            delete = delete.filter(Column::Method.eq(method));
        }
        let deleted = delete.exec(&self.inner).await?.rows_affected;
        self.sessions_assurance_withdraw(user).await?;
        Ok(deleted)
    }
}

async fn by_user(conn: &impl ConnectionTrait, user: Uuid) -> Result<Vec<MfaMethod>> {
    let query = Entity::find()
        .filter(Column::UserId.eq(user))
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id);
    Ok(query.all(conn).await?)
}
