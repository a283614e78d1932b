//! Configuration: defaults, then a TOML file, then environment variables, then flags. Nothing is
//! read from anywhere else, no default is hidden outside `settings.rs`, and a name nobody knows is
//! refused in every source, because a misspelt security setting must not pass in silence.

mod delivery;
mod layers;
mod log;
mod problem;
mod reload;
mod seconds;
mod settings;
mod telemetry;
#[cfg(test)]
mod tests;
mod validate;
mod values;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use http::HeaderName;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use url::Url;

pub use delivery::{Delivery, MailTransport, SmsTransport, SmsWebhook, Smtp, SmtpTls, Twilio};
pub use log::{Log, LogFormat, LogLevel};
pub use problem::{ConfigErrors, Origin, Problem};
pub use reload::Changes;
pub use seconds::{InvalidDuration, Seconds};
pub use settings::{
    Cookie, Cors, Database, ForwardedHeader, Hash, HashProfile, Keys, Limits, MfaReset, Mode,
    Password, PoolMode, Refresh, Register, Retention, Security, Server, Sms, StepUp, Tokens, Totp,
    TrustedDevice,
};
pub use telemetry::Telemetry;
pub use values::{SecretText, Tristate};

/// Every setting of the server. `Config::default()` is what development gets.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `development` or `production`.
    pub mode: Mode,
    /// Directory of the keys, of the outbox, and of the default database.
    pub data_dir: PathBuf,
    /// Plans beside the built-in Free plan. Empty: `plans.toml` if there is one.
    #[serde(with = "values::optional")]
    pub plans_file: Option<String>,
    pub server: Server,
    pub database: Database,
    pub cookie: Cookie,
    pub cors: Cors,
    pub tokens: Tokens,
    pub keys: Keys,
    pub refresh: Refresh,
    pub step_up: StepUp,
    pub totp: Totp,
    pub register: Register,
    pub mfa_reset: MfaReset,
    pub hash: Hash,
    pub password: Password,
    pub delivery: Delivery,
    pub smtp: Smtp,
    pub twilio: Twilio,
    pub sms_webhook: SmsWebhook,
    pub trusted_device: TrustedDevice,
    pub sms: Sms,
    pub limits: Limits,
    pub security: Security,
    pub retention: Retention,
    pub log: Log,
    pub telemetry: Telemetry,
    /// Who set what, for error messages and [`Config::explain`]; what is absent is a default.
    #[serde(skip)]
    origins: BTreeMap<String, Origin>,
}

/// Where settings come from, weakest first.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// A file to read; that it is missing is an error.
    pub file: Option<PathBuf>,
    /// Environment variables; those that are none of this server's are ignored.
    pub environment: Vec<(String, String)>,
    /// Flags, as dotted key and value; the last one of a key counts.
    pub overrides: Vec<(String, String)>,
}

impl Config {
    /// Reads all sources and validates the result; every problem is reported at once.
    pub fn load(sources: &Sources) -> Result<Self, ConfigErrors> {
        Self::load_but_for(sources, &[])
    }

    /// The same for a command that sends nothing, and so needs none of the secrets of sending. Its user
    /// need not be able to read the files that hold them.
    pub fn load_without_delivery(sources: &Sources) -> Result<Self, ConfigErrors> {
        Self::load_but_for(sources, layers::DELIVERY_SECRETS)
    }

