//! What a hash costs on this machine, measured on a small piece of the same work: to do all of it first
//! would let one line of a file hold an import for a minute.

use std::time::{Duration, Instant};

use argon2::Params;

use super::{Scheme, StoredHash};
use crate::app::error::Result;
use crate::app::hash_memory::HashMemory;

const BCRYPT_COST: u32 = 6;
const SCRYPT_LOG_N: u32 = 12;
const PBKDF2_ROUNDS: u32 = 5_000;
/// KiB.
const ARGON2_MEMORY: u32 = 16_384;
/// The least of these counts, so that what else the machine does counts little.
const MEASUREMENTS: usize = 3;

impl StoredHash {
    /// About how long a core takes for it.
    pub fn price(&self) -> Result<Duration> {
        let Some((piece, times)) = self.piece() else {
            return Ok(Duration::ZERO);
        };
        let memory = HashMemory::default();
        let mut least = Duration::MAX;
        for _ in 0..MEASUREMENTS {
            let began = Instant::now();
            piece.verify(&memory, &Params::default(), b"password")?;
            least = least.min(began.elapsed());
        }
        Ok(Duration::try_from_secs_f64(least.as_secs_f64() * times).unwrap_or(Duration::MAX))
    }

    /// A hash of the same scheme that is quickly made, and how many times as much this one is.
    fn piece(&self) -> Option<(Self, f64)> {
        let (scheme, times) = match &self.scheme {
            Scheme::Argon2 {
                algorithm,
                version,
                params,
            } => {
                let (m, t, p) = (params.m_cost(), params.t_cost(), params.p_cost());
                let memory = m.min(ARGON2_MEMORY).max(8 * p);
                let params = Params::new(memory, 1, p, params.output_len()).ok()?;
                let (algorithm, version) = (*algorithm, *version);
                let scheme = Scheme::Argon2 {
                    algorithm,
                    version,
                    params,
                };
                (scheme, f64::from(m) * f64::from(t) / f64::from(memory))
            }
            Scheme::Bcrypt { cost, prehashed } => {
                let (small, prehashed) = ((*cost).min(BCRYPT_COST), *prehashed);
                let scheme = Scheme::Bcrypt {
                    cost: small,
                    prehashed,
                };
                (scheme, f64::from(cost - small).exp2())
            }
            Scheme::Scrypt { params, signer_key } => {
                let log_n = params.n().ilog2();
                let small = log_n.min(SCRYPT_LOG_N);
                let (r, p) = (params.r(), params.p());
                let scheme = Scheme::Scrypt {
                    params: scrypt::Params::new(u8::try_from(small).ok()?, r, 1).ok()?,
                    signer_key: signer_key.clone(),
                };
                (scheme, f64::from(log_n - small).exp2() * f64::from(p))
            }
            Scheme::Pbkdf2 { digest, rounds } => {
                let (small, digest) = ((*rounds).min(PBKDF2_ROUNDS), *digest);
                let scheme = Scheme::Pbkdf2 {
                    digest,
                    rounds: small,
                };
                (scheme, f64::from(*rounds) / f64::from(small.max(1)))
            }
            Scheme::Unusable => return None,
        };
        let piece = Self {
            scheme,
            salt: self.salt.clone(),
            expected: self.expected.clone(),
        };
        Some((piece, times))
    }
}
