//! The database as an auditor sees it: tests assert on rows, above all on those that must not be.

use std::path::Path;

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, QueryResult,
    Statement,
};
use uuid::Uuid;

pub struct Db(DatabaseConnection);

impl Db {
    pub async fn open(file: &Path) -> Self {
        Self::open_url(format!("sqlite://{}", file.display())).await
    }

    pub async fn open_url(url: String) -> Self {
        let mut options = ConnectOptions::new(url);
        options.sqlx_logging(false).max_connections(2);
        // Each statement stands for itself; at a higher level the database could cancel the auditor's
        // for what the server does at the same moment.
        options.map_sqlx_postgres_opts(|options| {
            options.options([("default_transaction_isolation", "read committed")])
        });
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
        let narrow = || row.try_get_by_index::<i32>(0).map(i64::from);
        row.try_get_by_index(0)
            .or_else(|_| narrow())
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The first column of every row; an id as 32 hexadecimal digits.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        let text = |row: &QueryResult| {
            let id = || {
                row.try_get_by_index::<Uuid>(0)
                    .map(|id| id.simple().to_string())
            };
            row.try_get_by_index(0).or_else(|_| id()).expect(sql)
        };
        let rows = self.0.query_all_raw(self.statement(sql)).await.expect(sql);
        rows.iter().map(text).collect()
    }

    pub async fn count(&self, table: &str) -> i64 {
        self.number(&format!("SELECT count(*) FROM {table}")).await
    }

    /// How often an event is on record, its repetitions counted.
    pub async fn audited(&self, event: &str) -> i64 {
        self.number(&format!(
            "SELECT CAST(coalesce(sum(times), 0) AS BIGINT) FROM audit_events WHERE event = '{event}'"
        ))
        .await
    }

    pub async fn execute(&self, sql: &str) {
        self.0.execute_unprepared(sql).await.expect(sql);
    }

    /// The same without a look at references.
    pub async fn execute_unchecked(&self, sql: &str) {
        let unchecked = match self.is_postgres() {
            true => "SET session_replication_role = replica",
            false => "PRAGMA foreign_keys = OFF",
        };
        self.execute(&format!("{unchecked}; {sql}")).await;
    }

    /// An expression for a new id.
    pub fn new_id(&self) -> &'static str {
        match self.is_postgres() {
            true => "gen_random_uuid()",
            false => "randomblob(16)",
        }
    }

    /// An expression for an id as 32 hexadecimal digits.
    pub fn hex(&self, column: &str) -> String {
        match self.is_postgres() {
            true => format!("replace({column}::text, '-', '')"),
            false => format!("lower(hex({column}))"),
        }
    }

    /// Makes every insert into the table fail, until [`Self::mend`].
    pub async fn break_inserts(&self, table: &str) {
        match self.is_postgres() {
            true => {
                self.trigger(table, "RAISE EXCEPTION 'broken'").await;
            }
            false => {
                self.execute(&format!(
                    "CREATE TRIGGER broken_{table} BEFORE INSERT ON {table} \
                     BEGIN SELECT RAISE(ABORT, 'broken'); END"
                ))
                .await;
            }
        }
    }

    /// Makes every change of a row of the table fail, until [`Self::mend`].
    pub async fn break_updates(&self, table: &str) {
        match self.is_postgres() {
            true => {
                let body = "RAISE EXCEPTION 'broken'";
                self.trigger_on("UPDATE", table, body).await;
            }
            false => {
                self.execute(&format!(
                    "CREATE TRIGGER broken_{table} BEFORE UPDATE ON {table} \
                     BEGIN SELECT RAISE(ABORT, 'broken'); END"
                ))
                .await;
            }
        }
    }

    /// Lets new messages wait until just before they expire, until [`Self::mend`].
    pub async fn hold_messages(&self) {
        match self.is_postgres() {
            true => {
                self.trigger("outbox", "NEW.next_attempt_at := NEW.expires_at - 1")
                    .await;
            }
            false => {
                self.execute(
                    "CREATE TRIGGER broken_outbox AFTER INSERT ON outbox BEGIN \
                     UPDATE outbox SET next_attempt_at = expires_at - 1 WHERE id = NEW.id; END",
                )
                .await;
            }
        }
    }

    /// Ends what one of the two above began.
    pub async fn mend(&self, table: &str) {
        let on = if self.is_postgres() {
            format!(" ON {table}")
        } else {
            String::new()
        };
        self.execute(&format!("DROP TRIGGER broken_{table}{on}"))
            .await;
    }

    /// Every row of every table, as text: equal before and after means that nothing has changed.
    pub async fn everything(&self) -> Vec<String> {
        let mut all = Vec::new();
        for table in self.tables().await {
            let columns = match self.is_postgres() {
                true => format!("{table}::text"),
                false => self
                    .texts(&format!(
                        "SELECT 'quote(' || name || ')' FROM pragma_table_info('{table}')"
                    ))
                    .await
                    .join(" || ',' || "),
            };
            let rows = self
                .texts(&format!("SELECT {columns} FROM {table} ORDER BY 1"))
                .await;
            all.extend(rows.into_iter().map(|row| format!("{table}: {row}")));
        }
        all
    }

    async fn tables(&self) -> Vec<String> {
        let sql = match self.is_postgres() {
            true => "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1",
            false => {
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            }
        };
        self.texts(sql).await
    }

    async fn trigger(&self, table: &str, body: &str) {
        self.trigger_on("INSERT", table, body).await;
    }

    async fn trigger_on(&self, change: &str, table: &str, body: &str) {
        self.execute(&format!(
            "CREATE OR REPLACE FUNCTION broken_{table}() RETURNS trigger LANGUAGE plpgsql \
             AS $$ BEGIN {body}; RETURN NEW; END $$; \
             CREATE TRIGGER broken_{table} BEFORE {change} ON {table} \
             FOR EACH ROW EXECUTE FUNCTION broken_{table}()"
        ))
        .await;
    }

    fn is_postgres(&self) -> bool {
        self.0.get_database_backend() == DbBackend::Postgres
    }

    fn statement(&self, sql: &str) -> Statement {
        Statement::from_string(self.0.get_database_backend(), sql)
    }
}
