//! A pool of connections, or what a pooler in between leaves of one.

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult,
    QueryResult, Statement, TransactionOptions, TransactionTrait,
};

/// Where a pooler hands out the server's connections by transaction, nothing that was set before a
/// transaction holds in it. There each begins with its settings, and each single statement is one.
#[derive(Clone, Debug)]
pub struct Pooled {
    pub inner: DatabaseConnection,
    /// Statements that each transaction begins with.
    settings: Option<String>,
}

impl Pooled {
    pub fn new(inner: DatabaseConnection, settings: Option<String>) -> Self {
        Self { inner, settings }
    }

    pub async fn begin(&self, options: TransactionOptions) -> Result<DatabaseTransaction, DbErr> {
        let txn = self.inner.begin_with_options(options).await?;
        if let Some(settings) = &self.settings {
            txn.execute_unprepared(settings).await?;
        }
        Ok(txn)
    }

    async fn alone(&self) -> Result<Option<DatabaseTransaction>, DbErr> {
        match self.settings {
            Some(_) => self.begin(TransactionOptions::default()).await.map(Some),
            None => Ok(None),
        }
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Pooled {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let Some(txn) = self.alone().await? else {
            return self.inner.execute_raw(statement).await;
        };
        let done = txn.execute_raw(statement).await?;
        txn.commit().await?;
        Ok(done)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let Some(txn) = self.alone().await? else {
            return self.inner.execute_unprepared(sql).await;
        };
        let done = txn.execute_unprepared(sql).await?;
        txn.commit().await?;
        Ok(done)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let Some(txn) = self.alone().await? else {
            return self.inner.query_one_raw(statement).await;
        };
        let row = txn.query_one_raw(statement).await?;
        txn.commit().await?;
        Ok(row)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let Some(txn) = self.alone().await? else {
            return self.inner.query_all_raw(statement).await;
        };
        let rows = txn.query_all_raw(statement).await?;
        txn.commit().await?;
        Ok(rows)
    }
}
