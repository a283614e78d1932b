//! The way out when `keys.json` is lost for good: what only it opens is given up, and the rest goes on.
//!
//! Passwords, API keys, refresh tokens, trusted devices and backup codes are hashes and stay. Keys, codes,
//! messages on their way and the secrets of authenticators were sealed and are lost: whoever has no other
//! second factor logs in by his password alone, as after a reset by an operator.

use serde_json::json;
use uuid::Uuid;

use super::App;
use super::audit::Audit;
use super::error::{Error, Result};
use super::key_roots::BATCH;
use super::key_rotation::{about_keys, failed};
use super::keys::{is_signing, keep};
use super::message::Message;
use super::methods::{Method, find, verified};
use super::operator::{NO_ADDRESS, Operator};
use crate::datastore::{Key, MfaMethod};
use crate::keyring::{Keyring, SigningKey};

/// What was given up, and what is there in its place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LostReplaced {
    /// The root of a `keys.json` that was made because there was none.
    pub root: Option<String>,
    /// The keys that nothing opens any longer.
    pub keys: Vec<String>,
    /// A new signing key, where none was left.
    pub signing: Option<String>,
    pub codes: u64,
    pub messages: u64,
    /// The addresses of those whose authenticator is gone, and whether another second factor is left.
    pub users: Vec<(String, bool)>,
}

impl App {
    /// Gives up what the roots of `keys.json` do not open. Interrupted, it goes on when it is run again.
    pub async fn operator_root_replace_lost(&self, operator: &Operator) -> Result<LostReplaced> {
        self.operator_reason(operator)?;
        self.refuse_unless_lost().await?;
        let mut replaced = LostReplaced::default();
        // Before the database: a key that only a lost file opens must not come into being once more.
        if self.keys.keyring().sealing.is_empty() {
            let made = Keyring::load_or_create(&self.config.data_dir, self.now().ms());
            replaced.root = made.map_err(failed)?.sealing.pop().map(|root| root.id);
            self.keys.reread()?;
        }
        self.lost_keys_replace(&mut replaced, operator).await?;
        self.keys.open(keep(&self.config)).await?;
        self.lost_factors_remove(&mut replaced, operator).await?;
        Ok(replaced)
    }

    async fn refuse_unless_lost(&self) -> Result<()> {
        let rows = self.store.keys_list().await?;
        let (opened, lost): (Vec<&Key>, Vec<&Key>) =
            rows.iter().partition(|row| self.keys.opens(row));
        let known = self.known_prefixes(opened);
        if !lost.is_empty() || !self.store.sealed_otherwise_count(&known).await?.is_empty() {
            return Ok(());
        }
        Err(Error::invalid(
            "keys",
            "nothing_lost",
            "nothing is lost: everything in the database can be opened; nothing was changed",
        ))
    }

    /// One transaction: the keys that are lost, and what was to live for minutes.
    async fn lost_keys_replace(
        &self,
        replaced: &mut LostReplaced,
        operator: &Operator,
    ) -> Result<()> {
        let now = self.now();
        let fresh = SigningKey::generate(now.ms()).map_err(failed)?;
        let keyring = self.keys.keyring();
        let root = keyring.sealing.last().map(|root| root.id.clone());
        let root = root.ok_or_else(|| Error::Internal("keys.json has no root".to_owned()))?;
        let (keys, signing, codes, messages) = self
            .retried(|| async {
                let txn = self.store.begin().await?;
                txn.keys_lock().await?;
                let rows = txn.keys_list().await?;
                let (opened, lost): (Vec<&Key>, Vec<&Key>) =
                    rows.iter().partition(|row| self.keys.opens(row));
                for row in &lost {
                    txn.key_delete(&row.id).await?;
                }
                // Without its successor, the last that is left goes on.
                let signing = match opened.iter().rfind(|row| is_signing(row)) {
                    Some(last) => {
                        txn.key_retire(&last.id, None).await?;
                        None
                    }
                    None => {
                        let row = self.keys.sealed_signing(&root, &fresh, now, None)?;
                        txn.key_insert(row).await?;
                        Some(fresh.kid.clone())
                    }
                };
                let known = self.known_prefixes(opened);
                let codes = txn.sms_codes_sealed_otherwise_delete(&known).await?;
                let messages = txn.outbox_sealed_otherwise_end(&known, now.ms()).await?;
                let keys: Vec<String> = lost.iter().map(|row| row.id.clone()).collect();
                let detail = json!({
                    "root": root,
                    "lost": keys,
                    "signing": signing,
                    "codes": codes,
                    "messages": messages,
                });
                self.operator_audit(&txn, operator, about_keys("keys.lost_replaced"), detail)
                    .await?;
                self.commit(txn).await?;
                Ok((keys, signing, codes, messages))
            })
            .await?;
        replaced.keys = keys;
        replaced.signing = signing;
        replaced.codes = codes;
        replaced.messages = messages;
        Ok(())
    }

    async fn lost_factors_remove(
        &self,
        replaced: &mut LostReplaced,
        operator: &Operator,
    ) -> Result<()> {
        let known = self.sealer.prefixes();
        let mut after = Uuid::nil();
        loop {
            let rows = self
                .store
                .mfa_methods_sealed_otherwise(&known, after, BATCH)
                .await?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            after = last.id;
            for row in &rows {
                replaced
                    .users
                    .extend(self.lost_factor_remove(row, operator).await?);
            }
        }
    }

    /// Removes an authenticator that nobody can verify any longer. Gives its user's address, unless it was
    /// only about to be set up.
    async fn lost_factor_remove(
        &self,
        lost: &MfaMethod,
        operator: &Operator,
    ) -> Result<Option<(String, bool)>> {
        self.retried(|| async {
            let txn = self.store.begin().await?;
            let Some(user) = txn.user_lock(lost.user_id).await? else {
                return Ok(None);
            };
            if !lost.verified {
                txn.mfa_method_pending_delete(lost.id).await?;
                self.commit(txn).await?;
                return Ok(None);
            }
            let rows = txn.mfa_methods_list(user.id).await?;
            let is_there = find(&rows, Method::Totp, true)
                .is_some_and(|row| row.id == lost.id && row.secret_sealed == lost.secret_sealed);
            if !is_there {
                return Ok(None);
            }
            let others = verified(&rows).len() > 1;
            let at = self.now().ms();
            let ip = NO_ADDRESS.to_owned();
            let message = match others {
                true => {
                    let method = Method::Totp.as_str().to_owned();
                    txn.mfa_methods_delete(user.id, Some(&method)).await?;
                    self.revoke_all_access(&txn, &user, "mfa_reset").await?;
                    Message::MfaDisabled { method, at, ip }
                }
                false => {
                    self.mfa_clear(&txn, &user, "mfa_reset").await?;
                    Message::MfaReset { at, ip }
                }
            };
            let detail = json!({ "methods": [Method::Totp.as_str()], "cause": "key_lost" });
            self.operator_audit(&txn, operator, Audit::of("mfa.reset", &user), detail)
                .await?;
            self.notify(&txn, &user, message).await?;
            self.commit(txn).await?;
            Ok(Some((user.email.clone(), others)))
        })
        .await
    }

    /// How everything begins that the roots and these keys open.
    fn known_prefixes(&self, opened: Vec<&Key>) -> Vec<String> {
        let keyring = self.keys.keyring();
        let roots = keyring.sealing.iter().map(|root| root.id.as_str());
        let sealing = opened.iter().filter(|row| !is_signing(row));
        let sealing = sealing.map(|row| row.id.as_str());
        roots.chain(sealing).map(super::seal::prefix).collect()
    }
}
