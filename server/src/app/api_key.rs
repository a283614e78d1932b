//! The one API key of a user: created when first asked for, shown only when rotated.

use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::audit::Audit;
use super::caller::Caller;
use super::error::{Error, Result};
use super::message::Message;
use super::random::{API_KEY_PREFIX, Minted, mint};
use super::{App, Client};
use crate::datastore::{ApiKey, Txn, User};

/// What a key may do, space separated.
const SCOPES: &str = "profile:read entitlements:read";
const HINT_CHARACTERS: usize = 4;
/// `last_used_at` is no more exact than this: a busy key would turn every read into a write.
const USE_NOTED_EVERY: Duration = Duration::from_secs(60);

/// A key with the secret that nobody will see again. It has no `Debug`.
pub struct Rotated {
    pub row: ApiKey,
    pub secret: Zeroizing<String>,
}

impl App {
    pub async fn api_key_get(&self, caller: &Caller, client: &Client) -> Result<ApiKey> {
        if let Some(row) = self.store.api_key_fetch_by_user(&caller.user).await? {
            return Ok(row);
        }
        let minted = mint(self.random.as_ref(), API_KEY_PREFIX)?;
        self.retried(|| async {
            let txn = self.store.begin().await?;
            let user = self.user_locked(&txn, caller).await?;
            self.api_key_ensure(&txn, caller, client, &user, &minted)
                .await?;
            let row = api_key_of(&txn, &user).await?;
            self.commit(txn).await?;
            Ok(row)
        })
        .await
    }

    pub async fn api_key_rotate(&self, caller: &Caller, client: &Client) -> Result<Rotated> {
        self.step_up(caller).await?;
        let minted = mint(self.random.as_ref(), API_KEY_PREFIX)?;
        let now = self.now().ms();
        self.retried(|| async {
            let txn = self.store.begin().await?;
            let user = self.user_locked(&txn, caller).await?;
            self.api_key_ensure(&txn, caller, client, &user, &minted)
                .await?;
            let hint = hint(&minted.plain);
            txn.api_key_replace(user.id, &minted.hash, API_KEY_PREFIX, &hint, now)
                .await?;
            let row = api_key_of(&txn, &user).await?;
            self.audit(&txn, client, about("api_key.rotated", &user, caller, &row))
                .await?;
            let message = Message::ApiKeyRotated {
                at: now,
                ip: client.ip.to_string(),
            };
            self.notify(&txn, &user, message).await?;
            self.commit(txn).await?;
            Ok(Rotated {
                row,
                secret: minted.plain.clone(),
            })
        })
        .await
    }

    /// Notes that a request came with the key. Most requests write nothing.
    pub(super) async fn api_key_note_use(&self, row: &ApiKey) -> Result<()> {
        let now = self.now();
        let stale = now.minus(USE_NOTED_EVERY).ms();
        if row.last_used_at.is_some_and(|at| at >= stale) {
            return Ok(());
        }
        self.retried(|| async {
            let txn = self.store.begin().await?;
            txn.api_key_touch(row.id, now.ms(), stale).await?;
            Ok(txn.commit().await?)
        })
        .await
    }

    /// Of any number of first calls one creates the key, and all see that one.
    async fn api_key_ensure(
        &self,
        txn: &Txn,
        caller: &Caller,
        client: &Client,
        user: &User,
        minted: &Minted,
    ) -> Result<()> {
        let row = ApiKey {
            id: Uuid::now_v7(),
            user_id: user.id,
            key_hash: minted.hash.clone(),
            prefix: API_KEY_PREFIX.to_owned(),
            hint: hint(&minted.plain),
            scopes: SCOPES.to_owned(),
            created_at: self.now().ms(),
            rotated_at: None,
            last_used_at: None,
            epoch: user.epoch,
        };
        if txn.api_key_insert_if_absent(row.clone()).await? {
            self.audit(txn, client, about("api_key.created", user, caller, &row))
                .await?;
        }
        Ok(())
    }
}

async fn api_key_of(txn: &Txn, user: &User) -> Result<ApiKey> {
    let row = txn.api_key_fetch_by_user(user).await?;
    row.ok_or_else(|| Error::Internal(format!("the API key of user {} is gone", user.id)))
}

fn about<'a>(event: &'a str, user: &'a User, caller: &Caller, row: &ApiKey) -> Audit<'a> {
    let detail = Value::from_iter([("api_key_id", row.id.to_string())]);
    Audit {
        event,
        user: Some(user),
        session: caller.session_id(),
        detail,
    }
}

/// The last characters: enough to tell one's keys apart, and part of the checksum, not of the
/// random bits.
fn hint(plain: &str) -> String {
    let skipped = plain.chars().count().saturating_sub(HINT_CHARACTERS);
    plain.chars().skip(skipped).collect()
}

#[cfg(test)]
mod tests {
    use super::super::random::SystemRandom;
    use super::*;

    #[test]
    fn the_hint_tells_none_of_the_random_part() {
        let minted = mint(&SystemRandom, API_KEY_PREFIX).unwrap();
        let hint = hint(&minted.plain);
        assert_eq!(hint.len(), HINT_CHARACTERS);
        assert!(minted.plain.ends_with(&hint));
        // Prefix, 43 characters of randomness, eight of checksum.
        assert_eq!(minted.plain.len(), API_KEY_PREFIX.len() + 43 + 8);
    }
}
