//! Rotation of refresh tokens. One conditional UPDATE decides who uses a token; whoever comes
//! second ends the family, and that is committed although the answer is an error.

use hkdf::Hkdf;
use serde_json::json;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::audit::Audit;
use super::caller::gate;
use super::clock::Timestamp;
use super::error::{Error, Result};
use super::message::Message;
use super::methods::verified;
use super::random::{Minted, REFRESH_PREFIX, hash_if_well_formed, mint};
use super::seal::{open_once, seal_once};
use super::session::IssuedTokens;
use super::{App, Client};
use crate::config::Seconds;
use crate::datastore::{RefreshToken, Session, Taken, Txn, User};
use crate::metrics::{Limit, Refreshed};

const MINUTE_MS: i64 = 60_000;

type Granted = (Refreshed, IssuedTokens);

/// Where a refresh token was presented.
pub enum Presented<'r> {
    Body(&'r str),
    /// Every cookie of the name.
    Cookies(Vec<&'r str>),
}

/// A token that was used before.
struct Used<'r> {
    row: RefreshToken,
    token: &'r str,
    leeway: Seconds,
}

impl App {
    pub async fn refresh(&self, presented: Presented<'_>, client: &Client) -> Result<IssuedTokens> {
        let outcome = self.refresh_with(presented, client).await;
        self.metrics.refresh(match &outcome {
            Ok((how, _)) => how.name(),
            Err(error) => error.name(),
        });
        outcome.map(|(_, issued)| issued)
    }

