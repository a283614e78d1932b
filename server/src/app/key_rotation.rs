//! New keys for old ones, while every instance goes on. A signing key is published before it signs,
//! and its predecessor stays until the last token it may have signed is over.

use std::time::Duration;

use serde_json::{Value, json};

use super::App;
use super::audit::Audit;
use super::clock::Timestamp;
use super::error::{Error, Result};
use super::keys::{SIGNING, is_signing, keep};
use super::operator::Operator;
use super::token::LEEWAY;
use crate::datastore::{Key, Txn};
use crate::keyring::{KeyringError, SealingKey, SigningKey};

/// Which keys are to be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    pub signing: Option<Publish>,
    pub sealing: bool,
}

/// When a new signing key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Publish {
    /// When everybody who reads the public keys has seen it.
    Ahead,
    /// At once. Services that verify offline refuse its tokens until they read the keys again.
    Now,
}

/// What a rotation has added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rotated {
    /// The key and when it signs.
    pub signing: Option<(String, Timestamp)>,
    pub sealing: Option<String>,
}

/// A key as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyLine {
    pub id: String,
    pub use_: KeyUse,
    pub created_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUse {
    /// It is published and will sign.
    SignsFrom(Timestamp),
    Signs,
    /// Its successor signs; it verifies until then.
    VerifiesUntil(Timestamp),
    /// What it signed is expired.
    Retired(Timestamp),
    Seals,
    /// It opens what was sealed with it.
    Opens,
}

/// A new key, made once, whatever becomes of the transaction that stores it.
#[derive(Default)]
struct Fresh {
    signing: Option<(SigningKey, Publish)>,
    sealing: Option<SealingKey>,
}

impl App {
    pub async fn operator_keys_rotate(
        &self,
        rotation: Rotation,
        operator: &Operator,
    ) -> Result<Rotated> {
        self.operator_reason(operator)?;
        let now = self.now();
        let fresh = Fresh::generate(rotation, now)?;
        let rotated = self
            .retried(|| async {
                let txn = self.store.begin().await?;
                txn.keys_lock().await?;
                let rows = txn.keys_list().await?;
                let rotated = self.keys_add(&txn, rows, &fresh, now).await?;
                self.operator_audit(&txn, operator, about_keys("keys.rotated"), rotated.detail())
                    .await?;
                self.commit(txn).await?;
                Ok(rotated)
            })
            .await?;
        self.keys.refresh().await?;
        Ok(rotated)
    }

    /// Refuses everything that a signing key has signed, everywhere and from now on.
    pub async fn operator_keys_revoke(&self, kid: &str, operator: &Operator) -> Result<()> {
        self.operator_reason(operator)?;
        let now = self.now();
        self.retried(|| async {
            let txn = self.store.begin().await?;
            txn.keys_lock().await?;
            let rows = signing_rows(&txn).await?;
            let row = rows.iter().find(|row| row.id == kid).ok_or_else(|| {
                Error::invalid("key", "key_unknown", format!("no signing key `{kid}`"))
            })?;
            let signer = signer(&rows, now);
            if signer.is_some_and(|signer| signer.id == row.id) {
                return Err(Error::invalid(
                    "key",
                    "key_in_use",
                    "it signs now; run `bp-auth keys rotate --signing --now` first",
                ));
            }
            txn.key_delete(&row.id).await?;
            // Without its successor, the one before it goes on.
            let before = rows.iter().rfind(|other| other.id != row.id);
            if let (None, Some(before)) = (row.retires_at, before) {
                txn.key_retire(&before.id, None).await?;
            }
            let detail = json!({ "signing": row.id });
            self.operator_audit(&txn, operator, about_keys("keys.revoked"), detail)
                .await?;
            self.commit(txn).await
        })
        .await?;
        self.keys.refresh().await
    }

    /// Every key of the database and of the data directory, the newest last.
    pub async fn operator_keys_list(&self) -> Result<Vec<KeyLine>> {
        let now = self.now();
        let rows = self.store.keys_list().await?;
        let (signing, sealing): (Vec<Key>, Vec<Key>) = rows.into_iter().partition(is_signing);
        let signer = signer(&signing, now).map(|row| row.id.clone());
        let mut lines: Vec<KeyLine> = signing
            .iter()
            .map(|row| KeyLine {
                id: row.id.clone(),
                use_: match row.retires_at.map(Timestamp) {
                    _ if signer.as_ref() == Some(&row.id) => KeyUse::Signs,
                    Some(at) if at <= now => KeyUse::Retired(at),
                    _ if row.active_from > now.ms() => {
                        KeyUse::SignsFrom(Timestamp(row.active_from))
                    }
                    Some(at) => KeyUse::VerifiesUntil(at),
                    None => KeyUse::Signs,
                },
                created_at: Timestamp(row.created_at),
            })
            .collect();
        let opens = |id: &str, created_at: i64| KeyLine {
            id: id.to_owned(),
            use_: KeyUse::Opens,
            created_at: Timestamp(created_at),
        };
        let keyring = self.keys.keyring();
        if signing.is_empty() {
            // The first server brings them into the database.
            lines.extend(keyring.signing.iter().map(|key| KeyLine {
                id: key.kid.clone(),
                use_: KeyUse::Signs,
                created_at: Timestamp(key.created_at),
            }));
        }
        // One that was only added has nothing to open yet, but seals when there is no other.
        let roots = keyring.sealing.iter();
        lines.extend(roots.map(|key| opens(&key.id, key.created_at)));
        lines.extend(sealing.iter().map(|row| opens(&row.id, row.created_at)));
        if let Some(newest) = lines.last_mut().filter(|line| line.use_ == KeyUse::Opens) {
            newest.use_ = KeyUse::Seals;
        }
        Ok(lines)
    }

