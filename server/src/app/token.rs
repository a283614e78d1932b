//! JSON Web Tokens. Each kind has its own `typ` and `aud`, its own constructor, and passes through
//! the one decode point with a list of the kinds that the caller accepts.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::clock::Timestamp;
use super::error::{Error, Result};
use crate::datastore::User;

/// Clocks of two machines may differ this much.
const LEEWAY_SECONDS: i64 = 5;
/// Every key id is a SHA-256 in base64url.
const KID_LENGTH: usize = 43;
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
    /// The epoch of the user in which the token was mailed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<i64>,
}

/// A token whose signature, issuer, audience and kind are ours.
#[derive(Debug)]
pub struct Decoded {
    pub kind: Kind,
    pub claims: Claims,
    /// Of the key that signed it.
    pub kid: String,
    /// By its claims, or because its key has retired.
    pub expired: bool,
}

/// Why a token is not one of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// It may be ours, by a key that another instance has made since.
    UnknownKey,
    /// Whatever keys there are.
    Refused,
}

/// A key pair in the form the keyring keeps it.
pub struct KeyPair<'k> {
    pub kid: &'k str,
    pub pkcs8: &'k [u8],
    pub public: [u8; 32],
    /// Until then it is published, and signs nothing.
    pub active_from: Timestamp,
    /// From then on what it signed is expired.
    pub retires_at: Option<Timestamp>,
}

pub struct TokenService {
    issuer: String,
    audience: String,
    /// In order of age.
    keys: RwLock<Arc<Vec<TokenKey>>>,
    /// What each kind is held to, made once: every request decodes a token.
    validations: [(Kind, Validation); 4],
}

struct TokenKey {
    kid: String,
    signing: EncodingKey,
    verifying: DecodingKey,
    public: [u8; 32],
    active_from: Timestamp,
    retires_at: Option<Timestamp>,
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
    /// Keys in order of age: the newest that is active signs, all verify.
    pub fn new(issuer: &str, audience: &str, keys: &[KeyPair<'_>]) -> Self {
        Self {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            keys: RwLock::new(token_keys(keys)),
            validations: [
                Kind::Access,
                Kind::MfaPending,
                Kind::MfaReset,
                Kind::Reactivation,
            ]
            .map(|kind| (kind, validation(kind, issuer, audience))),
        }
    }

    /// Goes on with these keys.
    pub fn replace(&self, keys: &[KeyPair<'_>]) {
        let keys = token_keys(keys);
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// Whether there is a key whose tokens are accepted.
    pub fn can_sign(&self, now: Timestamp) -> bool {
        self.keys().iter().any(|key| !key.has_retired(now))
    }

    /// The public keys, for services that verify offline: also those that will sign soon.
    pub fn jwks(&self, now: Timestamp) -> Value {
        let keys = self.keys();
        let published = keys.iter().filter(|key| !key.has_retired(now));
        let public: Vec<Value> = published
            .map(|key| {
                json!({
                    "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
                    "kid": key.kid, "x": b64(&key.public),
                })
            })
            .collect();
        json!({ "keys": public })
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
        self.encode(Kind::Access, &claims, now)
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
        self.encode(Kind::MfaPending, &claims, now)
    }

    pub fn mfa_reset(
        &self,
        user: &User,
        state: String,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Zeroizing<String>> {
        let mut claims = self.claims(Kind::MfaReset, user.id, now, ttl);
        claims.epoch = Some(user.epoch);
        claims.state = Some(state);
        self.encode(Kind::MfaReset, &claims, now)
    }

    pub fn reactivation(
        &self,
        user: Uuid,
        epoch: i64,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Zeroizing<String>> {
        let mut claims = self.claims(Kind::Reactivation, user, now, ttl);
        claims.epoch = Some(epoch);
        self.encode(Kind::Reactivation, &claims, now)
    }

    /// Whether the token says that it is ours and of an accepted kind. Nothing is verified: this spares
    /// what is obviously something else a look for new keys.
    pub fn looks_like(&self, token: &str, accepted: &[Kind]) -> bool {
        self.announced(token, accepted).is_some()
    }

    /// The one decode point. An error for anything that is not a token of ours of an accepted kind;
    /// expiry is told apart, because some callers still learn from an expired token.
    pub fn decode(
        &self,
        token: &str,
        accepted: &[Kind],
        now: Timestamp,
    ) -> Result<Decoded, Foreign> {
        let announced = self.announced(token, accepted);
        let (kind, validation, kid) = announced.ok_or(Foreign::Refused)?;
        let keys = self.keys();
        let key = keys.iter().find(|key| key.kid == kid);
        let key = key.ok_or(Foreign::UnknownKey)?;
        let claims = jsonwebtoken::decode::<Claims>(token, &key.verifying, validation)
            .map_err(|_| Foreign::Refused)?
            .claims;
        // The library reads the machine's clock; ours is passed in, so the times are checked here.
        let seconds = now.seconds();
        let ahead = seconds.saturating_add(LEEWAY_SECONDS);
        if claims.nbf > ahead || claims.iat > ahead {
            return Err(Foreign::Refused);
        }
        Ok(Decoded {
            kind,
            expired: claims.exp <= seconds.saturating_sub(LEEWAY_SECONDS) || key.has_retired(now),
            claims,
            kid,
        })
    }

    /// The kind and the key that the head of a token names.
    fn announced(&self, token: &str, accepted: &[Kind]) -> Option<(Kind, &Validation, String)> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        // RFC 7515, 4.1.11: extensions that the recipient must understand, of which none is understood here;
        // and RFC 7797's, by which the payload would be other bytes than those that are read.
        if header.crit.is_some() || header.extras.inner().contains_key("b64") {
            return None;
        }
        let (kind, validation) = self.validations.iter().find(|(kind, _)| {
            accepted.contains(kind) && header.typ.as_deref() == Some(kind.typ())
        })?;
        let kid = header.kid.filter(|kid| kid.len() == KID_LENGTH)?;
        Some((*kind, validation, kid))
    }

    fn keys(&self) -> Arc<Vec<TokenKey>> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.clone()
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
            epoch: None,
        }
    }

    fn encode(&self, kind: Kind, claims: &Claims, now: Timestamp) -> Result<Zeroizing<String>> {
        let keys = self.keys();
        let active = keys.iter().rev().find(|key| key.active_from <= now);
        // A clock that was set back to before the first key must not stop the service.
        let key = active
            .or(keys.first())
            .ok_or_else(|| Error::Internal("no signing key".to_owned()))?;
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(kind.typ().to_owned());
        header.kid = Some(key.kid.clone());
        jsonwebtoken::encode(&header, claims, &key.signing)
            .map(Zeroizing::new)
            .map_err(|error| Error::Internal(format!("cannot sign a token: {error}")))
    }
}

impl TokenKey {
    fn has_retired(&self, now: Timestamp) -> bool {
        self.retires_at.is_some_and(|at| at <= now)
    }
}

fn token_keys(keys: &[KeyPair<'_>]) -> Arc<Vec<TokenKey>> {
    let key = |key: &KeyPair<'_>| TokenKey {
        kid: key.kid.to_owned(),
        signing: EncodingKey::from_ed_der(key.pkcs8),
        verifying: DecodingKey::from_ed_der(&key.public),
        public: key.public,
        active_from: key.active_from,
        retires_at: key.retires_at,
    };
    Arc::new(keys.iter().map(key).collect())
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
