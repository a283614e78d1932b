//! The logic of the 24 operations. It names neither the HTTP framework nor the database layer;
//! clock, randomness and keys are passed in.
//!
//! Each operation is a method of [`App`] in the file of its topic. It takes plain values and
//! returns plain values or an [`Error`]. Syntax is checked first, then step-up, then limits, then
//! credentials in the body, then state; whatever decides something single-use is one statement.

pub mod account;
pub mod api_key;
pub mod audit;
pub mod backup_codes;
mod budget;
pub mod caller;
pub mod challenge;
pub mod characters;
pub mod clock;
pub mod common_password;
pub mod entitlements;
pub mod error;
mod fair_queue;
pub mod hash_kinds;
pub mod hash_memory;
pub mod identity;
pub mod import;
pub mod key_loss;
pub mod key_roots;
pub mod key_rotation;
pub mod keys;
pub mod login;
pub mod logout;
pub mod message;
pub mod methods;
pub mod mfa_reset;
pub mod network;
pub mod operator;
pub mod operator_outbox;
pub mod password;
pub mod password_strength;
pub mod phone;
pub mod plans;
pub mod plans_shared;
pub mod random;
pub mod reactivate;
pub mod refresh;
pub mod register;
pub mod seal;
pub mod session;
pub mod shield;
pub mod sms;
mod source;
pub mod stored_hash;
pub mod token;
pub mod totp;
pub mod trusted_device;
pub mod turns;
pub mod upkeep;
pub mod watch;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use uuid::Uuid;

pub use error::{Error, Fault, Result};

use crate::config::Config;
use crate::datastore::{Datastore, OutboxRow, Txn, retried};
use crate::metrics::Metrics;
use clock::{Clock, Timestamp};
use keys::Keys;
use message::{Message, Outgoing, Recipient, sealed_for};
use network::Networks;
use password::Hasher;
use plans_shared::SharedPlans;
use random::Random;
use seal::Sealer;
use shield::Shield;
use token::TokenService;

/// Everything the logic needs, passed in.
pub struct App {
    pub config: Config,
    pub store: Datastore,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub keys: Keys,
    /// Goes by what `keys` holds.
    pub tokens: Arc<TokenService>,
    /// The same.
    pub sealer: Arc<Sealer>,
    pub hasher: Hasher,
    /// In front of the limits in the database.
    pub shield: Shield,
    pub plans: SharedPlans,
    /// Wakes the outbox worker after a commit.
    pub outbox: Arc<tokio::sync::Notify>,
    pub metrics: Arc<Metrics>,
    /// Whether the server was asked to stop; see `watch`.
    pub stopping: AtomicBool,
}

/// Who sends a request, as far as the transport knows.
#[derive(Debug, Clone)]
pub struct Client {
    pub request_id: String,
    pub ip: IpAddr,
    pub user_agent: Option<String>,
}

impl Client {
    /// What limits count the client by.
    pub fn networks(&self) -> Networks {
        Networks::of(self.ip)
    }
}

impl App {
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Puts a message into the outbox within the transaction of its cause.
    async fn enqueue(&self, txn: &Txn, outgoing: Outgoing) -> Result<()> {
        let now = self.now().ms();
        let payload = serde_json::to_vec(&outgoing.message)
            .map_err(|error| Error::Internal(format!("cannot encode a message: {error}")))?;
        let (kind, recipient) = match outgoing.to {
            Recipient::Email(address) => ("email", address),
            Recipient::Phone(number) => ("sms", number),
        };
        let sealed_for = sealed_for(outgoing.id, kind, &recipient);
        txn.outbox_insert(OutboxRow {
            id: outgoing.id,
            dedupe_key: outgoing.id.to_string(),
            kind: kind.to_owned(),
            template: outgoing.message.template().to_owned(),
            locale: outgoing.locale,
            user_id: outgoing.user_id,
            recipient,
            payload: self.sealer.seal(&payload, &sealed_for)?,
            state: "pending".to_owned(),
            attempts: 0,
            next_attempt_at: now,
            lease_until: None,
            created_at: now,
            expires_at: outgoing.expires_at.ms(),
            finished_at: None,
            last_error: None,
        })
        .await?;
        Ok(())
    }

    /// A mail about something that has happened; it is worth sending for three days.
    async fn notify(
        &self,
        txn: &Txn,
        user: &crate::datastore::User,
        message: Message,
    ) -> Result<()> {
        let outgoing = Outgoing {
            id: Uuid::now_v7(),
            user_id: Some(user.id),
            locale: user.locale.clone(),
            to: Recipient::Email(user.email.clone()),
            message,
            expires_at: self
                .now()
                .plus(std::time::Duration::from_secs(3 * 24 * 3600)),
        };
        self.enqueue(txn, outgoing).await
    }

    /// Runs `work`, which is one transaction, and again if another transaction won against it.
    async fn retried<T, F>(&self, work: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        retried(work).await
    }

    /// Commits, and lets the worker know that there may be something to send.
    async fn commit(&self, txn: Txn) -> Result<()> {
        txn.commit().await?;
        self.outbox.notify_one();
        Ok(())
    }
}
