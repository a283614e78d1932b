use std::{fmt, time::Duration};

use reqwest::{
    StatusCode,
    header::{HeaderMap, RETRY_AFTER},
};

use super::{refusal::Refusal, store::StoreError};
use crate::{Error, ErrorCode, ResponseValue, types};

/// What went wrong, by what it means for the caller.
///
/// The calls of a [`Session`](crate::Session) give the generated [`Error`]; `?` turns it into this
/// one, and [`ErrorExt`] answers the same questions where it is.
///
/// ```
#[doc = include_str!("../doc/server.txt")]
#[doc = include_str!("../doc/session.txt")]
/// use bp_auth_client::SessionError;
///
/// let me = session.me().send().await.map_err(SessionError::from);
/// match me {
///     Ok(me) => println!("hello, {}", me.email),
///     Err(e) if e.needs_login() => println!("please log in again"),
///     Err(e) if e.needs_step_up() => println!("please confirm that it is you"),
///     Err(e) if e.is_retryable() => println!("later, perhaps in {:?}", e.retry_after()),
///     Err(e) => println!("{e}"),
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum SessionError {
    /// The operation needs a recent login, with a second factor when there is one
    /// (`reauthentication_required`). The session goes on; a refresh would not help. Log in again: the
    /// new session takes this one's place in the store.
    StepUpRequired(Refusal),
    /// A refresh token was used twice, so the server ended the session (`token_reused`): an answer
    /// was lost, or somebody has a copy.
    TokenReused(Refusal),
    /// The session was ended: by a logout, a reset or an operator (`session_revoked`,
    /// `token_revoked`).
    SessionRevoked(Refusal),
    /// The session or the credential is over or not valid (any other 401 but the next).
    NotAuthenticated(Refusal),
    /// The password or the code is wrong (`invalid_credentials`, `code_invalid` and the like).
    WrongCredentials(Refusal),
    /// A field was refused; [`SessionError::field_errors`] names it.
    InvalidFields(Refusal),
    /// Too many requests; [`SessionError::retry_after`] says how long to wait.
    RateLimited(Refusal),
    /// The server is busy or failed.
    Unavailable(Refusal),
    /// Another refusal; its code says which.
    Refused(Refusal),
    /// The session could not be refreshed, and not because the server refused.
    NotRefreshed(RefreshTrouble),
    /// The server was not reached, or its answer was lost.
    Connection(reqwest::Error),
    /// The store failed at login or logout.
    Store(StoreError),
    /// What was to be sent is not valid.
    InvalidRequest(String),
    /// The answer is none of this API.
    UnexpectedAnswer(String),
}

/// Why a session has no valid token, although no server refused it one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefreshTrouble {
    /// The server was not reached; the refresh token is still good.
    Unreachable,
    /// The request was sent and no answer came: the token may be used. The next call asks with it
    /// once more, because the server alone knows.
    AnswerLost,
    /// The store failed, with these words; the token was not used.
    Store(String),
    /// The session was logged out, here or by another process that shares the store, or somebody
    /// else has logged in there.
    LoggedOut,
}

/// The same questions, for the errors of generated calls.
///
/// ```
#[doc = include_str!("../doc/server.txt")]
#[doc = include_str!("../doc/session.txt")]
/// use bp_auth_client::ErrorExt;
///
/// if let Err(e) = session.rotate_api_key().send().await {
///     if e.needs_step_up() {
///         println!("please log in again to rotate the key");
///     }
///     for field in e.field_errors() {
///         println!("{}: {}", field.loc.join("."), field.msg);
///     }
/// }
/// # Ok(()) }
/// ```
pub trait ErrorExt {
    /// The refusal of the server, if it is one.
    fn refusal(&self) -> Option<&types::Error>;

    /// Whether the same call may succeed later. Unlike the generated `is_retryable`, it knows of
    /// refreshes; like it, it does not say that a call that was sent is safe to repeat.
    ///
    /// ```
    #[doc = include_str!("../doc/server.txt")]
    #[doc = include_str!("../doc/session.txt")]
    /// use bp_auth_client::ErrorExt;
    ///
    /// let refused = session.rotate_api_key().send().await.unwrap_err();
    /// assert!(refused.needs_step_up() && !refused.needs_login() && !refused.is_transient());
    /// assert_eq!(refused.refusal().unwrap().message, "No.");
    /// assert_eq!(refused.retry_after(), None);
    /// # Ok(()) }
    /// ```
    fn is_transient(&self) -> bool;

