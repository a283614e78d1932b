//! The way out for a user who lost every second factor: a token by mail, good for one use, for the
//! factors as they were when it was sent, and for the account's epoch.

use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::audit::Audit;
use super::caller::{Caller, gate};
use super::clock::Timestamp;
use super::error::{Error, Result};
use super::message::{Message, Outgoing, Recipient, SmsPurpose};
use super::methods::verified;
use super::token::{Decoded, Kind};
use super::{App, Client};
use crate::datastore::{MfaMethod, Taken, Txn, User};
use crate::metrics::Limit;

const HOUR_MS: i64 = 3_600_000;

impl App {
    pub async fn mfa_reset_request(&self, caller: &Caller, client: &Client) -> Result<u64> {
        self.mfa_reset_mail(&caller.user, caller.session_id(), client)
            .await
    }

    /// For a login that waits for a second factor, where the operator allows that.
    pub async fn mfa_reset_request_pending(&self, mfa_token: &str, client: &Client) -> Result<u64> {
        if !self.config.mfa_reset.accept_pending_token {
            return Err(Error::AccessTokenInvalid);
        }
        let user = self.caller_from_pending(mfa_token).await?;
        self.mfa_reset_mail(&user, None, client).await
    }

    async fn mfa_reset_mail(
        &self,
        user: &User,
        session: Option<Uuid>,
        client: &Client,
    ) -> Result<u64> {
        let now = self.now();
        self.keys.refresh().await?;
        self.retried(|| async {
            let txn = self.store.begin().await?;
            let user = txn.user_lock(user.id).await?.ok_or(Error::SessionRevoked)?;
            // The credential was judged before the transaction; the account may have ended since.
            gate(&user).map_err(|_| Error::SessionRevoked)?;
            let bucket = format!("mfa_reset:{}", user.id);
            let limit = i64::from(self.config.limits.mfa_reset_per_hour);
            if let Taken::Limited { retry_at } =
                txn.rate_take(&bucket, now.ms(), HOUR_MS, limit).await?
            {
                txn.commit().await?;
                self.metrics.limit_hit(Limit::MfaReset);
                return Err(Error::RateLimited {
                    retry_after: Timestamp(retry_at).retry_after(now),
                });
            }
            let methods = txn.mfa_methods_list(user.id).await?;
            if verified(&methods).is_empty() {
                // Nothing was sent, so nothing counts: the transaction is dropped.
                return Err(Error::MfaNotEnabled);
            }
            let ttl = self.config.tokens.mfa_reset_ttl;
            let token = self
                .tokens
                .mfa_reset(&user, fingerprint(&methods), now, ttl.duration())?;
            let expires_at = now.plus(ttl.duration());
            let outgoing = Outgoing {
                id: Uuid::now_v7(),
                user_id: Some(user.id),
                locale: user.locale.clone(),
                to: Recipient::Email(user.email.clone()),
                message: Message::MfaResetLink {
                    token: token.to_string(),
                    expires_at: expires_at.ms(),
                },
                expires_at,
            };
            self.enqueue(&txn, outgoing).await?;
            self.audit(
                &txn,
                client,
                Audit::of("mfa.reset.requested", &user).session(session),
            )
            .await?;
            self.commit(txn).await?;
            Ok(ttl.get())
        })
        .await
    }

    pub async fn mfa_reset_confirm(&self, token: &str, client: &Client) -> Result<()> {
        let decoded = self.decode(token, &[Kind::MfaReset]).await?;
        let decoded = decoded.ok_or(Error::LinkTokenInvalid)?;
        // A token that we never signed was refused without a look at the database.
        let budgets = self.link_budgets("confirm", client);
        self.budgets_spend(&budgets, client).await?;
        let refusal = match self.mfa_reset_use(&decoded, client).await {
            Err(refusal) => refusal,
            done => return done,
        };
        let reason = match &refusal {
            Error::LinkTokenUsed => "used",
            Error::LinkTokenExpired => "expired",
            Error::LinkTokenInvalid => "void",
            _ => return Err(refusal),
        };
        // A genuine token that does not work is on record: somebody may have had it first.
        if let Some(user) = self.store.user_fetch(decoded.claims.sub).await? {
            let detail = json!({ "reason": reason, "token_id": decoded.claims.jti });
            let audit = Audit::of("mfa.reset.refused", &user).detail(detail);
            self.retried(|| async {
                let txn = self.store.begin().await?;
                self.audit_anonymous(&txn, client, audit.clone()).await?;
                self.commit(txn).await
            })
            .await?;
        }
        Err(refusal)
    }

    async fn mfa_reset_use(&self, decoded: &Decoded, client: &Client) -> Result<()> {
        let token_id = decoded.claims.jti.to_string();
        self.retried(|| async {
            let txn = self.store.begin().await?;
            let user = txn
                .user_lock(decoded.claims.sub)
                .await?
                .ok_or(Error::LinkTokenInvalid)?;
            if txn.mfa_reset_token_is_used(&token_id).await? {
                return Err(Error::LinkTokenUsed);
            }
            if decoded.expired {
                return Err(Error::LinkTokenExpired);
            }
            let now = self.now().ms();
            let expires_at = decoded.claims.exp.saturating_mul(1000);
            // The insert decides a race; every loser is told that the token was used.
            if !txn
                .mfa_reset_token_use(&token_id, user.id, now, expires_at)
                .await?
            {
                return Err(Error::LinkTokenUsed);
            }
            let methods = txn.mfa_methods_list(user.id).await?;
            let bound = decoded.claims.epoch == Some(user.epoch)
                && decoded.claims.state.as_deref() == Some(fingerprint(&methods).as_str());
            if !bound || verified(&methods).is_empty() || gate(&user).is_err() {
                // Dropping the transaction takes the use back: a void token stays void, not used.
                return Err(Error::LinkTokenInvalid);
            }
            self.mfa_clear(&txn, &user, "mfa_reset").await?;
            self.audit(&txn, client, Audit::of("mfa.reset.confirmed", &user))
                .await?;
            let message = Message::MfaReset {
                at: now,
                ip: client.ip.to_string(),
            };
            self.notify(&txn, &user, message).await?;
            self.commit(txn).await
        })
        .await
    }

    /// Removes methods, codes, devices, sessions: the account is as before its first enrolment. False
    /// when there was no factor to remove.
    pub(super) async fn mfa_clear(&self, txn: &Txn, user: &User, reason: &str) -> Result<bool> {
        let methods = txn.mfa_methods_delete(user.id, None).await?;
        let codes = txn.backup_codes_delete(user.id).await?;
        for purpose in [SmsPurpose::Login, SmsPurpose::MfaSetup] {
            txn.sms_code_delete(user.id, purpose.as_str()).await?;
        }
        self.revoke_all_access(txn, user, reason).await?;
        Ok(methods + codes > 0)
    }
}

/// The verified methods. A new secret is a new row with an id of its own, and the sealed text of an old one
/// changes with the key that seals it. Backup codes are left out: using one does not void a reset that is
/// on its way.
fn fingerprint(methods: &[MfaMethod]) -> String {
    let mut parts: Vec<String> = methods
        .iter()
        .filter(|row| row.verified)
        .map(|row| {
            let phone = row.phone.as_deref().unwrap_or_default();
            format!(
                "{}:{}:{}:{phone}",
                row.id,
                row.method,
                row.verified_at.unwrap_or(0)
            )
        })
        .collect();
    parts.sort();
    hex::encode(Sha256::digest(parts.join("|").as_bytes()))
}
