//! Which kinds of hash the accounts have, and how many of each. A login for an address without an account
//! does the work of one of them, or its time would tell that no imported account has this address.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::clock::Timestamp;
use super::stored_hash::StoredHash;

/// A kind as the database names it; `None` is a hash of ours.
type Kind = Option<String>;

/// A login replaces one hash; the shares change slowly.
const COUNTED_FOR: Duration = Duration::from_secs(600);

pub struct HashKinds {
    key: Hmac<Sha256>,
    counted: RwLock<Counted>,
}

#[derive(Clone, Default)]
struct Counted {
    kinds: Arc<Vec<(Kind, i64)>>,
    at: Option<Timestamp>,
}

impl Default for HashKinds {
    fn default() -> Self {
        Self::new(&[])
    }
}

impl HashKinds {
    pub fn new(key: &[u8]) -> Self {
        // HMAC takes keys of any length.
        let key = Hmac::new_from_slice(key).unwrap_or_else(|_| Hmac::new(&Default::default()));
        Self {
            key,
            counted: RwLock::default(),
        }
    }

    /// Whether it is time to count again.
    pub fn is_due(&self, now: Timestamp) -> bool {
        let counted = self.counted().at;
        counted.is_none_or(|at| at.plus(COUNTED_FOR).ms() <= now.ms())
    }

    /// Goes on with these numbers of accounts.
    pub fn replace(&self, kinds: Vec<(Kind, i64)>, now: Timestamp) {
        let (kinds, at) = (Arc::new(kinds), Some(now));
        *self.counted.write().unwrap_or_else(PoisonError::into_inner) = Counted { kinds, at };
    }

    fn counted(&self) -> Counted {
        self.counted
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// What stands in for the hash of this address; `None` is a hash of ours.
    pub fn draw(&self, address: &str) -> Option<StoredHash> {
        let counted = self.counted().kinds;
        // Weighted rendezvous hashing: each kind wins in proportion to its number, and an address changes
        // its kind only when that kind becomes rarer or the new one more frequent, as real accounts do.
        let rank = |(kind, number): &(Kind, i64)| {
            let weight = f64::from(u32::try_from(*number).unwrap_or(u32::MAX));
            weight
                / -self
                    .uniform(address, kind.as_deref().unwrap_or_default())
                    .ln()
        };
        let drawn = counted.iter().max_by(|a, b| rank(a).total_cmp(&rank(b)))?;
        drawn.0.as_deref().and_then(StoredHash::stand_in)
    }

    /// Between 0 and 1, without either. An attacker who does not have the key cannot tell what it is.
    fn uniform(&self, address: &str, kind: &str) -> f64 {
        let mut mac = self.key.clone();
        mac.update(address.as_bytes());
        mac.update(&[0]);
        mac.update(kind.as_bytes());
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        let [a, b, c, d, ..] = digest;
        (f64::from(u32::from_le_bytes([a, b, c, d])) + 0.5) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BCRYPT: &str = "bcrypt 10 plain";
    const PBKDF2: &str = "pbkdf2 sha256 600000 32";

    fn kinds(ours: i64, bcrypt: i64, pbkdf2: i64) -> HashKinds {
        let kinds = HashKinds::new(b"secret");
        let some = |kind: &str| Some(kind.to_owned());
        kinds.replace(
            vec![(None, ours), (some(BCRYPT), bcrypt), (some(PBKDF2), pbkdf2)],
            Timestamp(0),
        );
        kinds
    }

    fn drawn(kinds: &HashKinds) -> Vec<Option<String>> {
        let draw = |n| {
            kinds
                .draw(&format!("u{n}@example.com"))
                .and_then(|hash| hash.kind())
        };
        (0..3000).map(draw).collect()
    }

    #[test]
    fn unknown_addresses_have_the_kinds_of_known_ones_in_their_proportion() {
        let drawn = drawn(&kinds(100, 600, 300));
        let share = |kind: Option<&str>| {
            let having = drawn
                .iter()
                .filter(|drawn| drawn.as_deref() == kind)
                .count();
            having * 100 / drawn.len()
        };
        assert!((8..=12).contains(&share(None)), "{}", share(None));
        assert!(
            (57..=63).contains(&share(Some(BCRYPT))),
            "{}",
            share(Some(BCRYPT))
        );
        assert!(
            (27..=33).contains(&share(Some(PBKDF2))),
            "{}",
            share(Some(PBKDF2))
        );
        assert!(HashKinds::default().draw("u@example.com").is_none());
        assert!(kinds(5, 0, 0).draw("u@example.com").is_none());
    }

    #[test]
    fn an_address_keeps_its_kind_but_for_those_that_logins_have_replaced() {
        let before = drawn(&kinds(100, 600, 300));
        let after = drawn(&kinds(400, 400, 200));
        for (before, after) in before.iter().zip(&after) {
            assert!(
                before == after || after.is_none(),
                "{before:?} became {after:?}"
            );
        }
        assert_eq!(before, drawn(&kinds(100, 600, 300)));
    }

    #[test]
    fn without_the_key_the_kind_of_an_address_cannot_be_told() {
        let other = HashKinds::new(b"another secret");
        other.replace(vec![(None, 1), (Some(BCRYPT.to_owned()), 1)], Timestamp(0));
        let one = HashKinds::new(b"secret");
        one.replace(vec![(None, 1), (Some(BCRYPT.to_owned()), 1)], Timestamp(0));
        let (one, other) = (drawn(&one), drawn(&other));
        let equal = one.iter().zip(&other).filter(|(a, b)| a == b).count();
        assert!((1300..=1700).contains(&equal), "{equal} of 3000");
    }
}
