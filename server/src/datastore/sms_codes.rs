use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, EntityTrait, Insert, IntoActiveModel};
use uuid::Uuid;

use super::entity::factors::sms_code::{Column, Entity};
use super::{Datastore, Result, SmsCode, Txn, execute, only, returning};

impl Datastore {
    pub async fn sms_code_fetch(&self, user: Uuid, purpose: &str) -> Result<Option<SmsCode>> {
        by_key(&self.read, user, purpose).await
    }
}

impl Txn {
    /// Stores the code; an earlier one for the same purpose is void from then on.
    pub async fn sms_code_put(&self, row: SmsCode) -> Result<()> {
        let replace = OnConflict::columns([Column::UserId, Column::Purpose])
            .update_columns([
                Column::Phone,
                Column::CodeSealed,
                Column::CreatedAt,
                Column::ExpiresAt,
                Column::Attempts,
            ])
            .to_owned();
        Insert::one(row.into_active_model())
            .on_conflict(replace)
            .exec_without_returning(&self.inner)
            .await?;
        Ok(())
    }

    pub async fn sms_code_fetch(&self, user: Uuid, purpose: &str) -> Result<Option<SmsCode>> {
        by_key(&self.inner, user, purpose).await
    }

    /// Takes one of `max` tries before anything is compared. `None` when none is left, or no live
    /// code exists.
    pub async fn sms_code_attempt(
        &self,
        user: Uuid,
        purpose: &str,
        max: i32,
        now: i64,
    ) -> Result<Option<SmsCode>> {
        let sql = "UPDATE sms_codes SET attempts = attempts + 1 \
                   WHERE user_id = $1 AND purpose = $2 AND attempts < $3 AND expires_at > $4 \
                   RETURNING *";
        let values = [user.into(), purpose.into(), max.into(), now.into()];
        let rows = returning::<Entity, _>(&self.inner, sql, values).await?;
        Ok(rows.into_iter().next())
    }

    /// Uses the code up if this is the one. Of any number of callers exactly one is told `true`.
    pub async fn sms_code_consume(
        &self,
        user: Uuid,
        purpose: &str,
        code_sealed: &str,
        now: i64,
    ) -> Result<bool> {
        let sql = "DELETE FROM sms_codes \
                   WHERE user_id = $1 AND purpose = $2 AND code_sealed = $3 AND expires_at > $4";
        let values = [user.into(), purpose.into(), code_sealed.into(), now.into()];
        Ok(execute(&self.inner, sql, values).await? == 1)
    }

    pub async fn sms_code_delete(&self, user: Uuid, purpose: &str) -> Result<bool> {
        let sql = "DELETE FROM sms_codes WHERE user_id = $1 AND purpose = $2";
        let rows = execute(&self.inner, sql, [user.into(), purpose.into()]).await?;
        Ok(rows == 1)
    }
}

async fn by_key(conn: &impl ConnectionTrait, user: Uuid, purpose: &str) -> Result<Option<SmsCode>> {
    let query = Entity::find_by_id((user, purpose.to_owned()));
    Ok(only(query.all(conn).await?))
}
