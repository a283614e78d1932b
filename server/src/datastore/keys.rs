//! The keys that all instances share. What is secret of them is sealed before it comes here.

use sea_orm::sea_query::{Expr, ExprTrait, Query, SimpleExpr};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryOrder, QuerySelect, Value,
};

use super::entity::records::key::{Column, Entity};
use super::{Datastore, Key, Result, Txn, execute, insert, query_number, query_one};

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

    /// How many rows hold something that begins so, by table, without those that hold none.
    pub async fn sealed_count(&self, prefix: &str) -> Result<Vec<(&'static str, i64)>> {
        let mut counts = Vec::new();
        for (table, column) in SEALED {
            let sql = format!("SELECT count(*) FROM {table} WHERE substr({column}, 1, $2) = $1");
            let length = i32::try_from(prefix.len()).unwrap_or(i32::MAX);
            let row = query_one(&self.read, &sql, [prefix.into(), length.into()]).await?;
            let rows: i64 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
            if rows > 0 {
                counts.push((table, rows));
            }
        }
        Ok(counts)
    }

    /// Whether anything is sealed with the server's keys, in a database of any version.
    pub async fn has_sealed(&self) -> Result<bool> {
        for (table, column) in SEALED {
            let exists = match self.read.get_database_backend() {
                DbBackend::Postgres => "SELECT CAST(count(to_regclass($1)) AS BIGINT)",
                _ => "SELECT count(*) FROM sqlite_master WHERE name = $1",
            };
            if query_number(&self.read, exists, [table.into()]).await? != Some(1) {
                continue;
            }
            let sql = format!(
                "SELECT count(*) FROM (SELECT 1 FROM {table} \
                 WHERE substr({column}, 1, 3) = 'v1.' LIMIT 1) AS sealed"
            );
            if query_number(&self.read, &sql, []).await? != Some(0) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// How many rows hold something that is sealed and begins with none of these, by table.
    pub async fn sealed_otherwise_count(
        &self,
        prefixes: &[String],
    ) -> Result<Vec<(&'static str, i64)>> {
        let mut counts = Vec::new();
        for (table, column) in SEALED {
            let (condition, values) = otherwise(column, prefixes);
            let sql = format!("SELECT count(*) FROM {table} WHERE {condition}");
            let rows = query_number(&self.read, &sql, values).await?.unwrap_or(0);
            if rows > 0 {
                counts.push((table, rows));
            }
        }
        Ok(counts)
    }
}

/// What is sealed, but by none of the keys whose prefixes these are.
fn otherwise(column: &str, prefixes: &[String]) -> (String, Vec<Value>) {
    let mut condition = format!("substr({column}, 1, 3) = 'v1.'");
    for (n, prefix) in prefixes.iter().enumerate() {
        let length = prefix.len();
        condition += &format!(" AND substr({column}, 1, {length}) <> ${}", n + 1);
    }
    (condition, prefixes.iter().map(Value::from).collect())
}

/// What is sealed with the server's keys. What is sealed with a presented token is not among it.
const SEALED: [(&str, &str); 4] = [
    ("keys", "sealed"),
    ("mfa_methods", "secret_sealed"),
    ("sms_codes", "code_sealed"),
    ("outbox", "payload"),
];

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

    /// Stores what a key is sealed as under another root.
    pub async fn key_reseal(&self, id: &str, sealed: &str) -> Result<bool> {
        let sql = "UPDATE keys SET sealed = $2 WHERE id = $1";
        let rows = execute(&self.inner, sql, [id.into(), sealed.into()]).await?;
        Ok(rows == 1)
    }

    pub async fn key_retire(&self, id: &str, at: Option<i64>) -> Result<bool> {
        let sql = "UPDATE keys SET retires_at = $2 WHERE id = $1";
        let rows = execute(&self.inner, sql, [id.into(), at.into()]).await?;
        Ok(rows == 1)
    }

    /// Removes the codes that are sealed by none of these keys, and says how many.
    pub async fn sms_codes_sealed_otherwise_delete(&self, prefixes: &[String]) -> Result<u64> {
        let (condition, values) = otherwise("code_sealed", prefixes);
        let sql = format!("DELETE FROM sms_codes WHERE {condition}");
        execute(&self.inner, &sql, values).await
    }

    /// Ends the messages whose content is sealed by none of these keys, and says how many.
    pub async fn outbox_sealed_otherwise_end(&self, prefixes: &[String], now: i64) -> Result<u64> {
        let (condition, values) = otherwise("payload", prefixes);
        let sql = format!(
            "UPDATE outbox SET state = 'dead', payload = '', lease_until = NULL, \
             finished_at = COALESCE(finished_at, {now}), last_error = 'its key was lost' \
             WHERE {condition}"
        );
        execute(&self.inner, &sql, values).await
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
