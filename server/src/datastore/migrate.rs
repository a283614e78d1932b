//! Bringing the schema up to date.

use bp_auth_migrations::{Migrator, MigratorTrait};

use sea_orm::{DbErr, TransactionOptions};

use super::{Datastore, Error, Result, execute, postgres};

/// `bp-auth` in two numbers. Locks named by two numbers never meet those named by one.
const MIGRATION_LOCK: [i32; 2] = [0x6270_2d61, 0x7574_6800];

impl Datastore {
    /// The names of all steps, oldest first.
    pub fn migrations() -> Vec<String> {
        let steps = Migrator::migrations();
        steps.iter().map(|step| step.name().to_owned()).collect()
    }

    /// The names of the steps that have not been applied, oldest first. Changes nothing.
    pub async fn migrations_pending(&self) -> Result<Vec<String>> {
        let pending = Migrator::get_pending_migrations_read_only(&self.read).await;
        let pending = pending.map_err(newer)?;
        Ok(pending.iter().map(|step| step.name().to_owned()).collect())
    }

    /// Applies the steps that are pending and names them.
    pub async fn migrations_apply(&self) -> Result<Vec<String>> {
        // One write transaction around all of it: a step is never half applied, and of several
        // processes that start together the later ones find nothing left to do. On PostgreSQL a
        // step may take its time, and must see what the one before it did, at any default level.
        let txn = match &self.server {
            None => self.begin().await?.inner.inner,
            Some((cluster, mode)) => {
                let server = postgres::open_unhurried(cluster, *mode).await?;
                let txn = server.begin(TransactionOptions::default()).await?;
                execute(
                    &txn,
                    "SELECT pg_advisory_xact_lock($1, $2)",
                    MIGRATION_LOCK.map(Into::into),
                )
                .await?;
                txn
            }
        };
        let pending = Migrator::get_pending_migrations(&txn).await;
        let pending = pending.map_err(newer)?;
        Migrator::up(&txn, None).await?;
        txn.commit().await?;
        Ok(pending.iter().map(|step| step.name().to_owned()).collect())
    }
}

/// The one thing of its own that the migrator complains about: a step that it does not know.
fn newer(error: DbErr) -> Error {
    match error {
        DbErr::Custom(told) => {
            let steps: Vec<&str> = told.split('\'').skip(1).step_by(2).collect();
            Error::Internal(format!(
                "the database is newer than this binary (it has the steps {}): run the release that \
                 brought it up to date, or a newer one",
                steps.join(", ")
            ))
        }
        other => other.into(),
    }
}
