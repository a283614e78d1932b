use sea_orm::sea_query::LockType;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::entity::accounts::user::{Column, Entity};
use super::{
    Datastore, Result, Txn, User, execute, insert, only, query_number, retried, statement,
};

impl Datastore {
    pub async fn user_fetch(&self, id: Uuid) -> Result<Option<User>> {
        by_id(&self.read, id).await
    }

    pub async fn user_fetch_by_email_key(&self, key: &str) -> Result<Option<User>> {
        by_email_key(&self.read, key).await
    }

    /// At most `limit` users in the order of their ids, those after `after`.
    pub async fn user_list(&self, limit: u64, after: Option<Uuid>) -> Result<Vec<User>> {
        let mut query = Entity::find();
        if let Some(after) = after {
            query = query.filter(Column::Id.gt(after));
        }
        let query = query.order_by_asc(Column::Id).limit(limit);
        Ok(query.all(&self.read).await?)
    }

    /// How many users have a hash of each kind; `None` is our own.
    pub async fn users_count_by_hash_kind(&self) -> Result<Vec<(Option<String>, i64)>> {
        let ours = "SELECT count(*) FROM users WHERE hash_kind IS NULL";
        let ours = query_number(&self.read, ours, []).await?.unwrap_or(0);
        let sql = "SELECT hash_kind, count(*) FROM users \
                   WHERE hash_kind IS NOT NULL AND hash_kind <> '' GROUP BY hash_kind";
        let rows = self
            .read
            .query_all_raw(statement(&self.read, sql, []))
            .await?;
        let mut kinds = vec![(None, ours)];
        for row in rows {
            kinds.push((Some(row.try_get_by_index(0)?), row.try_get_by_index(1)?));
        }
        Ok(kinds)
    }

    /// Removes registrations that were made before this moment and that nobody proved, with their tenants.
    pub async fn users_unproved_purge(&self, before: i64, limit: u64) -> Result<u64> {
        let query = Entity::find()
            .filter(Column::PendingEmailKey.is_not_null())
            .filter(Column::CreatedAt.lt(before));
        let over = query.limit(limit).all(&self.read).await?;
        retried(|| async {
            let txn = self.begin().await?;
            let mut removed = 0;
            for user in &over {
                // A link may have been followed meanwhile.
                let sql = "DELETE FROM users WHERE id = $1 AND pending_email_key IS NOT NULL";
                if execute(&txn.inner, sql, [user.id.into()]).await? == 1 {
                    let sql = "DELETE FROM tenants WHERE id = $1";
                    execute(&txn.inner, sql, [user.tenant_id.into()]).await?;
                    removed += 1;
                }
            }
            txn.commit().await?;
            Ok(removed)
        })
        .await
    }

    /// Users whose hash nobody has read since the column of its kind was added.
    pub async fn users_without_hash_kind(&self, limit: u64) -> Result<Vec<User>> {
        let query = Entity::find().filter(Column::HashKind.eq("")).limit(limit);
        Ok(query.all(&self.read).await?)
    }

    /// The users of a tenant, whatever their state: the seats in use.
    pub async fn users_count_by_tenant(&self, tenant: Uuid) -> Result<i64> {
        let sql = "SELECT count(*) FROM users WHERE tenant_id = $1";
        let count = query_number(&self.read, sql, [tenant.into()]).await?;
        Ok(count.unwrap_or(0))
    }
}

impl Txn {
    /// [`super::Error::Conflict`] when the canonical address is taken.
    pub async fn user_insert(&self, row: User) -> Result<()> {
        insert(&self.inner, row).await
    }

    pub async fn user_fetch(&self, id: Uuid) -> Result<Option<User>> {
        by_id(&self.inner, id).await
    }

    pub async fn user_fetch_by_email_key(&self, key: &str) -> Result<Option<User>> {
        by_email_key(&self.inner, key).await
    }

    /// The user, held against other writers until the end of the transaction. On SQLite the
    /// transaction holds the whole database already. Rows that refer to the user may still be added.
    pub async fn user_lock(&self, id: Uuid) -> Result<Option<User>> {
        let query = Entity::find_by_id(id).lock(LockType::NoKeyUpdate);
        Ok(only(query.all(&self.inner).await?))
    }

