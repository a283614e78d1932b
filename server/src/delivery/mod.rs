//! Outbox: turns the messages that the logic has written into mails and SMS, and hands them over.
//!
//! [`worker`] is the loop. It asks a store for messages that are due, opens them, renders them with
//! [`templates`], makes a mail of them with [`mail`], and gives them to a [`Transport`].

pub mod file;
pub mod mail;
pub mod outbox;
pub mod templates;
pub mod worker;

#[cfg(test)]
mod file_tests;
#[cfg(test)]
mod mail_tests;
#[cfg(test)]
mod templates_tests;
#[cfg(test)]
mod worker_bench;
#[cfg(test)]
mod worker_tests;

use async_trait::async_trait;
use uuid::Uuid;

use crate::app::clock::Timestamp;

/// Hands a finished message to whatever brings it to a person.
///
/// The same message may come twice after a crash, with the same id, time and content. A transport
/// that can recognise it should; the others at least send it under the same `Message-ID`.
#[async_trait]
pub trait Transport: Send + Sync {
    async fn send(&self, envelope: &Envelope) -> Result<(), SendError>;
}

/// It has no `Debug`: the content carries tokens and codes.
pub struct Envelope {
    pub id: Uuid,
    pub template: &'static str,
    pub created_at: Timestamp,
    pub content: Content,
}

pub enum Content {
    Mail(Box<lettre::Message>),
    Sms { to: String, text: String },
}

/// Why a message was not handed over. The text is kept in the outbox and logged, so it must not
/// quote the message.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Worth another try later.
    #[error("{0}")]
    Temporary(String),
    /// The same message would be refused again.
    #[error("{0}")]
    Permanent(String),
}
