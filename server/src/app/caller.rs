//! Who is calling: from a presented credential to a user whose state allows the call.

use uuid::Uuid;

use super::App;
use super::challenge;
use super::error::{Error, Result};
use super::random::{API_KEY_PREFIX, hash_if_well_formed};
use super::token::{Decoded, Kind};
use crate::datastore::{MfaMethod, Session, Tenant, User};

/// An authenticated user with what the credential says about the login.
#[derive(Debug, Clone)]
pub struct Caller {
    pub user: User,
    pub tenant: Tenant,
    pub credential: Credential,
}

#[derive(Debug, Clone)]
pub enum Credential {
    AccessToken(Session),
    Cookie(Session),
    ApiKey { scopes: Vec<String> },
}

impl Caller {
    pub fn session(&self) -> Option<&Session> {
        match &self.credential {
            Credential::AccessToken(session) | Credential::Cookie(session) => Some(session),
            Credential::ApiKey { .. } => None,
        }
    }

    pub fn session_id(&self) -> Option<Uuid> {
        self.session().map(|session| session.id)
    }
}

/// Whether an account may be used. Every way in asks this one function.
pub fn gate(user: &User) -> Result<()> {
    match user.state.as_str() {
        "active" => Ok(()),
        "deactivated" => Err(Error::AccountDeactivated),
        // Suspended, and anything a newer version may add.
        _ => Err(Error::AccountSuspended),
    }
}

fn unexpired(decoded: Option<Decoded>) -> Result<Decoded> {
    match decoded {
        None => Err(Error::AccessTokenInvalid),
        Some(decoded) if decoded.expired => Err(Error::AccessTokenExpired),
        Some(decoded) => Ok(decoded),
    }
}

impl App {
    /// A token from the `Authorization` header.
    pub async fn caller_from_bearer(&self, token: &str) -> Result<Caller> {
        let decoded = self.access_token(token).await?;
        self.caller_from_claims(token, &decoded, Credential::AccessToken)
            .await
    }

    /// Cookies of one name may come from several places; the first that verifies counts, and the
    /// refusal that comes nearest to it is the answer when none does.
    pub async fn caller_from_cookies<'t>(
        &self,
        tokens: impl IntoIterator<Item = &'t str>,
    ) -> Result<Caller> {
        let mut refusal = Error::NotAuthenticated;
        for token in tokens {
            let caller = match self.access_token(token).await {
                Ok(decoded) => {
                    self.caller_from_claims(token, &decoded, Credential::Cookie)
                        .await
                }
                Err(error) => Err(error),
            };
            let nearness = |error: &Error| match error {
                Error::NotAuthenticated => Some(0),
                Error::AccessTokenInvalid => Some(1),
                Error::AccessTokenExpired => Some(2),
                Error::SessionRevoked => Some(3),
                _ => None,
            };
            match caller {
                Err(error) if nearness(&error).is_some() => {
                    if nearness(&error) > nearness(&refusal) {
                        refusal = error;
                    }
                }
                verified => return verified,
            }
        }
        Err(refusal)
    }

    pub async fn caller_from_api_key(&self, key: &str) -> Result<Caller> {
        let hash = hash_if_well_formed(API_KEY_PREFIX, key).ok_or(Error::ApiKeyInvalid)?;
        let row = self
            .store
            .api_key_fetch_by_hash(&hash)
            .await?
            .ok_or(Error::ApiKeyInvalid)?;
        let user = self
            .store
            .user_fetch(row.user_id)
            .await?
            .ok_or(Error::ApiKeyInvalid)?;
        gate(&user)?;
        if row.epoch != user.epoch {
            return Err(Error::ApiKeyInvalid);
        }
        let tenant = self.tenant_of(&user).await?;
        // When a key was last used is worth a note, and not a refusal when the writer is busy.
        if let Err(error) = self.api_key_note_use(&row).await {
            tracing::warn!(?error, "the use of an API key was not noted");
        }
        let scopes = row.scopes.split_whitespace().map(str::to_owned).collect();
        Ok(Caller {
            user,
            tenant,
            credential: Credential::ApiKey { scopes },
        })
    }

    /// The live challenge's user behind an mfa-pending token, where the operator lets such a token
    /// ask for a reset.
    pub async fn caller_from_pending(&self, token: &str) -> Result<User> {
        let decoded = self
            .decode(token, &[Kind::MfaPending])
            .await?
            .filter(|decoded| !decoded.expired)
            .ok_or(Error::AccessTokenInvalid)?;
        let row = self.store.mfa_challenge_fetch(decoded.claims.jti).await?;
        let row = row.filter(|row| challenge::is_live(row, self.now()));
        let user = self.store.user_fetch(decoded.claims.sub).await?;
        let user = user.filter(|user| gate(user).is_ok());
        row.zip(user)
            .filter(|(row, user)| row.epoch == user.epoch)
            .map(|(_, user)| user)
            .ok_or(Error::AccessTokenInvalid)
    }

    /// A sensitive operation wants a fresh login, and a second factor where the user has one.
    pub fn require_step_up(&self, caller: &Caller, methods: &[MfaMethod]) -> Result<()> {
        let max_age = self.config.step_up.max_age;
        if max_age.is_zero() {
            return Ok(());
        }
        let refusal = Error::ReauthenticationRequired {
            max_age: max_age.get(),
        };
        let Some(session) = caller.session() else {
            return Err(refusal);
        };
        let oldest = self.now().minus(max_age.duration()).ms();
        let has_method = methods.iter().any(|method| method.verified);
        if session.auth_time <= oldest || (has_method && !session.mfa_satisfied) {
            return Err(refusal);
        }
        Ok(())
    }

    /// [`Self::require_step_up`] for an operation that needs the methods for nothing else.
    pub async fn step_up(&self, caller: &Caller) -> Result<Vec<MfaMethod>> {
        let methods = self.store.mfa_methods_list(caller.user.id).await?;
        self.require_step_up(caller, &methods)?;
        Ok(methods)
    }

    pub(super) async fn tenant_of(&self, user: &User) -> Result<Tenant> {
        let tenant = self.store.tenant_fetch(user.tenant_id).await?;
        tenant.ok_or_else(|| Error::Internal(format!("user {} has no tenant", user.id)))
    }

    /// Whether the session lets its user in, at this moment.
    pub(super) fn session_is_live(&self, session: &Session, user: &User) -> bool {
        session.revoked_at.is_none()
            && session.epoch == user.epoch
            && session.expires_at > self.now().ms()
            && gate(user).is_ok()
    }

    async fn access_token(&self, token: &str) -> Result<Decoded> {
        unexpired(self.decode_access(token).await?)
    }

    async fn caller_from_claims(
        &self,
        token: &str,
        decoded: &Decoded,
        credential: fn(Session) -> Credential,
    ) -> Result<Caller> {
        let session = decoded.claims.sid.ok_or(Error::AccessTokenInvalid)?;
        let row = self
            .store
            .session_with_user_and_tenant_fetch(session, &decoded.kid, self.now().ms())
            .await?;
        let Some((session, user, tenant)) = row else {
            // It is the session that is gone, or the key.
            unexpired(self.decode(token, &[Kind::Access]).await?)?;
            return Err(Error::SessionRevoked);
        };
        if session.user_id != decoded.claims.sub || !self.session_is_live(&session, &user) {
            return Err(Error::SessionRevoked);
        }
        Ok(Caller {
            user,
            tenant,
            credential: credential(session),
        })
    }
}
