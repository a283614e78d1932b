//! What the server tells people by mail and SMS. A message is written to the outbox in the same
//! transaction as its cause, so that neither can exist without the other.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::clock::Timestamp;

/// A message on its way into the outbox.
pub struct Outgoing {
    pub id: Uuid,
    pub user_id: Option<Uuid>,
    /// In which the recipient reads.
    pub locale: Option<String>,
    pub to: Recipient,
    pub message: Message,
    pub expires_at: Timestamp,
}

pub enum Recipient {
    Email(String),
    Phone(String),
}

/// What a queued message is sealed for. Whoever can only write to the database cannot send it to
/// somebody else, nor by another way.
pub fn sealed_for(id: Uuid, kind: &str, recipient: &str) -> String {
    format!("outbox:{id}:{kind}:{recipient}")
}

/// Times are Unix milliseconds. It has no `Debug`: some variants carry tokens and codes.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Message {
    /// Without the name: whoever registers an address chooses it, and need not own the mail box.
    Welcome,
    /// Somebody tried to register an address that already has an account.
    RegisterAttempt,
    RefreshReuse {
        at: i64,
        ip: String,
    },
    ApiKeyRotated {
        at: i64,
        ip: String,
    },
    MfaEnabled {
        method: String,
        at: i64,
        ip: String,
    },
    MfaDisabled {
        method: String,
        at: i64,
        ip: String,
    },
    BackupCodesRegenerated {
        at: i64,
        ip: String,
    },
    MfaResetLink {
        token: String,
        expires_at: i64,
    },
    MfaReset {
        at: i64,
        ip: String,
    },
    ReactivationLink {
        token: String,
        expires_at: i64,
    },
    Reactivated {
        at: i64,
        ip: String,
    },
    /// The password of a login is one of those that attackers try first.
    PasswordCommon,
    /// Somebody registered this address; the link proves that it is theirs.
    ConfirmAddress {
        token: String,
        expires_at: i64,
        /// When it was registered.
        at: i64,
        ip: Option<String>,
    },
    SmsCode {
        code: String,
        purpose: SmsPurpose,
        expires_minutes: u64,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmsPurpose {
    VerifyPhone,
    MfaSetup,
    Login,
}

impl SmsPurpose {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VerifyPhone => "verify_phone",
            Self::MfaSetup => "mfa_setup",
            Self::Login => "login",
        }
    }
}

impl Message {
    /// The template's name, which is also what the outbox row shows to an operator.
    pub fn template(&self) -> &'static str {
        match self {
            Self::Welcome => "welcome",
            Self::RegisterAttempt => "register_attempt",
            Self::RefreshReuse { .. } => "refresh_reuse",
            Self::ApiKeyRotated { .. } => "api_key_rotated",
            Self::MfaEnabled { .. } => "mfa_enabled",
            Self::MfaDisabled { .. } => "mfa_disabled",
            Self::BackupCodesRegenerated { .. } => "backup_codes_regenerated",
            Self::MfaResetLink { .. } => "mfa_reset_link",
            Self::MfaReset { .. } => "mfa_reset",
            Self::ReactivationLink { .. } => "reactivation_link",
            Self::Reactivated { .. } => "reactivated",
            Self::PasswordCommon => "password_common",
            Self::ConfirmAddress { .. } => "confirm_address",
            Self::SmsCode { .. } => "sms_code",
        }
    }
}
