//! Bodies as bytes: much of what is tried here no library would write.

use anyhow::{Context, Result, bail};
use serde_json::{Value as Json, json};

use super::rules::Expected;
use super::value::Value;
use crate::matrix::snapshot::{Body, Media};

/// A good body: its fields, in order.
pub type Fields = Vec<(String, Json)>;

/// What a client sends as a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Names and JSON texts.
    Pairs(Vec<(String, String)>),
    /// Everything.
    Bytes(Vec<u8>),
}

/// Keys that the contract does not know. None may be applied, whatever a server has inside.
const EXTRA: [(&str, &str); 16] = [
    ("role", "\"owner\""),
    ("roles", "[\"admin\"]"),
    ("is_admin", "true"),
    ("plan", "\"enterprise\""),
    ("tenant_id", "\"00000000-0000-0000-0000-000000000000\""),
    ("tenant", "{\"plan\":\"enterprise\"}"),
    ("id", "\"00000000-0000-0000-0000-000000000000\""),
    ("user_id", "1"),
    ("state", "\"suspended\""),
    ("is_active", "false"),
    ("phone_verified", "true"),
    ("mfa_enabled", "true"),
    ("amr", "[\"pwd\",\"mfa\"]"),
    ("__proto__", "{\"is_admin\":true}"),
    ("constructor", "null"),
    ("Email", "\"eve@example.com\""),
];

const EXTRA_KEYS: &str = "with unknown keys";

/// Whole bodies that no JSON operation can read. `GOOD` stands for the good body's inside.
const NO_OBJECT: [(&str, &str); 17] = [
    ("{", "cut off at once"),
    ("{GOOD", "cut off at the end"),
    ("{GOOD,}", "with a comma too many"),
    ("{GOOD}x", "with something behind it"),
    ("{GOOD}{GOOD}", "twice"),
    ("\u{feff}{GOOD}", "with a byte order mark"),
    ("{/**/GOOD}", "with a comment"),
    ("{GOOD,x:1}", "with a bare key"),
    ("[]", "as an array"),
    ("[{GOOD}]", "within an array"),
    ("\"x\"", "as a string"),
    ("1", "as a number"),
    ("true", "as a boolean"),
    ("null", NULL),
    ("nul", "as half a null"),
    ("{GOOD,\"odd\":\"\\ud800\"}", "with half a surrogate pair"),
    (" ", WHITE_SPACE),
];

/// Whole bodies with a fault in a key that nobody knows.
const ODD_KEYS: [(&str, &str); 5] = [
    ("{GOOD,\"odd\":1,\"odd\":1}", "with an unknown key twice"),
    (
        "{GOOD,\"odd\":{\"in\":1,\"in\":2}}",
        "with a key twice in an unknown one",
    ),
    (
        "{GOOD,\"odd\":[\"\\u0000\"]}",
        "with NUL in an unknown key's value",
    ),
    ("{GOOD,\"o\\u0000\":1}", "with NUL in an unknown key"),
    (
        "{GOOD,\"o\\u2028\":1}",
        "with a line separator in an unknown key",
    ),
];

const NO_FORM: [(&str, &str); 5] = [
    ("{}", "as JSON"),
    ("&&&", "of separators"),
    ("GOOD&odd=1&odd=1", "with an unknown key twice"),
    ("GOOD&odd=%00", "with NUL in an unknown key's value"),
    ("GOOD&o%0a=1", "with a line end in an unknown key"),
];

const NO_BODY: &str = "of no bytes";
const NULL: &str = "as null";
const WHITE_SPACE: &str = "of white space";
const NO_UTF8: &str = "that is not UTF-8";

impl Content {
    pub fn good(fields: &Fields) -> Self {
        let pairs = fields.iter();
        Self::Pairs(
            pairs
                .map(|(name, value)| (name.clone(), value.to_string()))
                .collect(),
        )
    }

