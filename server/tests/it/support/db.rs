//! The database as an auditor sees it: tests assert on rows, above all on those that must not be.

use std::path::Path;

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, Statement};

pub struct Db(DatabaseConnection);

impl Db {
    pub async fn open(file: &Path) -> Self {
        let mut options = ConnectOptions::new(format!("sqlite://{}", file.display()));
        options.sqlx_logging(false).max_connections(2);
        Self(Database::connect(options).await.expect("the database"))
    }

    /// The one number a query answers.
    pub async fn number(&self, sql: &str) -> i64 {
        let row = self
            .0
            .query_one_raw(self.statement(sql))
            .await
            .expect(sql)
            .expect(sql);
        row.try_get_by_index(0).expect(sql)
    }

    /// The first column of every row.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        let rows = self.0.query_all_raw(self.statement(sql)).await.expect(sql);
        rows.iter()
            .map(|row| row.try_get_by_index(0).expect(sql))
            .collect()
    }

    pub async fn count(&self, table: &str) -> i64 {
        self.number(&format!("SELECT count(*) FROM {table}")).await
    }

    /// How often an event is on record.
    pub async fn audited(&self, event: &str) -> i64 {
        self.number(&format!(
            "SELECT count(*) FROM audit_events WHERE event = '{event}'"
        ))
        .await
    }

    pub async fn execute(&self, sql: &str) {
        self.0.execute_unprepared(sql).await.expect(sql);
    }

    /// Every row of every table, as text: equal before and after means that nothing has changed.
    pub async fn everything(&self) -> Vec<String> {
        let tables = self
            .texts(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
            )
            .await;
        let mut all = Vec::new();
        for table in tables {
            let columns = self
                .texts(&format!(
                    "SELECT 'quote(' || name || ')' FROM pragma_table_info('{table}')"
                ))
                .await
                .join(" || ',' || ");
            let rows = self
                .texts(&format!("SELECT {columns} FROM {table} ORDER BY 1"))
                .await;
            all.extend(rows.into_iter().map(|row| format!("{table}: {row}")));
        }
        all
    }

    fn statement(&self, sql: &str) -> Statement {
        Statement::from_string(self.0.get_database_backend(), sql)
    }
}
