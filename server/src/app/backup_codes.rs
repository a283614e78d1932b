//! Backup codes: ten of 50 random bits, one argon2id for each guess.

use serde_json::json;
use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::audit::Audit;
use super::caller::Caller;
use super::challenge::Proof;
use super::characters::code_text;
use super::error::{Error, Result};
use super::message::Message;
use super::methods::verified;
use super::network::Networks;
use super::password::{Cost, Permit};
use super::{App, Client};
use crate::datastore::{BackupCode, User};

const CODES: usize = 10;
/// Crockford's alphabet: no letter that is mistaken for a digit. Ten characters are 50 bits.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const CHARACTERS: usize = 10;

/// A new set, not stored yet. All codes share one salt, so that a guess costs one hash.
#[derive(Clone)]
pub(super) struct FreshCodes {
    pub plain: Vec<Zeroizing<String>>,
    hashes: Vec<String>,
    salt: String,
}

pub struct RegeneratedCodes {
    pub codes: Vec<Zeroizing<String>>,
    pub generated_at: i64,
}

impl App {
    pub async fn backup_codes_regenerate(
        &self,
        caller: &Caller,
        client: &Client,
    ) -> Result<RegeneratedCodes> {
        let methods = self.step_up(caller).await?;
        if verified(&methods).is_empty() {
            return Err(Error::MfaNotEnabled);
        }
        let fresh = self.backup_codes_mint(&client.networks()).await?;
        let now = self.now().ms();
        self.retried(|| async {
            let txn = self.store.begin().await?;
            let user = self.user_locked(&txn, caller).await?;
            if verified(&txn.mfa_methods_list(user.id).await?).is_empty() {
                return Err(Error::MfaNotEnabled);
            }
            // The session that is shown the new set keeps its second factor; others that used a code of the
            // old set lose it.
            if let Some(session) = caller.session_id() {
                txn.session_backup_codes_set(session, &fresh.salt).await?;
            }
            txn.backup_codes_replace(user.id, fresh.rows(user.id, now))
                .await?;
            let audit =
                Audit::of("mfa.backup_codes.regenerated", &user).session(caller.session_id());
            self.audit(&txn, client, audit.detail(json!({ "codes": CODES })))
                .await?;
            let message = Message::BackupCodesRegenerated {
                at: now,
                ip: client.ip.to_string(),
            };
            self.notify(&txn, &user, message).await?;
            self.commit(txn).await?;
            Ok(RegeneratedCodes {
                codes: fresh.plain.clone(),
                generated_at: now,
            })
        })
        .await
    }

    pub(super) async fn backup_codes_mint(&self, from: &Networks) -> Result<FreshCodes> {
        let mut salt = [0u8; 16];
        self.random.fill(&mut salt)?;
        let mut plain = Vec::with_capacity(CODES);
        while plain.len() < CODES {
            let code = self.backup_code()?;
            if !plain.contains(&code) {
                plain.push(code);
            }
        }
        let secrets = plain
            .iter()
            .map(|code| Zeroizing::new(normalise(code)))
            .collect();
        let permit = self.hasher.permit_aside(from).await?;
        let hashes = self
            .hasher
            .derive(permit, secrets, salt.to_vec(), None)
            .await?;
        let Cost { m, t, p } = self.hasher.cost();
        Ok(FreshCodes {
            plain,
            hashes,
            salt: format!("{m},{t},{p}${}", hex::encode(salt)),
        })
    }

    /// What the row of this code holds, if the code is one of the user's unused ones.
    pub(super) async fn backup_code_proof(
        &self,
        permit: Permit,
        user: &User,
        code: &str,
    ) -> Result<Option<Proof>> {
        let rows = self.store.backup_codes_fetch(user.id).await?;
        let Some(salt) = rows.first().map(|row| row.salt.clone()) else {
            return Ok(None);
        };
        let (cost, random) = parse_salt(&salt)
            .ok_or_else(|| Error::Internal("a backup code has a malformed salt".to_owned()))?;
        let secret = Zeroizing::new(normalise(code));
        let hashes = self
            .hasher
            .derive(permit, vec![secret], random, Some(cost))
            .await?;
        let hash = hashes.into_iter().next().filter(|hash| {
            rows.iter()
                .any(|row| row.used_at.is_none() && row.code_hash == *hash)
        });
        Ok(hash.map(|hash| Proof::BackupCode { hash, salt }))
    }

    fn backup_code(&self) -> Result<Zeroizing<String>> {
        let mut bytes = Zeroizing::new([0u8; CHARACTERS]);
        self.random.fill(bytes.as_mut())?;
        let mut code = Zeroizing::new(String::with_capacity(CHARACTERS + 1));
        for (index, byte) in bytes.iter().enumerate() {
            if index == CHARACTERS / 2 {
                code.push('-');
            }
            let symbol = ALPHABET
                .get(usize::from(byte % 32))
                .copied()
                .unwrap_or(b'0');
            code.push(char::from(symbol));
        }
        Ok(code)
    }
}

impl FreshCodes {
    pub fn rows(&self, user: Uuid, now: i64) -> Vec<BackupCode> {
        (0i32..)
            .zip(&self.hashes)
            .map(|(slot, hash)| BackupCode {
                id: Uuid::now_v7(),
                user_id: user,
                slot,
                salt: self.salt.clone(),
                code_hash: hash.clone(),
                created_at: now,
                used_at: None,
            })
            .collect()
    }
}

/// As typed from paper: case, width, dashes and spaces do not count, and O, I and L are what they look like.
fn normalise(code: &str) -> String {
    code_text(code)
        .nfkc()
        .map(|c| match c.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            other => other,
        })
        .collect()
}

fn parse_salt(text: &str) -> Option<(Cost, Vec<u8>)> {
    let (cost, salt) = text.split_once('$')?;
    let mut parts = cost.split(',').map(|part| part.parse::<u32>().ok());
    let cost = Cost {
        m: parts.next()??,
        t: parts.next()??,
        p: parts.next()??,
    };
    Some((cost, hex::decode(salt).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_copied_from_paper_is_the_same_code() {
        assert_eq!(normalise("ABCDE-01234"), normalise("abcde o1234".trim()));
        assert_eq!(normalise("LIL00-00000"), "1110000000");
        assert_eq!(
            normalise("ａＢc\u{661}２\u{2013}３4\u{a0}5\u{200b}67"),
            "abc1234567"
        );
    }
}
