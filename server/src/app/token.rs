//! JSON Web Tokens. Each kind has its own `typ` and `aud`, its own constructor, and passes through
//! the one decode point with a list of the kinds that the caller accepts.

use std::collections::HashSet;
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::clock::Timestamp;
use super::error::{Error, Result};

/// Clocks of two machines may differ this much.
const LEEWAY_SECONDS: i64 = 5;
pub(super) const LEEWAY: Duration = Duration::from_secs(LEEWAY_SECONDS as u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Access,
    MfaPending,
    MfaReset,
    Reactivation,
}

impl Kind {
    const fn typ(self) -> &'static str {
        match self {
            Self::Access => "at+jwt",
            Self::MfaPending => "mfa-pending+jwt",
            Self::MfaReset => "mfa-reset+jwt",
            Self::Reactivation => "reactivation+jwt",
        }
    }

    fn audience(self, service: &str) -> String {
        match self {
            Self::Access => service.to_owned(),
            Self::MfaPending => format!("{service}/mfa-pending"),
            Self::MfaReset => format!("{service}/mfa-reset"),
            Self::Reactivation => format!("{service}/reactivation"),
        }
    }
}

/// The claims of every kind; what a kind does not have is absent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub sub: Uuid,
    pub aud: String,
    pub exp: i64,
    pub nbf: i64,
    pub iat: i64,
    pub jti: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tid: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amr: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// What a mailed token is bound to: it is void when this has changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// A token whose signature, issuer, audience and kind are ours.
#[derive(Debug)]
pub struct Decoded {
    pub kind: Kind,
    pub claims: Claims,
    pub expired: bool,
}

/// A key pair in the form the keyring keeps it.
pub struct KeyPair<'k> {
    pub kid: &'k str,
    pub pkcs8: &'k [u8],
    pub public: [u8; 32],
}

pub struct TokenService {
    issuer: String,
    audience: String,
    signing: (String, EncodingKey),
    verifying: Vec<(String, DecodingKey)>,
    /// What each kind is held to, made once: every request decodes a token.
    validations: [(Kind, Validation); 4],
    jwks: Value,
}

/// What an access token says about its session.
pub struct AccessGrant<'g> {
    pub user: Uuid,
    pub tenant: Uuid,
    pub session: Uuid,
    pub amr: Vec<String>,
    pub auth_time: Timestamp,
    pub scope: &'g str,
}

impl TokenService {
    /// Keys in order of age: the newest signs, all verify.
    pub fn new(issuer: &str, audience: &str, keys: &[KeyPair<'_>]) -> Result<Self> {
        let newest = keys
            .last()
            .ok_or_else(|| Error::Internal("no signing key".to_owned()))?;
        let verifying = keys
            .iter()
            .map(|key| (key.kid.to_owned(), DecodingKey::from_ed_der(&key.public)))
            .collect();
        let public: Vec<Value> = keys
            .iter()
            .map(|key| {
                json!({
                    "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
                    "kid": key.kid, "x": b64(&key.public),
                })
            })
            .collect();
        Ok(Self {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            signing: (
                newest.kid.to_owned(),
                EncodingKey::from_ed_der(newest.pkcs8),
            ),
            verifying,
            validations: [
                Kind::Access,
                Kind::MfaPending,
                Kind::MfaReset,
                Kind::Reactivation,
            ]
            .map(|kind| (kind, validation(kind, issuer, audience))),
            jwks: json!({ "keys": public }),
        })
    }

    /// The public keys, for services that verify offline.
    pub fn jwks(&self) -> &Value {
        &self.jwks
    }

    pub fn access(
        &self,
        grant: AccessGrant<'_>,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Zeroizing<String>> {
        let mut claims = self.claims(Kind::Access, grant.user, now, ttl);
        claims.sid = Some(grant.session);
        claims.tid = Some(grant.tenant);
        claims.amr = Some(grant.amr);
        claims.auth_time = Some(grant.auth_time.seconds());
        claims.scope = Some(grant.scope.to_owned());
        self.encode(Kind::Access, &claims)
    }

    /// Its `jti` is the row of the challenge.
    pub fn mfa_pending(
        &self,
        user: Uuid,
        challenge: Uuid,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Zeroizing<String>> {
        let mut claims = self.claims(Kind::MfaPending, user, now, ttl);
        claims.jti = challenge;
        self.encode(Kind::MfaPending, &claims)
    }

    pub fn mfa_reset(
        &self,
        user: Uuid,
        state: String,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Zeroizing<String>> {
        let mut claims = self.claims(Kind::MfaReset, user, now, ttl);
        claims.state = Some(state);
        self.encode(Kind::MfaReset, &claims)
    }

    pub fn reactivation(
        &self,
        user: Uuid,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Zeroizing<String>> {
        self.encode(
            Kind::Reactivation,
            &self.claims(Kind::Reactivation, user, now, ttl),
        )
    }

    /// The one decode point. `None` for anything that is not a token of ours of an accepted kind;
    /// expiry is told apart, because some callers still learn from an expired token.
    pub fn decode(&self, token: &str, accepted: &[Kind], now: Timestamp) -> Option<Decoded> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        let (kind, validation) = self.validations.iter().find(|(kind, _)| {
            accepted.contains(kind) && header.typ.as_deref() == Some(kind.typ())
        })?;
        let kid = header.kid?;
        let (_, key) = self.verifying.iter().find(|(known, _)| *known == kid)?;
        let claims = jsonwebtoken::decode::<Claims>(token, key, validation)
            .ok()?
            .claims;
        // The library reads the machine's clock; ours is passed in, so the times are checked here.
        let now = now.seconds();
        if claims.nbf > now + LEEWAY_SECONDS || claims.iat > now + LEEWAY_SECONDS {
            return None;
        }
        let expired = claims.exp + LEEWAY_SECONDS <= now;
        Some(Decoded {
            kind: *kind,
            claims,
            expired,
        })
    }

    fn claims(&self, kind: Kind, user: Uuid, now: Timestamp, ttl: Duration) -> Claims {
        Claims {
            iss: self.issuer.clone(),
            sub: user,
            aud: kind.audience(&self.audience),
            exp: now.plus(ttl).seconds(),
            nbf: now.seconds(),
            iat: now.seconds(),
            jti: Uuid::now_v7(),
            sid: None,
            tid: None,
            amr: None,
            auth_time: None,
            scope: None,
            state: None,
        }
    }

    fn encode(&self, kind: Kind, claims: &Claims) -> Result<Zeroizing<String>> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(kind.typ().to_owned());
        header.kid = Some(self.signing.0.clone());
        jsonwebtoken::encode(&header, claims, &self.signing.1)
            .map(Zeroizing::new)
            .map_err(|error| Error::Internal(format!("cannot sign a token: {error}")))
    }
}

fn validation(kind: Kind, issuer: &str, audience: &str) -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.required_spec_claims = ["exp", "nbf", "iss", "aud", "sub"]
        .map(str::to_owned)
        .into_iter()
        .collect();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.aud = Some(HashSet::from([kind.audience(audience)]));
    validation.iss = Some(HashSet::from([issuer.to_owned()]));
    validation
}

fn b64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}
