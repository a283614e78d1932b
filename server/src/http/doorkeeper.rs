//! Requests that never reach the gateway, because the framework refuses them while it routes: a
//! path that cannot be decoded, or a method outside HTTP's own. The framework asks for the version
//! of a request before it routes it; asked that, the doorkeeper answers such requests itself, with
//! the same body and headers as everything else.

use std::fmt;
use std::sync::Arc;

use dropshot::{Body, DynamicVersionPolicy, HttpError};
use http::header::HeaderValue;
use http::{Method, Request};
use slog::Logger;

use super::Rules;
use super::failure::Failure;
use super::gateway::{Dispatch, METHODS, finish, look_up};
use crate::api::document::CONTRACT_VERSION;

pub struct Doorkeeper {
    pub rules: Arc<Rules>,
    pub dispatch: Dispatch,
}

impl DynamicVersionPolicy for Doorkeeper {
    fn request_extract_version(
        &self,
        request: &Request<Body>,
        _: &Logger,
    ) -> Result<dropshot::semver::Version, HttpError> {
        let (method, path) = (request.method(), request.uri().path());
        // Nearly every request: the gateway looks it up, and once is enough. Only an escape or a dot
        // can make a path that cannot be decoded.
        if METHODS.contains(method) && !path.contains(['%', '.']) {
            return Ok(CONTRACT_VERSION);
        }
        match look_up(&self.dispatch, method, path) {
            Err(failure @ Failure::BadPath) => Err(self.refuse(request, failure)),
            Err(failure) if !METHODS.contains(method) => Err(self.refuse(request, failure)),
            // The framework would find `get` where the contract says `GET`.
            Ok(_) if !METHODS.contains(method) => {
                let has = |method: &&Method| look_up(&self.dispatch, method, path).is_ok();
                let names = METHODS.iter().filter(has).map(Method::as_str);
                let allowed = names.flat_map(HeaderValue::from_str).collect();
                Err(self.refuse(request, Failure::Method { allowed }))
            }
            _ => Ok(CONTRACT_VERSION),
        }
    }
}

impl Doorkeeper {
    fn refuse(&self, request: &Request<Body>, failure: Failure) -> HttpError {
        let mut error = failure.into_http_error();
        let status = error.status_code.as_u16();
        tracing::info!(method = %request.method(), operation = "none", status, "request");
        if let Some(headers) = &mut error.headers {
            finish(
                &self.rules,
                request.uri().path(),
                request.headers(),
                headers,
            );
        }
        error
    }
}

impl fmt::Debug for Doorkeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Doorkeeper")
    }
}
