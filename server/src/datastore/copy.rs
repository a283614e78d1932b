//! Everything that an SQLite database holds, into a PostgreSQL database that is empty.
//!
//! Rows go over in batches, in the order of their keys, and each batch is one transaction together
//! with the note of how far the copy is: it can be killed at any moment and goes on from there. In the
//! end both sides are read anew and compared; only then is the note removed.

mod compare;
mod table;

use std::str::FromStr;

use sea_orm::sqlx::postgres::PgConnection;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sea_orm::sqlx::{self, ConnectOptions as _, Connection as _, Row as _};

pub use compare::Compared;
use table::{TABLES, Table};

use super::place::{self, GUARD, MARK, MOVED};
use super::{Datastore, Error, PATIENCE, PoolMode, Result, Txn, execute, postgres, query_one};

/// Rows in one transaction.
const BATCH: i64 = 2000;
/// So that no two copies fill one database.
const COPY_LOCK: [i32; 2] = [0x6270_2d61, 0x7574_6801];
const UNFINISHED: &str = "SELECT to_regclass('db_copy_progress') IS NOT NULL";
const PROGRESS: &str = "CREATE TABLE IF NOT EXISTS db_copy_progress (
    table_name TEXT NOT NULL PRIMARY KEY,
    source TEXT NOT NULL,
    last_key TEXT NOT NULL,
    rows BIGINT NOT NULL
)";

/// A copy under way. The source is locked against writers as long as it lives.
pub struct Copy {
    source: SqliteConnection,
    target: PgConnection,
    /// By which a copy that was interrupted is known again.
    file: String,
    /// Where the target is, without credentials.
    to: String,
    /// Whether the source has its mark from a copy that was interrupted after it.
    is_marked: bool,
    tables: Vec<Table>,
}

impl Datastore {
    /// Whether a copy fills this database and has not ended. Nobody else may use it until then: what
    /// they wrote would make it differ from its source, and a copy that begins anew would remove it.
    pub async fn copy_is_unfinished(&self) -> Result<bool> {
        if self.server.is_none() {
            return Ok(false);
        }
        let row = query_one(&self.read, UNFINISHED, []).await?;
        row.map_or(Ok(false), |row| Ok(row.try_get_by_index(0)?))
    }
}

impl Txn {
    /// Makes the target of a copy a database like any other.
    pub async fn copy_end(&self, last_device_id: Option<i64>) -> Result<()> {
        if let Some(id) = last_device_id {
            let sql = "SELECT setval(pg_get_serial_sequence('trusted_devices', 'id'), $1)";
            query_one(&self.inner, sql, [id.into()]).await?;
        }
        execute(&self.inner, "DROP TABLE db_copy_progress", []).await?;
        Ok(())
    }
}

impl Copy {
    /// Looks at both sides, brings the target's schema up to date, and locks the source. `restart`
    /// empties a target that an unfinished copy has filled, and no other. A target that is refused is
    /// left as it was.
    pub async fn open(from: &str, to: &str, restart: bool) -> Result<Self> {
        let options = SqliteConnectOptions::from_str(from)
            .map_err(|error| refuse(format!("--from is no SQLite database: {error}")))?
            .create_if_missing(false)
            .busy_timeout(PATIENCE)
            .disable_statement_logging();
        let file = std::fs::canonicalize(options.get_filename())
            .map_err(|error| refuse(format!("--from cannot be read: {error}")))?;
        let mut source = options.connect().await?;
        let place = place::location(to)?;
        let mut target = postgres::session(to).await?;
        let alone: bool = sqlx::query("SELECT pg_try_advisory_lock($1, $2)")
            .bind(COPY_LOCK[0])
            .bind(COPY_LOCK[1])
            .fetch_one(&mut target)
            .await?
            .try_get(0)?;
        if !alone {
            return Err(refuse("another copy fills this database".to_owned()));
        }
        refuse_foreign_rows(&mut target).await?;
        let moved = moved(&mut source).await?;
        // The last step of a copy comes after the mark; a copy that lacks only that goes on.
        if let Some(moved_to) = &moved
            && !is_unfinished(&mut target).await?
        {
            return Err(refuse(format!(
                "{} was moved to {moved_to} already; to copy it again, run `bp-auth db reopen` on it first",
                file.display()
            )));
        }
        let schema = Datastore::connect_with(to, 2, PoolMode::Session).await?;
        schema.migrations_apply().await?;
        schema.close().await?;
        same_schema(&mut source, &mut target).await?;
        refuse_unknown_tables(&mut source).await?;
        // A server that still runs on the source answers 503 from here on; what it would write would
        // be left behind.
        sqlx::query("BEGIN IMMEDIATE").execute(&mut source).await?;
        let mut tables = Vec::with_capacity(TABLES.len());
        for (name, key) in TABLES {
            tables.push(Table::read(&mut source, &mut target, name, key).await?);
        }
        let mut copy = Self {
            source,
            target,
            file: file.display().to_string(),
            to: place,
            is_marked: moved.is_some(),
            tables,
        };
        copy.prepare(restart).await?;
        Ok(copy)
    }

