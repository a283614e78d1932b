//! What is in the database of a server, counted from beside it.

use std::path::Path;

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, Statement};

use super::Outcome;

pub struct Disk(DatabaseConnection);

#[derive(Clone, Copy)]
pub struct Used {
    pub rows: i64,
    pub bytes: i64,
}

impl Disk {
    pub async fn of(data: &Path) -> Outcome<Self> {
        let file = data.join("bp-auth.db");
        let mut options = ConnectOptions::new(format!("sqlite://{}?mode=ro", file.display()));
        options.sqlx_logging(false).max_connections(1);
        Ok(Self(Database::connect(options).await?))
    }

    pub async fn used(&self) -> Outcome<Used> {
        let tables = "SELECT name FROM sqlite_master WHERE type = 'table'";
        let tables = self.0.query_all_raw(statement(tables)).await?;
        let mut rows = 0;
        for table in tables {
            let name: String = table.try_get_by_index(0)?;
            rows += self
                .number(&format!("SELECT count(*) FROM \"{name}\""))
                .await?;
        }
        let pages = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
        let bytes = self.number(pages).await?;
        Ok(Used { rows, bytes })
    }

    async fn number(&self, sql: &str) -> Outcome<i64> {
        let row = self.0.query_one_raw(statement(sql)).await?;
        Ok(row.ok_or("no row")?.try_get_by_index(0)?)
    }
}

fn statement(sql: &str) -> Statement {
    Statement::from_string(sea_orm::DbBackend::Sqlite, sql.to_owned())
}
