//! Rules a single value cannot know: ranges, and what production does not allow. Each refusal says
//! what to do instead.

mod delivery;
mod telemetry;

use std::net::Ipv4Addr;

use http::HeaderName;
use ipnet::IpNet;
use rlibphonenumber::{PHONE_NUMBER_UTIL, Region};
use url::Url;

use super::{Config, HashProfile, Problem, Seconds, Tristate, browser_origin, layers};

pub(super) fn problems(config: &Config) -> Vec<Problem> {
    let mut checks = Checks {
        config,
        problems: Vec::new(),
    };
    checks.addresses();
    checks.origins();
    checks.request_headers();
    checks.cookie_domain();
    checks.lifetimes();
    checks.numbers();
    checks.countries();
    checks.texts();
    checks.delivery();
    checks.telemetry();
    if config.is_production() {
        checks.production();
    }
    checks.problems
}

struct Checks<'a> {
    config: &'a Config,
    problems: Vec<Problem>,
}

impl Checks<'_> {
    fn refuse(&mut self, key: &str, message: impl Into<String>) {
        let value = layers::flat(self.config)
            .ok()
            .and_then(|mut all| all.remove(key));
        self.problems.push(Problem {
            name: key.to_owned(),
            value: value.map(|value| value.to_string()),
            origin: self.config.origin(key),
            message: message.into(),
        });
    }

    fn require(&mut self, holds: bool, key: &str, message: &str) {
        if !holds {
            self.refuse(key, message);
        }
    }

    fn addresses(&mut self) {
        let server = &self.config.server;
        for (key, text) in [
            ("server.public_url", &server.public_url),
            ("server.ui_url", &server.ui_url),
        ] {
            let usable =
                |text: &String| Url::parse(text).is_ok_and(|url| is_plain_web_address(&url));
            self.require(
                text.as_ref().is_none_or(usable),
                key,
                "expected an address such as https://auth.example.com, without user, query or fragment",
            );
        }
        let has_plain_path = server.public_url.as_ref().is_none_or(|text| {
            Url::parse(text).is_ok_and(|url| is_plain_path(url.path()) && !text.contains("/."))
        });
        self.require(
            has_plain_path,
            "server.public_url",
            "the path may have letters, digits, `-`, `_`, `~`, dots within words and single slashes: it is \
             part of links and of the paths of cookies",
        );
        let apart = server.admin_bind != Some(server.bind) || server.bind.port() == 0;
        self.require(apart, "server.admin_bind", "the API listens there already");
        let url = &self.config.database.url;
        let known = ["sqlite:", "postgres://", "postgresql://"]
            .iter()
            .any(|scheme| url.expose().starts_with(scheme));
        self.require(
            url.is_empty() || known,
            "database.url",
            "expected a sqlite: or postgres:// address",
        );
        self.require(
            self.config.database.max_connections >= 2,
            "database.max_connections",
            "expected at least 2: one to read and one to write",
        );
        let empty = self.config.data_dir.as_os_str().is_empty();
        self.require(!empty, "data_dir", "expected a directory");
    }

    fn origins(&mut self) {
        for origin in &self.config.cors.allowed_origins {
            // Comparing with what a browser sends finds paths, slashes, default ports and `*`.
            let exact = browser_origin(origin).is_some_and(|exact| {
                exact == *origin && (exact.starts_with("https://") || exact.starts_with("http://"))
            });
            if !exact {
                let message = format!(
                    "`{origin}` is no origin as browsers send it, such as https://app.example.com"
                );
                self.refuse("cors.allowed_origins", message);
            }
        }
    }

    fn request_headers(&mut self) {
        for name in &self.config.cors.allowed_headers {
            if HeaderName::from_bytes(name.as_bytes()).is_err() {
                let message = format!("`{name}` is no name of a header, such as x-client-version");
                self.refuse("cors.allowed_headers", message);
            }
        }
    }

    fn cookie_domain(&mut self) {
        let Some(domain) = &self.config.cookie.domain else {
            return;
        };
        let labels = domain.split('.').all(|label| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        });
        if !labels || domain.parse::<Ipv4Addr>().is_ok() {
            return self.refuse("cookie.domain", "expected a domain such as example.com");
        }
        let url = self.config.server.public_url.as_deref().map(Url::parse);
        let Some(Ok(url)) = url else {
            return;
        };
        let host = url.host_str().unwrap_or_default();
        let covered = host
            .strip_suffix(domain.to_ascii_lowercase().as_str())
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        self.require(
            covered,
            "cookie.domain",
            "browsers drop the cookie, because server.public_url is not in this domain",
        );
    }

    fn lifetimes(&mut self) {
        let Config {
            tokens, refresh, ..
        } = self.config;
        for (key, ttl) in [
            ("tokens.access_ttl", tokens.access_ttl),
            ("tokens.mfa_pending_ttl", tokens.mfa_pending_ttl),
            ("tokens.mfa_reset_ttl", tokens.mfa_reset_ttl),
            ("tokens.reactivation_ttl", tokens.reactivation_ttl),
            ("tokens.code_ttl", tokens.code_ttl),
            ("refresh.idle_ttl", refresh.idle_ttl),
            ("refresh.family_ttl", refresh.family_ttl),
            ("trusted_device.ttl", self.config.trusted_device.ttl),
            ("server.head_timeout", self.config.server.head_timeout),
            ("server.idle_timeout", self.config.server.idle_timeout),
            ("limits.failures_window", self.config.limits.failures_window),
            (
                "retention.known_networks",
                self.config.retention.known_networks,
            ),
            ("server.body_timeout", self.config.server.body_timeout),
            ("server.drain_timeout", self.config.server.drain_timeout),
        ] {
            self.require(!ttl.is_zero(), key, "expected at least one second");
        }
        self.require(
            self.config.keys.rotation_period.is_zero()
                || self.config.keys.rotation_period >= Seconds::days(1),
            "keys.rotation_period",
            "at least a day: each key stays for as long as its tokens",
        );
        self.require(
            self.config.server.drain_timeout <= Seconds::new(30),
            "server.drain_timeout",
            "at most 30: whoever stops a server wants it stopped",
        );
        let server = &self.config.server;
        self.require(
            server.stop_delay.duration() * 2 <= server.drain_timeout.duration(),
            "server.stop_delay",
            "at most half of server.drain_timeout: the rest is for the requests that run then",
        );
        for (key, leeway) in [
            ("refresh.reuse_leeway_seconds", refresh.reuse_leeway_seconds),
            (
                "refresh.cookie_leeway_seconds",
                refresh.cookie_leeway_seconds,
            ),
        ] {
            self.require(
                leeway <= Seconds::minutes(5),
                key,
                "at most 300: a longer leeway hides a stolen token",
            );
        }
    }

    fn numbers(&mut self) {
        let Config {
            password, limits, ..
        } = self.config;
        let steps = self.config.totp.skew_steps;
        self.require(
            steps <= 3,
            "totp.skew_steps",
            "at most 3: each step is one more code to guess",
        );
        self.require(
            password.min_length >= 1,
            "password.min_length",
            "expected at least 1",
        );
        self.require(
            password.max_length <= 1024,
            "password.max_length",
            "at most 1024, which is also the limit in bytes",
        );
        self.require(
            password.min_length <= password.max_length,
            "password.max_length",
            "shorter than password.min_length",
        );
        self.require(
            self.config.hash.import_max_ms >= 1,
            "hash.import_max_ms",
            "expected at least 1",
        );
        // Zero would mean "never" where somebody may have meant "without a limit".
        let server = &self.config.server;
        for (key, limit) in [
            ("server.max_connections", server.max_connections),
            (
                "server.max_connections_per_address",
                server.max_connections_per_address,
            ),
            ("limits.wide_network_factor", limits.wide_network_factor),
            ("limits.register_per_minute", limits.register_per_minute),
            ("limits.refresh_per_minute", limits.refresh_per_minute),
            ("limits.logins_per_hour", limits.logins_per_hour),
            ("limits.known_logins_per_hour", limits.known_logins_per_hour),
            ("limits.links_per_hour", limits.links_per_hour),
            ("limits.network_failures", limits.network_failures),
            ("limits.account_failures", limits.account_failures),
            ("limits.known_networks", limits.known_networks),
            ("limits.mfa_failures", limits.mfa_failures),
            ("limits.sms_per_day", limits.sms_per_day),
            ("limits.sms_login_per_day", limits.sms_login_per_day),
            ("limits.sms_prefix_per_hour", limits.sms_prefix_per_hour),
            ("limits.sms_total_per_hour", limits.sms_total_per_hour),
            ("limits.sms_strangers_percent", limits.sms_strangers_percent),
            ("limits.sms_network_per_hour", limits.sms_network_per_hour),
            ("limits.sms_logins_per_hour", limits.sms_logins_per_hour),
            ("limits.mfa_reset_per_hour", limits.mfa_reset_per_hour),
            ("limits.reactivate_per_hour", limits.reactivate_per_hour),
            ("hash.network_percent", self.config.hash.network_percent),
        ] {
            self.require(limit >= 1, key, "expected at least 1");
        }
        for (key, percent) in [
            ("limits.sms_strangers_percent", limits.sms_strangers_percent),
            ("hash.network_percent", self.config.hash.network_percent),
        ] {
            self.require(percent <= 100, key, "at most 100, which is all of it");
        }
    }

    fn countries(&mut self) {
        let countries = &self.config.sms.allowed_countries;
        if countries.len() > 1 && countries.iter().any(|code| code == "*") {
            self.refuse("sms.allowed_countries", "`*` stands alone");
        }
        for code in countries.iter().filter(|code| *code != "*") {
            let upper_case = code.bytes().all(|byte| byte.is_ascii_uppercase());
            if !upper_case || !has_phone_numbers(code) {
                let message = format!("`{code}` is no ISO 3166 code such as DE or US");
                self.refuse("sms.allowed_countries", message);
            }
        }
    }

    fn texts(&mut self) {
        let config = self.config;
        for (key, text) in [
            ("tokens.audience", Some(&config.tokens.audience)),
            ("tokens.issuer", config.tokens.issuer.as_ref()),
            ("totp.issuer_name", Some(&config.totp.issuer_name)),
        ] {
            let fine = text
                .is_none_or(|text| !text.trim().is_empty() && !text.chars().any(char::is_control));
            self.require(fine, key, "expected text without control characters");
        }
        // The colon separates issuer and account in the address an authenticator app reads.
        let colon = config.totp.issuer_name.contains(':');
        self.require(
            !colon,
            "totp.issuer_name",
            "a colon is not allowed in this name",
        );
    }

    fn production(&mut self) {
        let config = self.config;
        self.require(
            config.hash.profile != HashProfile::Cheap,
            "hash.profile",
            "cheap hashing is for test suites; production uses standard",
        );
        self.require(
            config.cookie.secure != Tristate::Off,
            "cookie.secure",
            "production sends cookies over https only",
        );
        self.require(
            config.keys.publish_ahead >= Seconds::minutes(5),
            "keys.publish_ahead",
            "production publishes keys for at least 5 minutes first: others keep a copy that long",
        );
        self.require(
            config.security.hsts_max_age >= Seconds::days(365),
            "security.hsts_max_age",
            "production sends Strict-Transport-Security for a year at least, such as 365d",
        );
        let https = |url: &String| url.to_ascii_lowercase().starts_with("https://");
        self.require(
            config.server.public_url.as_ref().is_some_and(https),
            "server.public_url",
            "production needs the https address by which this server is reached",
        );
        self.require(
            config.cors.allowed_origins.iter().all(https),
            "cors.allowed_origins",
            "production allows https origins only",
        );
        self.require(
            config.server.ui_url.as_ref().is_none_or(https),
            "server.ui_url",
            "production links to https pages only",
        );
        self.production_delivery();
        self.production_telemetry();
        let countries = &config.sms.allowed_countries;
        self.require(
            !countries.is_empty() && !countries.iter().any(|code| code == "*"),
            "sms.allowed_countries",
            "production needs the list of countries your users live in",
        );
        self.require(
            !config.server.trusted_proxies.iter().any(covers_everybody),
            "server.trusted_proxies",
            "trusting every address lets each client choose its own",
        );
        let admin = config.server.admin_bind;
        self.require(
            config.server.acknowledge_admin_exposure
                || admin.is_none_or(|address| address.ip().to_canonical().is_loopback()),
            "server.admin_bind",
            "the admin listener asks nobody who they are; if only those who watch reach this address, \
             set server.acknowledge_admin_exposure = true",
        );
        self.require(
            config.password.min_length >= 8,
            "password.min_length",
            "production demands at least 8",
        );
        self.require(
            config.password.max_length >= 64,
            "password.max_length",
            "production allows passphrases of at least 64",
        );
    }
}

fn is_plain_web_address(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
}

fn is_plain_path(path: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    path.bytes().all(is_plain) && !path.contains("//")
}

/// Any two letters parse as a region; only those of a country have numbers (`UK` has none).
fn has_phone_numbers(code: &str) -> bool {
    code.parse::<Region>().is_ok_and(|region| {
        PHONE_NUMBER_UTIL
            .get_supported_regions()
            .any(|known| known == region)
    })
}

fn covers_everybody(network: &IpNet) -> bool {
    network.prefix_len() == 0
}
