//! Passwords: the policy, the hash, and the queue in front of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Params, Version};
use tracing::Instrument;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::common_password::{context_words, is_common};
use super::error::{Error, Fault, Result};
use super::fair_queue::{Core, FairQueue, Place};
use super::hash_kinds::HashKinds;
use super::hash_memory::HashMemory;
use super::network::Networks;
use super::password_strength;
use super::random::Random;
use super::stored_hash::StoredHash;
use super::turns::{Turn, Turns};
use crate::config::{Hash as Settings, HashProfile, Password as Policy};
use crate::datastore::User;
use crate::metrics::HashQueue;
use crate::telemetry::TARGET;

/// More than any password manager makes; longer input is refused before anything is done with it.
const MAX_BYTES: usize = 1024;
/// Waiting hashes per core. Past it a client is better told to come back.
const QUEUE_PER_PERMIT: usize = 64;
/// Waiting for the one core that does what is no login.
const ASIDE_QUEUE: usize = 64;
/// Shorter than a guess counts as one that is being judged.
const PATIENCE: Duration = Duration::from_secs(8);

/// A password after NFC, compared exactly. It has no `Debug`.
pub struct Plain {
    nfc: Zeroizing<String>,
    /// As it was typed, where that is another text. Other systems have hashed it like that.
    typed: Option<Zeroizing<String>>,
}

impl Plain {
    /// What a login presents: normalised, and only too long to be one is refused.
    pub fn presented(text: &str) -> Result<Self> {
        if text.is_empty() {
            return Err(Error::invalid(
                "password",
                "too_short",
                "the password is empty",
            ));
        }
        if text.len() > MAX_BYTES {
            return Err(Error::invalid("password", "too_long", "at most 1024 bytes"));
        }
        Ok(Self::composed(text))
    }

    fn composed(text: &str) -> Self {
        let nfc: Zeroizing<String> = Zeroizing::new(text.nfc().collect());
        let typed = (nfc.as_str() != text).then(|| Zeroizing::new(text.to_owned()));
        Self { nfc, typed }
    }

    /// What a registration presents, if its length is one that the policy allows. It costs next to nothing.
    pub fn sized(text: &str, policy: &Policy) -> Result<Self, Fault> {
        let fault = |kind, msg| Fault {
            field: "password",
            kind,
            msg,
        };
        if text.len() > MAX_BYTES {
            return Err(fault("too_long", "at most 1024 bytes".to_owned()));
        }
        let plain = Self::composed(text);
        let length = plain.nfc.chars().count();
        if length < policy.min_length {
            return Err(fault(
                "too_short",
                format!("at least {} characters", policy.min_length),
            ));
        }
        if length > policy.max_length {
            return Err(fault(
                "too_long",
                format!("at most {} characters", policy.max_length),
            ));
        }
        Ok(plain)
    }

    /// What a registration chooses. `about` are texts whose words an attacker tries first.
    pub fn chosen(text: &str, policy: &Policy, about: &[&str]) -> Result<Self, PasswordFault> {
        let plain = Self::sized(text, policy).map_err(PasswordFault::Field)?;
        let words = context_words(about.iter().copied());
        if is_common(&plain.nfc, &words) {
            return Err(PasswordFault::Weak(COMMON.to_owned()));
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match password_strength::weakness(&plain.nfc, &words) {
            None => Ok(plain),
            Some(reason) if reason.is_empty() => {
                Err(PasswordFault::Weak("easy to guess".to_owned()))
            }
            Some(reason) => Err(PasswordFault::Weak(reason)),
        }
    }
}

/// Why a password is refused that attackers try first.
const COMMON: &str = "a common password, or a known word with a few digits or signs";

pub enum PasswordFault {
    Field(Fault),
    Weak(String),
}

/// Argon2id behind a bounded queue: logins as many at once as there are cores, and beside them one of
/// whatever else takes long, so that registrations cannot take the cores from logins.
pub struct Hasher {
    argon2: Argon2<'static>,
    memory: HashMemory,
    queue: FairQueue,
    aside: FairQueue,
    turns: Turns,
    refused: AtomicU64,
    random: Arc<dyn Random>,
    /// Texts about this server, whose words are no passwords here.
    about: Vec<String>,
    /// What the login of an unknown user costs: as much as that of a known one.
    pub kinds: HashKinds,
    dummy: String,
}

/// Leave to hash. It moves into the blocking closure: a client that hangs up does not free it.
pub struct Permit {
    _running: Core,
    _queued: Place,
}

/// What somebody guesses at, and from where.
pub struct GuessFrom<'g> {
    pub networks: &'g Networks,
    /// The account and the source whose failures are counted.
    pub at: &'g str,
    /// Guesses at once there, and of the whole narrow network.
    pub most: usize,
    pub most_of_network: usize,
}

