//! Every way an operation can be refused, by name. `http` gives each its status and words.

use super::seal::SealError;
use crate::datastore;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug)]
pub enum Error {
    // Fields.
    Invalid(Vec<Fault>),
    WeakPassword(String),
    PhoneNotAllowed {
        field: &'static str,
        why: PhoneRefusal,
    },
    UnsupportedGrantType,

    // The credentials of the request.
    NotAuthenticated,
    AccessTokenInvalid,
    AccessTokenExpired,
    SessionRevoked,
    ApiKeyInvalid,
    AccountDeactivated,
    AccountSuspended,
    ReauthenticationRequired {
        max_age: u64,
    },

    // Credentials in the body.
    InvalidCredentials,
    MfaTokenInvalid,
    /// A wrong second factor at the challenge.
    ChallengeCodeInvalid,
    RefreshTokenInvalid,
    RefreshTokenExpired,
    RefreshTokenReused,
    RefreshTokenRevoked,
    /// A wrong code at a set-up or for a phone.
    CodeInvalid,
    /// The same for the owner of a new authenticator, whose code is that of another time.
    CodeOfAnotherTime,
    CodeExpired,
    CodeAttemptsExceeded,
    /// A token out of a mail.
    LinkTokenInvalid,
    LinkTokenExpired,
    LinkTokenUsed,

    // State.
    RegistrationDisabled,
    NotFound,
    EmailTaken,
    PhoneMissing,
    PhoneAlreadyVerified,
    MfaNotPending,
    MfaNotEnabled,
    MfaMethodUnavailable,
    /// Suspended since the mail was sent.
    SuspendedMeanwhile,

    // Limits.
    RateLimited {
        retry_after: u64,
    },
    MfaLocked {
        retry_after: u64,
    },

    // Ours.
    Overloaded,
    /// Another transaction won; nothing of this one is left. Said only when trying again was no use.
    Contention,
    Internal(String),
}

/// Why a number gets no messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhoneRefusal {
    /// It is of a country that `sms.allowed_countries` does not have.
    Country,
    /// Its calling code is of a country that is allowed, and of others that are not.
    UnknownRange,
    /// It costs more than a message, or nobody reads messages there.
    Costly,
}

impl PhoneRefusal {
    pub fn reason(self) -> &'static str {
        match self {
            Self::Country => "messages to numbers of this country are not allowed",
            Self::UnknownRange => "no known range of numbers of an allowed country has this number",
            Self::Costly => {
                "messages to premium, shared-cost, toll-free, company, pager and voicemail numbers are not allowed"
            }
        }
    }

    pub fn fault(self, field: &'static str) -> Fault {
        let msg = self.reason().to_owned();
        let kind = "phone_not_allowed";
        Fault { field, kind, msg }
    }
}

/// A field of the body that was refused.
#[derive(Debug, Clone)]
pub struct Fault {
    pub field: &'static str,
    pub kind: &'static str,
    pub msg: String,
}

impl Error {
    pub fn invalid(field: &'static str, kind: &'static str, msg: impl Into<String>) -> Self {
        Self::Invalid(vec![Fault {
            field,
            kind,
            msg: msg.into(),
        }])
    }
}

impl Error {
    /// A word for it in the metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid_request",
            Self::WeakPassword(_) => "weak_password",
            Self::PhoneNotAllowed { .. } => "phone_not_allowed",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::NotAuthenticated => "not_authenticated",
            Self::AccessTokenInvalid => "access_token_invalid",
            Self::AccessTokenExpired => "access_token_expired",
            Self::SessionRevoked => "session_revoked",
            Self::ApiKeyInvalid => "api_key_invalid",
            Self::AccountDeactivated => "account_deactivated",
            Self::AccountSuspended => "account_suspended",
            Self::ReauthenticationRequired { .. } => "reauthentication_required",
            Self::InvalidCredentials => "invalid_credentials",
            Self::MfaTokenInvalid => "mfa_token_invalid",
            Self::ChallengeCodeInvalid => "code_invalid",
            Self::RefreshTokenInvalid => "token_invalid",
            Self::RefreshTokenExpired => "token_expired",
            Self::RefreshTokenReused => "token_reused",
            Self::RefreshTokenRevoked => "token_revoked",
            Self::CodeInvalid | Self::CodeOfAnotherTime => "setup_code_invalid",
            Self::CodeExpired => "code_expired",
            Self::CodeAttemptsExceeded => "code_attempts_exceeded",
            Self::LinkTokenInvalid => "link_invalid",
            Self::LinkTokenExpired => "link_expired",
            Self::LinkTokenUsed => "link_used",
            Self::RegistrationDisabled => "registration_disabled",
            Self::NotFound => "not_found",
            Self::EmailTaken => "email_taken",
            Self::PhoneMissing => "phone_missing",
            Self::PhoneAlreadyVerified => "phone_already_verified",
            Self::MfaNotPending => "mfa_not_pending",
            Self::MfaNotEnabled => "mfa_not_enabled",
            Self::MfaMethodUnavailable => "mfa_method_unavailable",
            Self::SuspendedMeanwhile => "suspended_meanwhile",
            Self::RateLimited { .. } => "rate_limited",
            Self::MfaLocked { .. } => "mfa_locked",
            Self::Overloaded | Self::Contention => "overloaded",
            Self::Internal(_) => "internal_error",
        }
    }
}

impl From<datastore::Error> for Error {
    fn from(error: datastore::Error) -> Self {
        match error {
            datastore::Error::Unavailable(text) => {
                tracing::warn!(error = %text, "the database is unavailable");
                Self::Overloaded
            }
            datastore::Error::Contention(text) => {
                tracing::debug!(error = %text, "another transaction won");
                Self::Contention
            }
            datastore::Error::Conflict(text) | datastore::Error::Internal(text) => {
                Self::Internal(text)
            }
        }
    }
}

impl datastore::Contention for Error {
    fn is_contention(&self) -> bool {
        matches!(self, Self::Contention)
    }
}

impl From<SealError> for Error {
    fn from(error: SealError) -> Self {
        Self::Internal(error.to_string())
    }
}
