//! What a server does by itself, beside delivering messages: forgetting what is over, and replacing
//! keys that are old. Of several instances on one database one does it. A lease is taken for as long as
//! the work stays done, so it is also the note of when it is due again; whoever dies in the middle delays
//! it by no more than that.

use std::time::Duration;

use uuid::Uuid;

use super::App;
use super::error::Result;
use super::stored_hash::StoredHash;
use crate::config::{Retention, Seconds};
use crate::datastore::retried;

/// Rows in one transaction, so that no request waits long for the writer.
const BATCH: i64 = 1000;

/// How long a registration waits for the proof of its address. Its link lives shorter, and can be asked
/// for again meanwhile.
const UNPROVED_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// What is done, and how long it stays done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// Expired rows of all kinds.
    Purge,
    /// What is older than `retention` says.
    Retention,
    /// A signing key that is older than `keys.rotation_period`.
    Rotation,
}

impl Job {
    pub const ALL: [Self; 3] = [Self::Purge, Self::Retention, Self::Rotation];

    fn lease(self) -> &'static str {
        match self {
            Self::Purge => "job:purge",
            Self::Retention => "job:retention",
            Self::Rotation => "job:rotation",
        }
    }

    fn period(self) -> Duration {
        match self {
            Self::Purge => Duration::from_secs(3600),
            Self::Retention | Self::Rotation => Duration::from_secs(24 * 3600),
        }
    }
}

impl App {
    /// Does what is due and nobody else does, and says what that was. `holder` names this process.
    pub async fn upkeep(&self, holder: Uuid) -> Result<Vec<Job>> {
        // An instance that nobody asks for anything knows what others have changed a minute later.
        self.keys.refresh().await?;
        self.hash_kinds_refresh().await?;
        let mut done = Vec::new();
        for job in Job::ALL {
            if !self.upkeep_is_mine(job, holder, false).await? {
                continue;
            }
            if let Err(error) = self.upkeep_do(job, holder).await {
                // Somebody else may try at once, and this process soon.
                self.upkeep_give_back(job, holder).await?;
                return Err(error);
            }
            done.push(job);
        }
        Ok(done)
    }

    /// Learns which kinds of hash there are, every ten minutes: each instance draws from what it knows.
    async fn hash_kinds_refresh(&self) -> Result<()> {
        if !self.hasher.kinds.is_due(self.now()) {
            return Ok(());
        }
        loop {
            let unread = self
                .store
                .users_without_hash_kind(BATCH.unsigned_abs())
                .await?;
            if unread.is_empty() {
                break;
            }
            retried(|| async {
                let txn = self.store.begin().await?;
                for user in &unread {
                    let hash = StoredHash::parse(&user.password_hash).ok();
                    let kind = hash.and_then(|hash| hash.kind());
                    txn.user_hash_kind_set(user.id, &user.password_hash, kind.as_deref())
                        .await?;
                }
                txn.commit().await
            })
            .await?;
        }
        let counted = self.store.users_count_by_hash_kind().await?;
        self.hasher.kinds.replace(counted, self.now());
        Ok(())
    }

    async fn upkeep_do(&self, job: Job, holder: Uuid) -> Result<()> {
        let mut rows = 0;
        loop {
            let (removed, more) = match job {
                Job::Purge => {
                    self.outbox_forget().await?;
                    let unproved = self.now().minus(UNPROVED_KEPT).ms();
                    let unproved = self
                        .store
                        .users_unproved_purge(unproved, BATCH.unsigned_abs());
                    let unproved = unproved.await?;
                    let counts = self.store.purge(self.now().ms(), BATCH).await?;
                    let removed: u64 = counts.iter().map(|(_, rows)| rows).sum();
                    let full = |rows: u64| rows >= BATCH.unsigned_abs();
                    let more = full(unproved) || counts.iter().any(|(_, rows)| full(*rows));
                    (removed + unproved, more)
                }
                Job::Retention => self.retention_enforce().await?,
                Job::Rotation => {
                    if self.keys_rotate_if_due().await? {
                        tracing::info!("a new signing key is published, and signs soon");
                    }
                    break;
                }
            };
            rows += removed;
            // Long work holds on to its lease, and stops when somebody else has it.
            if !more || !self.upkeep_is_mine(job, holder, true).await? {
                break;
            }
        }
        if rows > 0 {
            tracing::info!(?job, rows, "removed what is over");
        }
        Ok(())
    }

    /// Removes a batch of what is older than it is kept, and says how many rows and whether there are more.
    async fn retention_enforce(&self) -> Result<(u64, bool)> {
        let Retention {
            audit,
            anonymous,
            known_networks,
        } = self.config.retention;
        let before = |keep: Seconds| self.now().minus(keep.duration()).ms();
        let mut counts = vec![
            self.store
                .known_networks_purge(before(known_networks), BATCH)
                .await?,
        ];
        // Zero: for ever.
        if !audit.is_zero() {
            counts.push(self.store.audit_purge(before(audit), BATCH).await?);
        }
        if !anonymous.is_zero() {
            let strangers = self
                .store
                .audit_purge_of_strangers(before(anonymous), BATCH);
            counts.push(strangers.await?);
        }
        let more = counts.iter().any(|rows| *rows >= BATCH.unsigned_abs());
        Ok((counts.iter().sum(), more))
    }

    /// Takes the job until it is due again, or goes on with one that is held.
    async fn upkeep_is_mine(&self, job: Job, holder: Uuid, goes_on: bool) -> Result<bool> {
        let now = self.now();
        let until = now.plus(job.period()).ms();
        let holder = holder.to_string();
        let mine = retried(|| async {
            let txn = self.store.begin().await?;
            let mine = match goes_on {
                true => {
                    txn.lease_take(job.lease(), &holder, now.ms(), until)
                        .await?
                }
                false => {
                    txn.lease_take_ended(job.lease(), &holder, now.ms(), until)
                        .await?
                }
            };
            txn.commit().await?;
            Ok::<_, crate::datastore::Error>(mine)
        });
        Ok(mine.await?)
    }

    async fn upkeep_give_back(&self, job: Job, holder: Uuid) -> Result<()> {
        let holder = holder.to_string();
        let released = retried(|| async {
            let txn = self.store.begin().await?;
            txn.lease_release(job.lease(), &holder).await?;
            txn.commit().await
        });
        Ok(released.await?)
    }
}