    /// Copies what is not there yet, and tells of each batch: the table, its rows so far, all of them.
    pub async fn run(&mut self, mut tell: impl FnMut(&str, u64, u64)) -> Result<()> {
        for table in &self.tables {
            let total = count(&mut self.source, table.name).await?;
            let (mut last, mut rows) = progress(&mut self.target, table.name).await?;
            tell(table.name, rows, total);
            loop {
                let batch = table
                    .batch(&mut self.source, last.as_deref(), BATCH)
                    .await?;
                let Some(newest) = batch.last() else { break };
                let key = table.key_of(newest)?;
                table.refuse_nul(&batch)?;
                rows += batch.len() as u64;
                let mut txn = self.target.begin().await?;
                table.insert(&mut txn, &batch).await?;
                sqlx::query(
                    "INSERT INTO db_copy_progress (table_name, source, last_key, rows) \
                     VALUES ($1, $2, $3, $4) ON CONFLICT (table_name) DO UPDATE SET \
                     last_key = excluded.last_key, rows = excluded.rows",
                )
                .bind(table.name)
                .bind(&self.file)
                .bind(serde_json::to_string(&key).map_err(|error| refuse(error.to_string()))?)
                .bind(i64::try_from(rows).unwrap_or(i64::MAX))
                .execute(&mut *txn)
                .await?;
                txn.commit().await?;
                last = Some(key);
                tell(table.name, rows, total);
            }
        }
        Ok(())
    }

    /// Reads both sides anew.
    pub async fn compare(&mut self) -> Result<Vec<Compared>> {
        let mut compared = Vec::with_capacity(self.tables.len());
        for table in &self.tables {
            compared.push(Compared {
                table: table.name,
                source: compare::digest_of_source(&mut self.source, table).await?,
                target: compare::digest_of_target(&mut self.target, table).await?,
            });
        }
        Ok(compared)
    }

    /// An id that was given out once is never given out again, also if its row is gone.
    pub async fn last_device_id(&mut self) -> Result<Option<i64>> {
        let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'trusted_devices' AND seq > 0";
        let row = sqlx::query(sql).fetch_optional(&mut self.source).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// Says in the source where it has gone, and lets nobody change it from then on: neither a server that
    /// still runs on it nor a version that does not know the mark. Before [`Txn::copy_end`], so that there
    /// is no moment at which both databases could be used.
    pub async fn mark_source(&mut self, actor: &str, at: i64) -> Result<()> {
        if self.is_marked {
            return Ok(());
        }
        let table = format!(
            "CREATE TABLE {MARK} (moved_to TEXT NOT NULL, moved_at BIGINT NOT NULL, actor TEXT NOT NULL)"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(table))
            .execute(&mut self.source)
            .await?;
        let insert = format!("INSERT INTO {MARK} (moved_to, moved_at, actor) VALUES (?1, ?2, ?3)");
        sqlx::query(sqlx::AssertSqlSafe(insert))
            .bind(&self.to)
            .bind(at)
            .bind(actor)
            .execute(&mut self.source)
            .await?;
        for table in &self.tables {
            for change in ["INSERT", "UPDATE", "DELETE"] {
                let guard = format!(
                    "CREATE TRIGGER {GUARD}{table}_{change} BEFORE {change} ON {table} \
                     BEGIN SELECT RAISE(ABORT, '{MOVED}'); END",
                    table = table.name
                );
                sqlx::raw_sql(sqlx::AssertSqlSafe(guard))
                    .execute(&mut self.source)
                    .await?;
            }
        }
        sqlx::query("COMMIT").execute(&mut self.source).await?;
        self.is_marked = true;
        Ok(())
    }

    /// Where the target is, without credentials.
    pub fn to(&self) -> &str {
        &self.to
    }

    /// The file that is copied.
    pub fn from(&self) -> &str {
        &self.file
    }

    /// Lets go of both sides, after [`Txn::copy_end`]. Until PostgreSQL has looked at so many new rows
    /// by itself it would not use its indexes well, so it is asked to.
    pub async fn close(mut self) -> Result<()> {
        sqlx::raw_sql("ANALYZE").execute(&mut self.target).await?;
        self.source.close().await?;
        self.target.close().await?;
        Ok(())
    }

    async fn prepare(&mut self, restart: bool) -> Result<()> {
        let mut goes_on = is_unfinished(&mut self.target).await?;
        if goes_on && restart {
            let names: Vec<&str> = self.tables.iter().map(|table| table.name).collect();
            let mut txn = self.target.begin().await?;
            let empty = format!("TRUNCATE {} RESTART IDENTITY", names.join(", "));
            sqlx::raw_sql(sqlx::AssertSqlSafe(empty))
                .execute(&mut *txn)
                .await?;
            sqlx::raw_sql("DROP TABLE db_copy_progress")
                .execute(&mut *txn)
                .await?;
            txn.commit().await?;
            goes_on = false;
        }
        if goes_on {
            let other = "SELECT source FROM db_copy_progress WHERE source <> $1 LIMIT 1";
            let other = sqlx::query(other)
                .bind(&self.file)
                .fetch_optional(&mut self.target)
                .await?;
            return match other {
                None => Ok(()),
                Some(_) => Err(refuse(
                    "the target holds part of a copy of another file; give --restart to empty it"
                        .to_owned(),
                )),
            };
        }
        sqlx::raw_sql(PROGRESS).execute(&mut self.target).await?;
        Ok(())
    }
}

/// Where the source was moved to, if it was.
async fn moved(source: &mut SqliteConnection) -> Result<Option<String>> {
    let there = sqlx::query("SELECT 1 FROM sqlite_master WHERE name = ?1")
        .bind(MARK)
        .fetch_optional(&mut *source)
        .await?;
    if there.is_none() {
        return Ok(None);
    }
    let sql = format!("SELECT moved_to FROM {MARK}");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql))
        .fetch_optional(source)
        .await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

