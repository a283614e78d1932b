//! The gateway: what the framework has no middleware for, in one place.
//!
//! The listener hands every request to the gateway, which looks its endpoint up in the routers (see
//! `api`), reads the body within its limits, turns panics into errors, and gives every answer the
//! same body and headers.

use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dropshot::{
    ApiDescription, Body, HEADER_REQUEST_ID, HttpError, RequestContext, RequestEndpointMetadata,
    RequestInfo,
};
use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tracing::Instrument;
use uuid::Uuid;

use super::call::{LoggedUser, is_oauth};
use super::contexts::Contexts;
use super::cors::is_preflight;
use super::failure::Failure;
use super::{Context, Rules, trace};
use crate::api::auth::auth_api_mod;
use crate::api::mfa::{mfa_api_mod, mfa_method_api_mod};
use crate::api::{AuthApi, BODY_LIMIT_BYTES, MfaApi, MfaMethodApi};
use crate::app::Error;
use crate::metrics::{Metrics, NO_OPERATION};

/// What a request may be. The framework would take a method for the same in lower case.
pub const METHODS: [Method; 9] = [
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::HEAD,
    Method::OPTIONS,
    Method::TRACE,
    Method::CONNECT,
];

/// Finds the endpoint of a request.
pub type Dispatch = Arc<dyn Fn(&Method, &str) -> Result<Found, Failure> + Send + Sync>;

type Handler = Box<
    dyn FnOnce(RequestContext<Context>, Request<Body>) -> BoxFuture<'static, Option<Response<Body>>>
        + Send,
>;

pub struct Found {
    endpoint: RequestEndpointMetadata,
    handler: Handler,
}

/// The routers behind one look-up, asked in turn: the first that knows the path and the method
/// answers, and a refusal speaks for all that know the path.
pub fn dispatch<A>() -> Result<Dispatch, String>
where
    A: AuthApi<Context = Context>
        + MfaApi<Context = Context>
        + MfaMethodApi<Context = Context>
        + 'static,
{
    let said = |error: dropshot::ApiDescriptionBuildErrors| error.to_string();
    let auth = router(auth_api_mod::api_description::<A>().map_err(said)?);
    let mfa = router(mfa_api_mod::api_description::<A>().map_err(said)?);
    let method = router(mfa_method_api_mod::api_description::<A>().map_err(said)?);
    Ok(Arc::new(move |verb, path| {
        let literal =
            auth(verb, path).or_else(|miss| mfa(verb, path).map_err(|more| both(miss, more)));
        match literal {
            // `{method}` is none of the paths that have a name.
            Err(Failure::NoRoute) => method(verb, path),
            found_or_refused => found_or_refused,
        }
    }))
}

/// The router's type has no name outside the framework, but a closure can hold it.
pub fn router(
    api: ApiDescription<Context>,
) -> impl Fn(&Method, &str) -> Result<Found, Failure> + Send + Sync {
    let router = api.into_router();
    move |method, path| match router.lookup_route(method, path.into(), None) {
        Ok(found) => {
            let handler = found.handler;
            let handle: Handler = Box::new(move |rqctx, request| {
                async move { handler.handle_request(rqctx, request).await.ok() }.boxed()
            });
            Ok(Found {
                endpoint: found.endpoint,
                handler: handle,
            })
        }
        Err(error) => Err(miss(&error)),
    }
}

fn miss(error: &HttpError) -> Failure {
    match error.status_code.as_status() {
        StatusCode::METHOD_NOT_ALLOWED => {
            let allowed = error.headers.as_ref().map(|headers| headers.get_all(ALLOW));
            let allowed = allowed.into_iter().flatten().cloned().collect();
            Failure::Method { allowed }
        }
        StatusCode::NOT_FOUND => Failure::NoRoute,
        _ => Failure::BadPath,
    }
}

/// A path that several routers know by other methods allows all of these.
fn both(first: Failure, second: Failure) -> Failure {
    match (first, second) {
        (first @ Failure::BadPath, _) => first,
        (Failure::Method { allowed: mut all }, Failure::Method { allowed }) => {
            all.extend(allowed);
            Failure::Method { allowed: all }
        }
        (first @ Failure::Method { .. }, _) => first,
        (_, second) => second,
    }
}

/// Everything that answers the requests of the API.
pub struct Gateway {
    context: Context,
    dispatch: Dispatch,
    contexts: Arc<Contexts>,
}

