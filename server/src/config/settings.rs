//! The sections of the configuration, with every default in one place.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::Seconds;
use super::values::{self, SecretText, Tristate};

/// What the server may get away with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Convenient defaults for one machine.
    Development,
    /// Refuses to start on any setting that is only fit for development.
    Production,
}

impl Mode {
    /// The word by which it is set.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Production => "production",
        }
    }
}

/// How trusted proxies name the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedHeader {
    XForwardedFor,
    /// RFC 7239.
    Forwarded,
}

/// Where the server listens and how it is reached.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Address of the API; port 0 takes any free port. A name is resolved when it is read.
    #[serde(with = "values::address")]
    pub bind: SocketAddr,
    /// How browsers and mail readers reach this server. Empty: `http://` and the bound address.
    #[serde(with = "values::optional")]
    pub public_url: Option<String>,
    /// Where mailed links point, when the pages behind them are elsewhere. Empty: the public URL.
    #[serde(with = "values::optional")]
    pub ui_url: Option<String>,
    /// Networks whose `forwarded_header` is believed; single addresses are allowed.
    #[serde(with = "values::networks")]
    pub trusted_proxies: Vec<IpNet>,
    /// The header in which the trusted proxies name the client.
    pub forwarded_header: ForwardedHeader,
    /// Connections at a time; fewer where the limit of open files is lower.
    pub max_connections: u32,
    /// Connections from one address (IPv6: one /64) that is no trusted proxy's.
    pub max_connections_per_address: u32,
    /// How long the head of a request may take to arrive.
    pub head_timeout: Seconds,
    /// How long a connection may wait for its next request.
    pub idle_timeout: Seconds,
    /// How long the body of a request may take to arrive.
    pub body_timeout: Seconds,
    /// How long a stop serves on, while balancers learn that the server is not ready.
    pub stop_delay: Seconds,
    /// How long a stop takes at most, the delay included, while running requests are finished.
    pub drain_timeout: Seconds,
    /// Address of the admin listener with `/metrics`. Empty: none.
    #[serde(with = "values::address::optional")]
    pub admin_bind: Option<SocketAddr>,
    /// In production: yes, only those who watch can reach an `admin_bind` that is no loopback address.
    pub acknowledge_admin_exposure: bool,
}

/// Where the data is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// `sqlite://…` or `postgres://…`. Empty: SQLite, `bp-auth.db` in the data directory.
    pub url: SecretText,
    /// Connections one server keeps to PostgreSQL at most.
    pub max_connections: u32,
    /// How a pooler between here and PostgreSQL hands out the server's connections.
    pub pool_mode: PoolMode,
    /// Whether a server applies pending migrations; `auto`: in development only.
    pub migrate_on_start: Tristate,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            url: SecretText::default(),
            max_connections: 16,
            pool_mode: PoolMode::Session,
            migrate_on_start: Tristate::Auto,
        }
    }
}

/// What a client of PostgreSQL keeps, in PgBouncer's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolMode {
    /// A session: there is no pooler, or it leaves a client the same connection.
    Session,
    /// A transaction: the next one may be on another of the server's connections.
    Transaction,
}

/// Attributes of the cookies.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cookie {
    /// `true`, `false`, or `auto`: off only in development on a loopback address.
    pub secure: Tristate,
    /// `Domain` of `bp_token`. Empty: host-only.
    #[serde(with = "values::optional")]
    pub domain: Option<String>,
}

/// Which other origins may use the API from a browser.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cors {
    /// Origins such as `https://app.example.com`, beside the one of `server.public_url`.
    pub allowed_origins: Vec<String>,
    /// Request headers such as `x-client-version`, beside those that the API knows.
    pub allowed_headers: Vec<String>,
}

/// Tokens and codes this server issues.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tokens {
    /// `iss` of every token. Empty: the public URL.
    #[serde(with = "values::optional")]
    pub issuer: Option<String>,
    /// `aud` of access tokens.
    pub audience: String,
    /// Life of an access token.
    pub access_ttl: Seconds,
    /// Life of the token between password and second factor.
    pub mfa_pending_ttl: Seconds,
    /// Life of a mailed MFA reset link.
    pub mfa_reset_ttl: Seconds,
    /// Life of a mailed reactivation link.
    pub reactivation_ttl: Seconds,
    /// Life of an SMS code and of a pending set-up.
    pub code_ttl: Seconds,
}

