use sea_orm::{ConnectionTrait, EntityTrait};
use uuid::Uuid;

use super::entity::factors::mfa_challenge::Entity;
use super::{Datastore, MfaChallenge, Result, Txn, execute, insert, only, returning};

impl Datastore {
    pub async fn mfa_challenge_fetch(&self, jti: Uuid) -> Result<Option<MfaChallenge>> {
        by_id(&self.read, jti).await
    }
}

impl Txn {
    pub async fn mfa_challenge_insert(&self, row: MfaChallenge) -> Result<()> {
        insert(&self.inner, row).await
    }

    pub async fn mfa_challenge_fetch(&self, jti: Uuid) -> Result<Option<MfaChallenge>> {
        by_id(&self.inner, jti).await
    }

    /// Takes one of `max` tries before anything is compared. `None` when the challenge is spent,
    /// expired or unknown.
    pub async fn mfa_challenge_attempt(
        &self,
        jti: Uuid,
        max: i32,
        now: i64,
    ) -> Result<Option<MfaChallenge>> {
        let sql = "UPDATE mfa_challenges SET attempts = attempts + 1 \
                   WHERE jti = $1 AND attempts < $2 AND consumed_at IS NULL AND expires_at > $3 \
                   RETURNING *";
        let values = [jti.into(), max.into(), now.into()];
        let rows = returning::<Entity, _>(&self.inner, sql, values).await?;
        Ok(rows.into_iter().next())
    }

    /// Completes the challenge. Of any number of callers exactly one is told `true`.
    pub async fn mfa_challenge_consume(&self, jti: Uuid, now: i64) -> Result<bool> {
        let sql = "UPDATE mfa_challenges SET consumed_at = $2 \
                   WHERE jti = $1 AND consumed_at IS NULL AND expires_at > $2";
        Ok(execute(&self.inner, sql, [jti.into(), now.into()]).await? == 1)
    }

    pub async fn mfa_challenge_code_sent(&self, jti: Uuid, now: i64) -> Result<bool> {
        let sql = "UPDATE mfa_challenges SET code_sent_at = $2 WHERE jti = $1";
        Ok(execute(&self.inner, sql, [jti.into(), now.into()]).await? == 1)
    }

    /// Ends every open challenge of the user, as when the factors change.
    pub async fn mfa_challenges_void(&self, user: Uuid, now: i64) -> Result<u64> {
        let sql = "UPDATE mfa_challenges SET consumed_at = $2 \
                   WHERE user_id = $1 AND consumed_at IS NULL";
        execute(&self.inner, sql, [user.into(), now.into()]).await
    }
}

async fn by_id(conn: &impl ConnectionTrait, jti: Uuid) -> Result<Option<MfaChallenge>> {
    Ok(only(Entity::find_by_id(jti).all(conn).await?))
}
