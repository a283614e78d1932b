//! The three cookies. One function builds each and one clears it, with the same attributes, or a
//! browser would keep the old one.

use http::header::{HeaderMap, HeaderValue, SET_COOKIE};

use crate::api::Secret;
use crate::api::extract::{REFRESH_COOKIE, TOKEN_COOKIE, cookies};
use crate::app::session::IssuedTokens;

const DEVICE_COOKIE: &str = "bp_trusted_device";
const DEVICE_HEADER: &str = "x-trusted-device";

pub struct CookieRules {
    pub secure: bool,
    pub domain: Option<String>,
    /// The path of the public URL, under which browsers see the API; empty at the root.
    pub path: String,
}

impl CookieRules {
    /// Access and refresh token. The former's cookie outlives it, so that a logout with a stale cookie
    /// still finds its session; the latter's goes to its one operation only.
    pub fn set_tokens(&self, headers: &mut HeaderMap, issued: &IssuedTokens) {
        let max_age = issued.refresh_expires_in;
        append(headers, &self.token(&issued.access_token, max_age));
        append(headers, &self.refresh(&issued.refresh_token, max_age));
    }

    /// With a domain also what was set before there was one: a browser would go on sending it.
    pub fn clear_tokens(&self, headers: &mut HeaderMap) {
        append(headers, &self.token("", 0));
        append(headers, &self.refresh("", 0));
        if self.domain.is_some() {
            append(headers, &self.host_only(TOKEN_COOKIE, "", "/", 0));
        }
    }

    pub fn set_device(&self, headers: &mut HeaderMap, secret: &str, max_age: u64) {
        append(headers, &self.device(secret, max_age));
    }

    pub fn clear_device(&self, headers: &mut HeaderMap) {
        append(headers, &self.device("", 0));
    }

    fn token(&self, value: &str, max_age: u64) -> String {
        let cookie = self.host_only(TOKEN_COOKIE, value, "/", max_age);
        match &self.domain {
            Some(domain) => format!("{cookie}; Domain={domain}"),
            None => cookie,
        }
    }

    fn refresh(&self, value: &str, max_age: u64) -> String {
        let path = format!("{}/api/auth/refresh", self.path);
        self.host_only(REFRESH_COOKIE, value, &path, max_age)
    }

    fn device(&self, value: &str, max_age: u64) -> String {
        let path = format!("{}/api/auth", self.path);
        self.host_only(DEVICE_COOKIE, value, &path, max_age)
    }

    fn host_only(&self, name: &str, value: &str, path: &str, max_age: u64) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        format!("{name}={value}; HttpOnly{secure}; SameSite=Lax; Path={path}; Max-Age={max_age}")
    }
}

/// The trusted devices a request presents; the cookie wins over the header.
pub fn presented_devices(headers: &HeaderMap) -> Vec<Secret> {
    let from_cookies = cookies(headers, DEVICE_COOKIE);
    if !from_cookies.is_empty() {
        return from_cookies;
    }
    headers
        .get(DEVICE_HEADER)
        .and_then(|value| value.to_str().ok())
        .map(Secret::from)
        .into_iter()
        .collect()
}

fn append(headers: &mut HeaderMap, cookie: &str) {
    // Values are our own tokens, a validated domain and the path of a URL; what is no header value
    // sets no cookie.
    if let Ok(mut value) = HeaderValue::from_str(cookie) {
        value.set_sensitive(true);
        headers.append(SET_COOKIE, value);
    }
}
