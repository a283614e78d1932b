//! The keys that all instances share. They are in the database, sealed by the roots of the data
//! directory, so that a rotation at one instance is known to every other with its next request and
//! nobody has to be started again.
//!
//! A server holds what it has read. Whoever signs, or judges a token that is not presented with
//! every request, first asks whether the keys are still the ones it holds: one query of a few rows. An
//! access token is judged by the held keys, and the query for its session says at no further cost
//! whether its key still counts.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::App;
use super::clock::Timestamp;
use super::error::{Error, Result};
use super::seal::{SealError, Sealer, key_id};
use super::token::{Decoded, Foreign, KeyPair, Kind, LEEWAY, TokenService};
use crate::config::Config;
use crate::datastore::{Datastore, Key, KeyMark, retried};
use crate::keyring::{Keyring, SealingKey, SigningKey};

pub(super) const SIGNING: &str = "signing";
const SEALING: &str = "sealing";

/// What is held of the shared keys, in the form in which it is used.
pub struct Keys {
    store: Datastore,
    /// Where `keyring` is from. The file is read again when the database names a root that it lacks.
    data_dir: PathBuf,
    keyring: Mutex<Arc<Keyring>>,
    /// Opens and seals the keys in the database, and nothing else.
    roots: Sealer,
    /// Which keys `tokens` and `sealer` go by.
    held: Mutex<Vec<KeyMark>>,
    tokens: Arc<TokenService>,
    sealer: Arc<Sealer>,
}

impl Keys {
    /// Before [`Self::open`], only the roots open and seal, and nothing can be signed.
    pub fn new(
        store: Datastore,
        data_dir: PathBuf,
        keyring: Arc<Keyring>,
        tokens: Arc<TokenService>,
        sealer: Arc<Sealer>,
    ) -> Self {
        Self {
            store,
            data_dir,
            roots: Sealer::new(root_keys(&keyring)),
            keyring: Mutex::new(keyring),
            held: Mutex::default(),
            tokens,
            sealer,
        }
    }

    /// Begins with the keys in the database, which are those of the data directory when it has none.
    /// Of several instances that start at once, the first brings its own. `keep` is how long a signing
    /// key stays after its successor signs.
    pub async fn open(&self, keep: Duration) -> Result<()> {
        if !self.store.keys_list().await?.iter().any(is_signing) {
            self.bring(keep).await?;
        }
        self.take(&self.store.keys_list().await?)
    }

    /// Learns what has changed since, by this instance or another.
    pub async fn refresh(&self) -> Result<()> {
        let marks = self.store.key_marks_list().await?;
        if *lock(&self.held) == marks {
            return Ok(());
        }
        self.take(&self.store.keys_list().await?)
    }

    /// The root that seals new keys: the one that the keys in the database are sealed by, which every
    /// instance has. A root that was only added to the file is not yet everywhere.
    pub(super) fn sealing_root(&self, rows: &[Key]) -> Result<String> {
        match rows.iter().max_by_key(|row| row.created_at) {
            Some(row) => Ok(key_id(&row.sealed)?.to_owned()),
            None => Ok(self.roots.newest()?),
        }
    }

    /// Seals what [`Self::opened`] opens.
    pub(super) fn sealed_signing(
        &self,
        root: &str,
        key: &SigningKey,
        active_from: Timestamp,
        retires_at: Option<Timestamp>,
    ) -> Result<Key> {
        Ok(Key {
            id: key.kid.clone(),
            kind: SIGNING.to_owned(),
            public: Some(STANDARD.encode(key.public_key())),
            sealed: self.sealed(root, SIGNING, &key.kid, &key.pkcs8)?,
            created_at: key.created_at,
            active_from: active_from.ms(),
            retires_at: retires_at.map(Timestamp::ms),
        })
    }

    pub(super) fn sealed_sealing(&self, root: &str, key: &SealingKey) -> Result<Key> {
        Ok(Key {
            id: key.id.clone(),
            kind: SEALING.to_owned(),
            public: None,
            sealed: self.sealed(root, SEALING, &key.id, key.key.as_slice())?,
            created_at: key.created_at,
            active_from: key.created_at,
            retires_at: None,
        })
    }

    /// What a key is stored as when another root seals it.
    pub(super) fn resealed(&self, root: &str, row: &Key) -> Result<String> {
        self.sealed(root, &row.kind, &row.id, &self.opened(row)?)
    }

