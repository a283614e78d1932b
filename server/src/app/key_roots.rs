//! A new root for an old one, while every instance goes on: `keys.json` gets the new root and is copied to
//! every instance, then the new root seals, and when nothing needs the old one it is removed.

use serde_json::json;
use uuid::Uuid;

use super::App;
use super::error::{Error, Result};
use super::key_rotation::{about_keys, failed};
use super::operator::Operator;
use super::seal::prefix;
use super::totp::totp_aad;
use crate::keyring::{Keyring, RootError, SealingKey};

/// How many secrets one transaction seals anew.
pub(super) const BATCH: u64 = 500;

/// What the use of a root has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootUsed {
    /// The new sealing key.
    pub sealing: String,
    /// Keys that the new root seals now.
    pub keys: usize,
    /// Secrets that the new sealing key seals now.
    pub secrets: usize,
}

impl App {
    /// Adds a root to `keys.json` that seals nothing yet, and gives its id.
    pub async fn operator_root_add(&self, operator: &Operator) -> Result<String> {
        self.operator_reason(operator)?;
        let id = Keyring::root_add(&self.config.data_dir, self.now().ms()).map_err(refused)?;
        self.root_audit("keys.root_added", &id, operator).await?;
        self.keys.reread()?;
        Ok(id)
    }

    /// Seals all keys by this root, and all secrets that are kept for long by a new key. Whoever knows the
    /// root before it and a copy of the database opens nothing that is sealed afterwards.
    pub async fn operator_root_use(&self, id: &str, operator: &Operator) -> Result<RootUsed> {
        self.operator_reason(operator)?;
        self.keys.reread()?;
        self.keys.keyring().root(id).map_err(refused)?;
        let fresh = SealingKey::generate(self.now().ms()).map_err(failed)?;
        let keys = self
            .retried(|| async {
                let txn = self.store.begin().await?;
                txn.keys_lock().await?;
                let rows = txn.keys_list().await?;
                for row in &rows {
                    let sealed = self.keys.resealed(id, row)?;
                    txn.key_reseal(&row.id, &sealed).await?;
                }
                let row = self.keys.sealed_sealing(id, &fresh)?;
                txn.key_insert(row).await?;
                let detail = json!({ "root": id, "sealing": fresh.id, "keys": rows.len() });
                self.operator_audit(&txn, operator, about_keys("keys.root_used"), detail)
                    .await?;
                self.commit(txn).await?;
                Ok(rows.len())
            })
            .await?;
        self.keys.refresh().await?;
        Ok(RootUsed {
            sealing: fresh.id,
            keys,
            secrets: self.secrets_reseal().await?,
        })
    }

    /// Removes a root from `keys.json` that opens nothing any longer.
    pub async fn operator_root_remove(&self, id: &str, operator: &Operator) -> Result<()> {
        self.operator_reason(operator)?;
        self.keys.reread()?;
        self.keys.keyring().root(id).map_err(refused)?;
        // An instance that had not heard of the new key may have used the old one since.
        self.keys.refresh().await?;
        if !self.keys.seals(id)? {
            self.secrets_reseal().await?;
        }
        let opened = self.store.sealed_count(&prefix(id)).await?;
        let opened = opened.iter().map(|(table, rows)| format!("{table} {rows}"));
        let opened: Vec<String> = opened.collect();
        // It may be the one that seals, and have sealed nothing that is still there.
        if self.keys.seals(id)? && opened.is_empty() {
            return Err(Error::invalid(
                "root",
                "root_in_use",
                format!(
                    "`{id}` still seals whatever is new: the database has no sealing key of its own. \
                     Run `bp-auth keys root use` of another root first"
                ),
            ));
        }
        if !opened.is_empty() {
            return Err(Error::invalid(
                "root",
                "root_in_use",
                format!(
                    "`{id}` still opens something (rows: {}). Keys and second factors change with \
                     `bp-auth keys root use` of another root; codes and messages are over by themselves, \
                     within the hour unless a message is dead",
                    opened.join(", ")
                ),
            ));
        }
        Keyring::root_remove(&self.config.data_dir, id, self.now().ms()).map_err(refused)?;
        self.root_audit("keys.root_removed", id, operator).await?;
        self.keys.reread()
    }

    /// Seals every TOTP secret by the newest key, and says how many were sealed by another. A secret that is
    /// replaced or removed meanwhile stays what it has become.
    async fn secrets_reseal(&self) -> Result<usize> {
        let newest = [prefix(&self.sealer.newest()?)];
        let mut resealed = 0;
        let mut after = Uuid::nil();
        loop {
            let rows = self
                .store
                .mfa_methods_sealed_otherwise(&newest, after, BATCH)
                .await?;
            let Some(last) = rows.last() else {
                return Ok(resealed);
            };
            after = last.id;
            let mut anew = Vec::with_capacity(rows.len());
            for row in &rows {
                let sealed = row.secret_sealed.as_deref().unwrap_or_default();
                let associated = totp_aad(row.user_id);
                let secret = self.sealer.open(sealed, &associated)?;
                anew.push((row, self.sealer.seal(&secret, &associated)?));
            }
            resealed += self
                .retried(|| async {
                    let txn = self.store.begin().await?;
                    let mut changed = 0;
                    for (row, sealed) in &anew {
                        changed += usize::from(txn.mfa_method_reseal(row, sealed).await?);
                    }
                    self.commit(txn).await?;
                    Ok(changed)
                })
                .await?;
        }
    }

    async fn root_audit(&self, event: &str, id: &str, operator: &Operator) -> Result<()> {
        self.retried(|| async {
            let txn = self.store.begin().await?;
            let detail = json!({ "root": id });
            self.operator_audit(&txn, operator, about_keys(event), detail)
                .await?;
            self.commit(txn).await
        })
        .await
    }
}

fn refused(error: RootError) -> Error {
    match error {
        RootError::Keyring(error) => failed(error),
        RootError::Unknown(_) => Error::invalid("root", "root_unknown", error.to_string()),
        RootError::Only(_) => Error::invalid("root", "root_in_use", error.to_string()),
    }
}