    fn load_but_for(sources: &Sources, unneeded: &'static [&str]) -> Result<Self, ConfigErrors> {
        let config = layers::load(sources, unneeded)?;
        let mut problems = config.validate();
        problems.retain(|problem| !unneeded.contains(&problem.name.as_str()));
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(ConfigErrors(problems))
        }
    }

    /// Settings that parse but must not be used, above all in production.
    pub fn validate(&self) -> Vec<Problem> {
        validate::problems(self)
    }

    /// Every key with its value and the source that set it; secrets are not shown.
    pub fn explain(&self) -> String {
        layers::explain(self)
    }

    pub fn origin(&self, key: &str) -> Origin {
        self.origins.get(key).cloned().unwrap_or(Origin::Default)
    }

    pub fn is_production(&self) -> bool {
        self.mode == Mode::Production
    }

    /// How others reach this server, without a slash at the end.
    pub fn public_url(&self, bound: SocketAddr) -> String {
        match &self.server.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://{bound}"),
        }
    }

    /// The path of the public URL, under which browsers see the API; empty at the root.
    pub fn public_path(&self, bound: SocketAddr) -> String {
        let url = Url::parse(&self.public_url(bound));
        url.map(|url| url.path().trim_end_matches('/').to_owned())
            .unwrap_or_default()
    }

    /// Where the pages behind mailed links are, without a slash at the end.
    pub fn ui_url(&self, bound: SocketAddr) -> String {
        match &self.server.ui_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => self.public_url(bound),
        }
    }

    /// Request headers that pages may send beside those that the API knows.
    pub fn allowed_headers(&self) -> Vec<HeaderName> {
        let names = self.cors.allowed_headers.iter();
        names
            .filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok())
            .collect()
    }

    /// What this service is called: the name in authenticator apps, and the host it is reached at.
    pub fn names(&self, bound: SocketAddr) -> Vec<String> {
        let url = Url::parse(&self.public_url(bound)).ok();
        let host = url.as_ref().and_then(Url::domain).map(str::to_owned);
        host.into_iter()
            .chain([self.totp.issuer_name.clone()])
            .collect()
    }

    /// `iss` of the tokens.
    pub fn issuer(&self, bound: SocketAddr) -> String {
        match &self.tokens.issuer {
            Some(issuer) => issuer.clone(),
            None => self.public_url(bound),
        }
    }

    /// Origins a browser may send credentials from, as browsers write them.
    pub fn allowed_origins(&self, bound: SocketAddr) -> Vec<String> {
        let bound_url = format!("http://{bound}");
        let mut origins: Vec<String> = (self.cors.allowed_origins.iter())
            .chain([&self.public_url(bound)])
            .chain((!self.is_production()).then_some(&bound_url))
            .filter_map(|text| browser_origin(text))
            .collect();
        origins.sort();
        origins.dedup();
        origins
    }

    /// Whether a page at this address may call the API.
    pub fn allows_page(&self, url: &str, bound: SocketAddr) -> bool {
        let origin = browser_origin(url);
        origin.is_some_and(|origin| self.allowed_origins(bound).contains(&origin))
    }

    /// Whether cookies carry `Secure`.
    pub fn cookie_secure(&self) -> bool {
        match self.cookie.secure {
            Tristate::On => true,
            Tristate::Off => false,
            Tristate::Auto => self.is_production() || !self.server.bind.ip().is_loopback(),
        }
    }

    /// The database to open; SQLite in the data directory unless one is configured.
    pub fn database_url(&self) -> SecretText {
        if self.database.url.is_empty() {
            return SecretText::new(sqlite_url(&self.data_dir.join("bp-auth.db")));
        }
        self.database.url.clone()
    }

    /// Whether a server brings its database up to date by itself.
    pub fn migrates_on_start(&self) -> bool {
        match self.database.migrate_on_start {
            Tristate::On => true,
            Tristate::Off => false,
            Tristate::Auto => !self.is_production(),
        }
    }

    /// The plans file to read, if any.
    pub fn plans_path(&self) -> Option<PathBuf> {
        let default = Path::new("plans.toml");
        match &self.plans_file {
            Some(named) => Some(PathBuf::from(named)),
            None => default.exists().then(|| default.to_owned()),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            mode: Mode::Development,
            data_dir: PathBuf::from("./data"),
            plans_file: None,
            server: Server::default(),
            database: Database::default(),
            cookie: Cookie::default(),
            cors: Cors::default(),
            tokens: Tokens::default(),
            keys: Keys::default(),
            refresh: Refresh::default(),
            step_up: StepUp::default(),
            totp: Totp::default(),
            register: Register::default(),
            mfa_reset: MfaReset::default(),
            hash: Hash::default(),
            password: Password::default(),
            delivery: Delivery::default(),
            smtp: Smtp::default(),
            twilio: Twilio::default(),
            sms_webhook: SmsWebhook::default(),
            trusted_device: TrustedDevice::default(),
            sms: Sms::default(),
            limits: Limits::default(),
            security: Security::default(),
            retention: Retention::default(),
            log: Log::default(),
            telemetry: Telemetry::default(),
            origins: BTreeMap::new(),
        }
    }
}

/// The origin of an address as the `Origin` header spells it: lower case, no default port.
fn browser_origin(text: &str) -> Option<String> {
    let origin = Url::parse(text).ok()?.origin();
    origin.is_tuple().then(|| origin.ascii_serialization())
}

/// A path may hold characters that mean something in a URL.
fn sqlite_url(path: &Path) -> String {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'/')
        .remove(b'.')
        .remove(b'-')
        .remove(b'_');
    let path = path.to_string_lossy();
    format!("sqlite://{}?mode=rwc", utf8_percent_encode(&path, KEPT))
}