    /// Whether only a new login helps.
    fn needs_login(&self) -> bool;

    /// Whether a login with a second factor is asked for, while the session goes on.
    fn needs_step_up(&self) -> bool;

    /// The fields that were refused, each with its place and a message.
    fn field_errors(&self) -> &[types::FieldError];

    /// How long the server asks to wait.
    fn retry_after(&self) -> Option<Duration>;
}

impl SessionError {
    /// The server's words, if it refused.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::StepUpRequired(refusal)
            | Self::TokenReused(refusal)
            | Self::SessionRevoked(refusal)
            | Self::NotAuthenticated(refusal)
            | Self::WrongCredentials(refusal)
            | Self::InvalidFields(refusal)
            | Self::RateLimited(refusal)
            | Self::Unavailable(refusal)
            | Self::Refused(refusal) => Some(refusal),
            Self::NotRefreshed(_)
            | Self::Connection(_)
            | Self::Store(_)
            | Self::InvalidRequest(_)
            | Self::UnexpectedAnswer(_) => None,
        }
    }

    /// The server's code, if it refused.
    pub fn code(&self) -> Option<&ErrorCode> {
        self.refusal().map(Refusal::code)
    }

    /// Whether the same call may succeed later. It does not say that a call is safe to repeat: what
    /// was sent may have been done.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::RateLimited(_) | Self::Unavailable(_) => true,
            Self::NotRefreshed(trouble) => *trouble != RefreshTrouble::LoggedOut,
            Self::Connection(e) => !e.is_builder(),
            Self::Store(_) | Self::InvalidRequest(_) | Self::UnexpectedAnswer(_) => false,
            other => other.refusal().is_some_and(|r| r.status() == 408),
        }
    }

    /// Whether only a new login helps.
    pub fn needs_login(&self) -> bool {
        match self {
            Self::TokenReused(_) | Self::SessionRevoked(_) => true,
            Self::NotAuthenticated(refusal) => *refusal.code() != ErrorCode::ApiKeyInvalid,
            Self::NotRefreshed(trouble) => *trouble == RefreshTrouble::LoggedOut,
            _ => false,
        }
    }

    /// Whether a login with a second factor is asked for, while the session goes on.
    pub fn needs_step_up(&self) -> bool {
        matches!(self, Self::StepUpRequired(_))
    }

    /// The fields that were refused, each with its place and a message.
    pub fn field_errors(&self) -> &[types::FieldError] {
        self.refusal().map_or(&[], Refusal::field_errors)
    }

    /// How long the server asks to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.refusal().and_then(Refusal::retry_after)
    }
}

impl From<Refusal> for SessionError {
    fn from(refusal: Refusal) -> Self {
        match (refusal.status(), refusal.code()) {
            (_, ErrorCode::ReauthenticationRequired) => Self::StepUpRequired(refusal),
            (_, ErrorCode::TokenReused) => Self::TokenReused(refusal),
            (_, ErrorCode::SessionRevoked | ErrorCode::TokenRevoked) => {
                Self::SessionRevoked(refusal)
            }
            (
                _,
                ErrorCode::InvalidCredentials
                | ErrorCode::CodeInvalid
                | ErrorCode::CodeExpired
                | ErrorCode::CodeAttemptsExceeded,
            ) => Self::WrongCredentials(refusal),
            (401, _) => Self::NotAuthenticated(refusal),
            (422, _) => Self::InvalidFields(refusal),
            (429, _) => Self::RateLimited(refusal),
            (500.., _) => Self::Unavailable(refusal),
            _ => Self::Refused(refusal),
        }
    }
}

impl From<Error<types::Error>> for SessionError {
    fn from(error: Error<types::Error>) -> Self {
        match error {
            Error::ErrorResponse(answer) => Refusal::from(answer).into(),
            Error::CommunicationError(e)
            | Error::InvalidUpgrade(e)
            | Error::ResponseBodyError(e) => Self::Connection(e.without_url()),
            Error::InvalidRequest(what) => Self::InvalidRequest(what),
            Error::Custom(what) => match RefreshTrouble::from_text(&what) {
                Some(trouble) => Self::NotRefreshed(trouble),
                None => Self::InvalidRequest(what),
            },
            Error::InvalidResponsePayload(_, e) => Self::UnexpectedAnswer(e.to_string()),
            Error::UnexpectedResponse(answer) => Self::UnexpectedAnswer(format!(
                "an answer with status {}",
                answer.status().as_u16()
            )),
        }
    }
}

