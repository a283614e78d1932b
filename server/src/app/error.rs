//! Every way an operation can be refused, by name. `http` gives each its status and words.

use super::seal::SealError;
use crate::datastore;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug)]
pub enum Error {
    // Fields.
    Invalid(Vec<Fault>),
    WeakPassword(String),
    PhoneNotAllowed,
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
