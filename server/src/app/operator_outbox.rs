//! What operators do to messages that were not delivered.

use serde_json::{Value, json};
use uuid::Uuid;

use super::App;
use super::audit::Audit;
use super::clock::Timestamp;
use super::error::{Error, Result};
use super::operator::Operator;
use crate::datastore::{OutboxRow, retried};

/// A message without its content, which nobody may read but its recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageLine {
    pub id: Uuid,
    pub kind: String,
    pub template: String,
    pub recipient: String,
    pub user_id: Option<Uuid>,
    pub state: String,
    pub attempts: i32,
    pub created_at: Timestamp,
    pub next_attempt_at: Timestamp,
    pub expires_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    pub last_error: Option<String>,
    /// Whether it can still be sent.
    pub has_content: bool,
}

/// Rows in one transaction.
const BATCH: u32 = 1000;

impl App {
    pub async fn operator_outbox_list(
        &self,
        state: Option<&str>,
        most: u64,
    ) -> Result<Vec<MessageLine>> {
        let rows = self.store.outbox_list(state, most).await?;
        Ok(rows.into_iter().map(MessageLine::from).collect())
    }

    pub async fn operator_outbox_show(&self, id: Uuid) -> Result<MessageLine> {
        let row = self.store.outbox_fetch(id).await?;
        Ok(row.ok_or(Error::NotFound)?.into())
    }

    /// Has a message sent now, or all that are dead. Says how many.
    pub async fn operator_outbox_retry(
        &self,
        id: Option<Uuid>,
        operator: &Operator,
    ) -> Result<u64> {
        self.operator_reason(operator)?;
        if let Some(id) = id {
            self.operator_outbox_show(id).await?;
        }
        let retried = self
            .retried(|| async {
                let txn = self.store.begin().await?;
                let rows = txn.outbox_revive(id, self.now().ms()).await?;
                if rows == 0 {
                    return Ok(0);
                }
                let detail = match id {
                    Some(id) => json!({ "message": id.to_string() }),
                    None => json!({ "messages": rows }),
                };
                self.operator_audit(&txn, operator, about("outbox.retried"), detail)
                    .await?;
                self.commit(txn).await?;
                Ok(rows)
            })
            .await?;
        Ok(retried)
    }

    /// Removes what has ended in this state and is older than that moment. Says how many.
    pub async fn operator_outbox_purge(
        &self,
        state: &str,
        before: Timestamp,
        operator: &Operator,
    ) -> Result<u64> {
        self.operator_reason(operator)?;
        let mut removed = 0;
        loop {
            let rows = self
                .retried(|| async {
                    let txn = self.store.begin().await?;
                    let rows = txn
                        .outbox_remove(state, before.ms(), i64::from(BATCH))
                        .await?;
                    if rows > 0 {
                        let detail = json!({ "state": state, "messages": rows });
                        self.operator_audit(&txn, operator, about("outbox.purged"), detail)
                            .await?;
                    }
                    self.commit(txn).await?;
                    Ok(rows)
                })
                .await?;
            removed += rows;
            if rows < u64::from(BATCH) {
                return Ok(removed);
            }
        }
    }

    /// Forgets the content of what is dead and has expired.
    pub(super) async fn outbox_forget(&self) -> Result<()> {
        retried(|| async {
            let txn = self.store.begin().await?;
            txn.outbox_forget(self.now().ms()).await?;
            txn.commit().await
        })
        .await?;
        Ok(())
    }
}

impl From<OutboxRow> for MessageLine {
    fn from(row: OutboxRow) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            template: row.template,
            recipient: row.recipient,
            user_id: row.user_id,
            state: row.state,
            attempts: row.attempts,
            created_at: Timestamp(row.created_at),
            next_attempt_at: Timestamp(row.next_attempt_at),
            expires_at: Timestamp(row.expires_at),
            finished_at: row.finished_at.map(Timestamp),
            last_error: row.last_error,
            has_content: !row.payload.is_empty(),
        }
    }
}

fn about(event: &str) -> Audit<'_> {
    Audit {
        event,
        user: None,
        session: None,
        detail: Value::Null,
    }
}
