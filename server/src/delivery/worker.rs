//! The outbox worker: delivers what is due, tries again what failed, and gives up on what is too
//! old. Several instances may run at once on one database; a lease keeps them off each other's
//! messages. Delivery is at least once: a crash between sending and noting it sends again.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::join_all;
use opentelemetry::trace::Status;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use uuid::Uuid;

use super::gate::{Gate, Try, Turn};
use super::mail::{self, Draft};
use super::templates::Rendered;
use super::{Content, Envelope, SendError, Sending};
use crate::app::clock::{Clock, Timestamp};
use crate::app::identity::Phone;
use crate::app::message::{Message, sealed_for};
use crate::app::seal::{SealError, Sealer};
use crate::metrics::{Delivered, Metrics};
use crate::telemetry::TARGET;

pub struct Worker {
    pub store: Arc<dyn OutboxStore>,
    pub sealer: Arc<Sealer>,
    /// A message is sent with what counts when its try begins.
    pub sending: watch::Receiver<Arc<Sending>>,
    pub clock: Arc<dyn Clock>,
    /// Rung after a transaction that wrote a message, so that codes arrive at once.
    pub wake: Arc<Notify>,
    pub metrics: Arc<Metrics>,
    /// Where the pages behind links are.
    pub ui_url: String,
    pub gates: Gates,
}

#[derive(Default)]
pub struct Gates {
    mail: Gate,
    sms: Gate,
}

/// What the worker needs of the database.
#[async_trait]
pub trait OutboxStore: Send + Sync {
    /// Leases up to `limit` pending messages that are due, not expired and not leased, oldest
    /// first, and counts the attempt: a message that kills its worker must also run out of tries.
    async fn claim(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Claimed>, StoreError>;

    /// Ends the message and wipes its payload.
    async fn mark_sent(&self, id: Uuid, now: Timestamp) -> Result<(), StoreError>;

    /// Ends the message, which an operator may begin anew.
    async fn mark_dead(&self, id: Uuid, now: Timestamp, error: &str) -> Result<(), StoreError>;

    /// Gives the lease back, with the moment of the next attempt.
    async fn retry_at(&self, id: Uuid, next: Timestamp, error: &str) -> Result<(), StoreError>;

    /// Gives back a message that was not tried, and does not count the attempt.
    async fn give_back(&self, id: Uuid) -> Result<(), StoreError>;

    /// Ends all pending messages that have expired, wipes their payloads, and says how many.
    async fn expire(&self, now: Timestamp) -> Result<u64, StoreError>;

    /// Learns the keys with which other instances have sealed since.
    async fn learn_keys(&self) -> Result<(), StoreError>;

    /// When the next pending message is due, in Unix milliseconds; leased ones at their lease's end.
    async fn next_due(&self) -> Result<Option<i64>, StoreError>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Mail,
    Sms,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Mail => "email",
            Self::Sms => "sms",
        }
    }
}

