//! Where mails and SMS end up, and how a case reads them.

pub mod capture;
mod outbox;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail};

pub use outbox::Outbox;

/// How long a message may be on its way.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// The same where one of several instances may die with it: it comes back after a minute.
pub const PATIENCE_WITH_THE_DEAD: Duration = Duration::from_secs(80);
const GLANCE: Duration = Duration::from_millis(15);

/// A mail or an SMS that somebody has received.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Message {
    pub channel: Channel,
    /// An e-mail address, or a phone number in E.164.
    pub to: String,
    /// Empty for an SMS.
    #[serde(default)]
    pub subject: String,
    /// As the receiver reads it: decoded, all parts after each other.
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    Email,
    Sms,
}

/// All messages of a target.
pub enum Messages {
    /// Files of the `file` transport.
    Outbox(Outbox),
    /// Posted to this suite by the server.
    Captured(Arc<Mutex<Vec<Message>>>),
}

impl Messages {
    pub fn outbox(directory: PathBuf) -> Self {
        Self::Outbox(Outbox::new(directory))
    }

    /// Everything received for one address or number so far, oldest first.
    pub fn to(&self, address: &str) -> Result<Vec<Message>> {
        match self {
            Self::Outbox(outbox) => outbox.to(address),
            Self::Captured(all) => {
                let all = all.lock().unwrap_or_else(PoisonError::into_inner);
                let mine = all.iter().filter(|message| message.to == address);
                Ok(mine.cloned().collect())
            }
        }
    }

    /// Waits until there are so many messages for the address, and gives all of them.
    pub async fn wait(
        &self,
        address: &str,
        count: usize,
        patience: Duration,
    ) -> Result<Vec<Message>> {
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            let found = self.to(address)?;
            if found.len() >= count {
                return Ok(found);
            }
            if tokio::time::Instant::now() > deadline {
                let seen = found.len();
                bail!("{seen} messages for {address} within {patience:?}, not {count}");
            }
            tokio::time::sleep(GLANCE).await;
        }
    }
}

impl Message {
    /// The token in the fragment of a link to `/page`.
    pub fn link_token(&self, page: &str) -> Option<&str> {
        let (_, rest) = self.text.split_once(&format!("/{page}#token="))?;
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c));
        Some(&rest[..end.unwrap_or(rest.len())])
    }

    /// The first run of exactly six digits.
    pub fn code(&self) -> Option<&str> {
        let mut runs = self.text.split(|c: char| !c.is_ascii_digit());
        runs.find(|run| run.len() == 6)
    }
}
