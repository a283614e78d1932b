//! Bringing the schema up to date.

use bp_auth_migrations::{Migrator, MigratorTrait};

use super::{Datastore, Result};

impl Datastore {
    /// The names of the steps that have not been applied, oldest first. Changes nothing.
    pub async fn migrations_pending(&self) -> Result<Vec<String>> {
        let pending = Migrator::get_pending_migrations_read_only(&self.read).await?;
        Ok(pending.iter().map(|step| step.name().to_owned()).collect())
    }

    /// Applies the steps that are pending and names them.
    pub async fn migrations_apply(&self) -> Result<Vec<String>> {
        // One write transaction around all of it: a step is never half applied, and of several
        // processes that start together the later ones find nothing left to do.
        let txn = self.begin().await?;
        let pending = Migrator::get_pending_migrations(&txn.inner).await?;
        Migrator::up(&txn.inner, None).await?;
        txn.commit().await?;
        Ok(pending.iter().map(|step| step.name().to_owned()).collect())
    }
}