impl Gateway {
    /// Answers with what `dispatch` finds.
    pub async fn new(context: Context, dispatch: Dispatch) -> io::Result<Self> {
        let contexts = Contexts::new(context.clone()).await?;
        Ok(Self {
            context,
            dispatch,
            contexts,
        })
    }

    /// Answers one request on a connection from `peer`.
    pub async fn answer(&self, peer: SocketAddr, request: Request<Body>) -> Response<Body> {
        let started = Instant::now();
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let headers = request.headers().clone();
        let request_id = Uuid::new_v4().to_string();

        let span = trace::request(&headers, &method, &request_id);
        let routed = self.route(peer, &request_id, request);
        let (operation, routed) = routed.instrument(span.clone()).await;
        let mut response =
            routed.unwrap_or_else(|failure| failure.into_response(&request_id, is_oauth(&path)));
        self.finish(&request_id, &path, &headers, &mut response);

        let user = response.extensions_mut().remove::<LoggedUser>();
        let answered = Answered {
            request_id: &request_id,
            method: &method,
            operation: operation.as_deref().unwrap_or(NO_OPERATION),
            status: response.status().as_u16(),
            took: started.elapsed(),
            user: user.map(|LoggedUser(user)| user),
        };
        let trace = trace::answered(&span, &answered);
        answered.note(&self.context.app.metrics, trace);
        response
    }

    /// The answer to a request that nobody reads, because there is no room for its connection.
    pub fn busy(&self) -> Response<Body> {
        self.refusal(Error::Overloaded.into())
    }

    /// The answer to a request whose task ended without one.
    pub fn broken(&self) -> Response<Body> {
        self.refusal(Failure::Panic)
    }

    fn refusal(&self, failure: Failure) -> Response<Body> {
        let request_id = Uuid::new_v4().to_string();
        let mut response = failure.into_response(&request_id, false);
        self.finish(&request_id, "", &HeaderMap::new(), &mut response);
        response
    }

    /// What every answer carries, be it a success or not.
    fn finish(
        &self,
        request_id: &str,
        path: &str,
        request: &HeaderMap,
        response: &mut Response<Body>,
    ) {
        let headers = response.headers_mut();
        finish(&self.context.rules, path, request, headers);
        if let Ok(id) = HeaderValue::from_str(request_id) {
            headers.insert(HEADER_REQUEST_ID, id);
        }
    }

    async fn route(
        &self,
        peer: SocketAddr,
        request_id: &str,
        request: Request<Body>,
    ) -> (Option<String>, Result<Response<Body>, Failure>) {
        let (method, path) = (request.method(), request.uri().path());
        if is_preflight(method, request.headers()) {
            return (None, self.preflight(path, request.headers()));
        }
        let found = match look_up(&self.dispatch, method, path) {
            Ok(found) => found,
            Err(failure) => return (None, Err(failure)),
        };
        let operation = found.endpoint.operation_id.clone();
        let patience = self.context.rules.body_patience;
        let request = match within_limits(request, patience).await {
            Ok(request) => request,
            Err(failure) => return (Some(operation), Err(failure)),
        };
        let Some(mut rqctx) = self.contexts.take().await else {
            return (Some(operation), Err(Error::Overloaded.into()));
        };
        rqctx.endpoint = found.endpoint;
        rqctx.request_id = request_id.to_owned();
        rqctx.request = RequestInfo::new(&request, peer);
        let handled = AssertUnwindSafe((found.handler)(rqctx, request))
            .catch_unwind()
            .await;
        let response = match handled {
            Ok(Some(response)) => Ok(response),
            // Handlers answer through `Reply`; an error of the framework's own kind has no body of ours.
            Ok(None) => Err(Error::Internal("a handler gave no answer".to_owned()).into()),
            Err(_) => {
                tracing::error!(request_id, operation, "a handler panicked");
                Err(Failure::Panic)
            }
        };
        (Some(operation), response)
    }

