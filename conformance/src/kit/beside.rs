//! What only stands beside a server that this suite has started: its commands and its database. Cases
//! that use it need `.spawned()`; without the feature `spawn` there is no such server.

use anyhow::Result;

use crate::trial::Trial;

impl Trial {
    /// A `bp-auth` command that must succeed.
    #[cfg(feature = "spawn")]
    pub async fn command(&self, arguments: &[&str]) -> Result<String> {
        self.bp_auth(arguments).await
    }

    /// Changes rows as a product or an operator beside the server would; `?1` is the user's address.
    /// So many rows must change.
    #[cfg(feature = "spawn")]
    pub fn change_rows(&self, sql: &str, email: &str, expected: usize) -> Result<()> {
        let changed = database(self)?.execute(sql, [email])?;
        anyhow::ensure!(changed == expected, "{changed} rows changed by {sql}");
        Ok(())
    }

    /// The one text that a query finds; `?1` is the user's address.
    #[cfg(feature = "spawn")]
    pub fn stored_text(&self, sql: &str, email: &str) -> Result<String> {
        Ok(database(self)?.query_row(sql, [email], |row| row.get(0))?)
    }

    /// Everything that the database holds, as it lies on the disk.
    #[cfg(feature = "spawn")]
    pub fn stored_bytes(&self) -> Result<Vec<u8>> {
        let file = self.processes()?.database();
        let mut all = std::fs::read(&file)?;
        let log = file.with_extension("db-wal");
        if log.exists() {
            all.extend(std::fs::read(log)?);
        }
        Ok(all)
    }

    #[cfg(not(feature = "spawn"))]
    pub async fn command(&self, _: &[&str]) -> Result<String> {
        nothing()
    }

    #[cfg(not(feature = "spawn"))]
    pub fn change_rows(&self, _: &str, _: &str, _: usize) -> Result<()> {
        nothing()
    }

    #[cfg(not(feature = "spawn"))]
    pub fn stored_text(&self, _: &str, _: &str) -> Result<String> {
        nothing()
    }

    #[cfg(not(feature = "spawn"))]
    pub fn stored_bytes(&self) -> Result<Vec<u8>> {
        nothing()
    }
}

#[cfg(feature = "spawn")]
fn database(trial: &Trial) -> Result<rusqlite::Connection> {
    let connection = rusqlite::Connection::open(trial.processes()?.database())?;
    // The server writes too.
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    Ok(connection)
}

/// Such cases are skipped before they get here.
#[cfg(not(feature = "spawn"))]
fn nothing<T>() -> Result<T> {
    anyhow::bail!("this build has started no server")
}
