//! Sessions: one row for each login, with one family of refresh tokens.

use uuid::Uuid;
use zeroize::Zeroizing;

use super::clock::Timestamp;
use super::error::Result;
use super::random::{Minted, REFRESH_PREFIX, mint};
use super::token::AccessGrant;
use super::{App, Client};
use crate::datastore::{RefreshToken, Session, Txn, User};

/// `scope` of a session's tokens: scopes are not negotiated.
pub const NO_SCOPE: &str = "";

/// What a login or a refresh hands out.
pub struct IssuedTokens {
    pub session_id: Uuid,
    pub access_token: Zeroizing<String>,
    pub refresh_token: Zeroizing<String>,
    pub expires_in: u64,
    pub refresh_expires_in: u64,
    pub user: User,
    pub mfa_enabled: bool,
    pub trusted_device: Option<PresentedDevice>,
}

/// A trusted device's new secret, for the cookie.
pub struct PresentedDevice {
    pub id: i64,
    pub secret: Zeroizing<String>,
    pub expires_in: u64,
}

/// How the user has authenticated.
pub struct Authenticated<'a> {
    pub amr: &'a [&'a str],
    /// `None`: the user has none.
    pub factor: Option<Factor>,
    pub trusted_device: Option<PresentedDevice>,
}

/// The second factor that a session has passed, and keeps having passed while the factor is there.
pub enum Factor {
    Method(Uuid),
    /// Of the set with this salt.
    BackupCode(String),
    /// The one in [`Authenticated::trusted_device`].
    TrustedDevice,
}

impl App {
    /// Begins a session within the transaction that decided the login.
    pub(super) async fn session_begin(
        &self,
        txn: &Txn,
        client: &Client,
        user: User,
        how: Authenticated<'_>,
    ) -> Result<IssuedTokens> {
        let now = self.now();
        let mfa_satisfied = how.factor.is_some();
        let (method, codes) = match how.factor {
            Some(Factor::Method(method)) => (Some(method), None),
            Some(Factor::BackupCode(salt)) => (None, Some(salt)),
            Some(Factor::TrustedDevice) | None => (None, None),
        };
        let session = Session {
            id: Uuid::now_v7(),
            user_id: user.id,
            created_at: now.ms(),
            expires_at: now.plus(self.config.refresh.family_ttl.duration()).ms(),
            auth_time: now.ms(),
            amr: how.amr.join(" "),
            mfa_satisfied,
            trusted_device_id: how.trusted_device.as_ref().map(|device| device.id),
            ip: client.ip.to_string(),
            user_agent: client.user_agent.clone(),
            revoked_at: None,
            revoked_reason: None,
            epoch: user.epoch,
            mfa_method_id: method,
            backup_codes_salt: codes,
        };
        txn.session_insert(session.clone()).await?;
        let refresh = mint(self.random.as_ref(), REFRESH_PREFIX)?;
        let expires_at = self
            .refresh_token_add(txn, &session, &refresh, None)
            .await?;
        txn.user_login_touch(user.id, now.ms()).await?;
        let mut issued = self.issued(user, &session, refresh.plain, expires_at)?;
        issued.mfa_enabled = mfa_satisfied;
        issued.trusted_device = how.trusted_device;
        Ok(issued)
    }

    /// Puts a token into the family; it expires when idle, and with its family at the latest.
    pub(super) async fn refresh_token_add(
        &self,
        txn: &Txn,
        session: &Session,
        minted: &Minted,
        parent: Option<Uuid>,
    ) -> Result<Timestamp> {
        let now = self.now();
        let expires_at = self.refresh_expiry(session);
        txn.refresh_token_insert(RefreshToken {
            id: Uuid::now_v7(),
            session_id: session.id,
            user_id: session.user_id,
            token_hash: minted.hash.clone(),
            parent_id: parent,
            issued_at: now.ms(),
            expires_at: expires_at.ms(),
            used_at: None,
            successor_sealed: None,
        })
        .await?;
        Ok(expires_at)
    }

    pub(super) fn refresh_expiry(&self, session: &Session) -> Timestamp {
        let idle = self.now().plus(self.config.refresh.idle_ttl.duration());
        idle.min(Timestamp(session.expires_at))
    }

    pub(super) fn issued(
        &self,
        user: User,
        session: &Session,
        refresh_token: Zeroizing<String>,
        refresh_expires_at: Timestamp,
    ) -> Result<IssuedTokens> {
        let now = self.now();
        // A token does not outlive its session.
        let left = Timestamp(session.expires_at)
            .ms()
            .saturating_sub(now.ms())
            .max(0)
            / 1000;
        let ttl = self
            .config
            .tokens
            .access_ttl
            .get()
            .min(u64::try_from(left).unwrap_or(0));
        let grant = AccessGrant {
            user: user.id,
            tenant: user.tenant_id,
            session: session.id,
            amr: session.amr.split_whitespace().map(str::to_owned).collect(),
            auth_time: Timestamp(session.auth_time),
            scope: NO_SCOPE,
        };
        let access_token = self
            .tokens
            .access(grant, now, std::time::Duration::from_secs(ttl))?;
        let refresh_left = refresh_expires_at.ms().saturating_sub(now.ms()).max(0) / 1000;
        Ok(IssuedTokens {
            session_id: session.id,
            access_token,
            refresh_token,
            expires_in: ttl,
            refresh_expires_in: u64::try_from(refresh_left).unwrap_or(0),
            user,
            mfa_enabled: false,
            trusted_device: None,
        })
    }
}
