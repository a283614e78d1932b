//! What the contract says of a value in a field.

use anyhow::{Result, bail};

use super::value::Value;
use crate::matrix::snapshot::{Field, Kind, Operation};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// 422 `validation_error` that names the field.
    Invalid,
    /// The same; a reader that gives up may also name the whole body.
    Unreadable,
    /// The field is well formed, and what it stands for is refused.
    Refused(u16, &'static str),
    /// The same, and it counts as a try.
    Counted(u16, &'static str),
    /// Success, and nothing is done.
    WithoutEffect,
    /// It does.
    Accepted,
}

use Expected::{Accepted, Counted, Invalid, Refused, Unreadable, WithoutEffect};

impl Expected {
    /// Whether a body that was good before need not be so afterwards.
    pub fn spends(self) -> bool {
        matches!(self, Accepted | Counted(..))
    }
}

/// What a field is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Email,
    /// An e-mail address that is only compared.
    Username,
    NewPassword,
    Password,
    Phone,
    Locale,
    /// Text for people.
    Text,
    /// Six digits.
    Digits,
    /// Six digits, or a backup code.
    Code,
    Token,
    GrantType,
    /// Accepted and not looked at.
    Ignored,
    Choice,
    Flag,
}

impl Role {
    pub fn of(operation: &str, field: &Field) -> Result<Self> {
        Ok(match (operation, field.name.as_str(), &field.kind) {
            (_, _, Kind::Boolean) => Self::Flag,
            (_, _, Kind::OneOf(_)) => Self::Choice,
            ("register", "password", _) => Self::NewPassword,
            ("login", "password", _) => Self::Password,
            ("login", "username", _) => Self::Username,
            ("login", "grant_type", _) => Self::GrantType,
            ("login", "scope" | "client_id" | "client_secret", _) => Self::Ignored,
            ("register" | "reactivate_request", "email", _) => Self::Email,
            ("register", "phone", _) | ("sms_setup", "phone_number", _) => Self::Phone,
            ("register", "locale", _) => Self::Locale,
            ("register", "full_name", _) | ("mfa_challenge", "device_name", _) => Self::Text,
            ("mfa_challenge", "code", _) => Self::Code,
            ("totp_verify" | "sms_verify" | "verify_phone_confirm", "code", _) => Self::Digits,
            (_, "mfa_token" | "refresh_token" | "token", _) => Self::Token,
            (_, name, _) => bail!("no rule for the field {name} of {operation}"),
        })
    }

    pub fn is_address(self) -> bool {
        matches!(self, Self::Email | Self::Username)
    }

    /// Lengths beyond what the field takes.
    pub fn too_long(self, field: &Field) -> Vec<usize> {
        match (self, field.max_length) {
            (_, Some(most)) => vec![most + 1, 10_000],
            (Self::NewPassword, None) => vec![129, 10_000],
            (Self::Password, None) => vec![1025, 10_000],
            (Self::Username, None) => vec![255, 10_000],
            (_, None) => vec![10_000],
        }
    }
}

/// The rules.
pub fn expected(operation: &Operation, field: &Field, role: Role, value: &Value) -> Expected {
    match value {
        Value::Missing | Value::Null if field.required => Invalid,
        Value::Missing | Value::Null => match (operation.id.as_str(), role) {
            // Without the cookie the body has to have it.
            ("refresh_token_endpoint", Role::Token) => Invalid,
            // Only `sms` can be asked for without a code.
            ("mfa_challenge", Role::Code) => Invalid,
            // There is nothing to end.
            ("logout", Role::Token) => WithoutEffect,
            _ => Accepted,
        },
        Value::Twice | Value::Type(_) | Value::NoChoice(_) | Value::Control(..) => Invalid,
        Value::Syntax(_) | Value::Deep => Unreadable,
        Value::Empty => match role {
            // A form sends an empty text for what nobody has filled in.
            Role::Text | Role::Ignored | Role::GrantType => Accepted,
            Role::Phone | Role::Locale if !field.required => Accepted,
            Role::Token => empty_token(&operation.id),
            _ => Invalid,
        },
        Value::Long(_) => match role {
            Role::Ignored => Accepted,
            Role::GrantType => Refused(400, "unsupported_grant_type"),
            Role::Token => unusable_token(&operation.id),
            _ => Invalid,
        },
        Value::LookAlike(look_alike) => match role {
            Role::Email | Role::Username if look_alike.is_invisible() => Accepted,
            Role::Digits if look_alike.is_of_another_script() => Accepted,
            Role::Digits | Role::Code | Role::Phone if look_alike.is_white_space() => Accepted,
            // Any text makes a password or a name.
            Role::NewPassword | Role::Text | Role::Ignored => Accepted,
            Role::GrantType => Refused(400, "unsupported_grant_type"),
            Role::Username => Refused(401, "invalid_credentials"),
            Role::Password => Counted(401, "invalid_credentials"),
            Role::Code => Counted(401, "code_invalid"),
            Role::Token => unusable_token(&operation.id),
            Role::Email | Role::Phone | Role::Locale | Role::Digits | Role::Choice | Role::Flag => {
                Invalid
            }
        },
    }
}

/// Where a token is the whole request, an empty one is no request.
fn empty_token(operation: &str) -> Expected {
    match operation {
        "refresh_token_endpoint" | "mfa_challenge" => Invalid,
        _ => unusable_token(operation),
    }
}

fn unusable_token(operation: &str) -> Expected {
    match operation {
        "refresh_token_endpoint" => Refused(401, "token_invalid"),
        "mfa_challenge" => Refused(401, "mfa_token_invalid"),
        // Best effort: it never refuses.
        "logout" => WithoutEffect,
        _ => Refused(400, "token_invalid"),
    }
}
