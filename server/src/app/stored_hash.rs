//! Password hashes as they are stored: our own, and those that an import brought from elsewhere. A
//! foreign one is only ever verified, and replaced by one of ours with the first right password.

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::cipher::{
    AES_256, AES_256_KEY_LEN, AES_CTR_IV_LEN, EncryptingKey, EncryptionContext, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::error::{Error, Result};
use super::hash_memory::HashMemory;
use forms::{
    argon2, bcrypt, pbkdf2_django, pbkdf2_phc, pbkdf2_spring, scrypt_django, scrypt_firebase,
    scrypt_phc, scrypt_spring,
};

/// Stored for an account without a password. No password matches it.
pub const UNUSABLE: &str = "!";

/// Longer than any of these forms with the salts that systems use.
const MAX_TEXT: usize = 512;

// A login costs at most about a second of a core, and one core's share of the memory is bounded: as
// many are verified at once as there are cores. All common settings are far below.
const MOST_MEMORY: u64 = 128 << 20;
/// Bytes that are filled in all passes together.
const MOST_FILLED: u64 = 512 << 20;
const MOST_BCRYPT: u32 = 14;
const MOST_ROUNDS: u64 = 2_000_000;
const MOST_LANES: u32 = 64;

/// A hash that can be verified. It has no `Debug`.
pub struct StoredHash {
    scheme: Scheme,
    salt: Vec<u8>,
    expected: Vec<u8>,
}

enum Scheme {
    Argon2 {
        algorithm: Algorithm,
        version: Version,
        params: Params,
    },
    Bcrypt {
        cost: u32,
        /// Django's form, in which the password is hashed with SHA-256 before.
        prehashed: bool,
    },
    Scrypt {
        params: scrypt::Params,
        /// Firebase's form, in which the result encrypts this key of the project.
        signer_key: Option<Vec<u8>>,
    },
    Pbkdf2 {
        digest: Pbkdf2Digest,
        rounds: u32,
    },
    Unusable,
}

#[derive(Clone, Copy)]
enum Pbkdf2Digest {
    Sha1,
    Sha256,
    Sha512,
}

/// Why a text is not taken as a hash. It says nothing of the text itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HashFault {
    Unknown,
    Broken(&'static str),
    TooCostly(&'static str),
}

impl StoredHash {
    /// What may be stored: a form that is known, at a price that a login may have.
    pub fn imported(text: &str) -> Result<Self, HashFault> {
        let hash = Self::parse(text)?;
        hash.affordable()?;
        Ok(hash)
    }

    pub fn parse(text: &str) -> Result<Self, HashFault> {
        if text.len() > MAX_TEXT {
            return Err(HashFault::Broken("it is too long"));
        }
        // Django writes a random text behind the mark.
        if text.starts_with(UNUSABLE) {
            return Ok(Self {
                scheme: Scheme::Unusable,
                salt: Vec::new(),
                expected: Vec::new(),
            });
        }
        // Spring Security, and directories, write the name of the scheme before the hash.
        let named = text.strip_prefix('{').and_then(|rest| rest.split_once('}'));
        if let Some((name, text)) = named {
            return Self::parse_named(name, text);
        }
        let parts: Vec<&str> = text.split('$').collect();
        match parts.as_slice() {
            ["", "argon2id" | "argon2i" | "argon2d", ..] => argon2(text),
            ["argon2", "argon2id" | "argon2i" | "argon2d", ..] => {
                argon2(text.strip_prefix("argon2").unwrap_or(text))
            }
            ["", "2a" | "2b" | "2y", cost, rest] => bcrypt(cost, rest, false),
            ["bcrypt", "", "2a" | "2b" | "2y", cost, rest] => bcrypt(cost, rest, false),
            ["bcrypt_sha256", "", "2a" | "2b" | "2y", cost, rest] => bcrypt(cost, rest, true),
            ["", "scrypt", params, salt, hash] => scrypt_phc(params, salt, hash),
            ["scrypt", n, salt, r, p, hash] => scrypt_django([n, r, p], salt, hash),
            ["", "firescrypt", params, salt, hash, separator, key] => {
                scrypt_firebase(params, [salt, hash, separator, key])
            }
            ["", "pbkdf2", params, salt, hash] => {
                pbkdf2_phc(Pbkdf2Digest::Sha1, params, salt, hash)
            }
            ["", "pbkdf2-sha256", params, salt, hash] => {
                pbkdf2_phc(Pbkdf2Digest::Sha256, params, salt, hash)
            }
            ["", "pbkdf2-sha512", params, salt, hash] => {
                pbkdf2_phc(Pbkdf2Digest::Sha512, params, salt, hash)
            }
            ["pbkdf2_sha1", rounds, salt, hash] => {
                pbkdf2_django(Pbkdf2Digest::Sha1, rounds, salt, hash)
            }
            ["pbkdf2_sha256", rounds, salt, hash] => {
                pbkdf2_django(Pbkdf2Digest::Sha256, rounds, salt, hash)
            }
            [
                "argon2" | "bcrypt" | "bcrypt_sha256" | "scrypt" | "pbkdf2_sha1" | "pbkdf2_sha256",
                ..,
            ]
            | [
                "",
                "2a" | "2b" | "2y" | "scrypt" | "firescrypt" | "pbkdf2" | "pbkdf2-sha256"
                | "pbkdf2-sha512",
                ..,
            ] => Err(HashFault::Broken("it has other parts than its scheme has")),
            _ => Err(HashFault::Unknown),
        }
    }

    fn parse_named(name: &str, text: &str) -> Result<Self, HashFault> {
        let name = name.to_ascii_lowercase();
        let parts: Vec<&str> = text.split('$').collect();
        match (name.as_str(), parts.as_slice()) {
            ("bcrypt", ["", "2a" | "2b" | "2y", ..])
            | ("argon2" | "argon2@springsecurity_v5_8", ["", "argon2id", ..])
            | ("crypt", ["", "2a" | "2b" | "2y" | "argon2id" | "argon2i", ..]) => Self::parse(text),
            ("scrypt" | "scrypt@springsecurity_v5_8", ["", params, salt, hash]) => {
                scrypt_spring(params, salt, hash)
            }
            ("pbkdf2", [_]) => pbkdf2_spring(Pbkdf2Digest::Sha1, 185_000, 8, text),
            ("pbkdf2@springsecurity_v5_8", [_]) => {
                pbkdf2_spring(Pbkdf2Digest::Sha256, 310_000, 16, text)
            }
            ("bcrypt" | "argon2" | "scrypt" | "pbkdf2", _) => {
                Err(HashFault::Broken("it has other parts than its scheme has"))
            }
            _ => Err(HashFault::Unknown),
        }
    }

    /// The name of the scheme, for the audit log.
    pub fn scheme(&self) -> &'static str {
        match &self.scheme {
            Scheme::Argon2 { algorithm, .. } => algorithm.as_str(),
            Scheme::Bcrypt { .. } => "bcrypt",
            Scheme::Scrypt { .. } => "scrypt",
            Scheme::Pbkdf2 { .. } => "pbkdf2",
            Scheme::Unusable => "none",
        }
    }

    /// Whether it is what a new hash would be: then it costs the same, and needs no replacement.
    pub fn is_current(&self, today: &Params) -> bool {
        match &self.scheme {
            Scheme::Argon2 {
                algorithm: Algorithm::Argon2id,
                version: Version::V0x13,
                params,
            } => {
                (params.m_cost(), params.t_cost(), params.p_cost())
                    == (today.m_cost(), today.t_cost(), today.p_cost())
                    && self.salt.len() >= argon2::RECOMMENDED_SALT_LEN
                    && self.expected.len() >= Params::DEFAULT_OUTPUT_LEN
            }
            Scheme::Argon2 { .. }
            | Scheme::Bcrypt { .. }
            | Scheme::Scrypt { .. }
            | Scheme::Pbkdf2 { .. }
            | Scheme::Unusable => false,
        }
    }

    /// `memory` is what hashes of today's parameters are made in.
    pub fn verify(&self, memory: &HashMemory, today: &Params, password: &[u8]) -> Result<bool> {
        let mut seen = Zeroizing::new(vec![0u8; self.expected.len()]);
        match &self.scheme {
            Scheme::Argon2 {
                algorithm,
                version,
                params,
            } => {
                let argon2 = Argon2::new(*algorithm, *version, params.clone());
                // What one large hash needs must not be kept for all that follow.
                let own = HashMemory::default();
                let memory = match params.block_count() <= today.block_count() {
                    true => memory,
                    false => &own,
                };
                memory.hash_into(&argon2, password, &self.salt, &mut seen)?;
            }
            Scheme::Bcrypt { cost, prehashed } => {
                let mut key = Zeroizing::new(match prehashed {
                    true => hex::encode(Sha256::digest(password)).into_bytes(),
                    false => password.to_vec(),
                });
                // As everywhere: a zero ends the password, and what is past 72 bytes does not count.
                key.push(0);
                key.truncate(72);
                let salt = <[u8; 16]>::try_from(self.salt.as_slice())
                    .map_err(|_| internal("a salt of another length"))?;
                let made = Zeroizing::new(bcrypt::bcrypt(*cost, salt, &key));
                let shown = made.get(..seen.len());
                seen.copy_from_slice(shown.ok_or_else(|| internal("a hash that is too long"))?);
            }
            Scheme::Scrypt { params, signer_key } => {
                let made = |output: &mut [u8]| {
                    scrypt::scrypt(password, &self.salt, params, output)
                        .map_err(|_| internal("a hash of a length that scrypt does not make"))
                };
                match signer_key {
                    None => made(&mut seen)?,
                    Some(signer_key) => {
                        let mut key = Zeroizing::new([0u8; AES_256_KEY_LEN]);
                        made(key.as_mut())?;
                        seen.copy_from_slice(signer_key);
                        encrypt(key.as_ref(), &mut seen)?;
                    }
                }
            }
            Scheme::Pbkdf2 { digest, rounds } => match digest {
                Pbkdf2Digest::Sha1 => {
                    pbkdf2::pbkdf2_hmac::<Sha1>(password, &self.salt, *rounds, &mut seen);
                }
                Pbkdf2Digest::Sha256 => {
                    pbkdf2::pbkdf2_hmac::<Sha256>(password, &self.salt, *rounds, &mut seen);
                }
                Pbkdf2Digest::Sha512 => {
                    pbkdf2::pbkdf2_hmac::<Sha512>(password, &self.salt, *rounds, &mut seen);
                }
            },
            // Without this an empty expectation would be met by everything.
            Scheme::Unusable => return Ok(false),
        }
        Ok(bool::from(seen.as_slice().ct_eq(&self.expected)))
    }

    fn affordable(&self) -> Result<(), HashFault> {
        let within = |fits: bool, bound| match fits {
            true => Ok(()),
            false => Err(HashFault::TooCostly(bound)),
        };
        match &self.scheme {
            Scheme::Argon2 { params, .. } => {
                let memory = u64::from(params.m_cost()) << 10;
                within(memory <= MOST_MEMORY, "argon2: m is at most 131072 KiB")?;
                let filled = memory.saturating_mul(params.t_cost().into());
                within(filled <= MOST_FILLED, "argon2: m times t is at most 524288")?;
                within(params.p_cost() <= MOST_LANES, "argon2: p is at most 64")
            }
            Scheme::Bcrypt { cost, .. } => {
                within(*cost <= MOST_BCRYPT, "bcrypt: the cost is at most 14")
            }
            Scheme::Scrypt { params, .. } => {
                // The parameters are bounded, so that these products fit.
                let memory = (u128::from(params.n()) * u128::from(params.r())) << 7;
                within(
                    memory <= MOST_MEMORY.into(),
                    "scrypt: 128 * N * r is at most 128 MiB",
                )?;
                let filled = memory * u128::from(params.p());
                within(
                    filled <= MOST_FILLED.into(),
                    "scrypt: 128 * N * r * p is at most 512 MiB",
                )
            }
            Scheme::Pbkdf2 { digest, rounds } => {
                let size = match digest {
                    Pbkdf2Digest::Sha1 => 20,
                    Pbkdf2Digest::Sha256 => 32,
                    Pbkdf2Digest::Sha512 => 64,
                };
                // Each further block of output is as many rounds again.
                let blocks = u64::try_from(self.expected.len().div_ceil(size)).unwrap_or(u64::MAX);
                let rounds = u64::from(*rounds).saturating_mul(blocks);
                within(
                    rounds <= MOST_ROUNDS,
                    "pbkdf2: the rounds of all blocks are at most 2000000",
                )
            }
            Scheme::Unusable => Ok(()),
        }
    }
}

impl HashFault {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unknown => "hash_unknown",
            Self::Broken(_) => "hash_invalid",
            Self::TooCostly(_) => "hash_too_costly",
        }
    }
}

impl std::fmt::Display for HashFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown => f.write_str("no form of a hash that is known"),
            Self::Broken(why) => write!(f, "not a hash that can be verified: {why}"),
            Self::TooCostly(bound) => write!(f, "a login would cost too much; {bound}"),
        }
    }
}

/// AES in counter mode from zero: the key is derived for this one text.
fn encrypt(key: &[u8], text: &mut [u8]) -> Result<()> {
    let failed = |_| internal("AES");
    let key = UnboundCipherKey::new(&AES_256, key).map_err(failed)?;
    let zero = EncryptionContext::Iv128(FixedLength::from([0u8; AES_CTR_IV_LEN]));
    let key = EncryptingKey::ctr(key).map_err(failed)?;
    key.less_safe_encrypt(text, zero).map_err(failed)?;
    Ok(())
}

fn internal(text: &str) -> Error {
    Error::Internal(format!("password hashing: {text}"))
}

mod forms;
mod kinds;
mod price;
#[cfg(test)]
mod tests;
