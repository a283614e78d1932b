//! Outbox: turns the messages that the logic has written into mails and SMS, and hands them over.
//!
//! [`worker`] is the loop. It asks a store for messages that are due, opens them, renders them with
//! [`templates`], makes a mail of them with [`mail`], and gives them to a [`Transport`].

pub mod file;
pub mod gate;
pub mod mail;
pub mod outbox;
pub mod smtp;
pub mod templates;
pub mod twilio;
mod web;
pub mod webhook;
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

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lettre::message::Mailbox;
use uuid::Uuid;

use crate::app::clock::{Clock, Timestamp};
use crate::config::{Config, MailTransport, SmsTransport};
use gate::{Try, Turn};
use templates::Templates;

/// Hands a finished message to whatever brings it to a person.
///
/// The same message may come twice after a crash, with the same id, time and content. A transport
/// that can recognise it should; the others at least send it under the same `Message-ID`, and take the
/// last step alone, see [`gate`].
#[async_trait]
pub trait Transport: Send + Sync {
    async fn send<'g>(&self, envelope: &Envelope, attempt: &Try<'g>)
    -> Result<Turn<'g>, SendError>;
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
    /// The same, and not before this has passed.
    #[error("{0}")]
    Later(String, Duration),
    /// Others took so long that it was not tried.
    #[error("others took too long")]
    NoTurn,
    /// The same message would be refused again.
    #[error("{0}")]
    Permanent(String),
}

impl SendError {
    fn pause(&self) -> Duration {
        match self {
            Self::Later(_, pause) => *pause,
            Self::Temporary(_) | Self::NoTurn | Self::Permanent(_) => Duration::ZERO,
        }
    }
}

/// How messages are written and handed over: what a reload of the configuration replaces as a whole.
pub struct Sending {
    pub templates: Templates,
    pub transport: Arc<dyn Transport>,
    pub from: Mailbox,
    /// How long a step of sending may take. Well inside the lease, which is a minute, and the time that
    /// a shutdown waits.
    pub timeout: Duration,
}

/// One transport for mails, and one for SMS.
pub struct Transports {
    mail: Arc<dyn Transport>,
    sms: Arc<dyn Transport>,
}

impl Transports {
    /// Those that are configured. Nobody is connected to yet: a mail server that is away at the
    /// moment must not keep this one from starting.
    pub fn new(config: &Config, from: &Mailbox, clock: &Arc<dyn Clock>) -> Result<Self, String> {
        let file = || -> Result<Arc<dyn Transport>, String> {
            let transport = file::FileTransport::new(&config.data_dir);
            Ok(Arc::new(
                transport.map_err(|error| format!("outbox directory: {error}"))?,
            ))
        };
        Ok(Self {
            mail: match config.delivery.transport {
                MailTransport::File => file()?,
                MailTransport::Smtp => {
                    Arc::new(smtp::SmtpTransport::new(&config.smtp, from.email.domain())?)
                }
            },
            sms: match config.delivery.sms_transport {
                SmsTransport::File => file()?,
                SmsTransport::Twilio => Arc::new(twilio::TwilioTransport::new(&config.twilio)?),
                SmsTransport::Webhook => Arc::new(webhook::WebhookTransport::new(
                    &config.sms_webhook,
                    clock.clone(),
                )?),
            },
        })
    }
}

#[async_trait]
impl Transport for Transports {
    async fn send<'g>(
        &self,
        envelope: &Envelope,
        attempt: &Try<'g>,
    ) -> Result<Turn<'g>, SendError> {
        match envelope.content {
            Content::Mail(_) => self.mail.send(envelope, attempt).await,
            Content::Sms { .. } => self.sms.send(envelope, attempt).await,
        }
    }
}
