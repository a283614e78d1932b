//! Requests that never reach the gateway, because the framework refuses them while it routes: a
//! path that cannot be decoded, or a method outside HTTP's own. The framework asks for the version
//! of a request before it routes it; asked that, the doorkeeper answers such requests itself, with
//! the same body and headers as everything else.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use dropshot::{Body, DynamicVersionPolicy, HttpError};
use http::header::HeaderValue;
use http::{Method, Request};
use slog::Logger;

use super::failure::Failure;
use super::gateway::{Answered, Dispatch, METHODS, finish, look_up};
use super::{Rules, trace};
use crate::api::document::CONTRACT_VERSION;
use crate::metrics::{Metrics, NO_OPERATION};

pub struct Doorkeeper {
    pub rules: Arc<Rules>,
    pub dispatch: Dispatch,
    pub metrics: Arc<Metrics>,
}

impl DynamicVersionPolicy for Doorkeeper {
    fn request_extract_version(
        &self,
        request: &Request<Body>,
        log: &Logger,
    ) -> Result<dropshot::semver::Version, HttpError> {
        let started = Instant::now();
        let (method, path) = (request.method(), request.uri().path());
        // Nearly every request: the gateway looks it up, and once is enough. Only an escape or a dot
        // can make a path that cannot be decoded.
        if METHODS.contains(method) && !path.contains(['%', '.']) {
            return Ok(CONTRACT_VERSION);
        }
        let failure = match look_up(&self.dispatch, method, path) {
            Err(failure @ Failure::BadPath) => failure,
            Err(failure) if !METHODS.contains(method) => failure,
            // The framework would find `get` where the contract says `GET`.
            Ok(_) if !METHODS.contains(method) => {
                let has = |method: &&Method| look_up(&self.dispatch, method, path).is_ok();
                let names = METHODS.iter().filter(has).map(Method::as_str);
                let allowed = names.flat_map(HeaderValue::from_str).collect();
                Failure::Method { allowed }
            }
            _ => return Ok(CONTRACT_VERSION),
        };
        let error = self.refuse(request, failure);
        let answered = Answered {
            request_id: &request_id(log),
            method,
            operation: NO_OPERATION,
            status: error.status_code.as_u16(),
            took: started.elapsed(),
            user: None,
        };
        let span = trace::request(request.headers(), method, answered.request_id);
        let trace = trace::answered(&span, &answered);
        answered.note(&self.metrics, trace);
        Err(error)
    }
}

impl Doorkeeper {
    fn refuse(&self, request: &Request<Body>, failure: Failure) -> HttpError {
        let mut error = failure.into_http_error();
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

/// The id that the answer will have. The framework has chosen it, and tells nobody but its logger.
fn request_id(log: &Logger) -> String {
    struct Find(String);

    impl slog::Serializer for Find {
        fn emit_arguments(&mut self, key: slog::Key, value: &fmt::Arguments<'_>) -> slog::Result {
            if key == "req_id" {
                self.0 = value.to_string();
            }
            Ok(())
        }
    }

    let mut find = Find(String::new());
    // What cannot be read is left out; the line is worth writing all the same.
    let _ = slog::KV::serialize(
        log.list(),
        &slog::record!(slog::Level::Info, "", &format_args!(""), slog::b!()),
        &mut find,
    );
    find.0
}

impl fmt::Debug for Doorkeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Doorkeeper")
    }
}
