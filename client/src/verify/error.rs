use std::fmt;
use std::time::Duration;

use jsonwebtoken::errors::ErrorKind;

use crate::ErrorCode;

/// Why a token was not accepted, or could not be judged.
///
/// ```
#[doc = include_str!("../doc/test_auth.txt")]
/// use bp_auth_client::ErrorCode;
///
/// let refused = verifier.verify(&auth.token().expired().sign()).await.unwrap_err();
/// assert_eq!((refused.status(), refused.error_code()), (401, ErrorCode::TokenExpired));
/// assert!(!refused.is_retryable());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyError {
    /// It is no signed token of bp-auth at all.
    Malformed,
    /// It is one of bp-auth's, but no access token, such as the one that waits for a second factor.
    WrongKind,
    /// It names a key that bp-auth does not have.
    UnknownKey,
    /// Somebody has changed or forged it.
    Signature,
    /// Another issuer made it.
    Issuer,
    /// It is for another audience.
    Audience,
    /// It is over.
    Expired,
    /// It is not good yet, or a clock is wrong.
    NotYetValid,
    /// bp-auth no longer accepts it, and says why; where it is asked.
    Refused(ErrorCode),
    /// The public keys could not be read, or are too old by now. Nothing is known about the token.
    KeysUnavailable,
    /// bp-auth did not answer, where it is asked, or asks to come back later.
    Unreachable {
        /// When, if it said so.
        retry_after: Option<Duration>,
    },
}

impl VerifyError {
    /// Whether the token may be good, and the same request may be granted later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::KeysUnavailable | Self::Unreachable { .. })
    }

    /// The status to answer with: 503 for what is retryable, otherwise 401.
    pub fn status(&self) -> u16 {
        if self.is_retryable() { 503 } else { 401 }
    }

    /// The code to answer with, one of the contract's.
    pub fn error_code(&self) -> ErrorCode {
        match self {
            Self::Expired => ErrorCode::TokenExpired,
            Self::Refused(code) => code.clone(),
            Self::KeysUnavailable | Self::Unreachable { .. } => ErrorCode::Overloaded,
            _ => ErrorCode::TokenInvalid,
        }
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("it is no token of bp-auth"),
            Self::WrongKind => f.write_str("it is no access token"),
            Self::UnknownKey => f.write_str("the token names a key that is not known"),
            Self::Signature => f.write_str("the signature of the token is wrong"),
            Self::Issuer => f.write_str("the token is by another issuer"),
            Self::Audience => f.write_str("the token is for another audience"),
            Self::Expired => f.write_str("the token is over"),
            Self::NotYetValid => f.write_str("the token is not good yet"),
            Self::Refused(code) => write!(f, "the token is refused: {code}"),
            Self::KeysUnavailable => f.write_str("the public keys cannot be read"),
            Self::Unreachable { .. } => f.write_str("bp-auth does not answer"),
        }
    }
}

impl std::error::Error for VerifyError {}

impl From<jsonwebtoken::errors::Error> for VerifyError {
    fn from(error: jsonwebtoken::errors::Error) -> Self {
        match error.kind() {
            ErrorKind::InvalidSignature => Self::Signature,
            ErrorKind::InvalidIssuer => Self::Issuer,
            ErrorKind::InvalidAudience => Self::Audience,
            ErrorKind::ExpiredSignature => Self::Expired,
            ErrorKind::ImmatureSignature => Self::NotYetValid,
            // Its words may quote the token.
            _ => Self::Malformed,
        }
    }
}