impl Hasher {
    pub fn new(settings: &Settings, random: Arc<dyn Random>) -> Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let places = cores * QUEUE_PER_PERMIT;
        let percent = usize::try_from(settings.network_percent).unwrap_or(100);
        let share = |places: usize| (places * percent / 100).max(1);
        let params = match settings.profile {
            // OWASP's minimum for argon2id.
            HashProfile::Standard => Params::new(19_456, 2, 1, None),
            HashProfile::Cheap => Params::new(8, 1, 1, None),
        };
        let params = params.map_err(|error| internal(&error))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut nobody = [0u8; 32];
        random.fill(&mut nobody)?;
        let memory = HashMemory::default();
        let dummy = hash(&argon2, &memory, random.as_ref(), &nobody)?;
        Ok(Self {
            argon2,
            memory,
            queue: FairQueue::new(cores, places, share(places)),
            aside: FairQueue::new(1, ASIDE_QUEUE, share(ASIDE_QUEUE)),
            turns: Turns::default(),
            refused: AtomicU64::new(0),
            random,
            about: Vec::new(),
            kinds: HashKinds::default(),
            dummy,
        })
    }

    /// Names of the product and of the host, whose words an attacker tries first.
    pub fn about(mut self, texts: Vec<String>) -> Self {
        self.about = texts;
        self
    }

    /// The key by which an address without an account draws its kind of hash. Instances that share one
    /// give the same address the same kind.
    pub fn drawing_by(mut self, key: &[u8]) -> Self {
        self.kinds = HashKinds::new(key);
        self
    }

    /// Waits for the one core of what is no login; `Overloaded` as for [`Self::permit`]. Nothing that
    /// waits or runs here takes a login's permit or its place.
    pub async fn permit_aside(&self, from: &Networks) -> Result<Permit> {
        let place = self.aside.place(from).ok_or_else(|| self.refuse())?;
        self.permit_of(&self.aside, place).await
    }

    /// Waits for a core; `Overloaded` when the queue is full, the network has its part of it, or the wait
    /// is too long.
    pub async fn permit(&self, from: &Networks) -> Result<Permit> {
        self.permit_at(self.place(from)?).await
    }

    /// A place for one of a few guesses at once at one password. The turns last until they are dropped,
    /// which is to be after the guess was judged and recorded.
    pub async fn place_to_guess(&self, guess: GuessFrom<'_>) -> Result<(Place, [Turn; 2])> {
        let place = self.place(guess.networks)?;
        let turns = async {
            let at = self.turns.take(guess.at, guess.most).await;
            let network = &guess.networks.narrow;
            [at, self.turns.take(network, guess.most_of_network).await]
        };
        let turns = tokio::time::timeout_at(place.since + PATIENCE, turns).await;
        Ok((place, turns.map_err(|_| self.refuse())?))
    }

    /// Waits for a core with a place that was taken before.
    pub async fn permit_at(&self, place: Place) -> Result<Permit> {
        self.permit_of(&self.queue, place).await
    }

    async fn permit_of(&self, queue: &FairQueue, place: Place) -> Result<Permit> {
        let waiting = tracing::info_span!(target: TARGET, "password.wait");
        // One patience for the turn and the core: a client does not wait for both in full.
        let until = place.since + PATIENCE;
        let running = tokio::time::timeout_at(until, queue.core(&place)).instrument(waiting);
        let running = running.await.map_err(|_| self.refuse())?;
        Ok(Permit {
            _running: running,
            _queued: place,
        })
    }

    fn place(&self, from: &Networks) -> Result<Place> {
        self.queue.place(from).ok_or_else(|| self.refuse())
    }

    fn refuse(&self) -> Error {
        self.refused.fetch_add(1, Ordering::Relaxed);
        Error::Overloaded
    }

    /// How long the queue is.
    pub fn queue(&self) -> HashQueue {
        let (running, taken) = self.queue.length();
        // What is no login counts too: it computes and waits beside them.
        let (running_aside, aside) = self.aside.length();
        HashQueue {
            running: running + running_aside,
            waiting: taken.saturating_sub(running) + aside.saturating_sub(running_aside),
            refused: self.refused.load(Ordering::Relaxed),
        }
    }

    /// [`Plain::chosen`] off the threads that answer requests: to judge a password takes a core for up to
    /// 30 ms. It is no login, and takes none of the cores that logins wait for.
    pub async fn judge(
        &self,
        text: Zeroizing<String>,
        policy: &Policy,
        about: [String; 3],
        from: &Networks,
    ) -> Result<Result<Plain, PasswordFault>> {
        let (permit, policy) = (self.permit_aside(from).await?, policy.clone());
        let about: Vec<String> = about
            .into_iter()
            .chain(self.about.iter().cloned())
            .collect();
        blocking(permit, move || {
            let about: Vec<&str> = about.iter().map(String::as_str).collect();
            Ok(Plain::chosen(&text, &policy, &about))
        })
        .await
    }

    pub async fn hash(&self, permit: Permit, password: Plain) -> Result<String> {
        let (argon2, random) = (self.argon2.clone(), self.random.clone());
        let memory = self.memory.clone();
        blocking(permit, move || {
            hash(&argon2, &memory, random.as_ref(), password.nfc.as_bytes())
        })
        .await
    }

    /// Takes the user as an option, so that no caller can skip the work for an unknown one: `key` names
    /// the account that is asked for, and decides on the kind of hash that stands in for a missing one.
    /// Whatever hash is stored, a wrong password takes at least as long as one of ours does, and where its
    /// typed form is another one, both are tried at an imported hash, and at what stands in for one.
    pub async fn verify(
        &self,
        permit: Permit,
        key: &str,
        user: Option<&User>,
        password: Plain,
    ) -> Result<Verdict> {
        let known = user.is_some();
        let stored = match user {
            Some(user) => user.password_hash.clone(),
            None => self.dummy.clone(),
        };
        let stand_in = match user {
            Some(_) => None,
            None => self.kinds.draw(key),
        };
        let imported = match user {
            Some(user) => user.hash_kind.is_some(),
            None => stand_in.is_some(),
        };
        let unmarked = user.filter(|user| user.password_common_at.is_none());
        let about = unmarked.map(|user| self.words_about(user));
        let (argon2, random) = (self.argon2.clone(), self.random.clone());
        let memory = self.memory.clone();
        blocking(permit, move || {
            let bytes = password.nfc.as_bytes();
            let parsed = match stand_in {
                Some(stand_in) => stand_in,
                None => StoredHash::parse(&stored).map_err(|fault| internal(&fault))?,
            };
            let mut right = parsed.verify(&memory, argon2.params(), bytes)?;
            if let Some(typed) = password.typed.filter(|_| imported && !right) {
                right = parsed.verify(&memory, argon2.params(), typed.as_bytes())?;
            }
            let right = right && known;
            // Any other hash than today's is replaced while the password is at hand, and an imported one, which
            // may be of another form than NFC. It is made for a wrong password too: a foreign hash may be
            // cheaper than ours, and right and wrong cost the same.
            let new = match parsed.is_current(argon2.params()) && !imported {
                true => None,
                false => Some(hash(&argon2, &memory, random.as_ref(), bytes)?),
            };
            if !right {
                return Ok(Verdict::Wrong);
            }
            Ok(Verdict::Right {
                rehashed: new.map(|new| Rehashed { old: stored, new }),
                common: about.is_some_and(|about| is_common(&password.nfc, &about)),
            })
        })
        .await
    }

    fn words_about(&self, user: &User) -> Vec<String> {
        let texts = self.about.iter().map(String::as_str);
        let name = user.full_name.as_deref();
        context_words(texts.chain([user.email.as_str()]).chain(name))
    }

    /// The raw hash of several short secrets under one salt, such as a set of backup codes.
    pub async fn derive(
        &self,
        permit: Permit,
        secrets: Vec<Zeroizing<String>>,
        salt: Vec<u8>,
        cost: Option<Cost>,
    ) -> Result<Vec<String>> {
        let argon2 = match cost {
            None => self.argon2.clone(),
            Some(Cost { m, t, p }) => {
                let params = Params::new(m, t, p, None).map_err(|error| internal(&error))?;
                Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            }
        };
        let memory = self.memory.clone();
        blocking(permit, move || {
            let derive = |secret: &Zeroizing<String>| {
                let mut output = [0u8; 32];
                memory.hash_into(&argon2, secret.as_bytes(), &salt, &mut output)?;
                Ok(hex::encode(output))
            };
            secrets.iter().map(derive).collect()
        })
        .await
    }

    /// Today's parameters, to be kept beside what was derived with them.
    pub fn cost(&self) -> Cost {
        let params = self.argon2.params();
        Cost {
            m: params.m_cost(),
            t: params.t_cost(),
            p: params.p_cost(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    pub m: u32,
    pub t: u32,
    pub p: u32,
}

pub enum Verdict {
    Wrong,
    Right {
        rehashed: Option<Rehashed>,
        /// The password is one that attackers try first, and the account is not marked yet.
        common: bool,
    },
}

/// A hash to be replaced: only if it is still the one that the password was held against.
pub struct Rehashed {
    pub old: String,
    pub new: String,
}

async fn blocking<T: Send + 'static>(
    permit: Permit,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let joined = tokio::task::spawn_blocking(move || {
        let result = work();
        drop(permit);
        result
    });
    let computing = tracing::info_span!(target: TARGET, "password.compute");
    let joined = joined.instrument(computing).await;
    joined.map_err(|error| internal(&error))?
}

fn hash(
    argon2: &Argon2<'_>,
    memory: &HashMemory,
    random: &dyn Random,
    password: &[u8],
) -> Result<String> {
    let mut salt = [0u8; 16];
    random.fill(&mut salt)?;
    let mut output = [0u8; Params::DEFAULT_OUTPUT_LEN];
    memory.hash_into(argon2, password, &salt, &mut output)?;
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(argon2.params()).map_err(|error| internal(&error))?,
        salt: Some(Salt::new(&salt).map_err(|error| internal(&error))?),
        hash: Some(Output::new(&output).map_err(|error| internal(&error))?),
    };
    Ok(hash.to_string())
}

