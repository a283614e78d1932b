//! Mailed tokens that have been used. The insert decides who used one.

use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, EntityTrait};
use uuid::Uuid;

use super::entity::factors::{mfa_reset_token_used, reactivation_token_used};
use super::{Datastore, Result, Txn, insert_unless};

impl Datastore {
    pub async fn mfa_reset_token_is_used(&self, token_id: &str) -> Result<bool> {
        reset_is_used(&self.read, token_id).await
    }

    pub async fn reactivation_token_is_used(&self, token_id: &str) -> Result<bool> {
        reactivation_is_used(&self.read, token_id).await
    }
}

impl Txn {
    /// Uses the token up. Of any number of callers exactly one is told `true`.
    pub async fn mfa_reset_token_use(
        &self,
        token_id: &str,
        user: Uuid,
        now: i64,
        expires_at: i64,
    ) -> Result<bool> {
        let row = mfa_reset_token_used::Model {
            token_id: token_id.to_owned(),
            user_id: user,
            used_at: now,
            expires_at,
        };
        let key = OnConflict::column(mfa_reset_token_used::Column::TokenId);
        insert_unless(&self.inner, row, key).await
    }

    pub async fn mfa_reset_token_is_used(&self, token_id: &str) -> Result<bool> {
        reset_is_used(&self.inner, token_id).await
    }

    /// Uses the token up. Of any number of callers exactly one is told `true`.
    pub async fn reactivation_token_use(
        &self,
        token_id: &str,
        user: Uuid,
        now: i64,
        expires_at: i64,
    ) -> Result<bool> {
        let row = reactivation_token_used::Model {
            token_id: token_id.to_owned(),
            user_id: user,
            used_at: now,
            expires_at,
        };
        let key = OnConflict::column(reactivation_token_used::Column::TokenId);
        insert_unless(&self.inner, row, key).await
    }

    pub async fn reactivation_token_is_used(&self, token_id: &str) -> Result<bool> {
        reactivation_is_used(&self.inner, token_id).await
    }
}

async fn reset_is_used(conn: &impl ConnectionTrait, token_id: &str) -> Result<bool> {
    let query = mfa_reset_token_used::Entity::find_by_id(token_id.to_owned());
    Ok(!query.all(conn).await?.is_empty())
}

async fn reactivation_is_used(conn: &impl ConnectionTrait, token_id: &str) -> Result<bool> {
    let query = reactivation_token_used::Entity::find_by_id(token_id.to_owned());
    Ok(!query.all(conn).await?.is_empty())
}