/// Keys that sign tokens.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keys {
    /// How long a new signing key is published before it signs.
    pub publish_ahead: Seconds,
    /// Age at which a signing key is replaced. 0: only by an operator.
    pub rotation_period: Seconds,
}

/// Refresh tokens and their families.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Refresh {
    /// Whether each use replaces the token; also the variable `REFRESH_ROTATION_ENABLED`.
    pub rotation_enabled: bool,
    /// How long the immediate predecessor still gets the same successor. 0: reuse at once.
    pub reuse_leeway_seconds: Seconds,
    /// The same for tokens in the cookie `bp_refresh`, which the tabs of a browser share.
    pub cookie_leeway_seconds: Seconds,
    /// A token unused for this long is dead.
    pub idle_ttl: Seconds,
    /// A session ends after this long, whatever its use.
    pub family_ttl: Seconds,
}

/// When a sensitive operation asks for a fresh login.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StepUp {
    /// Greatest age of the login. 0: never asked.
    pub max_age: Seconds,
}

/// Authenticator apps.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Totp {
    /// Steps of 30 s accepted before and after the current one.
    pub skew_steps: u8,
    /// The name an authenticator app shows.
    pub issuer_name: String,
}

/// Registration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Register {
    /// Whether strangers may register.
    pub enabled: bool,
    /// Answer 201 for a taken address too, and tell its owner by mail.
    pub hide_existing: bool,
    /// An account begins deactivated, and the link in its first mail activates it.
    pub confirm_address: bool,
}

/// Getting rid of a lost second factor.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MfaReset {
    /// Whether a password alone (an MFA-pending token) may ask for the reset mail.
    pub accept_pending_token: bool,
}

/// Cost of password hashing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HashProfile {
    Standard,
    /// For test suites; production refuses it.
    Cheap,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hash {
    pub profile: HashProfile,
    /// The part of the places in the queue that one client network can hold.
    pub network_percent: u32,
    /// Milliseconds of a core that an imported hash may cost at a login, measured where it is imported.
    pub import_max_ms: u32,
}

/// What a password must be, in code points after NFC.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Password {
    pub min_length: usize,
    pub max_length: usize,
}

/// Devices that skip the second factor.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrustedDevice {
    pub ttl: Seconds,
}

/// Text messages.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sms {
    /// ISO 3166 codes, or `*` for every country (not in production).
    pub allowed_countries: Vec<String>,
}

/// Rates and budgets. Every one counts in the database, so instances and restarts share them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// How many times as much a wide network may do as a narrow one.
    pub wide_network_factor: u32,
    /// Registrations per client network, whatever comes of them.
    pub register_per_minute: u32,
    /// Rotations per refresh family.
    pub refresh_per_minute: u32,
    /// Steps of logins per client network, right ones too.
    pub logins_per_hour: u32,
    /// The same for one account at a source that it knows, beside the network's.
    pub known_logins_per_hour: u32,
    /// Wishes for a reactivation, and uses of mailed links, per client network.
    pub links_per_hour: u32,
    /// Wrong passwords per account and client network before the delay starts.
    pub password_free_failures: u32,
    /// Wrong passwords of a network over all accounts, within `failures_window`.
    pub network_failures: u32,
    /// Wrong passwords for an account over all networks that it does not know, within `failures_window`.
    pub account_failures: u32,
    pub failures_window: Seconds,
    /// Networks of right logins that an account remembers.
    pub known_networks: u32,
    /// Wrong second factors per account in 15 minutes.
    pub mfa_failures: u32,
    /// Pause between two messages of one purpose.
    pub sms_interval: Seconds,
    /// Messages per user and per number, of one purpose.
    pub sms_per_day: u32,
    /// The same for codes at login.
    pub sms_login_per_day: u32,
    /// Messages to one number prefix, over all users. Codes at login to a proved number are apart.
    pub sms_prefix_per_hour: u32,
    /// Messages in all, likewise.
    pub sms_total_per_hour: u32,
    /// The part of the two above that goes to numbers which nobody has proved to be his.
    pub sms_strangers_percent: u32,
    /// Messages to such numbers per client network.
    pub sms_network_per_hour: u32,
    /// Codes at login in all: a brake for emergencies.
    pub sms_logins_per_hour: u32,
    /// Reset mails per user.
    pub mfa_reset_per_hour: u32,
    /// Reactivation mails per address.
    pub reactivate_per_hour: u32,
}

