//! The kind of a hash: its scheme and what decides on the work, without salt and digest.

use argon2::{Algorithm, Params, Version};

use super::{Pbkdf2Digest, Scheme, StoredHash};

/// Long enough for every scheme; its content costs nothing.
const SALT: [u8; 16] = [0; 16];

impl StoredHash {
    /// As the database keeps it; `None` for what has no password.
    pub fn kind(&self) -> Option<String> {
        let output = self.expected.len();
        Some(match &self.scheme {
            Scheme::Argon2 {
                algorithm,
                version,
                params,
            } => {
                let (m, t, p) = (params.m_cost(), params.t_cost(), params.p_cost());
                let version = u32::from(*version);
                format!("{} {version} {m} {t} {p} {output}", algorithm.as_str())
            }
            Scheme::Bcrypt { cost, prehashed } => {
                let form = match prehashed {
                    true => "sha256",
                    false => "plain",
                };
                format!("bcrypt {cost} {form}")
            }
            Scheme::Scrypt { params, signer_key } => {
                let log_n = params.n().ilog2();
                let name = match signer_key {
                    None => "scrypt",
                    Some(_) => "firescrypt",
                };
                format!("{name} {log_n} {} {} {output}", params.r(), params.p())
            }
            Scheme::Pbkdf2 { digest, rounds } => {
                format!("pbkdf2 {} {rounds} {output}", digest.name())
            }
            Scheme::Unusable => return None,
        })
    }

    /// A hash of this kind that no password matches, and that costs what others of the kind cost.
    pub fn stand_in(kind: &str) -> Option<Self> {
        let parts: Vec<&str> = kind.split(' ').collect();
        let (scheme, output) = match parts.as_slice() {
            ["bcrypt", cost, form @ ("plain" | "sha256")] => {
                let cost = cost.parse().ok()?;
                let prehashed = *form == "sha256";
                (Scheme::Bcrypt { cost, prehashed }, 23)
            }
            [name @ ("scrypt" | "firescrypt"), log_n, r, p, output] => {
                let (r, p) = (r.parse().ok()?, p.parse().ok()?);
                let params = scrypt::Params::new(log_n.parse().ok()?, r, p).ok()?;
                let output: usize = output.parse().ok()?;
                let signer_key = (*name == "firescrypt").then(|| vec![0; output]);
                (Scheme::Scrypt { params, signer_key }, output)
            }
            ["pbkdf2", digest, rounds, output] => {
                let digest = Pbkdf2Digest::named(digest)?;
                let rounds = rounds.parse().ok()?;
                (Scheme::Pbkdf2 { digest, rounds }, output.parse().ok()?)
            }
            [algorithm, version, m, t, p, output] => {
                let version: u32 = version.parse().ok()?;
                let output = output.parse().ok()?;
                let (m, t, p) = (m.parse().ok()?, t.parse().ok()?, p.parse().ok()?);
                let scheme = Scheme::Argon2 {
                    algorithm: Algorithm::try_from(*algorithm).ok()?,
                    version: Version::try_from(version).ok()?,
                    params: Params::new(m, t, p, Some(output)).ok()?,
                };
                (scheme, output)
            }
            _ => return None,
        };
        Some(Self {
            scheme,
            salt: SALT.to_vec(),
            expected: vec![0; output],
        })
    }
}

impl Pbkdf2Digest {
    fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    fn named(name: &str) -> Option<Self> {
        let all = [Self::Sha1, Self::Sha256, Self::Sha512];
        all.into_iter().find(|digest| digest.name() == name)
    }
}
