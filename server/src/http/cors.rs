//! Which other origins may call, and which may not even be served by a browser's mistake.

use http::Method;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderValue, ORIGIN, VARY,
};

const REQUEST_HEADERS: &str = "content-type, authorization, api-version, x-trusted-device";
const EXPOSED_HEADERS: &str = "retry-after, x-request-id, www-authenticate";

pub struct Origins(Vec<String>);

impl Origins {
    /// Origins as browsers write them.
    pub fn new(allowed: Vec<String>) -> Self {
        Self(allowed)
    }

    /// The request's origin, if it is one of ours.
    fn allowed<'h>(&self, headers: &'h HeaderMap) -> Option<&'h HeaderValue> {
        let origin = headers.get(ORIGIN)?;
        let text = origin.to_str().ok()?;
        self.0
            .iter()
            .any(|allowed| allowed == text)
            .then_some(origin)
    }

    /// Whether a request that a cookie could authenticate comes from another site. `Origin` decides
    /// alone where there is one (`null` is foreign); older requests are judged by `Sec-Fetch-Site`.
    pub fn is_cross_site(&self, headers: &HeaderMap) -> bool {
        if headers.contains_key(ORIGIN) {
            return self.allowed(headers).is_none();
        }
        headers
            .get("sec-fetch-site")
            .is_some_and(|site| site == "cross-site")
    }

    /// Adds what an allowed origin's browser needs to read the answer, be it an error or not.
    pub fn expose(&self, request: &HeaderMap, response: &mut HeaderMap) {
        response.append(VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = self.allowed(request) {
            response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            response.insert(
                ACCESS_CONTROL_ALLOW_CREDENTIALS,
                HeaderValue::from_static("true"),
            );
            response.insert(
                ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static(EXPOSED_HEADERS),
            );
        }
    }

    /// What a preflight of an allowed origin is told; a foreign one learns nothing.
    pub fn preflight(&self, request: &HeaderMap, methods: &str, response: &mut HeaderMap) {
        if self.allowed(request).is_none() {
            return;
        }
        if let Ok(methods) = HeaderValue::from_str(methods) {
            response.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
        }
        response.insert(
            ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static(REQUEST_HEADERS),
        );
        response.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
}

/// An `OPTIONS` that a browser sends before the real request.
pub fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}