/// How long records are kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Life of an audit row. 0: for ever.
    pub audit: Seconds,
    /// Life of an audit row about what somebody did who had not logged in. 0: as long as the others.
    pub anonymous: Seconds,
    /// How long an account knows a network that it was not used from.
    pub known_networks: Seconds,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Security {
    /// `max-age` of `Strict-Transport-Security`. 0: the header is not sent.
    pub hsts_max_age: Seconds,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            bind: SocketAddr::new(IpAddr::from([127, 0, 0, 1]), 8080),
            public_url: None,
            ui_url: None,
            trusted_proxies: Vec::new(),
            forwarded_header: ForwardedHeader::XForwardedFor,
            max_connections: 4096,
            max_connections_per_address: 512,
            head_timeout: Seconds::new(10),
            idle_timeout: Seconds::new(75),
            body_timeout: Seconds::new(10),
            stop_delay: Seconds::ZERO,
            drain_timeout: Seconds::new(30),
            admin_bind: None,
            acknowledge_admin_exposure: false,
        }
    }
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            issuer: None,
            audience: "bp-auth".to_owned(),
            access_ttl: Seconds::minutes(15),
            mfa_pending_ttl: Seconds::minutes(5),
            mfa_reset_ttl: Seconds::minutes(30),
            reactivation_ttl: Seconds::minutes(60),
            code_ttl: Seconds::minutes(10),
        }
    }
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            publish_ahead: Seconds::minutes(10),
            rotation_period: Seconds::days(90),
        }
    }
}

impl Default for Refresh {
    fn default() -> Self {
        Self {
            rotation_enabled: true,
            reuse_leeway_seconds: Seconds::ZERO,
            cookie_leeway_seconds: Seconds::new(10),
            idle_ttl: Seconds::days(14),
            family_ttl: Seconds::days(30),
        }
    }
}

impl Default for StepUp {
    fn default() -> Self {
        let max_age = Seconds::minutes(15);
        Self { max_age }
    }
}

impl Default for Totp {
    fn default() -> Self {
        Self {
            skew_steps: 1,
            issuer_name: "bp-auth".to_owned(),
        }
    }
}

impl Default for Register {
    fn default() -> Self {
        Self {
            enabled: true,
            hide_existing: false,
            confirm_address: false,
        }
    }
}

impl Default for Hash {
    fn default() -> Self {
        Self {
            profile: HashProfile::Standard,
            network_percent: 50,
            import_max_ms: 1000,
        }
    }
}

impl Default for Password {
    fn default() -> Self {
        Self {
            min_length: 8,
            max_length: 128,
        }
    }
}

impl Default for TrustedDevice {
    fn default() -> Self {
        let ttl = Seconds::days(30);
        Self { ttl }
    }
}

impl Default for Sms {
    fn default() -> Self {
        let allowed_countries = vec!["*".to_owned()];
        Self { allowed_countries }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wide_network_factor: 4,
            register_per_minute: 20,
            refresh_per_minute: 30,
            logins_per_hour: 3600,
            known_logins_per_hour: 60,
            links_per_hour: 60,
            password_free_failures: 5,
            network_failures: 100,
            account_failures: 100,
            failures_window: Seconds::minutes(60),
            known_networks: 20,
            mfa_failures: 10,
            sms_interval: Seconds::minutes(1),
            sms_per_day: 5,
            sms_login_per_day: 20,
            sms_prefix_per_hour: 100,
            sms_total_per_hour: 1000,
            sms_strangers_percent: 50,
            sms_network_per_hour: 20,
            sms_logins_per_hour: 10_000,
            mfa_reset_per_hour: 3,
            reactivate_per_hour: 3,
        }
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            audit: Seconds::days(400),
            anonymous: Seconds::days(30),
            known_networks: Seconds::days(90),
        }
    }
}

impl Default for Security {
    fn default() -> Self {
        let hsts_max_age = Seconds::ZERO;
        Self { hsts_max_age }
    }
}
