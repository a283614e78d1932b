use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::entity::accounts::session::{Column, Entity};
use super::entity::accounts::{tenant, user};
use super::{Datastore, Result, Session, Tenant, Txn, User, execute, insert, only};

/// The condition of a session that counts as having passed a second factor which is no longer there.
macro_rules! unassured {
    () => {
        "sessions.revoked_at IS NULL AND sessions.mfa_satisfied \
         AND NOT EXISTS (SELECT 1 FROM mfa_methods \
            WHERE mfa_methods.id = sessions.mfa_method_id AND mfa_methods.verified) \
         AND NOT EXISTS (SELECT 1 FROM backup_codes \
            WHERE backup_codes.user_id = sessions.user_id \
                AND backup_codes.salt = sessions.backup_codes_salt) \
         AND NOT EXISTS (SELECT 1 FROM trusted_devices \
            WHERE trusted_devices.id = sessions.trusted_device_id \
                AND trusted_devices.revoked_at IS NULL)"
    };
}
pub(super) use unassured;

impl Datastore {
    pub async fn session_fetch(&self, id: Uuid) -> Result<Option<Session>> {
        by_id(&self.read, id).await
    }

    /// What every authenticated request needs, in one query. It judges nothing: whether the
    /// session is revoked or expired and the user active is for the caller to say.
    pub async fn session_with_user_fetch(&self, id: Uuid) -> Result<Option<(Session, User)>> {
        let query = Entity::find_by_id(id).find_both_related(user::Entity);
        Ok(only(query.all(&self.read).await?))
    }

    /// The same with the tenant, and nothing once the key `kid` has been revoked or has retired: what
    /// it signed is good for nothing then, and finding that out costs no query of its own.
    pub async fn session_with_user_and_tenant_fetch(
        &self,
        id: Uuid,
        kid: &str,
        now: i64,
    ) -> Result<Option<(Session, User, Tenant)>> {
        let query = Entity::find_by_id(id)
            .find_also_related(user::Entity)
            .and_also_related(tenant::Entity)
            .filter(super::keys::is_live(kid, now));
        match only(query.all(&self.read).await?) {
            Some((session, Some(user), Some(tenant))) => Ok(Some((session, user, tenant))),
            _ => Ok(None),
        }
    }
}

impl Datastore {
    pub async fn sessions_count_live(&self, user: Uuid, now: i64) -> Result<i64> {
        let sql = "SELECT count(*) FROM sessions \
                   WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2";
        let count = super::query_number(&self.read, sql, [user.into(), now.into()]).await?;
        Ok(count.unwrap_or(0))
    }
}

impl Txn {
    pub async fn session_insert(&self, row: Session) -> Result<()> {
        insert(&self.inner, row).await
    }

    pub async fn session_fetch(&self, id: Uuid) -> Result<Option<Session>> {
        by_id(&self.inner, id).await
    }

    pub async fn session_with_user_fetch(&self, id: Uuid) -> Result<Option<(Session, User)>> {
        let query = Entity::find_by_id(id).find_both_related(user::Entity);
        Ok(only(query.all(&self.inner).await?))
    }

    /// False when the session is absent or was revoked before.
    pub async fn session_revoke(&self, id: Uuid, now: i64, reason: &str) -> Result<bool> {
        let sql = "UPDATE sessions SET revoked_at = $2, revoked_reason = $3 \
                   WHERE id = $1 AND revoked_at IS NULL";
        let rows = execute(&self.inner, sql, [id.into(), now.into(), reason.into()]).await?;
        Ok(rows == 1)
    }

    /// Revokes the user's sessions and says how many. `except` spares one, and `only_without_mfa`
    /// spares those that passed a second factor.
    pub async fn sessions_revoke_by_user(
        &self,
        user: Uuid,
        now: i64,
        reason: &str,
        except: Option<Uuid>,
        only_without_mfa: bool,
    ) -> Result<u64> {
        let mut update = Entity::update_many()
            .col_expr(Column::RevokedAt, now.into())
            .col_expr(Column::RevokedReason, reason.into())
            .filter(Column::UserId.eq(user))
            .filter(Column::RevokedAt.is_null());
        if let Some(spared) = except {
            update = update.filter(Column::Id.ne(spared));
        }
        if only_without_mfa {
            update = update.filter(Column::MfaSatisfied.eq(false));
        }
        Ok(update.exec(&self.inner).await?.rows_affected)
    }

    /// Begins the next epoch of every user and ends what was open, as rows too. Says how many sessions
    /// were ended.
    pub async fn access_revoke_everywhere(&self, now: i64, reason: &str) -> Result<u64> {
        // In the order in which others lock: the user before what hangs on it.
        execute(&self.inner, "UPDATE users SET epoch = epoch + 1", []).await?;
        let sql = "UPDATE sessions SET revoked_at = $1, revoked_reason = $2 \
                   WHERE revoked_at IS NULL";
        let sessions = execute(&self.inner, sql, [now.into(), reason.into()]).await?;
        let sql = "UPDATE trusted_devices SET revoked_at = $1, revoked_reason = $2 \
                   WHERE revoked_at IS NULL";
        execute(&self.inner, sql, [now.into(), reason.into()]).await?;
        let sql = "UPDATE mfa_challenges SET consumed_at = $1 WHERE consumed_at IS NULL";
        execute(&self.inner, sql, [now.into()]).await?;
        Ok(sessions)
    }

    /// Records that the session has passed this method. Its `auth_time` stays. False when the
    /// session is absent or revoked.
    pub async fn session_upgrade(&self, id: Uuid, amr: &str, method: Uuid) -> Result<bool> {
        let sql = "UPDATE sessions SET amr = $2, mfa_satisfied = TRUE, mfa_method_id = $3 \
                   WHERE id = $1 AND revoked_at IS NULL";
        let values = [id.into(), amr.into(), method.into()];
        Ok(execute(&self.inner, sql, values).await? == 1)
    }

    /// Lets the session stand on the set of backup codes that it has just been shown.
    pub async fn session_backup_codes_set(&self, id: Uuid, salt: &str) -> Result<bool> {
        let sql = "UPDATE sessions SET backup_codes_salt = $2 \
                   WHERE id = $1 AND backup_codes_salt IS NOT NULL";
        let rows = execute(&self.inner, sql, [id.into(), salt.into()]).await?;
        Ok(rows == 1)
    }

    /// Takes the second factor from the user's sessions whose method, set of backup codes and device
    /// are gone: they know the password only. Whatever removes one of these calls it.
    pub(super) async fn sessions_assurance_withdraw(&self, user: Uuid) -> Result<u64> {
        let sql = concat!(
            "UPDATE sessions SET mfa_satisfied = FALSE, amr = 'pwd', mfa_method_id = NULL, \
             backup_codes_salt = NULL WHERE user_id = $1 AND ",
            unassured!()
        );
        execute(&self.inner, sql, [user.into()]).await
    }
}

async fn by_id(conn: &impl ConnectionTrait, id: Uuid) -> Result<Option<Session>> {
    Ok(only(Entity::find_by_id(id).all(conn).await?))
}