fn internal(error: &dyn std::fmt::Display) -> Error {
    Error::Internal(format!("password hashing: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::random::SystemRandom;

    /// Registrations wait for each other, never for logins, and logins never for them.
    #[tokio::test]
    async fn what_is_no_login_takes_neither_a_login_s_core_nor_its_place() {
        let settings = Settings {
            profile: HashProfile::Cheap,
            ..Settings::default()
        };
        let hasher = Hasher::new(&settings, Arc::new(SystemRandom)).unwrap();
        let network = |n: usize| {
            let [high, low] = u16::try_from(n).unwrap().to_be_bytes();
            Networks::of(std::net::IpAddr::from([10, high, low, 1]))
        };
        let brief = Duration::from_millis(20);
        let first = network(0);
        let running = hasher.permit_aside(&first).await.unwrap();
        let second = tokio::time::timeout(brief, hasher.permit_aside(&first)).await;
        assert!(second.is_err(), "two registrations at once");
        let waiting: Vec<_> = (1..)
            .map_while(|n| hasher.aside.place(&network(n)))
            .collect();
        assert_eq!(waiting.len(), ASIDE_QUEUE - 1);
        let refused = hasher.permit_aside(&first).await;
        assert!(matches!(refused, Err(Error::Overloaded)));

        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let mut logins = Vec::new();
        for n in 0..cores {
            let from = network(n);
            logins.push(
                tokio::time::timeout(brief, hasher.permit(&from))
                    .await
                    .unwrap()
                    .unwrap(),
            );
        }
        assert_eq!(hasher.queue().running, cores + 1);
        assert_eq!(hasher.queue().waiting, ASIDE_QUEUE - 1);
        drop((running, waiting));
        tokio::time::timeout(brief, hasher.permit_aside(&first))
            .await
            .unwrap()
            .unwrap();
    }
}
