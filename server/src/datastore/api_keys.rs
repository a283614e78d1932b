use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, Iterable, QueryFilter};
use uuid::Uuid;

use super::entity::accounts::api_key::{Column, Entity};
use super::{ApiKey, Datastore, Result, Txn, User, execute, insert_or, only};

impl Datastore {
    /// The key of this epoch.
    pub async fn api_key_fetch_by_user(&self, user: &User) -> Result<Option<ApiKey>> {
        by_user(&self.read, user).await
    }

    pub async fn api_key_fetch_by_hash(&self, hash: &str) -> Result<Option<ApiKey>> {
        let query = Entity::find().filter(Column::KeyHash.eq(hash));
        Ok(only(query.all(&self.read).await?))
    }
}

impl Txn {
    /// False when the user has a key of this epoch already; that one stays. One of another epoch is
    /// replaced.
    pub async fn api_key_insert_if_absent(&self, row: ApiKey) -> Result<bool> {
        let other_epoch = Expr::col((Entity, Column::Epoch)).ne(row.epoch);
        let columns = Column::iter().filter(|column| !matches!(column, Column::UserId));
        let replace = OnConflict::column(Column::UserId)
            .update_columns(columns)
            .action_and_where(other_epoch)
            .to_owned();
        insert_or(&self.inner, row, replace).await
    }

    pub async fn api_key_fetch_by_user(&self, user: &User) -> Result<Option<ApiKey>> {
        by_user(&self.inner, user).await
    }

    /// Puts a new secret in the place of the old one, which is dead from then on. False when the
    /// user has no key.
    pub async fn api_key_replace(
        &self,
        user: Uuid,
        key_hash: &str,
        prefix: &str,
        hint: &str,
        now: i64,
    ) -> Result<bool> {
        let sql = "UPDATE api_keys SET key_hash = $2, prefix = $3, hint = $4, rotated_at = $5, \
                   last_used_at = NULL WHERE user_id = $1";
        let values = [
            user.into(),
            key_hash.into(),
            prefix.into(),
            hint.into(),
            now.into(),
        ];
        Ok(execute(&self.inner, sql, values).await? == 1)
    }

    /// False when the user has no key.
    pub async fn api_key_delete(&self, user: Uuid) -> Result<bool> {
        let sql = "DELETE FROM api_keys WHERE user_id = $1";
        Ok(execute(&self.inner, sql, [user.into()]).await? == 1)
    }

    /// Records a use, unless one has been recorded since `not_if_since`: a busy key would otherwise
    /// turn every read into a write.
    pub async fn api_key_touch(&self, id: Uuid, now: i64, not_if_since: i64) -> Result<bool> {
        let sql = "UPDATE api_keys SET last_used_at = $2 \
                   WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $3)";
        let values = [id.into(), now.into(), not_if_since.into()];
        Ok(execute(&self.inner, sql, values).await? == 1)
    }
}

async fn by_user(conn: &impl ConnectionTrait, user: &User) -> Result<Option<ApiKey>> {
    let query = Entity::find()
        .filter(Column::UserId.eq(user.id))
        .filter(Column::Epoch.eq(user.epoch));
    Ok(only(query.all(conn).await?))
}
