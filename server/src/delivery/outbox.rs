//! The worker's view of the outbox table.

use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use super::worker::{Claimed, Kind, OutboxStore, StoreError};
use crate::app::App;
use crate::app::clock::Timestamp;
use crate::datastore::{Datastore, Error, OutboxRow, retried};

pub struct DatabaseOutbox {
    store: Datastore,
    /// Whose keys seal the messages.
    app: Arc<App>,
}

impl DatabaseOutbox {
    pub fn new(store: Datastore, app: Arc<App>) -> Self {
        Self { store, app }
    }

    async fn finish(
        &self,
        id: Uuid,
        state: &str,
        now: Timestamp,
        error: Option<&str>,
    ) -> Result<(), StoreError> {
        let done = retried(|| async {
            let txn = self.store.begin().await?;
            txn.outbox_finish(id, state, now.ms(), error).await?;
            txn.commit().await
        });
        Ok(done.await?)
    }
}

#[async_trait]
impl OutboxStore for DatabaseOutbox {
    async fn claim(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Claimed>, StoreError> {
        // A look without a transaction first: an idle worker must not take turns with writers.
        if self
            .store
            .outbox_next_due()
            .await?
            .is_none_or(|due| due > now.ms())
        {
            return Ok(Vec::new());
        }
        let rows = retried(|| async {
            let txn = self.store.begin().await?;
            let rows = txn
                .outbox_claim(now.ms(), lease_until.ms(), i64::from(limit))
                .await?;
            txn.commit().await?;
            Ok::<_, Error>(rows)
        });
        Ok(rows.await?.into_iter().map(claimed).collect())
    }

    async fn mark_sent(&self, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
        self.finish(id, "sent", now, None).await
    }

    async fn mark_dead(&self, id: Uuid, now: Timestamp, error: &str) -> Result<(), StoreError> {
        self.finish(id, "dead", now, Some(error)).await
    }

    async fn retry_at(&self, id: Uuid, next: Timestamp, error: &str) -> Result<(), StoreError> {
        let done = retried(|| async {
            let txn = self.store.begin().await?;
            txn.outbox_retry_at(id, next.ms(), error).await?;
            txn.commit().await
        });
        Ok(done.await?)
    }

    async fn give_back(&self, id: Uuid) -> Result<(), StoreError> {
        let done = retried(|| async {
            let txn = self.store.begin().await?;
            txn.outbox_give_back(id).await?;
            txn.commit().await
        });
        Ok(done.await?)
    }

    async fn expire(&self, now: Timestamp) -> Result<u64, StoreError> {
        if self.store.outbox_next_due().await?.is_none() {
            return Ok(0);
        }
        let expired = retried(|| async {
            let txn = self.store.begin().await?;
            let expired = txn.outbox_expire(now.ms()).await?;
            txn.commit().await?;
            Ok::<_, Error>(expired)
        });
        Ok(expired.await?)
    }

    async fn learn_keys(&self) -> Result<(), StoreError> {
        let learnt = self.app.keys.refresh().await;
        learnt.map_err(|error| StoreError(format!("the keys cannot be read: {error:?}")))
    }

    async fn next_due(&self) -> Result<Option<i64>, StoreError> {
        Ok(self.store.outbox_next_due().await?)
    }
}

fn claimed(row: OutboxRow) -> Claimed {
    Claimed {
        id: row.id,
        kind: match row.kind.as_str() {
            "sms" => Kind::Sms,
            _ => Kind::Mail,
        },
        template: row.template,
        locale: row.locale,
        recipient: row.recipient,
        payload: row.payload,
        attempts: u32::try_from(row.attempts).unwrap_or(0),
        created_at: Timestamp(row.created_at),
        expires_at: Timestamp(row.expires_at),
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        Self(error.to_string())
    }
}
