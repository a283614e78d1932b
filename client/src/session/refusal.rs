use std::{fmt, time::Duration};

use reqwest::{Response, StatusCode, header::HeaderMap};

use crate::{
    Error, ErrorCode, ResponseValue, clock::system_clock, retry_after::retry_after, types,
};

/// An answer by which the server refused.
///
/// ```
#[doc = include_str!("../doc/server.txt")]
/// use bp_auth_client::{AuthClient, ErrorCode, SessionError};
///
/// let refused = AuthClient::new(url)?.login("ada@example.org", "wrong").await.unwrap_err();
/// let refusal = refused.refusal().unwrap();
/// assert_eq!((refusal.status(), refusal.code()), (401, &ErrorCode::InvalidCredentials));
/// assert_eq!(refusal.body().message, "No.");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Refusal(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    status: StatusCode,
    headers: HeaderMap,
    error: types::Error,
    retry_after: Option<Duration>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, headers: HeaderMap, error: types::Error) -> Self {
        let retry_after = retry_after(&headers, system_clock());
        Self(Box::new(Parts {
            status,
            headers,
            error,
            retry_after,
        }))
    }

    /// The status of the answer.
    pub fn status(&self) -> u16 {
        self.0.status.as_u16()
    }

    /// The code of the refusal.
    pub fn code(&self) -> &ErrorCode {
        &self.0.error.error_code
    }

    /// The whole body.
    pub fn body(&self) -> &types::Error {
        &self.0.error
    }

    /// The fields that were refused.
    pub fn field_errors(&self) -> &[types::FieldError] {
        self.0.error.errors.as_deref().unwrap_or_default()
    }

    /// How long to wait before the next try.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// As the generated call would give it.
    pub(crate) fn into_error(self) -> Error<types::Error> {
        let Parts {
            status,
            headers,
            error,
            ..
        } = *self.0;
        Error::ErrorResponse(ResponseValue::new(error, status, headers))
    }

    /// As it came from the server, for the generated call to decode.
    pub(crate) fn into_response(self) -> Option<Response> {
        let body = serde_json::to_vec(&self.0.error).ok()?;
        let mut answer = http::Response::new(body);
        *answer.status_mut() = self.0.status;
        *answer.headers_mut() = self.0.headers;
        Some(answer.into())
    }
}

impl From<ResponseValue<types::Error>> for Refusal {
    fn from(answer: ResponseValue<types::Error>) -> Self {
        let (status, headers) = (answer.status(), answer.headers().clone());
        Self::new(status, headers, answer.into_inner())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let types::Error {
            error_code,
            message,
            request_id,
            ..
        } = self.body();
        write!(f, "{error_code}: {message}")?;
        for field in self.field_errors() {
            write!(f, " [{}: {}]", field.loc.join("."), field.msg)?;
        }
        write!(f, " (request {request_id})")
    }
}
