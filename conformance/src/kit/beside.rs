//! What only stands beside a server that this suite has started: its commands and its database. Cases
//! that use it need `.spawned()`; without the feature `spawn` there is no such server.

use anyhow::Result;

use crate::trial::Trial;

impl Trial {
    /// A `bp-auth` command that must succeed.
    #[cfg(feature = "spawn")]
    pub async fn command(&self, arguments: &[&str]) -> Result<String> {
        self.processes()?.bp_auth(arguments).await
    }

    /// A file for a command to read, and its path.
    #[cfg(feature = "spawn")]
    pub fn file_beside(&self, name: &str, text: &str) -> Result<String> {
        let path = self.processes()?.data().join(name);
        std::fs::write(&path, text)?;
        Ok(path.to_string_lossy().into_owned())
    }

    /// Changes rows as a product or an operator beside the server would; `?1` is the user's address.
    /// So many rows must change.
    #[cfg(feature = "spawn")]
    pub fn change_rows(&self, sql: &str, email: &str, expected: usize) -> Result<()> {
        let changed = self.processes()?.stored().execute(sql, &[email])?;
        anyhow::ensure!(changed == expected, "{changed} rows changed by {sql}");
        Ok(())
    }

    /// The one text that a query finds; `?1` is the user's address.
    #[cfg(feature = "spawn")]
    pub fn stored_text(&self, sql: &str, email: &str) -> Result<String> {
        self.processes()?.stored().text(sql, &[email])
    }

    /// Everything that the database holds.
    #[cfg(feature = "spawn")]
    pub fn stored_bytes(&self) -> Result<Vec<u8>> {
        self.processes()?.stored().bytes()
    }

    /// An SQL expression for a new id.
    #[cfg(feature = "spawn")]
    pub fn new_id(&self) -> Result<&'static str> {
        Ok(self.processes()?.stored().new_id())
    }

    #[cfg(not(feature = "spawn"))]
    pub fn new_id(&self) -> Result<&'static str> {
        nothing()
    }

    #[cfg(not(feature = "spawn"))]
    pub async fn command(&self, _: &[&str]) -> Result<String> {
        nothing()
    }

    #[cfg(not(feature = "spawn"))]
    pub fn file_beside(&self, _: &str, _: &str) -> Result<String> {
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

/// Such cases are skipped before they get here.
#[cfg(not(feature = "spawn"))]
fn nothing<T>() -> Result<T> {
    anyhow::bail!("this build has started no server")
}
