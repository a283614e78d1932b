//! What a server counts while it runs, in the form that Prometheus reads.
//!
//! Labels are names that this program chose: of its operations, of its errors, of countries. Nothing
//! a client chooses becomes one, so that nobody can fill the memory with series. Each server has a
//! [`Metrics`] of its own; to count is an addition behind a lock for reading.

mod now;

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::prometheus_text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::telemetry;
pub use now::{HashQueue, Now, Outbox, Pool};

/// What [`Metrics::render`] makes.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The operation of a request that is none: an unknown path, a wrong method, a browser's preflight.
pub const NO_OPERATION: &str = "none";

/// Seconds. The longest that the server lets a request wait is ten.
const BUCKETS: [f64; 12] = [
    0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

pub struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    durations: Family<Operation, Histogram, fn() -> Histogram>,
    logins: Family<Login, Counter>,
    refreshes: Family<Outcome, Counter>,
    mfa_failures: Family<Method, Counter>,
    limits: Family<LimitName, Counter>,
    common_passwords: Counter,
    deliveries: Family<Delivery, Counter>,
    sms: Family<Country, Counter>,
    connections: Gauge,
    connection_ends: Family<EndName, Counter>,
    forwarded_unreadable: Counter,
}

/// A step of a login.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    Password,
    Challenge,
}

/// What a refresh that was granted was.
#[derive(Debug, Clone, Copy)]
pub enum Refreshed {
    Rotated,
    /// Rotation is off.
    Kept,
    /// The successor once more.
    Leeway,
}

/// What refused or held something back.
#[derive(Debug, Clone, Copy)]
pub enum Limit {
    Register,
    /// The delay of one source at one account.
    Password,
    PasswordNetwork,
    PasswordAccount,
    /// Steps of logins by network.
    Logins,
    /// Mailed links by network.
    Links,
    Mfa,
    MfaSetup,
    Refresh,
    SmsCode,
    SmsInterval,
    SmsUser,
    SmsNumber,
    SmsNetwork,
    SmsStrangers,
    SmsPrefix,
    SmsTotal,
    SmsLogins,
    MfaReset,
    Reactivate,
    RegisterMails,
}

/// Why a connection was refused, or ended before its client ended it.
#[derive(Debug, Clone, Copy)]
pub enum ConnectionEnd {
    /// Refused: as many as there may be have requests under way.
    Full,
    /// The same for the client's network.
    NetworkFull,
    /// Closed while it waited for its client, to make room for another.
    Replaced,
    HeadTimeout,
    IdleTimeout,
    AnswerNotTaken,
}