    /// Whether the roots of the data directory open this key.
    pub(super) fn opens(&self, row: &Key) -> bool {
        self.roots
            .open(&row.sealed, &aad(&row.kind, &row.id))
            .is_ok()
    }

    /// Whether this root seals what is new: keys, and without a sealing key in the database everything.
    pub(super) fn seals(&self, root: &str) -> Result<bool> {
        Ok(self.sealer.newest()? == root)
    }

    /// The keys of the data directory. Its sealing keys open those of the database.
    pub(super) fn keyring(&self) -> Arc<Keyring> {
        lock(&self.keyring).clone()
    }

    /// Reads the file of the data directory again, which a command may have changed.
    pub(super) fn reread(&self) -> Result<()> {
        let keyring = Keyring::load(&self.data_dir);
        let keyring = keyring.map_err(|error| Error::Internal(error.to_string()))?;
        self.roots.replace(root_keys(&keyring));
        *lock(&self.keyring) = Arc::new(keyring);
        Ok(())
    }

    async fn bring(&self, keep: Duration) -> Result<()> {
        let keyring = self.keyring();
        let root = self.sealing_root(&[])?;
        let mut rows = Vec::with_capacity(keyring.signing.len());
        let mut successor: Option<Timestamp> = None;
        for key in keyring.signing.iter().rev() {
            // No two begin at once, so that their order is the same everywhere.
            let latest = successor.map_or(i64::MAX, |at| at.ms().saturating_sub(1));
            let active_from = Timestamp(key.created_at.min(latest));
            let retires_at = successor.map(|at| at.plus(keep));
            rows.push(self.sealed_signing(&root, key, active_from, retires_at)?);
            successor = Some(active_from);
        }
        retried(|| async {
            let txn = self.store.begin().await?;
            txn.keys_lock().await?;
            if txn.keys_list().await?.iter().any(is_signing) {
                return Ok(());
            }
            for row in &rows {
                txn.key_insert(row.clone()).await?;
            }
            txn.commit().await
        })
        .await?;
        Ok(())
    }

    fn take(&self, rows: &[Key]) -> Result<()> {
        let mut signing = Vec::new();
        let mut sealing = Vec::new();
        for row in rows {
            let opened = self.opened(row)?;
            match row.kind.as_str() {
                SIGNING => {
                    let key = SigningKey::from_pkcs8(&opened, row.created_at)
                        .map_err(|reason| damaged(row, reason))?;
                    if key.kid != row.id {
                        return Err(damaged(row, "it has another id than its thumbprint"));
                    }
                    signing.push((row, key));
                }
                SEALING => {
                    let key = opened.as_slice().try_into();
                    let key = key.map_err(|_| damaged(row, "it has not 32 bytes"))?;
                    sealing.push((row.id.as_str(), Zeroizing::new(key)));
                }
                _ => return Err(damaged(row, "its kind is not known")),
            }
        }
        let pairs: Vec<KeyPair<'_>> = signing.iter().map(|(row, key)| pair(row, key)).collect();
        let marks = rows
            .iter()
            .map(|row| (row.id.clone(), row.active_from, row.retires_at));
        // Held while both are changed, so that nobody takes the one for the other.
        let mut held = lock(&self.held);
        self.tokens.replace(&pairs);
        let shared = sealing
            .iter()
            .map(|(id, key): &(_, Zeroizing<[u8; 32]>)| (*id, &**key));
        self.sealer
            .replace(root_keys(&self.keyring()).chain(shared));
        *held = marks.collect();
        Ok(())
    }

    fn opened(&self, row: &Key) -> Result<Zeroizing<Vec<u8>>> {
        let open = || self.roots.open(&row.sealed, &aad(&row.kind, &row.id));
        let opened = match self.with_root(open)? {
            Err(SealError::UnknownKey(root)) => return Err(root_missing(&root)),
            opened => opened,
        };
        opened.map_err(|error| damaged(row, &error.to_string()))
    }

    fn sealed(&self, root: &str, kind: &str, id: &str, key: &[u8]) -> Result<String> {
        match self.with_root(|| self.roots.seal_by(root, key, &aad(kind, id)))? {
            Err(SealError::UnknownKey(root)) => Err(root_missing(&root)),
            sealed => Ok(sealed?),
        }
    }

