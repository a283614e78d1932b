//! The keys this server cannot work without: Ed25519 keys that sign tokens, and 32-byte keys that
//! seal secrets at rest. The first of each are in one file of the data directory, made at the first
//! start and changed by nothing but the commands that replace its roots.
//!
//! Its sealing keys are the roots: they open whatever was sealed with them, and the keys in the
//! database, which is where a rotation puts new ones and where all instances find them. Its signing keys
//! are brought there when the database has none. So whoever has only the database has no key, the
//! file must be the same at every instance, and losing it loses every TOTP secret. Two processes that
//! start at once never overwrite each other's file.

mod roots;
mod stored;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

pub use roots::RootError;

const FILE_NAME: &str = "keys.json";
/// Permission bits of the group and of everybody else.
const OTHERS: u32 = 0o077;
/// The group may read.
const GROUP_READS: u32 = 0o040;

/// Both kinds of keys, the newest of each last.
#[derive(Debug, Default)]
pub struct Keyring {
    pub signing: Vec<SigningKey>,
    pub sealing: Vec<SealingKey>,
}

/// A key that signs tokens.
pub struct SigningKey {
    /// RFC 7638 thumbprint of the public key, so that no two keys ever share an id.
    pub kid: String,
    /// Milliseconds since the Unix epoch.
    pub created_at: i64,
    /// The private key as PKCS#8 DER.
    pub pkcs8: Zeroizing<Vec<u8>>,
    public: [u8; 32],
}

/// A key that seals secrets at rest.
pub struct SealingKey {
    pub id: String,
    /// Milliseconds since the Unix epoch.
    pub created_at: i64,
    pub key: Zeroizing<[u8; 32]>,
}

#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    #[error("{}: {error}{}", path.display(), advice(error.kind()))]
    Io { path: PathBuf, error: io::Error },
    #[error(
        "{} can be read by others (mode {mode:o}); if nobody has, run chmod 600 (or, for a file of root, \
         chmod 440 with the group of this process), else replace the keys",
        path.display()
    )]
    Exposed { path: PathBuf, mode: u32 },
    #[error(
        "{} is no usable key file: {reason}; restore it from its backup, or copy it from another instance",
        path.display()
    )]
    Malformed { path: PathBuf, reason: String },
    #[error("no key could be generated: {0}")]
    Generation(&'static str),
}

impl KeyringError {
    /// Whether there is no file of keys.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Io { error, .. } if error.kind() == io::ErrorKind::NotFound)
    }
}

impl Keyring {
    /// The keys of a data directory, which is created with fresh keys if need be.
    pub fn load_or_create(data_dir: &Path, now_ms: i64) -> Result<Self, KeyringError> {
        prepare_directory(data_dir)?;
        match Self::load(data_dir) {
            Err(error) if error.is_missing() => {}
            loaded => return loaded,
        }
        let fresh = Self::generate(now_ms)?;
        let temporary = fresh.write_temporary(data_dir)?;
        let path = data_dir.join(FILE_NAME);
        // Unlike a rename, a link fails if another process was first; then its keys count.
        let linked = fs::hard_link(&temporary, &path);
        fs::remove_file(&temporary).map_err(|error| io_error(&temporary, error))?;
        match linked {
            Ok(()) => {
                sync_directory(data_dir)?;
                tracing::info!(path = %path.display(), "created new keys");
                Ok(fresh)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::load(data_dir),
            Err(error) => Err(io_error(&path, error)),
        }
    }

    /// The keys of a data directory that has some.
    pub fn load(data_dir: &Path) -> Result<Self, KeyringError> {
        let path = data_dir.join(FILE_NAME);
        let mut file = File::open(&path).map_err(|error| io_error(&path, error))?;
        let metadata = file.metadata().map_err(|error| io_error(&path, error))?;
        let is_own_group = own_groups().contains(&metadata.gid());
        if is_exposed(metadata.mode(), metadata.uid(), is_own_group) {
            let mode = metadata.mode() & 0o777;
            return Err(KeyringError::Exposed { path, mode });
        }
        let mut text = Zeroizing::new(String::new());
        file.read_to_string(&mut text)
            .map_err(|error| io_error(&path, error))?;
        stored::parse(&text).map_err(|reason| KeyringError::Malformed { path, reason })
    }

    /// Fresh keys that are stored nowhere.
    pub fn generate(now_ms: i64) -> Result<Self, KeyringError> {
        Ok(Self {
            signing: vec![SigningKey::generate(now_ms)?],
            sealing: vec![SealingKey::generate(now_ms)?],
        })
    }

    fn write_temporary(&self, data_dir: &Path) -> Result<PathBuf, KeyringError> {
        let path = data_dir.join(format!(".{FILE_NAME}.{}", random_id()?));
        let text = stored::text(self)?;
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.sync_all()
            });
        match written {
            Ok(()) => Ok(path),
            Err(error) => {
                // Half a file of keys is of no use; that it cannot be removed changes nothing.
                let _ = fs::remove_file(&path);
                Err(io_error(&path, error))
            }
        }
    }
}

