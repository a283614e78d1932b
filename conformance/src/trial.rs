//! What a case holds in its hands: clients of the server under judgement, and the levers beside it.
//!
//! Cases go through [`Trial::anonymous`] and [`Trial::bearer`], the generated client; through
//! [`Trial::http`] only for what that client cannot say. All of it passes the witness.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use bp_auth_client::{Client, Secret, Transport};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::case::Profile;
use crate::target::Target;
use crate::target::messages::{Message, PATIENCE, PATIENCE_WITH_THE_DEAD};
use crate::witness::{CASE_HEADER, CaseId, INSTANCE_HEADER, Recorder};

/// Longer than any answer takes, shorter than a hang.
const TIMEOUT: Duration = Duration::from_secs(30);

/// One case's view of the target. Clones share everything.
#[derive(Clone)]
pub struct Trial {
    pub target: Arc<Target>,
    pub recorder: Arc<Recorder>,
    case: CaseId,
    network: Option<IpAddr>,
    /// Where there are several; the next one in turn if none is named.
    instance: Option<usize>,
    names: Arc<AtomicU64>,
    options: Options,
}

/// What the caller of the suite chose for the cases that throw dice.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// From which all random choices of a walk follow.
    pub seed: u64,
    /// Of all walks together.
    pub walk_steps: usize,
}

impl Trial {
    pub fn new(
        target: Arc<Target>,
        recorder: Arc<Recorder>,
        case: CaseId,
        options: Options,
    ) -> Self {
        Self {
            network: target.network(),
            instance: None,
            names: Arc::default(),
            options,
            target,
            recorder,
            case,
        }
    }

    pub fn options(&self) -> Options {
        self.options
    }

    pub fn case(&self) -> CaseId {
        self.case
    }

    /// Something to tell beside the verdict: a figure, a seed.
    pub fn note(&self, text: String) {
        self.recorder.note(self.case, text);
    }

    pub fn profile(&self) -> Profile {
        self.target.profile
    }

    /// The generated client without credentials.
    pub fn anonymous(&self) -> Client {
        self.with_headers(HeaderMap::new())
    }

    /// The generated client with an access token, or with what is tried in the place of one.
    pub fn bearer(&self, token: &Secret) -> Client {
        self.with(&[(AUTHORIZATION, format!("Bearer {}", token.expose()))])
    }

    /// The generated client with these headers: a cookie, an API key, an origin.
    pub fn with(&self, headers: &[(HeaderName, String)]) -> Client {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).expect("a header value of a case");
            map.append(name.clone(), value);
        }
        self.with_headers(map)
    }

    fn with_headers(&self, headers: HeaderMap) -> Client {
        Client::new_with_client(&self.target.url(), self.raw(headers), Transport::default())
    }

    /// Plain HTTP, for what the generated client cannot say. Build addresses with [`Trial::at`].
    pub fn http(&self) -> reqwest::Client {
        self.raw(HeaderMap::new())
    }

    fn raw(&self, mut headers: HeaderMap) -> reqwest::Client {
        headers.insert(CASE_HEADER, HeaderValue::from(self.case));
        if let Some(instance) = self.instance {
            headers.insert(INSTANCE_HEADER, HeaderValue::from(instance));
        }
        let client = reqwest::Client::builder()
            .default_headers(headers)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .local_address(self.network)
            // The witness speaks plain HTTP; loading the system's certificates would take longer
            // than the case.
            .tls_certs_only([])
            .timeout(TIMEOUT);
        client.build().expect("a client without special wishes")
    }

    /// An address behind the witness.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.target.url())
    }

    /// The same case from another client network. None where the suite has no other address.
    pub fn elsewhere(&self) -> Option<Self> {
        let network = Some(self.target.network()?);
        Some(Self {
            network,
            ..self.clone()
        })
    }

    /// The same case at one of the instances, counted around from 0.
    pub fn on(&self, instance: usize) -> Self {
        Self {
            instance: Some(instance),
            ..self.clone()
        }
    }

    /// A name that this run has not used.
    pub fn fresh(&self, prefix: &str) -> String {
        let number = self.names.fetch_add(1, Ordering::Relaxed);
        format!("{prefix}-{}-{number}", uuid::Uuid::new_v4().simple())
    }

    pub fn fresh_email(&self) -> String {
        format!("{}@example.com", self.fresh("case"))
    }

    /// A valid phone number that this run has hardly used: limits count by number and prefix.
    pub fn fresh_phone(&self) -> String {
        let [a, b, c, d, ..] = *uuid::Uuid::new_v4().as_bytes();
        let random = u32::from_be_bytes([a, b, c, d]);
        // German mobile numbers; the third block chooses among many prefixes.
        format!("+4915{}{:08}", 1 + random % 2, random % 100_000_000)
    }

    /// What the server takes for the time, in milliseconds since the epoch.
    #[expect(
        clippy::disallowed_methods,
        reason = "a server that is reached by its address only has the world's clock"
    )]
    pub fn now_ms(&self) -> i64 {
        match &self.target.clock {
            Some(clock) => clock.now_ms(),
            None => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH);
                i64::try_from(now.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
            }
        }
    }

    /// Moves the server's time. Only for cases that need the clock.
    pub fn advance(&self, by: Duration) -> Result<()> {
        let clock = self.target.clock.as_ref();
        clock
            .context("the case does not say that it needs the clock")?
            .advance(by)
    }

    pub fn advance_secs(&self, seconds: u64) -> Result<()> {
        self.advance(Duration::from_secs(seconds))
    }

    /// An operator's action on a user: `deactivate`, `suspend`, `activate`, `reset-mfa`.
    pub async fn operator(&self, action: &str, email: &str) -> Result<()> {
        let operator = self.target.operator.as_ref();
        operator
            .context("the case does not say that it needs an operator")?
            .act(action, email)
            .await
    }

    #[cfg(feature = "spawn")]
    pub fn processes(&self) -> Result<&crate::target::processes::Processes> {
        let spawned = self.target.spawned.as_ref();
        spawned.context("the case does not say that it needs a spawned server")
    }

    /// All messages to an e-mail address or number, once there are at least so many.
    pub async fn messages(&self, address: &str, at_least: usize) -> Result<Vec<Message>> {
        let messages = self.target.messages.as_ref();
        let patience = match self.target.instances.len() {
            1 => PATIENCE,
            _ => PATIENCE_WITH_THE_DEAD,
        };
        messages
            .context("the case does not say that it needs messages")?
            .wait(address, at_least, patience)
            .await
    }

    /// All messages to an address, after everything that was under way has arrived: later messages to
    /// somebody else have. Two of them, one after the other, because messages that were written close
    /// together may be sent at once and overtake each other.
    pub async fn settled_messages(&self, address: &str) -> Result<Vec<Message>> {
        for _ in 0..2 {
            let sentinel = self.register().await?;
            self.messages(&sentinel.email, 1).await?;
        }
        self.messages(address, 0).await
    }
}

impl Options {
    pub const WALK_STEPS: usize = 20_000;
}

impl Default for Options {
    /// Another seed each time.
    fn default() -> Self {
        Self {
            seed: uuid::Uuid::new_v4().as_u64_pair().1,
            walk_steps: Self::WALK_STEPS,
        }
    }
}
