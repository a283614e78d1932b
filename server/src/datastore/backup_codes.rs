use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, InsertMany, QueryFilter, QueryOrder};
use uuid::Uuid;

use super::entity::factors::backup_code::{ActiveModel, Column, Entity};
use super::{BackupCode, Datastore, Result, Txn, execute, query_number};

impl Datastore {
    /// Used ones too, in the order of their slots.
    pub async fn backup_codes_fetch(&self, user: Uuid) -> Result<Vec<BackupCode>> {
        by_user(&self.read, user).await
    }

    pub async fn backup_codes_remaining(&self, user: Uuid) -> Result<i64> {
        remaining(&self.read, user).await
    }
}

impl Txn {
    /// Puts a new set in the place of the old one, used codes included.
    pub async fn backup_codes_replace(&self, user: Uuid, rows: Vec<BackupCode>) -> Result<()> {
        self.backup_codes_remove(user).await?;
        InsertMany::<ActiveModel>::many(rows)
            .exec_without_returning(&self.inner)
            .await?;
        self.sessions_assurance_withdraw(user).await?;
        Ok(())
    }

    pub async fn backup_codes_fetch(&self, user: Uuid) -> Result<Vec<BackupCode>> {
        by_user(&self.inner, user).await
    }

    /// Uses a code up. Of any number of callers exactly one is told `true`.
    pub async fn backup_code_consume(&self, user: Uuid, code_hash: &str, now: i64) -> Result<bool> {
        let sql = "UPDATE backup_codes SET used_at = $3 \
                   WHERE user_id = $1 AND code_hash = $2 AND used_at IS NULL";
        let values = [user.into(), code_hash.into(), now.into()];
        Ok(execute(&self.inner, sql, values).await? == 1)
    }

    pub async fn backup_codes_delete(&self, user: Uuid) -> Result<u64> {
        let deleted = self.backup_codes_remove(user).await?;
        self.sessions_assurance_withdraw(user).await?;
        Ok(deleted)
    }

    /// Without a look at the sessions, which may stand on the set that is to follow.
    async fn backup_codes_remove(&self, user: Uuid) -> Result<u64> {
        let sql = "DELETE FROM backup_codes WHERE user_id = $1";
        execute(&self.inner, sql, [user.into()]).await
    }

    pub async fn backup_codes_remaining(&self, user: Uuid) -> Result<i64> {
        remaining(&self.inner, user).await
    }
}

async fn by_user(conn: &impl ConnectionTrait, user: Uuid) -> Result<Vec<BackupCode>> {
    let query = Entity::find()
        .filter(Column::UserId.eq(user))
        .order_by_asc(Column::Slot);
    Ok(query.all(conn).await?)
}

async fn remaining(conn: &impl ConnectionTrait, user: Uuid) -> Result<i64> {
    let sql = "SELECT count(*) FROM backup_codes WHERE user_id = $1 AND used_at IS NULL";
    Ok(query_number(conn, sql, [user.into()]).await?.unwrap_or(0))
}
