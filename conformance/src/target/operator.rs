//! How accounts are closed and opened behind the API's back.

use std::ffi::OsString;
use std::process::Stdio;

use anyhow::{Result, bail};
use tokio::process::Command;

/// A command that is called as `CMD ACTION EMAIL`, ACTION being `deactivate`, `suspend`, `activate` or
/// `reset-mfa`, and exits with 0 once it is done.
#[derive(Clone)]
pub struct Operator {
    command: Vec<OsString>,
}

impl Operator {
    /// A command line as a shell would split it.
    pub fn parse(line: &str) -> Result<Self> {
        let words = shell_words::split(line)?;
        if words.is_empty() {
            bail!("the operator's command is empty");
        }
        Ok(Self::new(words))
    }

    pub fn new(words: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self {
            command: words.into_iter().map(Into::into).collect(),
        }
    }

    pub async fn act(&self, action: &str, email: &str) -> Result<()> {
        run(&self.command, &[action, email]).await.map(drop)
    }
}

/// Runs a command to its end and gives what it printed.
pub async fn run(command: &[OsString], arguments: &[&str]) -> Result<String> {
    let output = Command::new(&command[0])
        .args(&command[1..])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .await?;
    if !output.status.success() {
        bail!(
            "{arguments:?} ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
