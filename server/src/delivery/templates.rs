//! The words of every mail and SMS. Templates are part of the binary, and all of them are rendered
//! once at the start, so that a broken one stops the start and not the first mail.

use std::collections::BTreeSet;

use minijinja::value::{Value, merge_maps};
use minijinja::{Environment, UndefinedBehavior, context};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::app::clock::Timestamp;
use crate::app::message::{Message, SmsPurpose};

/// Renders messages. `html` templates escape what they insert, text templates do not.
pub struct Templates {
    env: Environment<'static>,
}

/// It has no `Debug`: it carries tokens and codes.
pub enum Rendered {
    Mail {
        subject: String,
        text: String,
        html: String,
    },
    Sms {
        text: String,
    },
}

/// Names the template and the line, never a value.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("template {name}, line {line}: {kind}")]
    Template {
        name: String,
        line: usize,
        kind: minijinja::ErrorKind,
    },
    #[error("template {0} is not covered by a sample message")]
    NoSample(String),
    #[error("template {0} gives an empty subject or body")]
    Empty(&'static str),
    #[error("the public URL has no host")]
    PublicUrl,
}

impl Templates {
    /// Compiles every template and renders it with sample data.
    pub fn new() -> Result<Self, Error> {
        Self::from_sources(SOURCES)
    }

    pub(super) fn from_sources(sources: &[(&'static str, &'static str)]) -> Result<Self, Error> {
        let mut env = Environment::new();
        env.set_undefined_behavior(UndefinedBehavior::Strict);
        let syntax = env
            .syntax()
            .to_builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()
            .map_err(|e| failed("syntax", &e))?;
        env.set_syntax(syntax);
        // Debug information would carry the values of a failed rendering, tokens among them.
        env.set_debug(false);
        for (name, source) in sources {
            env.add_template(name, source)
                .map_err(|e| failed(name, &e))?;
        }
        let templates = Self { env };
        templates.check(sources)?;
        Ok(templates)
    }

    pub fn render(&self, message: &Message, public_url: &str) -> Result<Rendered, Error> {
        let name = message.template();
        let base = Base::parse(public_url)?;
        let values = merge_maps([
            values(message, &base),
            context! { site => base.site.as_str(), public_url => base.url },
        ]);
        let text = self.text(&format!("{name}.txt"), &values)?;
        if let Message::SmsCode { .. } = message {
            let text = text.trim().to_owned();
            return if text.is_empty() {
                Err(Error::Empty(name))
            } else {
                Ok(Rendered::Sms { text })
            };
        }
        // The first line is the subject, whatever else was rendered into it.
        let (subject, body) = text.trim_start().split_once('\n').unwrap_or_default();
        let (subject, body) = (subject.trim(), body.trim());
        if subject.is_empty() || body.is_empty() {
            return Err(Error::Empty(name));
        }
        let values = merge_maps([context! { subject }, values]);
        let html = self.text(&format!("{name}.html"), &values)?;
        Ok(Rendered::Mail {
            subject: subject.to_owned(),
            text: format!("{body}\n"),
            html: format!("{}\n", html.trim()),
        })
    }

    fn text(&self, name: &str, values: &Value) -> Result<String, Error> {
        self.env
            .get_template(name)
            .and_then(|template| template.render(values))
            .map_err(|e| failed(name, &e))
    }

    /// A template that no sample reaches would be one that nothing has checked.
    fn check(&self, sources: &[(&'static str, &'static str)]) -> Result<(), Error> {
        let mut unseen: BTreeSet<_> = sources.iter().filter_map(|(name, _)| stem(name)).collect();
        for message in samples() {
            self.render(&message, "https://auth.example.com")?;
            unseen.remove(message.template());
        }
        match unseen.pop_first() {
            Some(name) => Err(Error::NoSample(name.to_owned())),
            None => Ok(()),
        }
    }
}

/// The configured address of the server, and how people know it.
struct Base<'a> {
    url: &'a str,
    site: String,
}

impl<'a> Base<'a> {
    fn parse(public_url: &'a str) -> Result<Self, Error> {
        let url = public_url.trim_end_matches('/');
        let parsed = url::Url::parse(url).map_err(|_| Error::PublicUrl)?;
        let host = parsed.host_str().ok_or(Error::PublicUrl)?;
        let site = match parsed.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        Ok(Self { url, site })
    }

    /// The token is in the fragment, which browsers send to no server and to no other site.
    fn link(&self, page: &str, token: &str) -> String {
        let token = utf8_percent_encode(token, UNRESERVED);
        format!("{}/{page}#token={token}", self.url)
    }
}

/// What RFC 3986 never needs to encode.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

