//! What a table holds, in one number and one digest that do not depend on the database.

use futures::TryStreamExt;
use sea_orm::sqlx::postgres::PgConnection;
use sea_orm::sqlx::sqlite::SqliteConnection;
use sea_orm::sqlx::{self, Row as _};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::table::Table;
use super::{Result, refuse};

/// A table on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    pub table: &'static str,
    pub source: Content,
    pub target: Content,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    pub rows: u64,
    /// SHA-256 over all rows in the order of their keys, in hexadecimal digits.
    pub digest: String,
}

impl Compared {
    pub fn is_equal(&self) -> bool {
        self.source == self.target
    }
}

pub async fn digest_of_source(source: &mut SqliteConnection, table: &Table) -> Result<Content> {
    let mut reader = Reader::default();
    let mut rows = sqlx::query(sqlx::AssertSqlSafe(table.all_of_sqlite())).fetch(source);
    while let Some(row) = rows.try_next().await? {
        reader.add(row.try_get(0)?)?;
    }
    Ok(reader.content())
}

pub async fn digest_of_target(target: &mut PgConnection, table: &Table) -> Result<Content> {
    let mut reader = Reader::default();
    let mut rows = sqlx::query(sqlx::AssertSqlSafe(table.all_of_postgres())).fetch(target);
    while let Some(row) = rows.try_next().await? {
        reader.add(row.try_get(0)?)?;
    }
    Ok(reader.content())
}

#[derive(Default)]
struct Reader {
    rows: u64,
    hash: Sha256,
}

impl Reader {
    /// Written anew, because the databases put other spaces and escapes between the same values.
    fn add(&mut self, row: &str) -> Result<()> {
        let values: Vec<Value> =
            serde_json::from_str(row).map_err(|error| refuse(error.to_string()))?;
        let text = serde_json::to_string(&values).map_err(|error| refuse(error.to_string()))?;
        self.rows += 1;
        self.hash.update(text);
        self.hash.update(b"\n");
        Ok(())
    }

    fn content(self) -> Content {
        Content {
            rows: self.rows,
            digest: hex::encode(self.hash.finalize()),
        }
    }
}
