//! One row for each event, written in the transaction of its effect; a failure has a transaction
//! of its own, which commits although the answer is an error.

use serde_json::{Value, json};
use uuid::Uuid;

use super::operator::Operator;
use super::random::hash;
use super::{App, Client, Result};
use crate::datastore::{AuditEvent, Txn, User};

/// Who has not proved to be anybody.
pub(super) const ANONYMOUS: &str = "anonymous";
/// How `repeats` begins in a row about what strangers did.
pub(super) const STRANGERS: &str = "stranger";
const HOUR_MS: i64 = 3_600_000;

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
        let actor = actor_of(&audit);
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

    /// An event that somebody can cause as often as he likes: within an hour its repetitions are counted in
    /// one row.
    pub(super) async fn audit_repeated(
        &self,
        txn: &Txn,
        client: &Client,
        audit: Audit<'_>,
    ) -> Result<()> {
        let actor = actor_of(&audit);
        self.audit_count(txn, "repeated", &actor, client, audit)
            .await
    }

    /// The same for somebody who has not proved to be anybody. What strangers cause is kept for
    /// `retention.anonymous` only.
    pub(super) async fn audit_anonymous(
        &self,
        txn: &Txn,
        client: &Client,
        audit: Audit<'_>,
    ) -> Result<()> {
        self.audit_count(txn, STRANGERS, ANONYMOUS, client, audit)
            .await
    }

    async fn audit_count(
        &self,
        txn: &Txn,
        kind: &str,
        actor: &str,
        client: &Client,
        audit: Audit<'_>,
    ) -> Result<()> {
        let mut row = self.audit_event(actor, Some(client), audit);
        let hour = row.at.div_euclid(HOUR_MS);
        let network = client.networks().narrow;
        let same = format!(
            "{hour} {} {:?} {:?} {network} {}",
            row.event, row.user_id, row.session_id, row.detail
        );
        row.repeats = Some(format!("{kind}:{}", hash(&same)));
        txn.audit_count(row).await?;
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
            times: 1,
            last_at: None,
            repeats: None,
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

fn actor_of(audit: &Audit<'_>) -> String {
    match audit.user {
        Some(user) => format!("user:{}", user.id),
        None => ANONYMOUS.to_owned(),
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
