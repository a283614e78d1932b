use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::TestAuth;

/// What is not in the claims of a token.
pub(super) struct TestHeader {
    pub(super) typ: String,
    pub(super) is_unknown: bool,
    pub(super) extensions: Vec<(String, Value)>,
}

/// A token that is being made. Without changes it is good for 15 minutes.
///
/// ```
#[doc = include_str!("../doc/test_auth.txt")]
/// use bp_auth_client::verify::VerifyError;
///
/// let user = uuid::Uuid::new_v4();
/// let token = auth.token().subject(user).scopes(&["profile:read"]).sign();
/// assert_eq!(verifier.verify(&token).await?.claims.subject, user);
/// let forged = auth.token().unknown_key().sign();
/// assert_eq!(verifier.verify(&forged).await.unwrap_err(), VerifyError::UnknownKey);
/// # Ok(()) }
/// ```
#[must_use]
pub struct TestToken<'a> {
    auth: &'a TestAuth,
    header: TestHeader,
    claims: Value,
}

impl<'a> TestToken<'a> {
    pub(super) fn new(auth: &'a TestAuth) -> Self {
        let now = auth.now().timestamp();
        Self {
            auth,
            header: TestHeader {
                typ: "at+jwt".to_owned(),
                is_unknown: false,
                extensions: Vec::new(),
            },
            claims: json!({
                "iss": auth.url(), "aud": "bp-auth", "sub": Uuid::new_v4(), "tid": Uuid::new_v4(),
                "sid": Uuid::new_v4(), "jti": Uuid::new_v4(), "iat": now, "nbf": now, "exp": now + 900,
                "amr": ["pwd"], "auth_time": now, "scope": "",
            }),
        }
    }

    /// Of this user.
    pub fn subject(self, user: Uuid) -> Self {
        self.claim("sub", json!(user))
    }

    /// Of this tenant.
    pub fn tenant(self, tenant: Uuid) -> Self {
        self.claim("tid", json!(tenant))
    }

    /// Of this session.
    pub fn session(self, session: Uuid) -> Self {
        self.claim("sid", json!(session))
    }

    /// With these scopes.
    pub fn scopes(self, scopes: &[&str]) -> Self {
        self.claim("scope", json!(scopes.join(" ")))
    }

    /// Of a user who proved who they are in these ways, such as `pwd` and `mfa`.
    pub fn methods(self, methods: &[&str]) -> Self {
        self.claim("amr", json!(methods))
    }

    /// Of a user who proved it then.
    pub fn authenticated_at(self, at: DateTime<Utc>) -> Self {
        self.claim("auth_time", json!(at.timestamp()))
    }

    /// Good for so long from now.
    pub fn expires_in(self, after: Duration) -> Self {
        let at = self.auth.now() + after;
        self.claim("exp", json!(at.timestamp()))
    }

    /// Over since a minute.
    pub fn expired(self) -> Self {
        let at = self.auth.now() - Duration::from_secs(60);
        self.claim("exp", json!(at.timestamp()))
    }

    /// Good from then on.
    pub fn not_before(self, at: DateTime<Utc>) -> Self {
        self.claim("nbf", json!(at.timestamp()))
    }

    /// For another audience.
    pub fn audience(self, audience: &str) -> Self {
        self.claim("aud", json!(audience))
    }

    /// By another issuer, with the same key.
    pub fn issuer(self, issuer: &str) -> Self {
        self.claim("iss", json!(issuer))
    }

    /// The token of a login that waits for its second factor: no access token.
    pub fn mfa_pending(mut self) -> Self {
        self.header.typ = "mfa-pending+jwt".to_owned();
        self.audience("bp-auth/mfa-pending")
    }

    /// Signed by a key that is never published.
    pub fn unknown_key(mut self) -> Self {
        self.header.is_unknown = true;
        self
    }

    /// With any other claim, or without one if the value is null.
    ///
    /// ```
    #[doc = include_str!("../doc/test_auth.txt")]
    /// use serde_json::json;
    ///
    /// let token = auth.token().claim("sid", json!(null)).sign();
    /// assert!(verifier.verify(&token).await.is_err(), "a token without a session");
    /// # Ok(()) }
    /// ```
    pub fn claim(mut self, name: &str, value: Value) -> Self {
        if let Some(claims) = self.claims.as_object_mut() {
            match value {
                Value::Null => claims.remove(name),
                value => claims.insert(name.to_owned(), value),
            };
        }
        self
    }

    /// With another header parameter, of those that bp-auth's own tokens do not have.
    ///
    /// ```
    #[doc = include_str!("../doc/test_auth.txt")]
    /// use serde_json::json;
    ///
    /// let token = auth.token().header("crit", json!(["exp"])).sign();
    /// assert!(verifier.verify(&token).await.is_err(), "an extension that nobody knows");
    /// # Ok(()) }
    /// ```
    pub fn header(mut self, name: &str, value: Value) -> Self {
        self.header.extensions.push((name.to_owned(), value));
        self
    }

    /// The token.
    pub fn sign(self) -> String {
        self.auth.sign(&self.header, &self.claims)
    }
}