    /// The good body with another value in one field.
    pub fn with(fields: &Fields, name: &str, value: &Value) -> Result<Self> {
        let Self::Pairs(mut pairs) = Self::good(fields) else {
            bail!("no pairs");
        };
        let at = pairs.iter().position(|(known, _)| known == name);
        let at = at.with_context(|| format!("no good value for {name}"))?;
        let text = fields[at].1.as_str().unwrap_or_default();
        let new = match value {
            Value::Missing => {
                pairs.remove(at);
                return Ok(Self::Pairs(pairs));
            }
            Value::Twice => {
                let twice = pairs[at].clone();
                pairs.push(twice);
                return Ok(Self::Pairs(pairs));
            }
            Value::Null => "null".to_owned(),
            Value::Type(raw) | Value::Syntax(raw) => (*raw).to_owned(),
            Value::Deep => format!("{}{}", "[".repeat(4000), "]".repeat(4000)),
            Value::Empty => "\"\"".to_owned(),
            Value::NoChoice(other) => json!(other).to_string(),
            Value::Long(length) => json!(long(text, *length)).to_string(),
            Value::Control(control, spot) => json!(spot.put(*control, text)).to_string(),
            Value::LookAlike(look_alike) => {
                let other = look_alike.of(text);
                json!(other.with_context(|| format!("{name} has no {look_alike:?}"))?).to_string()
            }
        };
        pairs[at].1 = new;
        Ok(Self::Pairs(pairs))
    }

    /// The whole bodies that are tried, by name.
    pub fn whole(body: &Body) -> impl Iterator<Item = (&'static str, Expected)> {
        let templates = templates(body.media).into_iter();
        let mut names: Vec<&'static str> = templates.map(|(_, name)| name).collect();
        if body.media == Media::Json {
            names.push(NO_UTF8);
        }
        if body.required {
            names.push(NO_BODY);
        } else {
            // These are absent bodies.
            names.retain(|name| ![NULL, WHITE_SPACE].contains(name));
        }
        let bad = names.into_iter().map(|name| (name, Expected::Unreadable));
        bad.chain([(EXTRA_KEYS, Expected::Accepted)])
    }

    pub fn named(name: &str, fields: &Fields, media: Media) -> Result<Self> {
        let good = Self::good(fields);
        if name == EXTRA_KEYS {
            let Self::Pairs(mut pairs) = good else {
                bail!("no pairs");
            };
            pairs.extend(EXTRA.map(|(key, value)| (key.to_owned(), value.to_owned())));
            return Ok(Self::Pairs(pairs));
        }
        let good = good.bytes(media)?;
        if name == NO_BODY {
            return Ok(Self::Bytes(Vec::new()));
        }
        if name == NO_UTF8 {
            let mut bytes = good;
            bytes.truncate(bytes.len() - 1);
            bytes.extend(b",\"odd\":\"\xff\"}");
            return Ok(Self::Bytes(bytes));
        }
        let (template, _) = templates(media)
            .into_iter()
            .find(|(_, known)| *known == name)
            .with_context(|| format!("no body {name}"))?;
        let good = String::from_utf8(good)?;
        let inside = good.trim_start_matches('{').trim_end_matches('}');
        Ok(Self::Bytes(template.replace("GOOD", inside).into_bytes()))
    }

    pub fn bytes(&self, media: Media) -> Result<Vec<u8>> {
        let pairs = match self {
            Self::Bytes(bytes) => return Ok(bytes.clone()),
            Self::Pairs(pairs) => pairs,
        };
        Ok(match media {
            Media::Json => {
                let pairs: Vec<String> = pairs
                    .iter()
                    .map(|(name, value)| format!("{}:{value}", json!(name)))
                    .collect();
                format!("{{{}}}", pairs.join(",")).into_bytes()
            }
            Media::Form => {
                let texts = pairs.iter().map(|(name, value)| {
                    let text = serde_json::from_str::<String>(value);
                    (name, text.unwrap_or_else(|_| value.clone()))
                });
                serde_urlencoded::to_string(texts.collect::<Vec<_>>())?.into_bytes()
            }
        })
    }
}

fn templates(media: Media) -> Vec<(&'static str, &'static str)> {
    match media {
        Media::Json => [&NO_OBJECT[..], &ODD_KEYS[..]].concat(),
        Media::Form => NO_FORM.to_vec(),
    }
}

/// The good text made so long, in its own manner.
fn long(good: &str, length: usize) -> String {
    match good.split_once('@') {
        Some((local, domain)) => {
            let missing = length.saturating_sub(good.chars().count());
            format!("{local}{}@{domain}", "a".repeat(missing))
        }
        None if good.starts_with('+') => {
            let digits = good.chars().skip(1).cycle();
            std::iter::once('+').chain(digits).take(length).collect()
        }
        None => good.chars().cycle().take(length).collect(),
    }
}
