//! The one response type of all handlers.

use std::marker::PhantomData;

use dropshot::{ApiEndpointResponse, Body, HttpError, HttpResponse};
use http::header::{CONTENT_TYPE, HeaderMap};
use http::{Response, StatusCode};
use serde::Serialize;

/// A finished response that is documented as `R`.
///
/// A handler answers refusals through it as well, because the framework's error path can neither
/// set headers (`WWW-Authenticate`, `Retry-After`, cookies) nor be read by the gateway.
pub struct Reply<R> {
    response: Response<Body>,
    documented_as: PhantomData<fn() -> R>,
}

impl<R: HttpResponse> Reply<R> {
    /// A JSON body.
    pub fn json<T: Serialize>(status: StatusCode, body: &T) -> Result<Self, serde_json::Error> {
        let bytes = serde_json::to_vec(body)?;
        let mut reply = Self::raw(status, Body::from(bytes));
        reply.headers_mut().insert(
            CONTENT_TYPE,
            http::HeaderValue::from_static("application/json"),
        );
        Ok(reply)
    }

    /// No body, as a 204 wants.
    pub fn no_content() -> Self {
        Self::raw(StatusCode::NO_CONTENT, Body::empty())
    }

    pub fn raw(status: StatusCode, body: Body) -> Self {
        let mut response = Response::new(body);
        *response.status_mut() = status;
        Self {
            response,
            documented_as: PhantomData,
        }
    }

    /// A response that is finished already, such as a refusal.
    pub fn finished(response: Response<Body>) -> Self {
        Self {
            response,
            documented_as: PhantomData,
        }
    }

    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        self.response.headers_mut()
    }

    /// What the answer says to this server and not to its client.
    pub fn extensions_mut(&mut self) -> &mut http::Extensions {
        self.response.extensions_mut()
    }

    pub fn status(&self) -> StatusCode {
        self.response.status()
    }
}

impl<R: HttpResponse> HttpResponse for Reply<R> {
    fn to_result(self) -> Result<Response<Body>, HttpError> {
        Ok::<_, HttpError>(self.response)
    }

    fn response_metadata() -> ApiEndpointResponse {
        ApiEndpointResponse {
            description: Some("Successful Response".to_owned()),
            ..R::response_metadata()
        }
    }

    fn status_code(&self) -> StatusCode {
        self.response.status()
    }
}