async fn is_unfinished(target: &mut PgConnection) -> Result<bool> {
    let row = sqlx::query(UNFINISHED).fetch_one(target).await?;
    Ok(row.try_get(0)?)
}

/// A target that is no copy of ours must be empty, whatever its schema is yet.
async fn refuse_foreign_rows(target: &mut PgConnection) -> Result<()> {
    if is_unfinished(target).await? {
        return Ok(());
    }
    for (name, _) in TABLES {
        let there: bool = sqlx::query("SELECT to_regclass($1) IS NOT NULL")
            .bind(name)
            .fetch_one(&mut *target)
            .await?
            .try_get(0)?;
        if !there {
            continue;
        }
        let sql = format!("SELECT count(*) FROM {name}");
        let rows: i64 = sqlx::query(sqlx::AssertSqlSafe(sql))
            .fetch_one(&mut *target)
            .await?
            .try_get(0)?;
        if rows > 0 {
            return Err(refuse(format!(
                "the target is not empty: {name} has {rows} rows"
            )));
        }
    }
    Ok(())
}

async fn count(source: &mut SqliteConnection, table: &str) -> Result<u64> {
    let sql = format!("SELECT count(*) FROM {table}");
    let rows: i64 = sqlx::query(sqlx::AssertSqlSafe(sql))
        .fetch_one(source)
        .await?
        .try_get(0)?;
    Ok(u64::try_from(rows).unwrap_or(0))
}

/// The key up to which a table was copied, and how many rows that were.
async fn progress(target: &mut PgConnection, table: &str) -> Result<(Option<Vec<String>>, u64)> {
    let sql = "SELECT last_key, rows FROM db_copy_progress WHERE table_name = $1";
    let Some(row) = sqlx::query(sql).bind(table).fetch_optional(target).await? else {
        return Ok((None, 0));
    };
    let (key, rows): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
    let key = serde_json::from_str(&key).map_err(|error| refuse(error.to_string()))?;
    Ok((Some(key), u64::try_from(rows).unwrap_or(0)))
}

/// What this version does not know it cannot move, and must not leave behind in silence.
async fn refuse_unknown_tables(source: &mut SqliteConnection) -> Result<()> {
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' \
               AND substr(name, 1, 7) <> 'sqlite_' AND name <> 'seaql_migrations'";
    for row in sqlx::query(sql).fetch_all(source).await? {
        let name: String = row.try_get(0)?;
        if name != MARK && !TABLES.iter().any(|(known, _)| *known == name) {
            return Err(refuse(format!(
                "the source has a table `{name}` that this version does not know; move or drop it first"
            )));
        }
    }
    Ok(())
}

async fn same_schema(source: &mut SqliteConnection, target: &mut PgConnection) -> Result<()> {
    let sql = "SELECT version FROM seaql_migrations ORDER BY version";
    let of = |row: sqlx::Result<String>| row.map_err(Error::from);
    let here = sqlx::query(sql).fetch_all(source).await?;
    let there = sqlx::query(sql).fetch_all(target).await?;
    let here: Vec<String> = here
        .iter()
        .map(|row| of(row.try_get(0)))
        .collect::<Result<_>>()?;
    let there: Vec<String> = there
        .iter()
        .map(|row| of(row.try_get(0)))
        .collect::<Result<_>>()?;
    match here == there {
        true => Ok(()),
        false => Err(refuse(
            "the source has another schema; run `bp-auth migrate` on it first".to_owned(),
        )),
    }
}

fn refuse(why: String) -> Error {
    Error::Internal(why)
}
