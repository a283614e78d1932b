use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::VerifyError;

/// What an access token says (RFC 9068). Claims of a newer server are ignored.
///
/// ```
#[doc = include_str!("../doc/test_auth.txt")]
/// let token = auth.token().scopes(&["profile:read"]).methods(&["pwd", "otp", "mfa"]).sign();
/// let claims = verifier.verify(&token).await?.claims;
/// assert!(claims.has_second_factor() && claims.scopes == ["profile:read"]);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Claims {
    /// The user, `sub`.
    pub subject: Uuid,
    /// The user's tenant, `tid`.
    pub tenant: Uuid,
    /// The session that the token belongs to, `sid`.
    pub session: Uuid,
    /// Of this token, `jti`.
    pub token_id: Uuid,
    /// `iss`.
    pub issuer: String,
    /// When the token was made, `iat`.
    pub issued_at: DateTime<Utc>,
    /// When it is over, `exp`.
    pub expires_at: DateTime<Utc>,
    /// When the user last proved who they are, `auth_time`.
    pub authenticated_at: DateTime<Utc>,
    /// How the user proved it (RFC 8176), `amr`, such as `pwd` and `mfa`.
    pub methods: Vec<String>,
    /// `scope`, taken apart.
    pub scopes: Vec<String>,
}

impl Claims {
    /// Whether the session has passed a second factor, which one begun on a trusted device has.
    pub fn has_second_factor(&self) -> bool {
        let mut methods = self.methods.iter();
        methods.any(|method| method == "mfa" || method == "trusted_device")
    }

    /// Whether the user proved who they are within this time, as a step-up demands.
    ///
    /// ```
    #[doc = include_str!("../doc/test_auth.txt")]
    /// use std::time::Duration;
    ///
    /// let claims = verifier.verify(good_token).await?.claims;
    /// auth.advance(Duration::from_secs(600));
    /// assert!(claims.is_fresh(auth.now(), Duration::from_secs(600)));
    /// assert!(!claims.is_fresh(auth.now(), Duration::from_secs(300)));
    /// # Ok(()) }
    /// ```
    pub fn is_fresh(&self, now: DateTime<Utc>, max_age: std::time::Duration) -> bool {
        let age = (now - self.authenticated_at).to_std().unwrap_or_default();
        age <= max_age
    }
}

/// The claims as they are signed.
#[derive(Deserialize)]
pub(super) struct Judged {
    pub(super) iss: String,
    pub(super) sub: Uuid,
    pub(super) exp: i64,
    pub(super) nbf: i64,
    pub(super) iat: i64,
    pub(super) jti: Uuid,
    pub(super) sid: Uuid,
    pub(super) tid: Uuid,
    #[serde(default)]
    pub(super) amr: Vec<String>,
    pub(super) auth_time: i64,
    #[serde(default)]
    pub(super) scope: String,
}

impl Judged {
    pub(super) fn known(self) -> Result<Claims, VerifyError> {
        let time = |seconds| DateTime::from_timestamp(seconds, 0).ok_or(VerifyError::Malformed);
        Ok(Claims {
            subject: self.sub,
            tenant: self.tid,
            session: self.sid,
            token_id: self.jti,
            issued_at: time(self.iat)?,
            expires_at: time(self.exp)?,
            authenticated_at: time(self.auth_time)?,
            issuer: self.iss,
            methods: self.amr,
            scopes: self.scope.split_whitespace().map(str::to_owned).collect(),
        })
    }
}
