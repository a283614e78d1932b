//! A worker on a store and a transport that live in memory, under a clock that stands still.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Notify, watch};
use uuid::Uuid;

use super::gate::{Try, Turn};
use super::mail::sender;
use super::templates::Templates;
use super::worker::{Claimed, Gates, Kind, OutboxStore, StoreError, Worker};
use super::{Content, Envelope, SendError, Sending, Transport};
use crate::app::clock::{Clock, ManualClock, Timestamp};
use crate::app::message::{Message, SmsPurpose, sealed_for};
use crate::app::seal::Sealer;
use crate::metrics::Metrics;

pub const START: Timestamp = Timestamp(1_795_372_800_000);
pub const CODE: &str = "493027";

pub struct Row {
    pub id: Uuid,
    pub recipient: String,
    pub payload: String,
    pub state: &'static str,
    pub attempts: u32,
    pub next_attempt_at: Timestamp,
    pub expires_at: Timestamp,
    pub last_error: String,
}

#[derive(Default)]
pub struct Store {
    pub rows: Mutex<Vec<Row>>,
    pub down: Mutex<bool>,
    /// What comes of a look for new keys.
    pub news: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Store {
    fn finish(&self, id: Uuid, state: &'static str, error: &str) -> Result<(), StoreError> {
        self.change(id, |row| {
            row.state = state;
            row.payload.clear();
            row.last_error = error.to_owned();
        })
    }

    fn change(&self, id: Uuid, change: impl FnOnce(&mut Row)) -> Result<(), StoreError> {
        self.check()?;
        let mut rows = self.rows.lock().unwrap();
        change(rows.iter_mut().find(|row| row.id == id).unwrap());
        Ok(())
    }

    fn check(&self) -> Result<(), StoreError> {
        match *self.down.lock().unwrap() {
            true => Err(StoreError("database is away".to_owned())),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl OutboxStore for Store {
    async fn claim(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Claimed>, StoreError> {
        self.check()?;
        let mut rows = self.rows.lock().unwrap();
        let due = rows
            .iter_mut()
            .filter(|row| row.state == "pending" && row.next_attempt_at <= now)
            .take(limit as usize);
        let claim = |row: &mut Row| {
            row.attempts += 1;
            row.next_attempt_at = lease_until;
            Claimed {
                id: row.id,
                kind: Kind::Mail,
                template: "some".to_owned(),
                locale: None,
                recipient: row.recipient.clone(),
                payload: row.payload.clone(),
                attempts: row.attempts,
                created_at: START,
                expires_at: row.expires_at,
            }
        };
        Ok(due.map(claim).collect())
    }

    async fn mark_sent(&self, id: Uuid, _: Timestamp) -> Result<(), StoreError> {
        self.finish(id, "sent", "")
    }

    async fn mark_dead(&self, id: Uuid, _: Timestamp, error: &str) -> Result<(), StoreError> {
        self.finish(id, "dead", error)
    }

    async fn retry_at(&self, id: Uuid, next: Timestamp, error: &str) -> Result<(), StoreError> {
        self.change(id, |row| {
            row.next_attempt_at = next;
            row.last_error = error.to_owned();
        })
    }

    async fn give_back(&self, id: Uuid) -> Result<(), StoreError> {
        self.change(id, |row| {
            row.attempts -= 1;
            row.next_attempt_at = START;
        })
    }

    async fn expire(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.check()?;
        let mut rows = self.rows.lock().unwrap();
        let old = rows
            .iter_mut()
            .filter(|row| row.state == "pending" && row.expires_at <= now);
        Ok(old.map(|row| row.state = "expired").count() as u64)
    }

    async fn learn_keys(&self) -> Result<(), StoreError> {
        if let Some(learn) = self.news.lock().unwrap().take() {
            learn();
        }
        Ok(())
    }

    async fn next_due(&self) -> Result<Option<i64>, StoreError> {
        self.check()?;
        let rows = self.rows.lock().unwrap();
        let pending = rows.iter().filter(|row| row.state == "pending");
        Ok(pending.map(|row| row.next_attempt_at.ms()).min())
    }
}

pub enum Answer {
    Temporary(&'static str),
    Permanent(&'static str),
    Panic,
    Hang,
}

/// Gives the scripted answers, then takes everything.
#[derive(Default)]
pub struct Script {
    pub answers: Mutex<VecDeque<Answer>>,
    pub calls: Mutex<u32>,
    pub sent: Mutex<Vec<(Uuid, String)>>,
}

#[async_trait]
impl Transport for Script {
    async fn send<'g>(
        &self,
        envelope: &Envelope,
        attempt: &Try<'g>,
    ) -> Result<Turn<'g>, SendError> {
        *self.calls.lock().unwrap() += 1;
        let answer = self.answers.lock().unwrap().pop_front();
        match answer {
            Some(Answer::Temporary(text)) => return Err(SendError::Temporary(text.to_owned())),
            Some(Answer::Permanent(text)) => return Err(SendError::Permanent(text.to_owned())),
            Some(Answer::Panic) => panic!("a provider's library failed"),
            Some(Answer::Hang) => {
                return attempt.alone(std::future::pending()).await;
            }
            None => {}
        }
        let text = match &envelope.content {
            Content::Mail(mail) => String::from_utf8(mail.formatted()).unwrap(),
            Content::Sms { to, text } => format!("{to} {text}"),
        };
        self.sent.lock().unwrap().push((envelope.id, text));
        Ok(Turn::FREE)
    }
}

pub struct Bench {
    pub store: Arc<Store>,
    pub transport: Arc<Script>,
    pub clock: ManualClock,
    pub worker: Worker,
}

impl Bench {
    pub fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let store = Arc::new(Store::default());
        let transport = Arc::new(Script {
            answers: Mutex::new(answers.into_iter().collect()),
            ..Script::default()
        });
        let clock = ManualClock::starting_at(START);
        let worker = Worker {
            store: store.clone(),
            sealer: Arc::new(Sealer::new([("k1", &[1; 32])])),
            sending: watch::channel(Arc::new(Sending {
                templates: Templates::new(None, "en").unwrap(),
                transport: transport.clone(),
                from: sender("no-reply@auth.example.com").unwrap(),
                timeout: Duration::from_millis(200),
            }))
            .1,
            clock: Arc::new(clock.clone()),
            wake: Arc::new(Notify::new()),
            metrics: Arc::new(Metrics::new(String::new())),
            ui_url: "https://auth.example.com".to_owned(),
            gates: Gates::default(),
        };
        Self {
            store,
            transport,
            clock,
            worker,
        }
    }

    /// Enqueues as the logic does, to live for an hour.
    pub fn add(&self, recipient: &str, message: &Message) -> Uuid {
        let id = Uuid::now_v7();
        let json = serde_json::to_vec(message).unwrap();
        let payload = seal(&self.worker.sealer, id, recipient, &json);
        self.add_sealed(id, recipient, payload)
    }

    pub fn add_sealed(&self, id: Uuid, recipient: &str, payload: String) -> Uuid {
        self.store.rows.lock().unwrap().push(Row {
            id,
            recipient: recipient.to_owned(),
            payload,
            state: "pending",
            attempts: 0,
            next_attempt_at: self.clock.now(),
            expires_at: self.clock.now().plus(Duration::from_secs(3600)),
            last_error: String::new(),
        });
        id
    }

    pub fn add_code(&self) -> Uuid {
        let message = Message::SmsCode {
            code: CODE.to_owned(),
            purpose: SmsPurpose::Login,
            expires_minutes: 10,
        };
        self.add("+4915112345678", &message)
    }

    pub fn row<T>(&self, id: Uuid, read: impl FnOnce(&Row) -> T) -> T {
        let rows = self.store.rows.lock().unwrap();
        read(rows.iter().find(|row| row.id == id).unwrap())
    }

    pub fn state(&self, id: Uuid) -> &'static str {
        self.row(id, |row| row.state)
    }

    pub fn sent(&self) -> usize {
        self.transport.sent.lock().unwrap().len()
    }

    pub async fn turn(&self) -> usize {
        self.worker.run_once().await.unwrap()
    }
}

/// Seals what the rows of a bench hold, which are all of one kind.
pub fn seal(sealer: &Sealer, id: Uuid, recipient: &str, content: &[u8]) -> String {
    let sealed_for = sealed_for(id, "email", recipient);
    sealer.seal(content, &sealed_for).unwrap()
}