pub struct Claimed {
    pub id: Uuid,
    pub kind: Kind,
    pub template: String,
    pub locale: Option<String>,
    pub recipient: String,
    /// `Sealer::seal` of the message as JSON, with the id as associated data.
    pub payload: String,
    /// This attempt included.
    pub attempts: u32,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// The database did not answer. Nothing is lost: the lease runs out and the message comes back.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(pub String);

/// All claimed messages are sent at once, so that this also bounds the parallel sends.
const BATCH: u32 = 16;
const LEASE: Duration = Duration::from_secs(60);
/// What noting the outcome may take of it.
const NOTES: Duration = Duration::from_secs(5);
const MAX_ATTEMPTS: u32 = 12;
const BACK_OFF_BASE: Duration = Duration::from_secs(2);
const BACK_OFF_MAX: Duration = Duration::from_secs(600);
/// How long a message of another instance waits at most when that instance has died.
const IDLE: Duration = Duration::from_secs(5);
/// A lower bound of every wait, so that clocks that disagree never make a busy loop.
const PAUSE: Duration = Duration::from_millis(50);

impl Worker {
    /// Runs until `shutdown` becomes true or its sender is gone; what is being sent is finished.
    pub async fn run(&self, mut shutdown: watch::Receiver<bool>) {
        let mut store_answers = true;
        while !*shutdown.borrow_and_update() {
            match self.run_once().await {
                Ok(processed) => {
                    if !store_answers {
                        tracing::info!(target: "bp_auth::delivery", "the outbox answers again");
                    }
                    store_answers = true;
                    if processed > 0 {
                        continue;
                    }
                }
                Err(error) => {
                    if store_answers {
                        tracing::warn!(target: "bp_auth::delivery", %error, "the outbox fails");
                    }
                    store_answers = false;
                }
            }
            let wait = self.wait().await;
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep(wait) => {}
                changed = shutdown.changed() => {
                    if changed.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Delivers one batch of what is due, and returns how many messages were tried.
    pub async fn run_once(&self) -> Result<usize, StoreError> {
        let now = self.clock.now();
        let expired = self.store.expire(now).await?;
        if expired > 0 {
            tracing::warn!(target: "bp_auth::delivery", expired, "messages expired unsent");
        }
        let claimed = self.store.claim(now, now.plus(LEASE), BATCH).await?;
        // The rest of it is for the notes.
        let end = Instant::now() + LEASE - NOTES;
        let work = claimed.iter().map(|item| {
            // Whom it is for stays out of it, as out of the log.
            let span = tracing::info_span!(
                target: TARGET,
                "outbox.deliver",
                bp_auth.message.id = %item.id,
                bp_auth.message.kind = item.kind.name(),
                bp_auth.message.template = item.template,
                bp_auth.message.attempts = i64::from(item.attempts),
                bp_auth.message.outcome = Empty,
            );
            self.process(item, end).instrument(span)
        });
        let results = join_all(work).await;
        results.into_iter().collect::<Result<Vec<()>, _>>()?;
        Ok(claimed.len())
    }

    async fn process(&self, item: &Claimed, end: Instant) -> Result<(), StoreError> {
        // The store has not given out expired ones, but it may have taken long to answer. The row
        // is left to the next `expire`.
        let left = item.expires_at.since(self.clock.now());
        if left.is_zero() {
            return Ok(());
        }
        // A try that lasts must not outlive its message either.
        let end = Instant::now()
            .checked_add(left)
            .map_or(end, |expiry| end.min(expiry));
        let gate = match item.kind {
            Kind::Mail => &self.gates.mail,
            Kind::Sms => &self.gates.sms,
        };
        let sending = self.sending.borrow().clone();
        let attempt = Try::new(gate, sending.timeout, end);
        let delivery = AssertUnwindSafe(self.deliver(item, &sending, &attempt));
        let outcome = match delivery.catch_unwind().await {
            Ok(outcome) => outcome,
            Err(_) => Err(SendError::Temporary("delivery panicked".to_owned())),
        };
        let now = self.clock.now();
        match outcome {
            // Until this is noted, the next one waits.
            Ok(_turn) => {
                self.count(item, Delivered::Sent);
                self.store.mark_sent(item.id, now).await
            }
            Err(SendError::NoTurn) => self.store.give_back(item.id).await,
            Err(error @ (SendError::Temporary(_) | SendError::Later(..)))
                if item.attempts < MAX_ATTEMPTS =>
            {
                self.count(item, Delivered::Retry);
                let delay = back_off(item.attempts, random_fraction()).max(error.pause());
                let error = printable(&error.to_string());
                tracing::warn!(
                    target: "bp_auth::delivery",
                    id = %item.id, template = item.template, attempts = item.attempts, error,
                    "message not delivered, will try again"
                );
                self.store.retry_at(item.id, now.plus(delay), &error).await
            }
            Err(error) => {
                self.count(item, Delivered::Dead);
                let error = printable(&error.to_string());
                tracing::error!(
                    target: "bp_auth::delivery",
                    id = %item.id, template = item.template, attempts = item.attempts, error,
                    "message given up"
                );
                self.store.mark_dead(item.id, now, &error).await
            }
        }
    }

    /// Whom it was for is nobody's business here, but for the country of a number.
    fn count(&self, item: &Claimed, outcome: Delivered) {
        let span = Span::current();
        span.record("bp_auth.message.outcome", outcome.name());
        if !matches!(outcome, Delivered::Sent) {
            span.set_status(Status::error(""));
        }
        self.metrics.delivery(item.kind.name(), outcome);
        if item.kind == Kind::Sms && matches!(outcome, Delivered::Sent) {
            let phone = Phone::parse(&item.recipient);
            let country = phone.and_then(|phone| phone.country);
            self.metrics
                .sms_sent(country.map(|country| country.to_string()));
        }
    }

    async fn deliver<'g>(
        &self,
        item: &Claimed,
        sending: &Sending,
        attempt: &Try<'g>,
    ) -> Result<Turn<'g>, SendError> {
        let message = self.open(item).await?;
        let rendered = sending
            .templates
            .render(&message, item.locale.as_deref(), &self.ui_url)
            .map_err(|e| SendError::Permanent(e.to_string()))?;
        let content = match rendered {
            Rendered::Mail {
                subject,
                text,
                html,
            } => {
                let mail = mail::compose(Draft {
                    id: item.id,
                    created_at: item.created_at,
                    from: &sending.from,
                    to: &item.recipient,
                    subject: &subject,
                    text: &text,
                    html: &html,
                })
                .map_err(|e| SendError::Permanent(e.to_string()))?;
                Content::Mail(Box::new(mail))
            }
            Rendered::Sms { text } => Content::Sms {
                to: phone(&item.recipient)?.to_owned(),
                text,
            },
        };
        let envelope = Envelope {
            id: item.id,
            template: message.template(),
            created_at: item.created_at,
            content,
        };
        sending.transport.send(&envelope, attempt).await
    }

    async fn open(&self, item: &Claimed) -> Result<Message, SendError> {
        let sealed_for = sealed_for(item.id, item.kind.name(), &item.recipient);
        let open = || self.sealer.open(&item.payload, &sealed_for);
        let mut opened = open();
        if let Err(SealError::UnknownKey(_)) = opened {
            let learnt = self.store.learn_keys().await;
            learnt.map_err(|e| SendError::Temporary(e.to_string()))?;
            opened = open();
        }
        let plain = opened.map_err(|e| match e {
            SealError::Rejected => SendError::Permanent(e.to_string()),
            // Another instance may have the key.
            _ => SendError::Temporary(e.to_string()),
        })?;
        // The parser's own words could quote the message. A newer instance may know its kind.
        serde_json::from_slice(&plain)
            .map_err(|_| SendError::Temporary("this version cannot read the message".to_owned()))
    }

    async fn wait(&self) -> Duration {
        let Ok(Some(due)) = self.store.next_due().await else {
            return IDLE;
        };
        let ahead = u64::try_from(due.saturating_sub(self.clock.now().ms())).unwrap_or_default();
        Duration::from_millis(ahead).clamp(PAUSE, IDLE)
    }
}

/// Doubles from the base to the maximum. The upper half is random, so that messages which failed
/// together do not come back together.
pub(super) fn back_off(attempts: u32, fraction: f64) -> Duration {
    let doublings = attempts.saturating_sub(1).min(20);
    let full = BACK_OFF_BASE
        .saturating_mul(1 << doublings)
        .min(BACK_OFF_MAX);
    full / 2 + (full / 2).mul_f64(fraction.clamp(0.0, 1.0))
}

/// Without random numbers the delays are only less spread.
fn random_fraction() -> f64 {
    let mut bytes = [0u8; 4];
    match getrandom::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 1.0,
    }
}

fn phone(recipient: &str) -> Result<&str, SendError> {
    match recipient.strip_prefix('+') {
        Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
            Ok(recipient)
        }
        _ => Err(SendError::Permanent(
            "the phone number is not in E.164 form".to_owned(),
        )),
    }
}

/// A provider's answer is foreign text: one line of it, and not too much, is kept.
fn printable(error: &str) -> String {
    error
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(300)
        .collect()
}
