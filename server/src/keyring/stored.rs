//! Keys as they stand in their file: JSON, with a version for the day this changes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::{Keyring, KeyringError, SealingKey, SigningKey};

const FILE_VERSION: u32 = 1;

/// The text of a key file.
pub(super) fn text(keyring: &Keyring) -> Result<Zeroizing<String>, KeyringError> {
    let stored = StoredKeyring {
        version: FILE_VERSION,
        signing: keyring.signing.iter().map(StoredKey::from).collect(),
        sealing: keyring.sealing.iter().map(StoredKey::from).collect(),
    };
    serde_json::to_string_pretty(&stored)
        .map(Zeroizing::new)
        .map_err(|_| KeyringError::Generation("the keys cannot be written as JSON"))
}

/// Reads a key file. Reasons name positions and ids, never content.
pub(super) fn parse(text: &str) -> Result<Keyring, String> {
    let stored: StoredKeyring = serde_json::from_str(text)
        .map_err(|error| format!("line {}, column {}", error.line(), error.column()))?;
    if stored.version != FILE_VERSION {
        return Err(format!("version {} is not known", stored.version));
    }
    let signing = stored.signing.iter().map(|stored| {
        let key = SigningKey::from_pkcs8(&stored.bytes()?, stored.created_at)
            .map_err(|reason| format!("key {}: {reason}", stored.id))?;
        if key.kid != stored.id {
            return Err(format!(
                "key {} has another id than its thumbprint",
                stored.id
            ));
        }
        Ok(key)
    });
    let sealing = stored.sealing.iter().map(|stored| {
        let key: [u8; 32] = (stored.bytes()?.as_slice().try_into())
            .map_err(|_| format!("key {} has not 32 bytes", stored.id))?;
        Ok(SealingKey {
            id: stored.id.clone(),
            created_at: stored.created_at,
            key: Zeroizing::new(key),
        })
    });
    let keyring = Keyring {
        signing: signing.collect::<Result<_, String>>()?,
        sealing: sealing.collect::<Result<_, String>>()?,
    };
    if keyring.signing.is_empty() || keyring.sealing.is_empty() {
        return Err("it needs a signing key and a sealing key".to_owned());
    }
    Ok(keyring)
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredKeyring {
    version: u32,
    signing: Vec<StoredKey>,
    sealing: Vec<StoredKey>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredKey {
    id: String,
    created_at: i64,
    /// Base64 of the PKCS#8 document, or of the 32 bytes.
    key: String,
}

impl From<&SigningKey> for StoredKey {
    fn from(key: &SigningKey) -> Self {
        Self {
            id: key.kid.clone(),
            created_at: key.created_at,
            key: STANDARD.encode(key.pkcs8.as_slice()),
        }
    }
}

impl From<&SealingKey> for StoredKey {
    fn from(key: &SealingKey) -> Self {
        Self {
            id: key.id.clone(),
            created_at: key.created_at,
            key: STANDARD.encode(key.key.as_slice()),
        }
    }
}

impl Drop for StoredKey {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl StoredKey {
    fn bytes(&self) -> Result<Zeroizing<Vec<u8>>, String> {
        let bytes = STANDARD.decode(&self.key);
        bytes
            .map(Zeroizing::new)
            .map_err(|_| format!("key {} is not base64", self.id))
    }
}