    fn preflight(&self, path: &str, headers: &HeaderMap) -> Result<Response<Body>, Failure> {
        let all = [Method::GET, Method::POST, Method::DELETE];
        let methods: Vec<&str> = all
            .iter()
            .filter(|method| look_up(&self.dispatch, method, path).is_ok())
            .map(Method::as_str)
            .collect();
        if methods.is_empty() {
            return Err(Failure::NoRoute);
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let origins = &self.context.rules.origins;
        origins.preflight(headers, &methods.join(", "), response.headers_mut())?;
        Ok(response)
    }
}

/// What is remembered of a request, which is nothing that its client chose.
pub struct Answered<'r> {
    pub request_id: &'r str,
    pub method: &'r Method,
    pub operation: &'r str,
    pub status: u16,
    pub took: Duration,
    pub user: Option<Uuid>,
}

impl Answered<'_> {
    /// Counts it, and writes its one line of the log. Path, query and headers stay out of it: they
    /// may hold what somebody should not have put there.
    pub fn note(&self, metrics: &Metrics, trace_id: Option<String>) {
        let Self {
            request_id,
            operation,
            status,
            took,
            ..
        } = *self;
        metrics.request(operation, status, took);
        let method = match METHODS.contains(self.method) {
            true => self.method.as_str(),
            // It may be as long as a head can be.
            false => "other",
        };
        let millis = took.as_micros() as f64 / 1000.0;
        let user = self.user.map(tracing::field::display);
        tracing::info!(
            request_id, method, operation, status, millis, user, trace_id, "request"
        );
    }
}

/// One resource has one path: the framework's router would also accept doubled slashes. And a method
/// has one spelling: the router would find `get` where the contract says `GET`.
fn look_up(dispatch: &Dispatch, method: &Method, path: &str) -> Result<Found, Failure> {
    if path.contains("//") || (path.len() > 1 && path.ends_with('/')) {
        return Err(Failure::NoRoute);
    }
    // What is no part of the contract is asked for by probes and caches, and they may ask by HEAD; the
    // server's library leaves the body out.
    let beside = !path.starts_with("/api/");
    let found = match *method == Method::HEAD && beside {
        true => dispatch(&Method::GET, path),
        false => dispatch(method, path),
    };
    match found {
        Ok(_) if !METHODS.contains(method) => {
            let has = |method: &&Method| dispatch(method, path).is_ok();
            let names = METHODS.iter().filter(has).map(Method::as_str);
            let allowed = names.flat_map(HeaderValue::from_str).collect();
            Err(not_allowed(allowed, beside))
        }
        Err(Failure::Method { allowed }) => Err(not_allowed(allowed, beside)),
        found => found,
    }
}

fn not_allowed(mut allowed: Vec<HeaderValue>, beside: bool) -> Failure {
    if beside && allowed.iter().any(|name| name == "GET") {
        allowed.push(HeaderValue::from_static("HEAD"));
    }
    Failure::Method { allowed }
}

/// Reads the whole body, so that size and time are judged before anything else is. One that
/// trickles holds a connection and nothing else, and not for longer than `patience`.
async fn within_limits(
    request: Request<Body>,
    patience: Duration,
) -> Result<Request<Body>, Failure> {
    let declared = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<u64>().ok());
    if declared.is_some_and(|length| length > BODY_LIMIT_BYTES as u64) {
        return Err(Failure::TooLarge);
    }
    let (parts, body) = request.into_parts();
    let read = Limited::new(body, BODY_LIMIT_BYTES).collect();
    match tokio::time::timeout(patience, read).await {
        Err(_) => Err(Failure::TooSlow),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Failure::TooLarge),
        // Chunks that are none, or a client that went away and will not read this answer.
        Ok(Err(_)) => Err(Failure::BadBody),
        Ok(Ok(body)) => Ok(Request::from_parts(parts, Body::from(body.to_bytes()))),
    }
}

fn finish(rules: &Rules, path: &str, request: &HeaderMap, response: &mut HeaderMap) {
    let constant = HeaderValue::from_static;
    response.insert(http::header::X_CONTENT_TYPE_OPTIONS, constant("nosniff"));
    if !response.contains_key(CACHE_CONTROL) {
        response.insert(CACHE_CONTROL, constant("no-store"));
    }
    let seconds = rules.hsts_max_age;
    if seconds > 0
        && let Ok(value) = HeaderValue::from_str(&format!("max-age={seconds}; includeSubDomains"))
    {
        response.insert(http::header::STRICT_TRANSPORT_SECURITY, value);
    }
    if path.starts_with("/api/") {
        rules.origins.expose(request, response);
    }
}

#[cfg(test)]
mod tests;
