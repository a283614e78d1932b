//! Secrets that must be readable again (TOTP secrets, outbox payloads) are sealed at rest with
//! XChaCha20-Poly1305. The text form names its key, so keys can be rotated, and the associated
//! data ties a sealed value to its owner, so that a copied row opens for nobody else.

use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

const NONCE_BYTES: usize = 24;

/// Seals with the newest key, opens with any.
pub struct Sealer {
    keys: RwLock<Arc<Ciphers>>,
}

type Ciphers = Vec<(String, XChaCha20Poly1305)>;

#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("the sealed value names key `{0}`, which this server does not have")]
    UnknownKey(String),
    #[error("the sealed value was altered, or belongs to something else")]
    Rejected,
    #[error("no sealing key is configured")]
    NoKey,
    #[error("no random numbers: {0}")]
    Random(getrandom::Error),
}

impl Sealer {
    /// Keys in order of age, the newest last.
    pub fn new<'a>(keys: impl IntoIterator<Item = (&'a str, &'a [u8; 32])>) -> Self {
        Self {
            keys: RwLock::new(ciphers(keys)),
        }
    }

    /// Goes on with these keys.
    pub fn replace<'a>(&self, keys: impl IntoIterator<Item = (&'a str, &'a [u8; 32])>) {
        let keys = ciphers(keys);
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    pub fn seal(&self, plaintext: &[u8], associated: &str) -> Result<String, SealError> {
        let keys = self.keys();
        let (id, cipher) = keys.last().ok_or(SealError::NoKey)?;
        seal_with(id, cipher, plaintext, associated)
    }

    /// Seals with a certain key.
    pub fn seal_by(
        &self,
        id: &str,
        plaintext: &[u8],
        associated: &str,
    ) -> Result<String, SealError> {
        let keys = self.keys();
        let (id, cipher) = find(&keys, id)?;
        seal_with(id, cipher, plaintext, associated)
    }

    /// The key that seals.
    pub fn newest(&self) -> Result<String, SealError> {
        let keys = self.keys();
        let (id, _) = keys.last().ok_or(SealError::NoKey)?;
        Ok(id.clone())
    }

    /// How everything begins that can be opened.
    pub fn prefixes(&self) -> Vec<String> {
        self.keys().iter().map(|(id, _)| prefix(id)).collect()
    }

    pub fn open(&self, sealed: &str, associated: &str) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let keys = self.keys();
        let (_, cipher) = find(&keys, key_id(sealed)?)?;
        open_with(cipher, sealed, associated)
    }

    fn keys(&self) -> Arc<Ciphers> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.clone()
    }
}

fn ciphers<'a>(keys: impl IntoIterator<Item = (&'a str, &'a [u8; 32])>) -> Arc<Ciphers> {
    let cipher =
        |(id, key): (&str, &'a [u8; 32])| (id.to_owned(), XChaCha20Poly1305::new(key.into()));
    Arc::new(keys.into_iter().map(cipher).collect())
}

/// The key that a sealed value names.
pub fn key_id(sealed: &str) -> Result<&str, SealError> {
    sealed.split('.').nth(1).ok_or(SealError::Rejected)
}

/// How a value begins that is sealed with this key.
pub fn prefix(id: &str) -> String {
    format!("v1.{id}.")
}

fn find<'k>(keys: &'k Ciphers, id: &str) -> Result<&'k (String, XChaCha20Poly1305), SealError> {
    let mut keys = keys.iter();
    let key = keys.find(|(known, _)| known == id);
    key.ok_or_else(|| SealError::UnknownKey(id.to_owned()))
}

/// Seals under a key that the server does not keep, such as one derived from a presented token.
pub fn seal_once(key: &[u8; 32], plaintext: &[u8], associated: &str) -> Result<String, SealError> {
    seal_with(
        "once",
        &XChaCha20Poly1305::new(key.into()),
        plaintext,
        associated,
    )
}

pub fn open_once(
    key: &[u8; 32],
    sealed: &str,
    associated: &str,
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    open_with(&XChaCha20Poly1305::new(key.into()), sealed, associated)
}

fn seal_with(
    id: &str,
    cipher: &XChaCha20Poly1305,
    plaintext: &[u8],
    associated: &str,
) -> Result<String, SealError> {
    let mut nonce = [0u8; NONCE_BYTES];
    getrandom::fill(&mut nonce).map_err(SealError::Random)?;
    let payload = Payload {
        msg: plaintext,
        aad: associated.as_bytes(),
    };
    let sealed = cipher
        .encrypt(&XNonce::from(nonce), payload)
        .map_err(|_| SealError::Rejected)?;
    let mut bytes = nonce.to_vec();
    bytes.extend_from_slice(&sealed);
    Ok(prefix(id) + &URL_SAFE_NO_PAD.encode(bytes))
}

fn open_with(
    cipher: &XChaCha20Poly1305,
    sealed: &str,
    associated: &str,
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let mut parts = sealed.split('.');
    let (Some("v1"), Some(_), Some(body), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(SealError::Rejected);
    };
    let bytes = URL_SAFE_NO_PAD
        .decode(body)
        .map_err(|_| SealError::Rejected)?;
    let (nonce, ciphertext) = bytes
        .split_first_chunk::<NONCE_BYTES>()
        .ok_or(SealError::Rejected)?;
    let payload = Payload {
        msg: ciphertext,
        aad: associated.as_bytes(),
    };
    cipher
        .decrypt(&XNonce::from(*nonce), payload)
        .map(Zeroizing::new)
        .map_err(|_| SealError::Rejected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_for_its_owner_only_and_survives_key_rotation() {
        let old = Sealer::new([("k1", &[1; 32])]);
        let sealed = old.seal(b"secret", "user-1").unwrap();
        let rotated = Sealer::new([("k1", &[1; 32]), ("k2", &[2; 32])]);
        assert_eq!(
            rotated.open(&sealed, "user-1").unwrap().as_slice(),
            b"secret"
        );
        assert!(rotated.open(&sealed, "user-2").is_err());
        assert!(!sealed.contains("secret"));
        assert!(rotated.seal(b"x", "").unwrap().starts_with("v1.k2."));
        assert!(matches!(
            old.open("v1.k9.AAAA", ""),
            Err(SealError::UnknownKey(_))
        ));
    }
}
