//! Random numbers, passed in, and the secrets made of them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::error::{Error, Result};

pub trait Random: Send + Sync {
    fn fill(&self, bytes: &mut [u8]) -> Result<()>;
}

/// The operating system's generator.
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        getrandom::fill(bytes).map_err(|error| Error::Internal(format!("no randomness: {error}")))
    }
}

/// A secret that is handed out once, and what the database keeps of it.
pub struct Minted {
    pub plain: Zeroizing<String>,
    pub hash: String,
}

pub const REFRESH_PREFIX: &str = "bpr_";
pub const API_KEY_PREFIX: &str = "bpk_";

/// `<prefix><256 random bits><checksum>`. The checksum lets a scanner tell a leaked token from
/// noise, and a typing error from a guess, without asking the database.
pub fn mint(random: &dyn Random, prefix: &str) -> Result<Minted> {
    let mut bytes = Zeroizing::new([0u8; 32]);
    random.fill(bytes.as_mut())?;
    let body = Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_ref()));
    let plain = Zeroizing::new(format!("{prefix}{}{}", *body, checksum(prefix, &body)));
    let hash = hash(&plain);
    Ok(Minted { plain, hash })
}

/// The hash to look a presented token up by, if it has the form of ours.
pub fn hash_if_well_formed(prefix: &str, token: &str) -> Option<String> {
    let rest = token.strip_prefix(prefix)?;
    let (body, check) = rest.split_at_checked(43)?;
    (check == checksum(prefix, body)).then(|| hash(token))
}

/// 256 random bits cannot be guessed, so a fast hash protects them at rest.
pub fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

fn checksum(prefix: &str, body: &str) -> String {
    let mut crc = crc32fast::Hasher::new();
    crc.update(prefix.as_bytes());
    crc.update(body.as_bytes());
    format!("{:08x}", crc.finalize())
}

/// Six digits, each code as likely as any other.
pub fn six_digits(random: &dyn Random) -> Result<Zeroizing<String>> {
    // The largest multiple of a million below 2^32: what lies above would favour small codes.
    const FAIR: u32 = 4_294_000_000;
    loop {
        let mut bytes = [0u8; 4];
        random.fill(&mut bytes)?;
        let number = u32::from_le_bytes(bytes);
        if number < FAIR {
            return Ok(Zeroizing::new(format!("{:06}", number % 1_000_000)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minted_token_is_recognised_and_a_typo_is_not() {
        let minted = mint(&SystemRandom, REFRESH_PREFIX).unwrap();
        assert_eq!(
            hash_if_well_formed(REFRESH_PREFIX, &minted.plain).unwrap(),
            minted.hash
        );
        assert!(hash_if_well_formed(API_KEY_PREFIX, &minted.plain).is_none());
        let typo = minted
            .plain
            .replacen(|c: char| c.is_ascii_lowercase(), "~", 2);
        assert!(hash_if_well_formed(REFRESH_PREFIX, &typo).is_none());
        assert!(!minted.hash.contains(&minted.plain[8..20]));
    }
}