    /// Replaces the signing key when it is older than `keys.rotation_period`. False when it is not.
    pub(super) async fn keys_rotate_if_due(&self) -> Result<bool> {
        let period = self.config.keys.rotation_period;
        if period.is_zero() || !self.keys_are_due(&self.store.keys_list().await?, period.into()) {
            return Ok(false);
        }
        let now = self.now();
        let rotation = Rotation {
            signing: Some(Publish::Ahead),
            sealing: false,
        };
        let fresh = Fresh::generate(rotation, now)?;
        let done = self
            .retried(|| async {
                let txn = self.store.begin().await?;
                txn.keys_lock().await?;
                // An operator may have been quicker.
                let rows = txn.keys_list().await?;
                if !self.keys_are_due(&rows, period.into()) {
                    return Ok(false);
                }
                let rotated = self.keys_add(&txn, rows, &fresh, now).await?;
                let audit = about_keys("keys.rotated").detail(rotated.detail());
                self.audit_as(&txn, "system", None, audit).await?;
                self.commit(txn).await?;
                Ok(true)
            })
            .await?;
        self.keys.refresh().await?;
        Ok(done)
    }

    fn keys_are_due(&self, rows: &[Key], period: Duration) -> bool {
        let now = self.now();
        let soon = now.plus(self.config.keys.publish_ahead.duration() + LEEWAY);
        let signing = || rows.iter().filter(|row| is_signing(row));
        // One that is to sign much later was made by a clock that was ahead, and settles nothing.
        let pending =
            signing().any(|row| row.active_from > now.ms() && row.active_from <= soon.ms());
        let used = signing().rfind(|row| row.active_from <= now.ms());
        !pending && used.is_none_or(|row| row.active_from <= now.minus(period).ms())
    }

    /// Stores new keys beside these, within a transaction that has locked and listed them.
    async fn keys_add(
        &self,
        txn: &Txn,
        rows: Vec<Key>,
        fresh: &Fresh,
        now: Timestamp,
    ) -> Result<Rotated> {
        let mut rotated = Rotated::default();
        let root = self.keys.sealing_root(&rows)?;
        if let Some((key, publish)) = &fresh.signing {
            let signing: Vec<Key> = rows.into_iter().filter(is_signing).collect();
            let active_from = self.key_succeed(txn, &signing, *publish, now).await?;
            let row = self.keys.sealed_signing(&root, key, active_from, None)?;
            txn.key_insert(row).await?;
            rotated.signing = Some((key.kid.clone(), active_from));
        }
        if let Some(key) = &fresh.sealing {
            txn.key_insert(self.keys.sealed_sealing(&root, key)?)
                .await?;
            rotated.sealing = Some(key.id.clone());
        }
        Ok(rotated)
    }

    /// Makes room for a new signing key, and says when it signs.
    async fn key_succeed(
        &self,
        txn: &Txn,
        mut rows: &[Key],
        publish: Publish,
        now: Timestamp,
    ) -> Result<Timestamp> {
        // Clocks differ a little: one that is about to sign may have done so elsewhere. One that
        // certainly has not makes way, so that the new one does not wait for it.
        let used_by = now.plus(LEEWAY).ms();
        while let [before @ .., newest] = rows {
            if newest.active_from <= used_by || before.is_empty() {
                break;
            }
            txn.key_delete(&newest.id).await?;
            rows = before;
        }
        let wanted = match publish {
            Publish::Now => now,
            Publish::Ahead => now.plus(self.config.keys.publish_ahead.duration()),
        };
        let Some(newest) = rows.last() else {
            return Ok(wanted);
        };
        let active_from = Timestamp(wanted.ms().max(newest.active_from.saturating_add(1)));
        let retires_at = active_from.plus(keep(&self.config));
        txn.key_retire(&newest.id, Some(retires_at.ms())).await?;
        Ok(active_from)
    }
}

impl Fresh {
    fn generate(rotation: Rotation, now: Timestamp) -> Result<Self> {
        let signing = match rotation.signing {
            Some(publish) => Some((SigningKey::generate(now.ms()).map_err(failed)?, publish)),
            None => None,
        };
        let sealing = match rotation.sealing {
            true => Some(SealingKey::generate(now.ms()).map_err(failed)?),
            false => None,
        };
        Ok(Self { signing, sealing })
    }
}

impl Rotated {
    /// Ids, which are no secrets.
    fn detail(&self) -> Value {
        let mut detail = serde_json::Map::new();
        if let Some((kid, active_from)) = &self.signing {
            detail.insert("signing".to_owned(), json!(kid));
            detail.insert("active_from".to_owned(), json!(active_from.ms()));
        }
        if let Some(id) = &self.sealing {
            detail.insert("sealing".to_owned(), json!(id));
        }
        Value::Object(detail)
    }
}

pub(super) fn about_keys(event: &str) -> Audit<'_> {
    Audit {
        event,
        user: None,
        session: None,
        detail: Value::Null,
    }
}

async fn signing_rows(txn: &Txn) -> Result<Vec<Key>> {
    let mut rows = txn.keys_list().await?;
    rows.retain(|row| row.kind == SIGNING);
    Ok(rows)
}

/// The one that signs at this moment.
fn signer(signing: &[Key], now: Timestamp) -> Option<&Key> {
    let active = signing.iter().rfind(|row| row.active_from <= now.ms());
    active.or(signing.first())
}

pub(super) fn failed(error: KeyringError) -> Error {
    Error::Internal(error.to_string())
}