/// What became of an attempt to hand a message over.
#[derive(Debug, Clone, Copy)]
pub enum Delivered {
    Sent,
    /// It will be tried again.
    Retry,
    Dead,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    operation: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Operation {
    operation: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Login {
    step: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Method {
    method: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LimitName {
    limit: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Delivery {
    kind: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Country {
    country: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndName {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Build {
    version: &'static str,
    contract: String,
}

impl Metrics {
    pub fn new(contract: String) -> Self {
        let mut registry = Registry::with_prefix("bp_auth");
        let mut new = Self {
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            logins: Family::default(),
            refreshes: Family::default(),
            mfa_failures: Family::default(),
            limits: Family::default(),
            common_passwords: Counter::default(),
            deliveries: Family::default(),
            sms: Family::default(),
            connections: Gauge::default(),
            connection_ends: Family::default(),
            forwarded_unreadable: Counter::default(),
            registry: Registry::default(),
        };
        let build = Family::<Build, Gauge>::default();
        let version = env!("CARGO_PKG_VERSION");
        build.get_or_create(&Build { version, contract }).set(1);
        registry.register("build_info", "What runs; the value is always 1", build);
        let requests = new.requests.clone();
        registry.register("http_requests", "Requests answered", requests);
        registry.register(
            "http_request_duration_seconds",
            "From the head of a request to its answer",
            new.durations.clone(),
        );
        registry.register("logins", "Steps of logins", new.logins.clone());
        registry.register("refreshes", "Uses of refresh tokens", new.refreshes.clone());
        registry.register(
            "mfa_failures",
            "Wrong second factors at a login",
            new.mfa_failures.clone(),
        );
        registry.register(
            "limits_hit",
            "What limits refused or held back",
            new.limits.clone(),
        );
        registry.register(
            "common_passwords",
            "Accounts found at a login to have a common password",
            new.common_passwords.clone(),
        );
        registry.register(
            "deliveries",
            "Attempts to hand a message over",
            new.deliveries.clone(),
        );
        registry.register("sms_sent", "Text messages handed over", new.sms.clone());
        registry.register(
            "connections",
            "Open connections, of both listeners",
            new.connections.clone(),
        );
        registry.register(
            "connections_ended",
            "Connections that the server refused or ended",
            new.connection_ends.clone(),
        );
        registry.register(
            "forwarded_unreadable",
            "Requests whose client no trusted proxy names readably",
            new.forwarded_unreadable.clone(),
        );
        registry.register(
            "telemetry_dropped_spans",
            "Spans that no collector took",
            telemetry::DROPPED.clone(),
        );
        new.registry = registry;
        new.begin_at_zero();
        new
    }

    /// A series that is missing until the first event cannot be compared with the time before.
    fn begin_at_zero(&self) {
        for limit in Limit::ALL {
            let limit = limit.name();
            drop(self.limits.get_or_create(&LimitName { limit }));
        }
        for end in ConnectionEnd::ALL {
            let reason = end.name();
            drop(self.connection_ends.get_or_create(&EndName { reason }));
        }
        for method in ["totp", "sms", "backup_codes"] {
            drop(self.mfa_failures.get_or_create(&Method { method }));
        }
        for outcome in ["rotated", "leeway", "token_reused"] {
            drop(self.refreshes.get_or_create(&Outcome { outcome }));
        }
        for (step, outcome) in [
            ("password", "success"),
            ("password", "mfa_required"),
            ("password", "invalid_credentials"),
            ("password", "rate_limited"),
            ("challenge", "success"),
            ("challenge", "code_invalid"),
            ("challenge", "mfa_locked"),
        ] {
            drop(self.logins.get_or_create(&Login { step, outcome }));
        }
        for kind in ["email", "sms"] {
            for outcome in [Delivered::Sent, Delivered::Retry, Delivered::Dead] {
                let outcome = outcome.name();
                drop(self.deliveries.get_or_create(&Delivery { kind, outcome }));
            }
        }
    }

    /// An answer. `operation` is the router's name for it, never a path.
    pub fn request(&self, operation: &str, status: u16, took: Duration) {
        let operation = operation.to_owned();
        self.durations
            .get_or_create(&Operation {
                operation: operation.clone(),
            })
            .observe(took.as_secs_f64());
        self.requests
            .get_or_create(&Request { operation, status })
            .inc();
    }

    pub fn login(&self, step: Step, outcome: &'static str) {
        let step = step.name();
        self.logins.get_or_create(&Login { step, outcome }).inc();
    }

    pub fn refresh(&self, outcome: &'static str) {
        self.refreshes.get_or_create(&Outcome { outcome }).inc();
    }

    pub fn mfa_failure(&self, method: &'static str) {
        self.mfa_failures.get_or_create(&Method { method }).inc();
    }

    pub fn limit_hit(&self, limit: Limit) {
        let limit = limit.name();
        self.limits.get_or_create(&LimitName { limit }).inc();
    }

    pub fn connection_opened(&self) {
        self.connections.inc();
    }

    pub fn connection_closed(&self) {
        self.connections.dec();
    }

    pub fn connection_ended(&self, end: ConnectionEnd) {
        let reason = end.name();
        self.connection_ends
            .get_or_create(&EndName { reason })
            .inc();
    }

    /// A request counted as its proxy's own, because the address in the proxy's header cannot be read.
    pub fn forwarded_unreadable(&self) {
        self.forwarded_unreadable.inc();
    }

    pub fn common_password(&self) {
        self.common_passwords.inc();
    }

    /// `kind` is `email` or `sms`.
    pub fn delivery(&self, kind: &'static str, outcome: Delivered) {
        let outcome = outcome.name();
        self.deliveries
            .get_or_create(&Delivery { kind, outcome })
            .inc();
    }

    /// `country` is the ISO 3166 code that a number was found to belong to.
    pub fn sms_sent(&self, country: Option<String>) {
        let country = country.unwrap_or_else(|| "unknown".to_owned());
        self.sms.get_or_create(&Country { country }).inc();
    }

    /// Everything, with what is so `now`, which is a time in Unix milliseconds.
    pub fn render(&self, state: &Now, now: i64) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        encode(&mut text, &state.registry(now))?;
        Ok(text)
    }
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Challenge => "challenge",
        }
    }
}

impl Refreshed {
    pub fn name(self) -> &'static str {
        match self {
            Self::Rotated => "rotated",
            Self::Kept => "kept",
            Self::Leeway => "leeway",
        }
    }
}

impl Delivered {
    pub fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Retry => "retry",
            Self::Dead => "dead",
        }
    }
}

impl ConnectionEnd {
    const ALL: [Self; 6] = [
        Self::Full,
        Self::NetworkFull,
        Self::Replaced,
        Self::HeadTimeout,
        Self::IdleTimeout,
        Self::AnswerNotTaken,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::NetworkFull => "network_full",
            Self::Replaced => "replaced",
            Self::HeadTimeout => "head_timeout",
            Self::IdleTimeout => "idle_timeout",
            Self::AnswerNotTaken => "answer_not_taken",
        }
    }
}

impl Limit {
    const ALL: [Self; 21] = [
        Self::Register,
        Self::Password,
        Self::PasswordNetwork,
        Self::PasswordAccount,
        Self::Logins,
        Self::Links,
        Self::Mfa,
        Self::MfaSetup,
        Self::Refresh,
        Self::SmsCode,
        Self::SmsInterval,
        Self::SmsUser,
        Self::SmsNumber,
        Self::SmsNetwork,
        Self::SmsStrangers,
        Self::SmsPrefix,
        Self::SmsTotal,
        Self::SmsLogins,
        Self::MfaReset,
        Self::Reactivate,
        Self::RegisterMails,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Password => "password",
            Self::PasswordNetwork => "password_network",
            Self::PasswordAccount => "password_account",
            Self::Logins => "logins",
            Self::Links => "links",
            Self::Mfa => "mfa",
            Self::MfaSetup => "mfa_setup",
            Self::Refresh => "refresh",
            Self::SmsCode => "sms_code",
            Self::SmsInterval => "sms_interval",
            Self::SmsUser => "sms_user",
            Self::SmsNumber => "sms_number",
            Self::SmsNetwork => "sms_network",
            Self::SmsStrangers => "sms_strangers",
            Self::SmsPrefix => "sms_prefix",
            Self::SmsTotal => "sms_total",
            Self::SmsLogins => "sms_logins",
            Self::MfaReset => "mfa_reset",
            Self::Reactivate => "reactivate",
            Self::RegisterMails => "register_mails",
        }
    }
}
