//! A connection that does not wait for ever.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement,
};
use tokio::time::{Instant, timeout};

use super::postgres::{ANSWER, Cluster};

/// Waits from this on count together: whoever waited so long meets a database in trouble.
const LONG: Duration = Duration::from_millis(100);
/// What is left to a request whose time is used up.
const LEAST: Duration = Duration::from_millis(100);

tokio::task_local! {
    /// The request that is answered here.
    static REQUEST: Waits;
}

struct Waits {
    began: Instant,
    /// How long it has waited for the database.
    sum: Cell<Duration>,
}

/// Lets all the long waits of a request together take no more time than one may. After a failover each
/// commit may wait for a standby, and a request has several. While no server takes writes, what a request
/// waited for before, such as its turn to hash, counts too.
pub async fn for_one_request<T>(work: impl Future<Output = T>) -> T {
    let waits = Waits {
        began: Instant::now(),
        sum: Cell::default(),
    };
    REQUEST.scope(waits, work).await
}

/// A server that is gone says so; one that merely stopped, or whose network did, says nothing at
/// all, and its own time limits end nothing then.
#[derive(Clone, Debug)]
pub struct Patient<C> {
    pub inner: C,
    /// `None` where the database is in this process and has limits of its own.
    pub cluster: Option<Arc<Cluster>>,
}

impl<C> Patient<C> {
    /// The work's outcome, or what is wrong with the database.
    pub async fn wait<T>(&self, work: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
        within(self.cluster.as_ref(), work).await
    }
}

pub async fn within<T>(
    cluster: Option<&Arc<Cluster>>,
    work: impl Future<Output = Result<T, DbErr>>,
) -> Result<T, DbErr> {
    let Some(cluster) = cluster else {
        return work.await;
    };
    // An operator's command or a job is no request.
    let waited = REQUEST.try_with(|request| match cluster.is_searching() {
        true => request.began.elapsed(),
        false => request.sum.get(),
    });
    let waited = waited.unwrap_or_default();
    let began = Instant::now();
    let outcome = timeout(ANSWER.saturating_sub(waited).max(LEAST), work).await;
    let took = began.elapsed();
    if took >= LONG {
        let _ = REQUEST.try_with(|request| request.sum.set(request.sum.get() + took));
    }
    outcome
        .unwrap_or(Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)))
        .map_err(|error| cluster.explained(error))
}

#[async_trait::async_trait]
impl<C: ConnectionTrait> ConnectionTrait for Patient<C> {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.wait(self.inner.execute_raw(statement)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.wait(self.inner.execute_unprepared(sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.wait(self.inner.query_one_raw(statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.wait(self.inner.query_all_raw(statement)).await
    }
}
