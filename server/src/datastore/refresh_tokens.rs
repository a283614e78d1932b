use sea_orm::sea_query::LockType;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::entity::accounts::refresh_token::{Column, Entity};
use super::{Datastore, RefreshToken, Result, Txn, execute, insert, only};

impl Datastore {
    pub async fn refresh_token_fetch_by_hash(&self, hash: &str) -> Result<Option<RefreshToken>> {
        by_hash(&self.read, hash).await
    }
}

impl Txn {
    /// [`super::Error::Conflict`] when the family still has an unused token: consume it first.
    pub async fn refresh_token_insert(&self, row: RefreshToken) -> Result<()> {
        insert(&self.inner, row).await
    }

    /// The token, held against other writers until the end of the transaction: whoever comes second
    /// sees that it was used, and when.
    pub async fn refresh_token_lock_by_hash(&self, hash: &str) -> Result<Option<RefreshToken>> {
        let query = Entity::find()
            .filter(Column::TokenHash.eq(hash))
            .lock(LockType::NoKeyUpdate);
        Ok(only(query.all(&self.inner).await?))
    }

    /// Uses the token up. Of any number of callers exactly one is told `true`.
    pub async fn refresh_token_consume(
        &self,
        id: Uuid,
        now: i64,
        successor_sealed: Option<String>,
    ) -> Result<bool> {
        let sql = "UPDATE refresh_tokens SET used_at = $2, successor_sealed = $3 \
                   WHERE id = $1 AND used_at IS NULL";
        let values = [id.into(), now.into(), successor_sealed.into()];
        Ok(execute(&self.inner, sql, values).await? == 1)
    }

    /// The token that this one was exchanged for.
    pub async fn refresh_token_successor_fetch(&self, id: Uuid) -> Result<Option<RefreshToken>> {
        let query = Entity::find().filter(Column::ParentId.eq(id));
        Ok(only(query.all(&self.inner).await?))
    }

    /// Moves the idle expiry of a token that is kept, which is what a refresh does when rotation is
    /// off. False when the token has been used.
    pub async fn refresh_token_extend(&self, id: Uuid, expires_at: i64) -> Result<bool> {
        let sql = "UPDATE refresh_tokens SET expires_at = $2 WHERE id = $1 AND used_at IS NULL";
        let rows = execute(&self.inner, sql, [id.into(), expires_at.into()]).await?;
        Ok(rows == 1)
    }
}

async fn by_hash(conn: &impl ConnectionTrait, hash: &str) -> Result<Option<RefreshToken>> {
    let query = Entity::find().filter(Column::TokenHash.eq(hash));
    Ok(only(query.all(conn).await?))
}
