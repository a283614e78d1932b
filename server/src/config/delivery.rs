//! How mail and SMS leave, and the services that take them.

use serde::{Deserialize, Serialize};

use super::seconds::Seconds;
use super::values::{self, SecretText};

/// How mail and SMS leave.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Delivery {
    /// Of mails.
    pub transport: MailTransport,
    /// Of SMS.
    pub sms_transport: SmsTransport,
    /// In production: yes, something does pick the files up.
    pub acknowledge_file: bool,
    /// Sender of every mail.
    pub from: String,
    /// Templates beside and instead of the built-in ones, in directories named by language.
    #[serde(with = "values::optional")]
    pub templates_dir: Option<String>,
    /// Of recipients whose language is not known, or not there.
    pub default_locale: String,
    /// A message due for longer than this makes the admin listener's `/readyz` say so. 0: none does.
    pub late_after: Seconds,
    /// How long one try may take. Less than a minute, which is how long a message is one instance's.
    pub timeout: Seconds,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailTransport {
    /// Mails become files under `outbox` in the data directory; another program sends them.
    File,
    /// The server of `[smtp]` takes them.
    Smtp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmsTransport {
    /// As mails.
    File,
    /// The service of `[twilio]`, or another with the same interface.
    Twilio,
    /// A signed request to a program of yours, `[sms_webhook]`.
    Webhook,
}

/// The mail server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Smtp {
    pub host: String,
    pub port: u16,
    pub tls: SmtpTls,
    /// Empty: no authentication.
    pub username: String,
    pub password: SecretText,
    /// PEM file of an authority that counts beside those of the system.
    #[serde(with = "values::optional")]
    pub ca_file: Option<String>,
    /// At once, at most.
    pub connections: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmtpTls {
    /// Begins in the clear and goes on encrypted, or not at all.
    Starttls,
    /// Encrypted from the first byte, usually on port 465.
    Implicit,
    /// Never encrypted.
    None,
}

/// A service that sends SMS, as Twilio does.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Twilio {
    pub url: String,
    pub account_sid: String,
    /// `SK…` of an API key, whose secret is then the token. Empty: the account's own token.
    pub key_sid: String,
    pub auth_token: SecretText,
    /// A number such as +15551234567, a name, or `MG…` of a messaging service.
    pub from: String,
}

/// A program of yours that sends SMS.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SmsWebhook {
    pub url: String,
    /// `whsec_` and base64 of 24 to 64 bytes.
    pub secret: SecretText,
}

impl Default for Delivery {
    fn default() -> Self {
        Self {
            transport: MailTransport::File,
            sms_transport: SmsTransport::File,
            acknowledge_file: false,
            from: "bp-auth <no-reply@localhost>".to_owned(),
            templates_dir: None,
            default_locale: "en".to_owned(),
            late_after: Seconds::minutes(5),
            timeout: Seconds::new(20),
        }
    }
}

impl Default for Smtp {
    fn default() -> Self {
        Self {
            host: String::new(),
            port: 587,
            tls: SmtpTls::Starttls,
            username: String::new(),
            password: SecretText::default(),
            ca_file: None,
            connections: 4,
        }
    }
}

impl Default for Twilio {
    fn default() -> Self {
        Self {
            url: "https://api.twilio.com".to_owned(),
            account_sid: String::new(),
            key_sid: String::new(),
            auth_token: SecretText::default(),
            from: String::new(),
        }
    }
}
