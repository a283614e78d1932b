//! How each scheme is written down, and what of it cannot be.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Params, Version};
use base64::Engine;
use base64::alphabet::BCRYPT;
use base64::engine::general_purpose::{GeneralPurpose, STANDARD_NO_PAD};
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};

use super::{HashFault, Pbkdf2Digest, Scheme, StoredHash};

const MAX_SALT: usize = 64;
/// What a digest ends up as; shorter ones could be found by trying.
const OUTPUT: std::ops::RangeInclusive<usize> = 16..=64;

/// Old encoders leave bits set in the last character that decode to nothing.
const BCRYPT_TEXT: GeneralPurpose = GeneralPurpose::new(
    &BCRYPT,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

pub fn argon2(text: &str) -> Result<StoredHash, HashFault> {
    let broken = |_| HashFault::Broken("not argon2's form");
    // Some writers pad what the form has without padding.
    let unpadded: Vec<&str> = text
        .split('$')
        .map(|part| part.trim_end_matches('='))
        .collect();
    let unpadded = unpadded.join("$");
    let parsed = PasswordHash::new(&unpadded).map_err(broken)?;
    let algorithm = Algorithm::try_from(parsed.algorithm.as_str())
        .map_err(|_| HashFault::Broken("not an argon2"))?;
    // Hashes older than the field are of the first version.
    let version = parsed.version.unwrap_or(Version::V0x10.into());
    let version =
        Version::try_from(version).map_err(|_| HashFault::Broken("a version of argon2"))?;
    let params =
        Params::try_from(&parsed).map_err(|_| HashFault::Broken("parameters of argon2"))?;
    // A key is kept elsewhere than in the hash, and we do not have it.
    if !params.keyid().is_empty() || !params.data().is_empty() {
        return Err(HashFault::Broken("it was made with a key"));
    }
    let (Some(salt), Some(expected)) = (&parsed.salt, &parsed.hash) else {
        return Err(HashFault::Broken("it has no salt or no hash"));
    };
    let scheme = Scheme::Argon2 {
        algorithm,
        version,
        params,
    };
    shaped(scheme, salt.as_ref().to_vec(), expected.as_bytes().to_vec())
}

pub fn bcrypt(cost: &str, rest: &str, prehashed: bool) -> Result<StoredHash, HashFault> {
    let cost = match cost.len() {
        2 => number(cost)?,
        _ => return Err(HashFault::Broken("a cost has two digits")),
    };
    if !(4..=31).contains(&cost) {
        return Err(HashFault::Broken("there is no such cost"));
    }
    let (Some((salt, hash)), 53) = (rest.split_at_checked(22), rest.len()) else {
        return Err(HashFault::Broken("a bcrypt has 53 characters at its end"));
    };
    let decode = |text: &str| {
        let decoded = BCRYPT_TEXT.decode(text);
        decoded.map_err(|_| HashFault::Broken("not bcrypt's characters"))
    };
    shaped(
        Scheme::Bcrypt { cost, prehashed },
        decode(salt)?,
        decode(hash)?,
    )
}

pub fn scrypt_phc(params: &str, salt: &str, hash: &str) -> Result<StoredHash, HashFault> {
    shaped(plain(scrypt_of(params)?), base64(salt)?, base64(hash)?)
}

/// Firebase's scrypt, as Ory writes it: the hash encrypts the project's signer key, and all accounts of a
/// project share that key and a suffix of the salts.
pub fn scrypt_firebase(
    params: &str,
    [salt, hash, separator, signer_key]: [&str; 4],
) -> Result<StoredHash, HashFault> {
    let params = scrypt_of(params)?;
    let (expected, signer_key) = (base64(hash)?, base64(signer_key)?);
    if signer_key.len() != expected.len() {
        return Err(HashFault::Broken("the hash is as long as the signer key"));
    }
    let signer_key = Some(signer_key);
    let salt = [base64(salt)?, base64(separator)?].concat();
    shaped(Scheme::Scrypt { params, signer_key }, salt, expected)
}

/// What Spring Security writes behind `{scrypt}`: the parameters are bytes of one hexadecimal number.
pub fn scrypt_spring(params: &str, salt: &str, hash: &str) -> Result<StoredHash, HashFault> {
    let number = u32::from_str_radix(params, 16);
    let number = number.map_err(|_| HashFault::Broken("a parameter is no number"))?;
    let (log_n, r, p) = (number >> 16, (number >> 8) & 0xff, number & 0xff);
    let params = scrypt_with(log_n, r, p)?;
    shaped(plain(params), base64(salt)?, base64(hash)?)
}

/// What Spring Security writes behind `{pbkdf2}`: salt and hash in hexadecimal; the identifier alone says how
/// both were made.
pub fn pbkdf2_spring(
    digest: Pbkdf2Digest,
    rounds: u32,
    salt: usize,
    text: &str,
) -> Result<StoredHash, HashFault> {
    let bytes = hex::decode(text).map_err(|_| HashFault::Broken("not hexadecimal"))?;
    match bytes.split_at_checked(salt) {
        Some((salt, hash)) if hash.len() == 32 => {
            let scheme = Scheme::Pbkdf2 { digest, rounds };
            shaped(scheme, salt.to_vec(), hash.to_vec())
        }
        _ => Err(HashFault::Broken(
            "it has another length than its scheme has",
        )),
    }
}

/// The result of scrypt is the hash itself.
fn plain(params: scrypt::Params) -> Scheme {
    let signer_key = None;
    Scheme::Scrypt { params, signer_key }
}

fn scrypt_of(params: &str) -> Result<scrypt::Params, HashFault> {
    let mut values = [None, None, None];
    for (name, value) in pairs(params)? {
        let place = match name {
            "ln" => 0,
            "r" => 1,
            "p" => 2,
            _ => return Err(HashFault::Broken("parameters of scrypt are ln, r and p")),
        };
        if let Some(slot) = values.get_mut(place) {
            *slot = Some(number(value)?);
        }
    }
    let [Some(log_n), Some(r), Some(p)] = values else {
        return Err(HashFault::Broken("parameters of scrypt are ln, r and p"));
    };
    scrypt_with(log_n, r, p)
}

pub fn scrypt_django(params: [&str; 3], salt: &str, hash: &str) -> Result<StoredHash, HashFault> {
    let [n, r, p] = params;
    let (n, r, p) = (number(n)?, number(r)?, number(p)?);
    if !n.is_power_of_two() {
        return Err(HashFault::Broken("scrypt's N is a power of two"));
    }
    shaped(
        plain(scrypt_with(n.ilog2(), r, p)?),
        salt.as_bytes().to_vec(),
        base64(hash)?,
    )
}

fn scrypt_with(log_n: u32, r: u32, p: u32) -> Result<scrypt::Params, HashFault> {
    let refused = HashFault::Broken("there are no such parameters of scrypt");
    let log_n = u8::try_from(log_n).ok().filter(|log_n| *log_n < 32);
    let params = log_n.and_then(|log_n| scrypt::Params::new(log_n, r, p).ok());
    params.ok_or(refused)
}

/// The PHC form with `i=…,l=…`, and the one of passlib, which has a number and its own alphabet.
pub fn pbkdf2_phc(
    digest: Pbkdf2Digest,
    params: &str,
    salt: &str,
    hash: &str,
) -> Result<StoredHash, HashFault> {
    if params.bytes().all(|byte| byte.is_ascii_digit()) {
        let ab64 = |text: &str| base64(&text.replace('.', "+"));
        let rounds = number(params)?;
        return shaped(Scheme::Pbkdf2 { digest, rounds }, ab64(salt)?, ab64(hash)?);
    }
    let (salt, hash) = (base64(salt)?, base64(hash)?);
    let mut rounds = None;
    for (name, value) in pairs(params)? {
        match name {
            "i" => rounds = Some(number(value)?),
            "l" if usize::try_from(number(value)?) == Ok(hash.len()) => {}
            "l" => return Err(HashFault::Broken("it has another length than it says")),
            _ => return Err(HashFault::Broken("parameters of pbkdf2 are i and l")),
        }
    }
    let rounds = rounds.ok_or(HashFault::Broken("it does not say how many rounds"))?;
    shaped(Scheme::Pbkdf2 { digest, rounds }, salt, hash)
}

pub fn pbkdf2_django(
    digest: Pbkdf2Digest,
    rounds: &str,
    salt: &str,
    hash: &str,
) -> Result<StoredHash, HashFault> {
    let rounds = number(rounds)?;
    let salt = salt.as_bytes().to_vec();
    shaped(Scheme::Pbkdf2 { digest, rounds }, salt, base64(hash)?)
}

/// What all schemes demand of their salts and hashes.
fn shaped(scheme: Scheme, salt: Vec<u8>, expected: Vec<u8>) -> Result<StoredHash, HashFault> {
    if matches!(scheme, Scheme::Pbkdf2 { rounds: 0, .. }) {
        return Err(HashFault::Broken("it has no rounds"));
    }
    if salt.is_empty() || salt.len() > MAX_SALT {
        return Err(HashFault::Broken("a salt has 1 to 64 bytes"));
    }
    if !OUTPUT.contains(&expected.len()) {
        return Err(HashFault::Broken("a hash has 16 to 64 bytes"));
    }
    Ok(StoredHash {
        scheme,
        salt,
        expected,
    })
}

fn pairs(text: &str) -> Result<Vec<(&str, &str)>, HashFault> {
    let split = text.split(',').map(|pair| pair.split_once('='));
    let pairs: Option<Vec<_>> = split.collect();
    pairs.ok_or(HashFault::Broken("parameters are written NAME=NUMBER"))
}

fn number(text: &str) -> Result<u32, HashFault> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| digits);
    number.ok_or(HashFault::Broken("a parameter is no number"))
}

/// With or without padding, in either alphabet: exports have all of them.
fn base64(text: &str) -> Result<Vec<u8>, HashFault> {
    let text = text
        .trim_end_matches('=')
        .replace('-', "+")
        .replace('_', "/");
    let decoded = STANDARD_NO_PAD.decode(text);
    decoded.map_err(|_| HashFault::Broken("not base64"))
}