impl From<StoreError> for SessionError {
    fn from(e: StoreError) -> Self {
        Self::Store(e)
    }
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRefreshed(trouble) => trouble.fmt(f),
            Self::Connection(e) => write!(f, "no answer from the server: {e}"),
            Self::Store(e) => e.fmt(f),
            Self::InvalidRequest(what) => write!(f, "not a valid request: {what}"),
            Self::UnexpectedAnswer(what) => write!(f, "an answer that is none of this API: {what}"),
            refused => match refused.refusal() {
                Some(refusal) => refusal.fmt(f),
                None => f.write_str("refused"),
            },
        }
    }
}

impl std::error::Error for SessionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Connection(e) => e.source(),
            _ => None,
        }
    }
}

impl ErrorExt for Error<types::Error> {
    fn refusal(&self) -> Option<&types::Error> {
        answer(self).map(|answer| &**answer)
    }

    fn is_transient(&self) -> bool {
        match self {
            Error::Custom(what) => {
                RefreshTrouble::from_text(what).is_some_and(|t| t != RefreshTrouble::LoggedOut)
            }
            Error::CommunicationError(e) | Error::ResponseBodyError(e) => !e.is_builder(),
            _ => self
                .status()
                .is_some_and(|s| s == StatusCode::REQUEST_TIMEOUT || s == 429 || s.as_u16() >= 500),
        }
    }

    fn needs_login(&self) -> bool {
        match self {
            Error::Custom(what) => {
                RefreshTrouble::from_text(what) == Some(RefreshTrouble::LoggedOut)
            }
            _ => copy(self).is_some_and(|e| e.needs_login()),
        }
    }

    fn needs_step_up(&self) -> bool {
        copy(self).is_some_and(|e| e.needs_step_up())
    }

    fn field_errors(&self) -> &[types::FieldError] {
        let fields = answer(self).and_then(|answer| answer.errors.as_deref());
        fields.unwrap_or_default()
    }

    fn retry_after(&self) -> Option<Duration> {
        copy(self).and_then(|e| e.retry_after())
    }
}

impl RefreshTrouble {
    /// The library's error for a call that was not sent holds a text and nothing else. What it
    /// says is therefore fixed here, and read back here.
    const UNREACHABLE: &str = "the session was not refreshed: the server was not reached";
    const ANSWER_LOST: &str = "the session was not refreshed: the answer was lost";
    const STORE: &str = "the session was not refreshed: its store failed: ";
    const LOGGED_OUT: &str = "the session has been logged out";

    pub(crate) fn into_error(self) -> Error<types::Error> {
        Error::Custom(self.to_string())
    }

    fn from_text(text: &str) -> Option<Self> {
        match text {
            Self::UNREACHABLE => Some(Self::Unreachable),
            Self::ANSWER_LOST => Some(Self::AnswerLost),
            Self::LOGGED_OUT => Some(Self::LoggedOut),
            _ => Some(Self::Store(text.strip_prefix(Self::STORE)?.to_owned())),
        }
    }
}

impl fmt::Display for RefreshTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable => f.write_str(Self::UNREACHABLE),
            Self::AnswerLost => f.write_str(Self::ANSWER_LOST),
            Self::Store(what) => write!(f, "{}{what}", Self::STORE),
            Self::LoggedOut => f.write_str(Self::LOGGED_OUT),
        }
    }
}

impl std::error::Error for RefreshTrouble {}

fn answer(error: &Error<types::Error>) -> Option<&ResponseValue<types::Error>> {
    match error {
        Error::ErrorResponse(answer) => Some(answer),
        _ => None,
    }
}

/// The typed error of a refusal, of which the few headers that matter are copied.
fn copy(error: &Error<types::Error>) -> Option<SessionError> {
    let answer = answer(error)?;
    let wanted = answer.headers().iter().filter(|(n, _)| **n == RETRY_AFTER);
    let headers = HeaderMap::from_iter(wanted.map(|(n, v)| (n.clone(), v.clone())));
    Some(Refusal::new(answer.status(), headers, (**answer).clone()).into())
}
