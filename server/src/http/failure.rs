//! Refusals on the wire: each has its status, its code and its headers, in one table.

use http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};

use super::cors::Foreign;
use crate::api::extract::BodyRefusal;
use crate::api::{Error as Body, ErrorCode, FieldError};
use crate::app::{Error, Fault};

/// Why a request is not answered with a success.
#[derive(Debug)]
pub enum Failure {
    App(Error),
    Body(BodyRefusal),
    Path { parameter: &'static str },
    CrossSite(Foreign),
    // The gateway's own.
    NoRoute,
    BadPath,
    BadBody,
    Method { allowed: Vec<HeaderValue> },
    TooLarge,
    TooSlow,
    Panic,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::App(error)
    }
}

impl From<Foreign> for Failure {
    fn from(foreign: Foreign) -> Self {
        Self::CrossSite(foreign)
    }
}

impl From<BodyRefusal> for Failure {
    fn from(refusal: BodyRefusal) -> Self {
        Self::Body(refusal)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::App(Error::Internal(format!("cannot encode an answer: {error}")))
    }
}

/// A failure, said.
struct Said {
    status: u16,
    code: ErrorCode,
    message: String,
    fields: Option<Vec<FieldError>>,
    headers: Vec<(HeaderName, String)>,
}

impl Failure {
    /// The finished response. `oauth` adds RFC 6749's members, for `/token` and `/refresh`.
    pub fn into_response(self, request_id: &str, oauth: bool) -> Response<dropshot::Body> {
        if let Self::App(Error::Internal(text)) = &self {
            tracing::error!(request_id, error = %text, "internal error");
        }
        if let Self::CrossSite(Foreign {
            advice: Some(advice),
        }) = &self
        {
            tracing::warn!(
                request_id,
                "a request of a foreign origin was refused. {advice}"
            );
        }
        let said = self.say();
        let status = StatusCode::from_u16(said.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = Body {
            request_id: request_id.to_owned(),
            error_code: said.code,
            errors: said.fields,
            error: oauth.then(|| oauth_error(status, said.code).to_owned()),
            error_description: oauth.then(|| said.message.clone()),
            message: said.message,
        };
        let text = serde_json::to_string(&body).unwrap_or_default();
        let mut response = Response::new(dropshot::Body::from(text));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(
            http::header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        insert(headers, said.headers);
        response
    }

    fn say(self) -> Said {
        use ErrorCode as C;
        match self {
            Self::App(error) => say_app(error),
            Self::Body(BodyRefusal::UnsupportedMediaType { expected }) => said(
                415,
                C::UnsupportedMediaType,
                format!("The body must be {expected}."),
            ),
            Self::Body(BodyRefusal::Invalid(fields)) => invalid(fields),
            Self::Path { parameter } => invalid(vec![FieldError {
                loc: vec!["path".to_owned(), parameter.to_owned()],
                msg: "not a value of this parameter".to_owned(),
                kind: "value_error".to_owned(),
            }]),
            Self::CrossSite(Foreign { advice }) => {
                let refused = "A request from another site is refused.";
                let message = match advice {
                    Some(advice) => format!("{refused} {advice}"),
                    None => refused.to_owned(),
                };
                said(403, C::CsrfRejected, message)
            }
            Self::NoRoute => said(404, C::NotFound, "There is nothing at this path."),
            Self::BadPath => said(400, C::BadRequest, "The path is not well formed."),
            Self::BadBody => said(400, C::BadRequest, "The body could not be read.")
                .with(http::header::CONNECTION, "close"),
            Self::Method { allowed } => said(
                405,
                C::MethodNotAllowed,
                "This path does not have this method.",
            )
            .with(http::header::ALLOW, list(&allowed)),
            Self::TooLarge => said(413, C::PayloadTooLarge, "The body has more than 16 KiB.")
                .with(http::header::CONNECTION, "close"),
            Self::TooSlow => said(408, C::RequestTimeout, "The body took too long to arrive.")
                .with(http::header::CONNECTION, "close"),
            Self::Panic => internal(),
        }
    }
}

/// Every variant by name, so that a new one cannot be forgotten.
fn say_app(error: Error) -> Said {
    use ErrorCode as C;
    match error {
        Error::Invalid(faults) => invalid(faults.into_iter().map(field).collect()),
        Error::WeakPassword(advice) => {
            let msg = format!("the password is too weak: {advice}");
            let fault = field(Fault {
                field: "password",
                kind: "weak_password",
                msg,
            });
            let mut said = said(422, C::WeakPassword, "The password is too weak.");
            said.fields = Some(vec![fault]);
            said
        }
        Error::PhoneNotAllowed { field: at, why } => {
            let mut said = said(
                422,
                C::PhoneNotAllowed,
                "This phone number gets no messages; see `errors`.",
            );
            said.fields = Some(vec![field(why.fault(at))]);
            said
        }
        Error::UnsupportedGrantType => said(
            400,
            C::UnsupportedGrantType,
            "Only the grant type `password` is supported.",
        ),

        Error::NotAuthenticated => {
            said(401, C::NotAuthenticated, "Authentication is required.").with_challenge(None)
        }
        Error::AccessTokenInvalid => {
            said(401, C::TokenInvalid, "The access token is not valid.").invalid_token()
        }
        Error::AccessTokenExpired => {
            said(401, C::TokenExpired, "The access token has expired.").invalid_token()
        }
        Error::SessionRevoked => {
            said(401, C::SessionRevoked, "The session has ended.").invalid_token()
        }
        Error::ApiKeyInvalid => {
            said(401, C::ApiKeyInvalid, "The API key is not valid.").invalid_token()
        }
        Error::AccountDeactivated => {
            said(403, C::AccountDeactivated, "The account is deactivated.")
        }
        Error::AccountSuspended => said(403, C::AccountSuspended, "The account is suspended."),
        Error::ReauthenticationRequired { max_age } => said(
            403,
            C::ReauthenticationRequired,
            "Log in again, with your second factor.",
        )
        .with_challenge(Some(&format!(
            "error=\"insufficient_user_authentication\", max_age=\"{max_age}\""
        ))),

        Error::InvalidCredentials => said(
            401,
            C::InvalidCredentials,
            "The e-mail address or the password is wrong.",
        )
        .with_challenge(None),
        Error::MfaTokenInvalid => said(
            401,
            C::MfaTokenInvalid,
            "The MFA token is not valid; log in again.",
        )
        .invalid_token(),
        Error::ChallengeCodeInvalid => {
            // The same for every wrong code: it tells a guesser nothing, and an owner what it often is.
            said(
                401,
                C::CodeInvalid,
                "The code is wrong. If an app shows it, check that its device sets the clock by itself.",
            )
            .with_challenge(None)
        }
        Error::RefreshTokenInvalid => {
            said(401, C::TokenInvalid, "The refresh token is not valid.").invalid_token()
        }
        Error::RefreshTokenExpired => {
            said(401, C::TokenExpired, "The refresh token has expired.").invalid_token()
        }
        Error::RefreshTokenReused => said(
            401,
            C::TokenReused,
            "The refresh token was used before; the session has been ended.",
        )
        .invalid_token(),
        Error::RefreshTokenRevoked => {
            said(401, C::TokenRevoked, "The refresh token was revoked.").invalid_token()
        }
        Error::CodeInvalid => said(400, C::CodeInvalid, "The code is wrong."),
        Error::CodeOfAnotherTime => said(
            400,
            C::CodeInvalid,
            "The code is that of another time; set the clock of the device, then try its next code.",
        ),
        Error::CodeExpired => said(
            400,
            C::CodeExpired,
            "There is no live code; ask for a new one.",
        ),
        Error::CodeAttemptsExceeded => said(
            400,
            C::CodeAttemptsExceeded,
            "Too many wrong codes; begin again.",
        ),
        Error::LinkTokenInvalid => said(400, C::TokenInvalid, "The token is not valid."),
        Error::LinkTokenExpired => said(400, C::TokenExpired, "The token has expired."),
        Error::LinkTokenUsed => said(410, C::TokenUsed, "The token was used before."),

        Error::RegistrationDisabled => {
            said(403, C::RegistrationDisabled, "Registration is not open.")
        }
        Error::NotFound => said(404, C::NotFound, "There is no such thing."),
        Error::EmailTaken => said(409, C::EmailTaken, "The e-mail address has an account."),
        Error::PhoneMissing => said(409, C::PhoneMissing, "The profile has no phone number."),
        Error::PhoneAlreadyVerified => said(
            409,
            C::PhoneAlreadyVerified,
            "The phone number is verified already.",
        ),
        Error::MfaNotPending => said(
            409,
            C::MfaNotPending,
            "No set-up of this method is pending.",
        ),
        Error::MfaNotEnabled => said(409, C::MfaNotEnabled, "No second factor is enrolled."),
        Error::MfaMethodUnavailable => {
            said(409, C::MfaMethodUnavailable, "This method is not enrolled.")
        }
        Error::SuspendedMeanwhile => said(409, C::AccountSuspended, "The account is suspended."),

        Error::RateLimited { retry_after } => {
            said(429, C::RateLimited, "Too many requests; try again later.").retry(retry_after)
        }
        Error::MfaLocked { retry_after } => {
            said(429, C::MfaLocked, "Too many wrong codes; try again later.").retry(retry_after)
        }

        Error::Overloaded | Error::Contention => {
            said(503, C::Overloaded, "The server is busy; try again soon.").retry(2)
        }
        Error::Internal(_) => internal(),
    }
}

impl Said {
    fn with(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn retry(self, seconds: u64) -> Self {
        self.with(RETRY_AFTER, seconds.to_string())
    }

    /// RFC 6750, section 3; RFC 9470 for the step-up.
    fn with_challenge(self, parameters: Option<&str>) -> Self {
        let value = match parameters {
            Some(parameters) => format!("Bearer {parameters}"),
            None => "Bearer".to_owned(),
        };
        self.with(WWW_AUTHENTICATE, value)
    }

    fn invalid_token(self) -> Self {
        let parameters = format!(
            "error=\"invalid_token\", error_description=\"{}\"",
            self.message
        );
        self.with_challenge(Some(&parameters))
    }
}

fn list(methods: &[HeaderValue]) -> String {
    let mut names: Vec<&str> = methods
        .iter()
        .filter_map(|name| name.to_str().ok())
        .collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

fn insert(headers: &mut HeaderMap, more: Vec<(HeaderName, String)>) {
    for (name, value) in more {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
}

fn said(status: u16, code: ErrorCode, message: impl Into<String>) -> Said {
    Said {
        status,
        code,
        message: message.into(),
        fields: None,
        headers: Vec::new(),
    }
}

fn invalid(fields: Vec<FieldError>) -> Said {
    let mut said = said(
        422,
        ErrorCode::ValidationError,
        "The request is not valid; see `errors`.",
    );
    said.fields = Some(fields);
    said
}

fn internal() -> Said {
    said(
        500,
        ErrorCode::InternalError,
        "The server failed; the request id is in its logs.",
    )
}

fn field(fault: Fault) -> FieldError {
    FieldError {
        loc: vec!["body".to_owned(), fault.field.to_owned()],
        msg: fault.msg,
        kind: fault.kind.to_owned(),
    }
}

/// RFC 6749, section 5.2, and section 4.1.2.1 for what that has no word for.
fn oauth_error(status: StatusCode, code: ErrorCode) -> &'static str {
    match status.as_u16() {
        400 if code == ErrorCode::UnsupportedGrantType => "unsupported_grant_type",
        401 => "invalid_grant",
        403 => "access_denied",
        429 | 503 => "temporarily_unavailable",
        500 => "server_error",
        _ => "invalid_request",
    }
}