fn values(message: &Message, base: &Base<'_>) -> Value {
    match message {
        Message::Welcome { full_name } => {
            context! { full_name => greeting_name(full_name.as_deref().unwrap_or_default()) }
        }
        Message::RegisterAttempt => context! {},
        Message::RefreshReuse { at, ip }
        | Message::ApiKeyRotated { at, ip }
        | Message::BackupCodesRegenerated { at, ip }
        | Message::MfaReset { at, ip }
        | Message::Reactivated { at, ip } => context! { at => moment(*at), ip },
        Message::MfaEnabled { method, at, ip } | Message::MfaDisabled { method, at, ip } => {
            context! { method => method_words(method), at => moment(*at), ip }
        }
        Message::MfaResetLink { token, expires_at } => {
            context! { link => base.link("mfa-reset", token), expires_at => moment(*expires_at) }
        }
        Message::ReactivationLink { token, expires_at } => {
            context! { link => base.link("reactivate", token), expires_at => moment(*expires_at) }
        }
        Message::SmsCode {
            code,
            purpose,
            expires_minutes,
        } => context! { code, purpose => purpose_words(*purpose), expires_minutes },
    }
}

fn moment(ms: i64) -> String {
    Timestamp(ms)
        .to_utc()
        .format("%-d %b %Y, %H:%M UTC")
        .to_string()
}

fn method_words(method: &str) -> &str {
    match method {
        "totp" => "an authenticator app",
        "sms" => "a text message (SMS)",
        "backup_codes" => "backup codes",
        other => other,
    }
}

fn purpose_words(purpose: SmsPurpose) -> &'static str {
    match purpose {
        SmsPurpose::VerifyPhone => "confirm your phone number",
        SmsPurpose::MfaSetup => "set up sign-in by SMS",
        SmsPurpose::Login => "sign in",
    }
}

/// Anybody can register somebody else's address under any name, so a name that mail programs would
/// turn into a link, or that is long enough to be an advertisement, is left out of the greeting.
fn greeting_name(full_name: &str) -> String {
    let name = full_name
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    let lower = name.to_lowercase();
    let domain_like = lower.split('.').skip(1).any(|after| {
        let mut after = after.chars();
        after.next().is_some_and(char::is_alphanumeric)
            && after.next().is_some_and(char::is_alphanumeric)
    });
    let link_like = domain_like || lower.contains("://") || lower.contains('@');
    if link_like || name.chars().count() > 64 {
        String::new()
    } else {
        name
    }
}

/// One message of each kind.
pub(super) fn samples() -> Vec<Message> {
    let at = 1_795_372_800_000;
    let expires_at = at + 30 * 60 * 1000;
    let ip = || "192.0.2.7".to_owned();
    let token = || "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2ln".to_owned();
    let method = || "totp".to_owned();
    let code = |purpose| Message::SmsCode {
        code: "493027".to_owned(),
        purpose,
        expires_minutes: 10,
    };
    vec![
        Message::Welcome {
            full_name: Some("Ada Lovelace".to_owned()),
        },
        Message::RegisterAttempt,
        Message::RefreshReuse { at, ip: ip() },
        Message::ApiKeyRotated { at, ip: ip() },
        Message::MfaEnabled {
            method: method(),
            at,
            ip: ip(),
        },
        Message::MfaDisabled {
            method: method(),
            at,
            ip: ip(),
        },
        Message::BackupCodesRegenerated { at, ip: ip() },
        Message::MfaResetLink {
            token: token(),
            expires_at,
        },
        Message::MfaReset { at, ip: ip() },
        Message::ReactivationLink {
            token: token(),
            expires_at,
        },
        Message::Reactivated { at, ip: ip() },
        code(SmsPurpose::VerifyPhone),
        code(SmsPurpose::MfaSetup),
        code(SmsPurpose::Login),
    ]
}

/// The message that a template is for, unless it is a part shared by several.
fn stem(file: &str) -> Option<&str> {
    let (stem, _) = file.split_once('.')?;
    (!SHARED.contains(&stem)).then_some(stem)
}

const SHARED: &[&str] = &["layout", "security", "link"];

macro_rules! sources {
    ($($file:literal),* $(,)?) => {
        &[$(($file, include_str!(concat!("templates/", $file)))),*]
    };
}

pub(super) const SOURCES: &[(&str, &str)] = sources![
    "layout.txt",
    "layout.html",
    "security.txt",
    "security.html",
    "link.txt",
    "link.html",
    "welcome.txt",
    "welcome.html",
    "register_attempt.txt",
    "register_attempt.html",
    "refresh_reuse.txt",
    "refresh_reuse.html",
    "api_key_rotated.txt",
    "api_key_rotated.html",
    "mfa_enabled.txt",
    "mfa_enabled.html",
    "mfa_disabled.txt",
    "mfa_disabled.html",
    "backup_codes_regenerated.txt",
    "backup_codes_regenerated.html",
    "mfa_reset_link.txt",
    "mfa_reset_link.html",
    "mfa_reset.txt",
    "mfa_reset.html",
    "reactivation_link.txt",
    "reactivation_link.html",
    "reactivated.txt",
    "reactivated.html",
    "sms_code.txt",
];

fn failed(name: &str, error: &minijinja::Error) -> Error {
    Error::Template {
        name: error.name().unwrap_or(name).to_owned(),
        line: error.line().unwrap_or_default(),
        kind: error.kind(),
    }
}
