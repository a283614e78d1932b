//! One row for each event, written in the transaction of its effect; a failure has a transaction
//! of its own, which commits although the answer is an error.

use serde_json::{Value, json};
use uuid::Uuid;

use super::operator::Operator;
use super::{App, Client, Result};
use crate::datastore::{AuditEvent, Txn, User};

/// An event to be recorded. `detail` never holds a secret.
#[derive(Clone)]
pub struct Audit<'a> {
    pub event: &'a str,
    pub user: Option<&'a User>,
    pub session: Option<Uuid>,
    pub detail: Value,
}

impl<'a> Audit<'a> {
    pub fn of(event: &'a str, user: &'a User) -> Self {
        Self {
            event,
            user: Some(user),
            session: None,
            detail: json!({}),
        }
    }

    /// The session it happened in, if there is one.
    pub fn session(self, session: impl Into<Option<Uuid>>) -> Self {
        Self {
            session: session.into(),
            ..self
        }
    }

    pub fn detail(self, detail: Value) -> Self {
        Self { detail, ..self }
    }
}

impl App {
    pub(super) async fn audit(&self, txn: &Txn, client: &Client, audit: Audit<'_>) -> Result<()> {
        let actor = match audit.user {
            Some(user) => format!("user:{}", user.id),
            None => "anonymous".to_owned(),
        };
        self.audit_as(txn, &actor, Some(client), audit).await
    }

    pub(super) async fn audit_as(
        &self,
        txn: &Txn,
        actor: &str,
        client: Option<&Client>,
        audit: Audit<'_>,
    ) -> Result<()> {
        txn.audit_insert(self.audit_event(actor, client, audit))
            .await?;
        Ok(())
    }

    /// The row, for who writes many at once.
    pub(super) fn audit_event(
        &self,
        actor: &str,
        client: Option<&Client>,
        audit: Audit<'_>,
    ) -> AuditEvent {
        AuditEvent {
            id: Uuid::now_v7(),
            at: self.now().ms(),
            event: audit.event.to_owned(),
            user_id: audit.user.map(|user| user.id),
            tenant_id: audit.user.map(|user| user.tenant_id),
            session_id: audit.session,
            actor: actor.to_owned(),
            ip: client.map(|client| client.ip.to_string()),
            user_agent: client.and_then(|client| client.user_agent.clone()),
            request_id: client.map(|client| client.request_id.clone()),
            detail: audit.detail.to_string(),
        }
    }

    /// A failure, committed although the answer is an error.
    pub(super) async fn audit_failure(&self, client: &Client, audit: Audit<'_>) -> Result<()> {
        self.retried(|| async {
            let txn = self.store.begin().await?;
            self.audit(&txn, client, audit.clone()).await?;
            self.commit(txn).await
        })
        .await
    }
}

impl Operator {
    /// The detail of an event, with the reason that was given.
    pub(super) fn because(&self, mut detail: Value) -> Value {
        if let (Some(fields), Some(reason)) = (detail.as_object_mut(), &self.reason) {
            fields.insert("reason".to_owned(), json!(reason));
        }
        detail
    }
}