    async fn refresh_with(&self, presented: Presented<'_>, client: &Client) -> Result<Granted> {
        let leeway = self.leeway(&presented);
        let token = match presented {
            Presented::Body(token) => Some(token),
            Presented::Cookies(tokens) => self.refresh_cookie_that_counts(tokens).await?,
        };
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            return Err(Error::invalid(
                "refresh_token",
                "missing",
                "the refresh token is in neither the body nor the cookie bp_refresh",
            ));
        };
        let hash = hash_if_well_formed(REFRESH_PREFIX, token).ok_or(Error::RefreshTokenInvalid)?;
        self.keys.refresh().await?;
        self.retried(|| async {
            let txn = self.store.begin().await?;
            let row = txn.refresh_token_lock_by_hash(&hash).await?;
            let row = row.ok_or(Error::RefreshTokenInvalid)?;
            let pair = txn.session_with_user_fetch(row.session_id).await?;
            let (session, user) = pair.ok_or(Error::RefreshTokenInvalid)?;

            self.refresh_session_is_live(&session, &user, &row)?;
            if row.used_at.is_some() {
                let used = Used { row, token, leeway };
                return self.refresh_again(txn, used, session, user, client).await;
            }
            if row.expires_at <= self.now().ms() {
                return Err(Error::RefreshTokenExpired);
            }
            if let Some(refusal) = self.refresh_limit(&txn, &session).await? {
                txn.commit().await?;
                self.metrics.limit_hit(Limit::Refresh);
                return Err(refusal);
            }
            if !self.config.refresh.rotation_enabled {
                return self
                    .refresh_in_place(txn, row, session, user, token, client)
                    .await;
            }
            let successor = mint(self.random.as_ref(), REFRESH_PREFIX)?;
            let sealed = match leeway.is_zero() {
                true => None,
                false => Some(successor_seal(&row, token, &successor)?),
            };
            if !txn
                .refresh_token_consume(row.id, self.now().ms(), sealed)
                .await?
            {
                let used = Used { row, token, leeway };
                return self.refresh_again(txn, used, session, user, client).await;
            }
            let expires_at = self
                .refresh_token_add(&txn, &session, &successor, Some(row.id))
                .await?;
            let mut issued = self.issued(user, &session, successor.plain, expires_at)?;
            issued.mfa_enabled = self.mfa_enabled(&txn, &issued.user).await?;
            self.refresh_granted(&txn, &issued, true, client).await?;
            self.commit(txn).await?;
            Ok((Refreshed::Rotated, issued))
        })
        .await
    }

    /// How long a predecessor still gets its successor. The tabs of a browser share a cookie and cannot
    /// agree on who refreshes; whoever sends the token in a body keeps it in one place.
    fn leeway(&self, presented: &Presented<'_>) -> Seconds {
        match presented {
            Presented::Body(_) => self.config.refresh.reuse_leeway_seconds,
            Presented::Cookies(_) => self.config.refresh.cookie_leeway_seconds,
        }
    }

    /// Of several cookies of the name the first whose token is good; a stale one of another path or
    /// domain must not be taken for a reuse. Without a good one the first, which is then refused.
    async fn refresh_cookie_that_counts<'r>(
        &self,
        tokens: Vec<&'r str>,
    ) -> Result<Option<&'r str>> {
        if tokens.len() > 1 {
            for token in &tokens {
                let Some(hash) = hash_if_well_formed(REFRESH_PREFIX, token) else {
                    continue;
                };
                let row = self.store.refresh_token_fetch_by_hash(&hash).await?;
                if row.is_some_and(|row| row.used_at.is_none() && row.expires_at > self.now().ms())
                {
                    return Ok(Some(token));
                }
            }
        }
        Ok(tokens.first().copied())
    }

    /// An ended family says so before anything else: its tokens are revoked, not reused again.
    fn refresh_session_is_live(
        &self,
        session: &Session,
        user: &User,
        row: &RefreshToken,
    ) -> Result<()> {
        if gate(user).is_err() {
            return Err(Error::SessionRevoked);
        }
        if session.revoked_at.is_some() || session.epoch != user.epoch {
            return Err(match session.revoked_reason.as_deref() {
                // Reuse is reported as such for the token that was reused, however often.
                Some("token_reused") if row.used_at.is_some() => Error::RefreshTokenReused,
                _ => Error::RefreshTokenRevoked,
            });
        }
        if session.expires_at <= self.now().ms() {
            return Err(Error::RefreshTokenExpired);
        }
        Ok(())
    }

    /// The limit meets only requests that would succeed.
    async fn refresh_limit(&self, txn: &Txn, session: &Session) -> Result<Option<Error>> {
        let now = self.now();
        let limit = i64::from(self.config.limits.refresh_per_minute);
        let bucket = format!("refresh:{}", session.id);
        let taken = txn.rate_take(&bucket, now.ms(), MINUTE_MS, limit).await?;
        Ok(match taken {
            Taken::Granted(_) => None,
            Taken::Limited { retry_at } => Some(Error::RateLimited {
                retry_after: Timestamp(retry_at).retry_after(now),
            }),
        })
    }

    /// Rotation is off: a new access token, the same refresh token, its idle time begun anew.
    async fn refresh_in_place(
        &self,
        txn: Txn,
        row: RefreshToken,
        session: Session,
        user: User,
        token: &str,
        client: &Client,
    ) -> Result<Granted> {
        let expires_at = self.refresh_expiry(&session);
        txn.refresh_token_extend(row.id, expires_at.ms()).await?;
        let token = Zeroizing::new(token.to_owned());
        let mut issued = self.issued(user, &session, token, expires_at)?;
        issued.mfa_enabled = self.mfa_enabled(&txn, &issued.user).await?;
        self.refresh_granted(&txn, &issued, false, client).await?;
        self.commit(txn).await?;
        Ok((Refreshed::Kept, issued))
    }

    async fn refresh_granted(
        &self,
        txn: &Txn,
        issued: &IssuedTokens,
        rotated: bool,
        client: &Client,
    ) -> Result<()> {
        let audit = Audit::of("refresh.granted", &issued.user)
            .session(issued.session_id)
            .detail(json!({ "rotated": rotated }));
        self.audit(txn, client, audit).await
    }

    /// A used token: within the leeway its owner gets the same successor again, otherwise somebody
    /// has a copy, and the family ends.
    async fn refresh_again(
        &self,
        txn: Txn,
        used: Used<'_>,
        session: Session,
        user: User,
        client: &Client,
    ) -> Result<Granted> {
        if let Some((plain, expires_at)) = self.successor_within_leeway(&txn, &used).await? {
            let mut issued = self.issued(user, &session, plain, expires_at)?;
            issued.mfa_enabled = self.mfa_enabled(&txn, &issued.user).await?;
            return Ok((Refreshed::Leeway, issued));
        }
        let now = self.now().ms();
        if txn.session_revoke(session.id, now, "token_reused").await? {
            let audit = Audit::of("refresh.token_reused", &user).session(session.id);
            self.audit(&txn, client, audit).await?;
            let message = Message::RefreshReuse {
                at: now,
                ip: client.ip.to_string(),
            };
            self.notify(&txn, &user, message).await?;
        }
        self.commit(txn).await?;
        Err(Error::RefreshTokenReused)
    }

    /// Only the immediate predecessor of a token that is itself unused qualifies.
    async fn successor_within_leeway(
        &self,
        txn: &Txn,
        Used { row, token, leeway }: &Used<'_>,
    ) -> Result<Option<(Zeroizing<String>, Timestamp)>> {
        let fresh = row.used_at.is_some_and(|used_at| {
            !leeway.is_zero() && Timestamp(used_at).plus(leeway.duration()) >= self.now()
        });
        let (true, Some(sealed)) = (fresh, &row.successor_sealed) else {
            return Ok(None);
        };
        let Some(successor) = txn.refresh_token_successor_fetch(row.id).await? else {
            return Ok(None);
        };
        if successor.used_at.is_some() || successor.expires_at <= self.now().ms() {
            return Ok(None);
        }
        let opened = open_once(&*successor_key(token)?, sealed, &row.id.to_string())?;
        let plain = String::from_utf8(opened.to_vec())
            .map_err(|_| Error::Internal("a sealed successor is not text".to_owned()))?;
        Ok(Some((
            Zeroizing::new(plain),
            Timestamp(successor.expires_at),
        )))
    }

    pub(super) async fn mfa_enabled(&self, txn: &Txn, user: &User) -> Result<bool> {
        Ok(!verified(&txn.mfa_methods_list(user.id).await?).is_empty())
    }
}

fn successor_seal(row: &RefreshToken, token: &str, successor: &Minted) -> Result<String> {
    let key = successor_key(token)?;
    let sealed = seal_once(&key, successor.plain.as_bytes(), &row.id.to_string())?;
    Ok(sealed)
}

/// Only who holds the old token can open its successor; the database alone cannot.
fn successor_key(token: &str) -> Result<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0u8; 32]);
    Hkdf::<Sha256>::new(None, token.as_bytes())
        .expand(b"bp-auth refresh successor", key.as_mut())
        .map_err(|error| Error::Internal(format!("key derivation: {error}")))?;
    Ok(key)
}
