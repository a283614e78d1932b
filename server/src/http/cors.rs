//! Which other origins may call, and which may not even be served by a browser's mistake.

use std::sync::Once;

use http::Method;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, VARY,
};
use url::{Host, Url};

/// What pages send: bodies, credentials, and what tracing libraries add.
const REQUEST_HEADERS: &str = "content-type, authorization, api-version, x-trusted-device, x-api-key, \
     traceparent, tracestate, baggage";
const EXPOSED_HEADERS: &str = "retry-after, x-request-id, www-authenticate";

pub struct Origins {
    /// Origins as browsers write them.
    allowed: Vec<String>,
    request_headers: HeaderValue,
    development: bool,
    /// A developer is told once that `localhost` and `127.0.0.1` are two sites.
    told: Once,
}

/// An origin that may not call, with what a developer needs to know about it.
#[derive(Debug)]
pub struct Foreign {
    /// Absent in production, where nobody is to learn what the settings are.
    pub advice: Option<String>,
}

impl Origins {
    /// In development every port of this machine is allowed too, because that is where pages are
    /// served while they are written.
    pub fn new(allowed: Vec<String>, request_headers: &[HeaderName], development: bool) -> Self {
        let more = request_headers.iter().map(|name| format!(", {name}"));
        let names = REQUEST_HEADERS.to_owned() + &more.collect::<String>();
        Self {
            allowed,
            request_headers: HeaderValue::from_str(&names)
                .unwrap_or(HeaderValue::from_static(REQUEST_HEADERS)),
            development,
            told: Once::new(),
        }
    }

    /// The request's origin, if it is one of ours.
    fn allowed<'h>(&self, headers: &'h HeaderMap) -> Option<&'h HeaderValue> {
        let origin = headers.get(ORIGIN)?;
        let text = origin.to_str().ok()?;
        let is_ours = self.allowed.iter().any(|allowed| allowed == text)
            || (self.development && is_of_this_machine(text));
        is_ours.then_some(origin)
    }

    /// Refuses a request that a cookie could authenticate and that comes from another site. `Origin`
    /// decides alone where there is one (`null` is foreign); older requests are judged by
    /// `Sec-Fetch-Site`.
    pub fn refuse_cross_site(&self, headers: &HeaderMap) -> Result<(), Foreign> {
        let foreign = match headers.get(ORIGIN) {
            Some(_) => self.allowed(headers).is_none(),
            None => headers
                .get("sec-fetch-site")
                .is_some_and(|site| site == "cross-site"),
        };
        match foreign {
            true => Err(self.foreign(headers)),
            false => Ok(()),
        }
    }

    fn foreign(&self, headers: &HeaderMap) -> Foreign {
        let advice = self.development.then(|| advice_on(headers.get(ORIGIN)));
        Foreign { advice }
    }

    /// Adds what an allowed origin's browser needs to read the answer, be it an error or not.
    pub fn expose(&self, request: &HeaderMap, response: &mut HeaderMap) {
        response.append(VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = self.allowed(request) {
            if self.development {
                self.tell_of_two_names(origin, request);
            }
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

    fn tell_of_two_names(&self, origin: &HeaderValue, request: &HeaderMap) {
        let origin = origin.to_str().ok().and_then(|text| Url::parse(text).ok());
        let called = request.get(HOST).and_then(|host| host.to_str().ok());
        let called = called.and_then(|host| Url::parse(&format!("http://{host}")).ok());
        let (Some(origin), Some(mut called)) = (origin, called) else {
            return;
        };
        let loopback = |url: &Url| is_of_this_machine(&url.origin().ascii_serialization());
        if origin.host() == called.host() || !loopback(&origin) || !loopback(&called) {
            return;
        }
        self.told.call_once(|| {
            let page = origin.origin().ascii_serialization();
            let seen = called.origin().ascii_serialization();
            if called.set_host(origin.host_str()).is_err() {
                return;
            }
            let works = called.origin().ascii_serialization();
            tracing::warn!(
                "a page on {page} calls {seen}: browsers take these for two sites and send no \
                 cookies; call {works} instead"
            );
        });
    }

    /// What a preflight of an allowed origin is told. A foreign one learns nothing in production, and
    /// is refused with an explanation in development.
    pub fn preflight(
        &self,
        request: &HeaderMap,
        methods: &str,
        response: &mut HeaderMap,
    ) -> Result<(), Foreign> {
        if self.allowed(request).is_none() {
            return match self.development {
                true => Err(self.foreign(request)),
                false => Ok(()),
            };
        }
        if let Ok(methods) = HeaderValue::from_str(methods) {
            response.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
        }
        response.insert(ACCESS_CONTROL_ALLOW_HEADERS, self.request_headers.clone());
        response.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        Ok(())
    }
}

/// What was seen, and which setting would allow it.
fn advice_on(origin: Option<&HeaderValue>) -> String {
    let seen = origin.map(|origin| {
        let text = origin.to_str().unwrap_or_default();
        let shown = text.chars().filter(char::is_ascii_graphic);
        shown.take(200).collect::<String>()
    });
    match seen.as_deref() {
        None => "The browser says that it comes from another site, and names no origin.".to_owned(),
        Some("null") => {
            "The origin is `null`, as of a local file or a sandboxed frame; serve the page by http."
                .to_owned()
        }
        Some(origin) => format!(
            "The origin is `{origin}`; add it to cors.allowed_origins \
             (BP_AUTH_CORS__ALLOWED_ORIGINS) to allow it."
        ),
    }
}

/// An `OPTIONS` that a browser sends before the real request.
pub fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// Whether a browser of this machine writes an origin like this. The text is compared as a whole, so
/// that `http://localhost.example.com` and `http://localhost@example.com` are none.
fn is_of_this_machine(origin: &str) -> bool {
    let Ok(url) = Url::parse(origin) else {
        return false;
    };
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip == std::net::Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(ip)) => ip == std::net::Ipv6Addr::LOCALHOST,
        None => false,
    };
    loopback
        && matches!(url.scheme(), "http" | "https")
        && url.origin().ascii_serialization() == origin
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_origins_of_this_machine_are_allowed_in_development() {
        for (origin, ours) in [
            ("http://localhost:3000", true),
            ("https://localhost", true),
            ("http://127.0.0.1:5173", true),
            ("http://[::1]:8080", true),
            ("http://localhost.example.com", false),
            ("http://localhost@example.com", false),
            ("http://127.0.0.1.example.com", false),
            ("http://127.0.0.2:3000", false),
            ("http://192.168.0.7:3000", false),
            ("http://localhost:3000/", false),
            ("ftp://localhost", false),
            ("file://", false),
            ("null", false),
        ] {
            let headers = HeaderMap::from_iter([(ORIGIN, origin.parse().unwrap())]);
            let development = Origins::new(Vec::new(), &[], true);
            assert_eq!(
                development.refuse_cross_site(&headers).is_ok(),
                ours,
                "{origin}"
            );
            let production = Origins::new(Vec::new(), &[], false);
            let refused = production.refuse_cross_site(&headers).unwrap_err();
            assert!(refused.advice.is_none(), "{origin}");
        }
    }
}
