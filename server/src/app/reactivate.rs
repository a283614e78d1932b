//! The way back for the owner of a deactivated account: a link in a mail.

use serde_json::json;
use uuid::Uuid;

use super::audit::Audit;
use super::budget::{Budget, HOUR};
use super::clock::Timestamp;
use super::error::{Error, Result};
use super::identity::Email;
use super::message::{Message, Outgoing, Recipient};
use super::random::hash;
use super::token::Kind;
use super::{App, Client};
use crate::datastore::{Txn, User};
use crate::metrics::Limit;

impl App {
    /// Every address costs the same work and gets the same answer; a mail goes to the owner of a
    /// deactivated account only.
    pub async fn reactivate_request(&self, email: &str, client: &Client) -> Result<()> {
        let email = Email::field(email)?;
        let now = self.now();
        let (networks, by_network) = (client.networks(), self.link_budgets("request", client));
        // As silent as the limit of an address: a full network is told nothing, and leaves nothing.
        if self.budgets_shield(&by_network).is_err() {
            return Ok(());
        }
        self.keys.refresh().await?;
        self.retried(|| async {
            let txn = self.store.begin().await?;
            let granted = self.budgets_take(&txn, &by_network, &networks).await?;
            if granted.is_err() {
                return Ok(txn.commit().await?);
            }
            let user = txn.user_fetch_by_email_key(&email.key).await?;
            // Looked for in any case, so that the time tells nothing.
            let unproved = txn.user_fetch_unproved(&email.key).await?;
            let user = user.or(unproved);
            let most = self.config.limits.reactivate_per_hour;
            let bucket = format!("reactivate:{}", hash(&email.key));
            let by_address = [Budget::exactly(Limit::Reactivate, bucket, HOUR, most)];
            let limited = self
                .budgets_take(&txn, &by_address, &networks)
                .await?
                .is_err();

            // Signed and sealed for strangers too: the time must not tell who has an account.
            let ttl = self.config.tokens.reactivation_ttl.duration();
            let subject = user.as_ref().map_or_else(Uuid::now_v7, |user| user.id);
            let epoch = user.as_ref().map_or(0, |user| user.epoch);
            let token = self.tokens.reactivation(subject, epoch, now, ttl)?;
            let expires_at = now.plus(ttl);
            let outgoing = Outgoing {
                id: Uuid::now_v7(),
                user_id: Some(subject),
                locale: user.as_ref().and_then(|user| user.locale.clone()),
                to: Recipient::Email(
                    user.as_ref()
                        .map_or(&email.typed, |user| &user.email)
                        .clone(),
                ),
                message: match user
                    .as_ref()
                    .filter(|user| user.pending_email_key.is_some())
                {
                    Some(unproved) => Message::ConfirmAddress {
                        token: token.to_string(),
                        expires_at: expires_at.ms(),
                        at: unproved.created_at,
                        ip: None,
                    },
                    None => Message::ReactivationLink {
                        token: token.to_string(),
                        expires_at: expires_at.ms(),
                    },
                },
                expires_at,
            };
            let mailed = !limited
                && user
                    .as_ref()
                    .is_some_and(|user| user.state == "deactivated");
            if mailed {
                self.enqueue(&txn, outgoing).await?;
            } else {
                let id = outgoing.id.to_string();
                let payload = serde_json::to_vec(&outgoing.message).map_err(|error| {
                    Error::Internal(format!("cannot encode a message: {error}"))
                })?;
                self.sealer.seal(&payload, &id)?;
            }

            let audit = Audit {
                event: "account.reactivation_requested",
                user: user.as_ref(),
                session: None,
                detail: json!({ "mailed": mailed, "limited": limited }),
            };
            self.audit_anonymous(&txn, client, audit).await?;
            self.commit(txn).await
        })
        .await
    }

    /// What a network may do with mailed links. Those who ask for one use up nothing of those who have one.
    pub(super) fn link_budgets(&self, what: &str, client: &Client) -> [Budget; 2] {
        let limits = &self.config.limits;
        let most = limits.links_per_hour;
        Budget::as_level(Limit::Links, format!("links:{what}"), HOUR, most)
            .by_network(&client.networks(), limits.wide_network_factor)
    }

    /// Gives the registration the address that its link was mailed to. Of two that are proved at once the
    /// unique index lets one have it.
    async fn address_proved(&self, txn: &Txn, user: &User, client: &Client) -> Result<()> {
        let proved = txn.user_address_prove(user.id).await;
        proved.map_err(|error| match error.is_conflict_on("email_key") {
            true => Error::LinkTokenInvalid,
            false => error.into(),
        })?;
        self.audit(txn, client, Audit::of("account.address_proved", user))
            .await
    }

    /// The address of the account that is active now. Gives no tokens: the link may have been read
    /// by others, the password has not.
    pub async fn reactivate_confirm(&self, token: &str, client: &Client) -> Result<String> {
        let now = self.now();
        let decoded = self
            .decode(token, &[Kind::Reactivation])
            .await?
            .ok_or(Error::LinkTokenInvalid)?;
        // A token that we never signed was refused without a look at the database.
        let budgets = self.link_budgets("confirm", client);
        self.budgets_spend(&budgets, client).await?;
        let claims = decoded.claims;
        let token_id = claims.jti.to_string();
        self.retried(|| async {
            let txn = self.store.begin().await?;
            let user = txn
                .user_lock(claims.sub)
                .await?
                .ok_or(Error::LinkTokenInvalid)?;
            let taken = match &user.pending_email_key {
                Some(address) => txn.user_fetch_by_email_key(address).await?.is_some(),
                None => false,
            };
            let expires_at = Timestamp(claims.exp.saturating_mul(1000)).ms();

            let refusal = if txn.reactivation_token_is_used(&token_id).await? {
                Some((Error::LinkTokenUsed, "used"))
            } else if decoded.expired {
                Some((Error::LinkTokenExpired, "expired"))
            } else if taken {
                // Another registration of the address was proved before this one.
                Some((Error::LinkTokenInvalid, "taken"))
            } else if !matches!(user.state.as_str(), "active" | "deactivated") {
                Some((Error::SuspendedMeanwhile, "suspended"))
            } else if claims.epoch != Some(user.epoch) {
                Some((Error::LinkTokenInvalid, "void"))
            } else if !txn
                .reactivation_token_use(&token_id, user.id, now.ms(), expires_at)
                .await?
            {
                Some((Error::LinkTokenUsed, "used"))
            } else {
                None
            };
            if let Some((error, reason)) = refusal {
                let audit = Audit::of("account.reactivation_refused", &user)
                    .detail(json!({ "reason": reason, "token_id": token_id }));
                self.audit_anonymous(&txn, client, audit).await?;
                self.commit(txn).await?;
                return Err(error);
            }

            let changed = txn
                .user_state_set(user.id, &["deactivated"], "active", now.ms())
                .await?;
            if user.pending_email_key.is_some() {
                self.address_proved(&txn, &user, client).await?;
                self.commit(txn).await?;
                return Ok(user.email);
            }
            let audit = Audit::of("account.reactivated", &user)
                .detail(json!({ "changed": changed, "token_id": token_id }));
            self.audit(&txn, client, audit).await?;
            if changed {
                let message = Message::Reactivated {
                    at: now.ms(),
                    ip: client.ip.to_string(),
                };
                self.notify(&txn, &user, message).await?;
            }
            self.commit(txn).await?;
            Ok(user.email)
        })
        .await
    }
}
