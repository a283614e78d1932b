//! The roots of a data directory, replaced in steps that each leave a file every instance can work with:
//! the new root is added, copied everywhere, used, and then the old one is removed.

use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::{FILE_NAME, Keyring, KeyringError, SealingKey, SigningKey, io_error, sync_directory};

/// Why a root stays.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    #[error("keys.json has no root `{0}`")]
    Unknown(String),
    #[error("`{0}` is the only root of keys.json; add another first")]
    Only(String),
}

impl Keyring {
    /// Adds a root that seals nothing yet, and gives its id.
    pub fn root_add(data_dir: &Path, now_ms: i64) -> Result<String, RootError> {
        change(data_dir, |keyring| {
            let root = SealingKey::generate(now_ms)?;
            let id = root.id.clone();
            // The last one seals as long as the database has no sealing key, and other instances do
            // not have this one yet.
            keyring.sealing.insert(0, root);
            Ok(id)
        })
    }

    /// Forgets a root that nothing needs any longer. The signing keys beside it are as old and have
    /// been in the same hands, so they are replaced; only an empty database would take them.
    pub fn root_remove(data_dir: &Path, id: &str, now_ms: i64) -> Result<(), RootError> {
        change(data_dir, |keyring| {
            keyring.root(id)?;
            keyring.sealing.retain(|root| root.id != id);
            if keyring.sealing.is_empty() {
                return Err(RootError::Only(id.to_owned()));
            }
            keyring.signing = vec![SigningKey::generate(now_ms)?];
            Ok(())
        })
    }

    pub fn root(&self, id: &str) -> Result<&SealingKey, RootError> {
        let mut roots = self.sealing.iter();
        let root = roots.find(|root| root.id == id);
        root.ok_or_else(|| RootError::Unknown(id.to_owned()))
    }
}

/// Replaces the file as a whole, so that whoever reads it finds the old keys or the new ones.
fn change<T>(
    data_dir: &Path,
    change: impl FnOnce(&mut Keyring) -> Result<T, RootError>,
) -> Result<T, RootError> {
    // Of two operators, the second goes on from what the first has written.
    let _lock = lock(data_dir)?;
    let mut keyring = Keyring::load(data_dir)?;
    let changed = change(&mut keyring)?;
    let temporary = keyring.write_temporary(data_dir)?;
    let path = data_dir.join(FILE_NAME);
    if let Err(error) = fs::rename(&temporary, &path) {
        // The old file counts, and this one holds keys.
        let _ = fs::remove_file(&temporary);
        return Err(io_error(&path, error).into());
    }
    sync_directory(data_dir)?;
    Ok(changed)
}

/// Held until it is dropped or its process is gone.
fn lock(data_dir: &Path) -> Result<File, KeyringError> {
    let path = data_dir.join(format!(".{FILE_NAME}.lock"));
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .and_then(|file| file.lock().map(|()| file));
    file.map_err(|error| io_error(&path, error))
}
