//! The one error body of every refusal.

use std::fmt;

use dropshot::{ErrorStatusCode, HttpError, HttpResponseError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The body of every answer that is not a success.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Error {
    /// Identifies the request in the logs of the server; equals the header `x-request-id`.
    pub request_id: String,
    pub error_code: ErrorCode,
    /// For people; its wording may change.
    pub message: String,
    /// The fields that a 422 is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<Vec<FieldError>>,
    /// RFC 6749 error code, on `/token` and `/refresh` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// RFC 6749 error description, on `/token` and `/refresh` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_description: Option<String>,
}

/// One field that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldError {
    /// Where the field is: begins with `body` or `path`.
    pub loc: Vec<String>,
    pub msg: String,
    /// A stable word for the kind of refusal, such as `missing` or `too_long`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// Why a request was refused. The list is closed for a version of the document; a client should
/// still treat a code it does not know by the status of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    ValidationError,
    WeakPassword,
    PhoneNotAllowed,
    UnsupportedGrantType,
    CodeInvalid,
    CodeExpired,
    CodeAttemptsExceeded,
    TokenInvalid,
    TokenExpired,
    BadRequest,
    InvalidCredentials,
    NotAuthenticated,
    TokenReused,
    TokenRevoked,
    SessionRevoked,
    ApiKeyInvalid,
    MfaTokenInvalid,
    AccountDeactivated,
    AccountSuspended,
    ReauthenticationRequired,
    CsrfRejected,
    RegistrationDisabled,
    NotFound,
    MethodNotAllowed,
    RequestTimeout,
    EmailTaken,
    PhoneMissing,
    PhoneAlreadyVerified,
    MfaNotPending,
    MfaNotEnabled,
    MfaMethodUnavailable,
    TokenUsed,
    PayloadTooLarge,
    UnsupportedMediaType,
    RateLimited,
    MfaLocked,
    InternalError,
    Overloaded,
    DeliveryUnavailable,
}

// The framework wants an error type it could serve by itself. Handlers never return one (they
// answer through `Reply`, which can set headers), so these only shape the emitted document and
// keep a mistake from losing the error body.

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<HttpError> for Error {
    fn from(error: HttpError) -> Self {
        Self {
            request_id: String::new(),
            error_code: ErrorCode::InternalError,
            message: error.external_message,
            errors: None,
            error: None,
            error_description: None,
        }
    }
}

impl HttpResponseError for Error {
    fn status_code(&self) -> ErrorStatusCode {
        ErrorStatusCode::INTERNAL_SERVER_ERROR
    }
}
