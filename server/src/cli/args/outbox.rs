//! Arguments of `bp-auth outbox`.

use clap::{Args, Subcommand, ValueEnum};
use uuid::Uuid;

use super::Reason;
use crate::config::Seconds;

#[derive(Debug, Clone, Subcommand)]
pub enum OutboxCommand {
    /// Show messages, the newest first, without their content
    List(ListMessagesArgs),
    /// Show one message, without its content
    Show(MessageArgs),
    /// Send a message now, or all dead ones; not what has expired
    Retry(RetryMessagesArgs),
    /// Remove messages that have ended
    Purge(PurgeMessagesArgs),
}

#[derive(Debug, Clone, Args)]
pub struct ListMessagesArgs {
    #[arg(long)]
    pub state: Option<OutboxState>,
    #[arg(long, short = 'n', default_value_t = 50)]
    pub lines: u64,
}

#[derive(Debug, Clone, Args)]
pub struct MessageArgs {
    pub id: Uuid,
}

#[derive(Debug, Clone, Args)]
pub struct RetryMessagesArgs {
    #[arg(required_unless_present = "dead")]
    pub id: Option<Uuid>,
    /// All dead messages
    #[arg(long, conflicts_with = "id")]
    pub dead: bool,
    #[command(flatten)]
    pub why: Reason,
}

#[derive(Debug, Clone, Args)]
pub struct PurgeMessagesArgs {
    #[arg(long)]
    pub state: EndedState,
    /// Only those that ended longer ago, such as 7d
    #[arg(long, default_value = "0")]
    pub older_than: Seconds,
    #[command(flatten)]
    pub why: Reason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutboxState {
    Pending,
    Sent,
    Expired,
    Dead,
}

/// A pending message is somebody's code or link, and is not removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EndedState {
    Sent,
    Expired,
    Dead,
}

impl OutboxCommand {
    pub(super) fn asks_why(&self) -> Option<&Reason> {
        match self {
            Self::List(_) | Self::Show(_) => None,
            Self::Retry(args) => Some(&args.why),
            Self::Purge(args) => Some(&args.why),
        }
    }
}

impl OutboxState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Expired => "expired",
            Self::Dead => "dead",
        }
    }
}

impl EndedState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Expired => "expired",
            Self::Dead => "dead",
        }
    }
}
