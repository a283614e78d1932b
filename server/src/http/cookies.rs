//! The two cookies. One function builds each and one clears it, with the same attributes, or a
//! browser would keep the old one.

use http::header::{HeaderMap, HeaderValue, SET_COOKIE};

use crate::api::Secret;
use crate::api::extract::{TOKEN_COOKIE, cookies};

const DEVICE_COOKIE: &str = "bp_trusted_device";
const DEVICE_HEADER: &str = "x-trusted-device";

pub struct CookieRules {
    pub secure: bool,
    pub domain: Option<String>,
}

impl CookieRules {
    /// The access token. It outlives the token, so that a logout with a stale cookie still finds
    /// its session.
    pub fn set_token(&self, headers: &mut HeaderMap, token: &str, max_age: u64) {
        append(headers, &self.token(token, max_age));
    }

    pub fn clear_token(&self, headers: &mut HeaderMap) {
        append(headers, &self.token("", 0));
    }

    pub fn set_device(&self, headers: &mut HeaderMap, secret: &str, max_age: u64) {
        append(headers, &self.device(secret, max_age));
    }

    pub fn clear_device(&self, headers: &mut HeaderMap) {
        append(headers, &self.device("", 0));
    }

    fn token(&self, value: &str, max_age: u64) -> String {
        let domain = self
            .domain
            .as_ref()
            .map(|domain| format!("; Domain={domain}"))
            .unwrap_or_default();
        let secure = self.secure_attribute();
        format!(
            "{TOKEN_COOKIE}={value}; HttpOnly{secure}; SameSite=Lax; Path=/; Max-Age={max_age}{domain}"
        )
    }

    fn device(&self, value: &str, max_age: u64) -> String {
        let secure = self.secure_attribute();
        format!(
            "{DEVICE_COOKIE}={value}; HttpOnly{secure}; SameSite=Lax; Path=/api/auth; \
             Max-Age={max_age}"
        )
    }

    fn secure_attribute(&self) -> &'static str {
        if self.secure { "; Secure" } else { "" }
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
    // Values are our own tokens and a validated domain; what is no header value sets no cookie.
    if let Ok(mut value) = HeaderValue::from_str(cookie) {
        value.set_sensitive(true);
        headers.append(SET_COOKIE, value);
    }
}
