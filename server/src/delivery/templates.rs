//! The words of every mail and SMS, in English and German, and in what an operator puts beside or
//! instead of them. All of them are rendered once at the start, so that a broken one stops the start and
//! not the first mail.

mod sources;

use std::path::Path;

use chrono::Datelike;
use minijinja::value::{Value, merge_maps};
use minijinja::{Environment, UndefinedBehavior, context};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::app::clock::Timestamp;
use crate::app::message::Message;
pub(super) use sources::{Sources, samples};

/// What a recipient gets whose language is not known, or not there.
pub const DEFAULT_LOCALE: &str = "en";

/// Renders messages. `html` templates escape what they insert, text templates do not.
pub struct Templates {
    env: Environment<'static>,
    /// In lower case.
    locales: Vec<String>,
    default_locale: String,
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
    Empty(String),
    #[error("the public URL has no host")]
    PublicUrl,
    #[error("{path}: {reason}")]
    Directory { path: String, reason: String },
    #[error("there are no templates for the language `{0}`")]
    NoLocale(String),
}

impl Templates {
    /// Compiles every template and renders it with sample data. A directory of the operator's has the
    /// languages as directories; its files replace those of the same name, and a language that is new
    /// has all of them.
    pub fn new(directory: Option<&Path>, default_locale: &str) -> Result<Self, Error> {
        let mut sources = Sources::built_in();
        if let Some(directory) = directory {
            sources.read(directory)?;
        }
        Self::from_sources(sources, default_locale)
    }

    pub(super) fn from_sources(sources: Sources, default_locale: &str) -> Result<Self, Error> {
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
        // A template names others of its own language.
        env.set_path_join_callback(|name, parent| match parent.rsplit_once('/') {
            Some((locale, _)) => format!("{locale}/{name}").into(),
            None => name.into(),
        });
        let locales = sources.locales();
        for (name, source) in sources.files() {
            env.add_template_owned(name.clone(), source.clone())
                .map_err(|e| failed(name, &e))?;
        }
        let default_locale = default_locale.to_ascii_lowercase();
        if !locales.contains(&default_locale) {
            return Err(Error::NoLocale(default_locale));
        }
        let templates = Self {
            env,
            locales,
            default_locale,
        };
        for locale in &templates.locales {
            for message in samples() {
                templates.render(&message, Some(locale), "https://auth.example.com")?;
            }
        }
        Ok(templates)
    }

    /// In the language of this tag, or in what is nearest to it.
    pub fn render(
        &self,
        message: &Message,
        locale: Option<&str>,
        ui_url: &str,
    ) -> Result<Rendered, Error> {
        let locale = self.nearest(locale);
        let name = format!("{locale}/{}", message.template());
        let base = Base::parse(ui_url)?;
        let words = Words {
            env: &self.env,
            name: format!("{locale}/words.txt"),
        };
        let values = merge_maps([
            values(message, &base, &words)?,
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

    /// `de-AT` is read by whoever reads `de` (RFC 4647, lookup).
    fn nearest(&self, tag: Option<&str>) -> &str {
        let mut tag = tag.unwrap_or_default().to_ascii_lowercase();
        loop {
            if let Some(known) = self.locales.iter().find(|known| **known == tag) {
                return known;
            }
            match tag.rfind('-') {
                Some(end) => tag.truncate(end),
                None => return &self.default_locale,
            }
        }
    }
}

/// The macros of a language.
struct Words<'a> {
    env: &'a Environment<'static>,
    name: String,
}

impl Words<'_> {
    fn of(&self, name: &str, key: Value) -> Result<String, Error> {
        let call = || {
            let template = self.env.get_template(&self.name)?;
            let mut macros = template.render_captured(())?;
            macros.with_state_mut(|state| state.call_macro(name, &[key]))
        };
        let text = call().map_err(|e| failed(&self.name, &e))?;
        Ok(text.trim().to_owned())
    }

    fn moment(&self, ms: i64) -> Result<String, Error> {
        let at = Timestamp(ms).to_utc();
        let parts = context! {
            day => at.day(), month => at.month(), year => at.year(),
            time => at.format("%H:%M").to_string(),
        };
        self.of("moment", parts)
    }
}

/// The configured address of the pages, and how people know it.
struct Base<'a> {
    url: &'a str,
    site: String,
}

impl<'a> Base<'a> {
    fn parse(ui_url: &'a str) -> Result<Self, Error> {
        let url = ui_url.trim_end_matches('/');
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

fn values(message: &Message, base: &Base<'_>, words: &Words<'_>) -> Result<Value, Error> {
    Ok(match message {
        Message::Welcome | Message::RegisterAttempt | Message::PasswordCommon => context! {},
        Message::ConfirmAddress {
            token,
            expires_at,
            at,
            ip,
        } => {
            let link = base.link("reactivate", token);
            context! {
                link, expires_at => words.moment(*expires_at)?, at => words.moment(*at)?, ip,
            }
        }
        Message::RefreshReuse { at, ip }
        | Message::ApiKeyRotated { at, ip }
        | Message::BackupCodesRegenerated { at, ip }
        | Message::MfaReset { at, ip }
        | Message::Reactivated { at, ip } => context! { at => words.moment(*at)?, ip },
        Message::MfaEnabled { method, at, ip } | Message::MfaDisabled { method, at, ip } => {
            let method = words.of("method", method.as_str().into())?;
            context! { method, at => words.moment(*at)?, ip }
        }
        Message::MfaResetLink { token, expires_at } => {
            let link = base.link("mfa-reset", token);
            context! { link, expires_at => words.moment(*expires_at)? }
        }
        Message::ReactivationLink { token, expires_at } => {
            let link = base.link("reactivate", token);
            context! { link, expires_at => words.moment(*expires_at)? }
        }
        Message::SmsCode {
            code,
            purpose,
            expires_minutes,
        } => {
            let purpose = words.of("purpose", purpose.as_str().into())?;
            context! { code, purpose, expires_minutes }
        }
    })
}

fn failed(name: &str, error: &minijinja::Error) -> Error {
    Error::Template {
        name: error.name().unwrap_or(name).to_owned(),
        line: error.line().unwrap_or_default(),
        kind: error.kind(),
    }
}