impl SigningKey {
    /// The raw public key, the `x` of its JWK.
    pub fn public_key(&self) -> [u8; 32] {
        self.public
    }

    pub fn generate(now_ms: i64) -> Result<Self, KeyringError> {
        let failed = |_| KeyringError::Generation("the system gave no Ed25519 key");
        let document = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).map_err(failed)?;
        Self::from_pkcs8(document.as_ref(), now_ms).map_err(KeyringError::Generation)
    }

    /// Reasons never show the document.
    pub fn from_pkcs8(pkcs8: &[u8], created_at: i64) -> Result<Self, &'static str> {
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8).map_err(|_| "not an Ed25519 key in PKCS#8")?;
        let public: [u8; 32] = (pair.public_key().as_ref().try_into())
            .map_err(|_| "the public key has not 32 bytes")?;
        Ok(Self {
            kid: thumbprint(&public),
            created_at,
            pkcs8: Zeroizing::new(pkcs8.to_vec()),
            public,
        })
    }
}

impl SealingKey {
    pub fn generate(now_ms: i64) -> Result<Self, KeyringError> {
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(key.as_mut_slice())
            .map_err(|_| KeyringError::Generation("the system gave no random numbers"))?;
        Ok(Self {
            id: random_id()?,
            created_at: now_ms,
            key,
        })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealingKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// What an operator can do about a file that cannot be read or written.
fn advice(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::PermissionDenied => {
            "; the user that bp-auth runs as must own the data directory and what is in it"
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            "; the data directory must be on a file system that can be written to"
        }
        io::ErrorKind::InvalidData => {
            "; it is damaged: restore it from its backup, or copy it from another instance"
        }
        _ => "",
    }
}

/// RFC 7638 with the members RFC 8037 requires, which makes the id checkable by anybody.
fn thumbprint(public: &[u8; 32]) -> String {
    let x = URL_SAFE_NO_PAD.encode(public);
    let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    URL_SAFE_NO_PAD.encode(Sha256::digest(jwk.as_bytes()))
}

/// Whether somebody may read the file who is neither its owner nor this process. A file of root that only
/// the group of the process can read beside root is none of these: Kubernetes mounts a secret so
/// (`fsGroup`, mode 0440) for a process that is not root and cannot own it.
fn is_exposed(mode: u32, owner: u32, is_own_group: bool) -> bool {
    match mode & OTHERS {
        0 => false,
        GROUP_READS => owner != 0 || !is_own_group,
        _ => true,
    }
}

/// The effective and the supplementary groups of this process.
fn own_groups() -> Vec<u32> {
    let groups = rustix::process::getgroups().unwrap_or_default();
    let all = groups.into_iter().chain([rustix::process::getegid()]);
    all.map(rustix::process::Gid::as_raw).collect()
}

fn random_id() -> Result<String, KeyringError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)
        .map_err(|_| KeyringError::Generation("the system gave no random numbers"))?;
    Ok(hex::encode(bytes))
}

fn prepare_directory(data_dir: &Path) -> Result<(), KeyringError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data_dir)
        .map_err(|error| io_error(data_dir, error))?;
    let mode = fs::metadata(data_dir)
        .map_err(|error| io_error(data_dir, error))?
        .mode();
    if mode & OTHERS != 0 {
        let mode = format!("{:o}", mode & 0o777);
        let path = data_dir.display();
        tracing::warn!(%path, %mode, "the data directory is open to other users of this machine");
    }
    Ok(())
}

/// A link is only durable once its directory is.
fn sync_directory(data_dir: &Path) -> Result<(), KeyringError> {
    let synced = File::open(data_dir).and_then(|directory| directory.sync_all());
    synced.map_err(|error| io_error(data_dir, error))
}

fn io_error(path: &Path, error: io::Error) -> KeyringError {
    let path = path.to_owned();
    KeyringError::Io { path, error }
}