    /// Tries again with the file as it is now when it lacks a root.
    fn with_root<T>(
        &self,
        operation: impl Fn() -> std::result::Result<T, SealError>,
    ) -> Result<std::result::Result<T, SealError>> {
        match operation() {
            Err(SealError::UnknownKey(_)) => {
                self.reread()?;
                Ok(operation())
            }
            done => Ok(done),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl App {
    /// Judges a token by the keys as they are now.
    pub(super) async fn decode(&self, token: &str, accepted: &[Kind]) -> Result<Option<Decoded>> {
        if !self.tokens.looks_like(token, accepted) {
            return Ok(None);
        }
        self.keys.refresh().await?;
        Ok(self.tokens.decode(token, accepted, self.now()).ok())
    }

    /// The public keys, for services that verify offline.
    pub async fn jwks(&self) -> serde_json::Value {
        // Others depend on an answer: without the database they get the keys that are held.
        if let Err(error) = self.keys.refresh().await {
            tracing::warn!(?error, "the public keys may be old");
        }
        self.tokens.jwks(self.now())
    }

    /// Judges an access token by the held keys, and looks for new ones only when it names another.
    pub(super) async fn decode_access(&self, token: &str) -> Result<Option<Decoded>> {
        match self.tokens.decode(token, &[Kind::Access], self.now()) {
            Ok(decoded) => Ok(Some(decoded)),
            Err(Foreign::Refused) => Ok(None),
            Err(Foreign::UnknownKey) => self.decode(token, &[Kind::Access]).await,
        }
    }

    /// Opens what was sealed here or by another instance, perhaps with a newer key.
    pub(super) async fn unseal(
        &self,
        sealed: &str,
        associated: &str,
    ) -> Result<Zeroizing<Vec<u8>>> {
        match self.sealer.open(sealed, associated) {
            Err(SealError::UnknownKey(_)) => {}
            opened => return Ok(opened?),
        }
        self.keys.refresh().await?;
        Ok(self.sealer.open(sealed, associated)?)
    }
}

/// How long a signing key stays after its successor signs: as long as what it signed last.
pub fn keep(config: &Config) -> Duration {
    let tokens = &config.tokens;
    let ttls = [
        tokens.access_ttl,
        tokens.mfa_pending_ttl,
        tokens.mfa_reset_ttl,
        tokens.reactivation_ttl,
    ];
    let longest = ttls.into_iter().max();
    longest.map_or(Duration::ZERO, |ttl| ttl.duration()) + LEEWAY
}

/// The form in which tokens use it.
pub(super) fn pair<'k>(row: &Key, key: &'k SigningKey) -> KeyPair<'k> {
    KeyPair {
        kid: &key.kid,
        pkcs8: &key.pkcs8,
        public: key.public_key(),
        active_from: Timestamp(row.active_from),
        retires_at: row.retires_at.map(Timestamp),
    }
}

pub(super) fn is_signing(row: &Key) -> bool {
    row.kind == SIGNING
}

/// The sealing keys of the data directory.
pub fn root_keys(keyring: &Keyring) -> impl Iterator<Item = (&str, &[u8; 32])> {
    let keys = keyring.sealing.iter();
    keys.map(|key| (key.id.as_str(), &*key.key))
}

/// What every instance of this deployment has, and nobody else.
pub fn hash_kinds_key(keyring: &Keyring) -> [u8; 32] {
    let newest = keyring.sealing.last();
    let secret: &[u8] = newest.map_or(&[], |key| &key.key[..]);
    let mut derived = [0u8; 32];
    // 32 bytes are within what HKDF gives.
    let _ = Hkdf::<Sha256>::new(None, secret).expand(b"bp-auth hash kinds", &mut derived);
    derived
}

/// A sealed key opens as what it is, and as no other.
fn aad(kind: &str, id: &str) -> String {
    format!("key:{kind}:{id}")
}

fn root_missing(root: &str) -> Error {
    Error::Internal(format!(
        "the keys in the database are sealed by the key `{root}`, which the keys.json of this \
         data directory does not have; copy keys.json from the other instances"
    ))
}

fn damaged(row: &Key, reason: &str) -> Error {
    Error::Internal(format!(
        "the key `{}` in the database cannot be used: {reason}",
        row.id
    ))
}
