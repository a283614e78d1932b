//! The keys that all instances share. What is secret of them is sealed before it comes here.

use sea_orm::sea_query::{Expr, ExprTrait, Query, SimpleExpr};
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryOrder, QuerySelect};

use super::entity::records::key::{Column, Entity};
use super::{Datastore, Key, Result, Txn, execute, insert};

/// By which a change of the keys is noticed without reading them: id, when active, when retired.
pub type KeyMark = (String, i64, Option<i64>);

impl Datastore {
    /// Of every key, in the order of [`Self::keys_list`].
    pub async fn key_marks_list(&self) -> Result<Vec<KeyMark>> {
        let query = in_order(Entity::find().select_only().columns([
            Column::Id,
            Column::ActiveFrom,
            Column::RetiresAt,
        ]));
        Ok(query.into_tuple().all(&self.read).await?)
    }

    /// Every key, the newest last.
    pub async fn keys_list(&self) -> Result<Vec<Key>> {
        Ok(in_order(Entity::find()).all(&self.read).await?)
    }
}

impl Txn {
    /// Lets nobody else change keys until this transaction ends; they can be read meanwhile.
    pub async fn keys_lock(&self) -> Result<()> {
        // SQLite has one writer at a time anyway. On PostgreSQL a lock on a table, unlike one by a
        // query, comes before the transaction's view of the data at every isolation level.
        if self.inner.get_database_backend() == DbBackend::Postgres {
            let sql = "LOCK TABLE keys IN SHARE ROW EXCLUSIVE MODE";
            self.inner.execute_unprepared(sql).await?;
        }
        Ok(())
    }

    pub async fn keys_list(&self) -> Result<Vec<Key>> {
        Ok(in_order(Entity::find()).all(&self.inner).await?)
    }

    pub async fn key_insert(&self, row: Key) -> Result<()> {
        insert(&self.inner, row).await
    }

    pub async fn key_retire(&self, id: &str, at: Option<i64>) -> Result<bool> {
        let sql = "UPDATE keys SET retires_at = $2 WHERE id = $1";
        let rows = execute(&self.inner, sql, [id.into(), at.into()]).await?;
        Ok(rows == 1)
    }

    pub async fn key_delete(&self, id: &str) -> Result<bool> {
        let sql = "DELETE FROM keys WHERE id = $1";
        Ok(execute(&self.inner, sql, [id.into()]).await? == 1)
    }
}

/// Whether a signing key of this id may still verify, as part of another query.
pub(super) fn is_live(kid: &str, now: i64) -> SimpleExpr {
    let key = Query::select()
        .expr(Expr::val(1))
        .from(Entity)
        .and_where(Column::Id.eq(kid))
        .and_where(Column::Kind.eq("signing"))
        .and_where(Column::RetiresAt.is_null().or(Column::RetiresAt.gt(now)))
        .to_owned();
    Expr::exists(key)
}

fn in_order(query: sea_orm::Select<Entity>) -> sea_orm::Select<Entity> {
    query
        .order_by_asc(Column::ActiveFrom)
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id)
}