    /// Replaces the hash unless somebody else has replaced it meanwhile.
    pub async fn user_password_hash_set(&self, id: Uuid, old: &str, new: &str) -> Result<bool> {
        let sql = "UPDATE users SET password_hash = $3, hash_kind = NULL \
                   WHERE id = $1 AND password_hash = $2";
        let rows = execute(&self.inner, sql, [id.into(), old.into(), new.into()]).await?;
        Ok(rows == 1)
    }

    /// The newest registration of an address that nobody has proved yet.
    pub async fn user_fetch_unproved(&self, key: &str) -> Result<Option<User>> {
        let sql = "SELECT * FROM users WHERE pending_email_key = $1 \
                   ORDER BY created_at DESC, id DESC LIMIT 1";
        let query = Entity::find().from_raw_sql(statement(&self.inner, sql, [key.into()]));
        Ok(only(query.all(&self.inner).await?))
    }

    /// The registration has its address from now on. [`super::Error::Conflict`] when another has it.
    pub async fn user_address_prove(&self, id: Uuid) -> Result<bool> {
        let sql = "UPDATE users SET email_key = pending_email_key, pending_email_key = NULL \
                   WHERE id = $1 AND pending_email_key IS NOT NULL";
        Ok(execute(&self.inner, sql, [id.into()]).await? == 1)
    }

    /// Notes that the password is a common one. False when that was known.
    pub async fn user_password_common_mark(&self, id: Uuid, now: i64) -> Result<bool> {
        let sql = "UPDATE users SET password_common_at = $2 \
                   WHERE id = $1 AND password_common_at IS NULL";
        let rows = execute(&self.inner, sql, [id.into(), now.into()]).await?;
        Ok(rows == 1)
    }

    /// Notes the kind of an imported hash, if it is still the one that was read.
    pub async fn user_hash_kind_set(&self, id: Uuid, hash: &str, kind: Option<&str>) -> Result<()> {
        let sql = "UPDATE users SET hash_kind = $3 WHERE id = $1 AND password_hash = $2";
        execute(&self.inner, sql, [id.into(), hash.into(), kind.into()]).await?;
        Ok(())
    }

    pub async fn user_login_touch(&self, id: Uuid, now: i64) -> Result<bool> {
        let sql = "UPDATE users SET last_login_at = $2 WHERE id = $1";
        let rows = execute(&self.inner, sql, [id.into(), now.into()]).await?;
        Ok(rows == 1)
    }

    /// Moves the user to `to` if the present state is one of `from`.
    pub async fn user_state_set(
        &self,
        id: Uuid,
        from: &[&str],
        to: &str,
        now: i64,
    ) -> Result<bool> {
        let update = Entity::update_many()
            .col_expr(Column::State, to.into())
            .col_expr(Column::UpdatedAt, now.into())
            .filter(Column::Id.eq(id))
            .filter(Column::State.is_in(from.iter().copied()));
        Ok(update.exec(&self.inner).await?.rows_affected == 1)
    }

    /// Begins the user's next epoch, in which no credential of an earlier one counts.
    pub async fn user_epoch_begin(&self, id: Uuid) -> Result<bool> {
        let sql = "UPDATE users SET epoch = epoch + 1 WHERE id = $1";
        Ok(execute(&self.inner, sql, [id.into()]).await? == 1)
    }

    /// Marks the profile's number as verified, and writes it as `e164`. False when it already was, or when
    /// the profile has another number by now; a profile without one takes this one.
    pub async fn user_phone_verified_set(
        &self,
        id: Uuid,
        phone: &str,
        e164: &str,
        now: i64,
    ) -> Result<bool> {
        let sql = "UPDATE users SET phone = $4, phone_verified_at = $3, updated_at = $3 \
                   WHERE id = $1 AND phone_verified_at IS NULL AND (phone IS NULL OR phone = $2)";
        let values = [id.into(), phone.into(), now.into(), e164.into()];
        Ok(execute(&self.inner, sql, values).await? == 1)
    }
}

async fn by_id(conn: &impl ConnectionTrait, id: Uuid) -> Result<Option<User>> {
    Ok(only(Entity::find_by_id(id).all(conn).await?))
}

async fn by_email_key(conn: &impl ConnectionTrait, key: &str) -> Result<Option<User>> {
    let query = Entity::find().filter(Column::EmailKey.eq(key));
    Ok(only(query.all(conn).await?))
}
