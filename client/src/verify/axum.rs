//! For axum, whose state gives a [`Verifier`].

use axum::Json;
use axum::extract::{FromRef, FromRequestParts};
use axum::http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::{Authenticated, Entitlement, Refusal, RequireEntitlement, Verifier};

impl<S> FromRequestParts<S> for Authenticated
where
    Verifier: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        Self::by(&Verifier::from_ref(state), authorization(parts)).await
    }
}

impl<S, E> FromRequestParts<S> for RequireEntitlement<E>
where
    Verifier: FromRef<S>,
    S: Send + Sync,
    E: Entitlement,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        Self::by(&Verifier::from_ref(state), authorization(parts)).await
    }
}

/// In the form of bp-auth's own refusals.
impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status());
        let body = Json(json!({
            "error_code": self.error_code(),
            "message": self.message(),
            "request_id": uuid::Uuid::new_v4(),
        }));
        let mut response = (status.unwrap_or(StatusCode::UNAUTHORIZED), body).into_response();
        let headers = response.headers_mut();
        if let Some(challenge) = self.challenge() {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(seconds) = self.retry_after() {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

fn authorization(parts: &Parts) -> Option<&[u8]> {
    let header = parts.headers.get(AUTHORIZATION)?;
    Some(header.as_bytes())
}
