//! The plans in force. They come from the file of each server until an operator publishes plans in the
//! database; from then on those count at every instance, with its next request.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use super::App;
use super::audit::Audit;
use super::clock::Timestamp;
use super::error::{Error, Result};
use super::operator::Operator;
use super::plans::Plans;
use super::random::hash;
use crate::datastore::{Datastore, Document};

const DOCUMENT: &str = "plans";

/// What is held of the published plans, beside those of the file.
pub struct SharedPlans {
    file: Arc<Plans>,
    held: Mutex<Held>,
}

struct Held {
    /// Of the document that was read last, whether or not it could be used.
    digest: Option<String>,
    plans: Arc<Plans>,
}

/// Where the plans in force come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlansSource {
    Builtin,
    File(PathBuf),
    Published(Timestamp),
}

impl SharedPlans {
    pub fn new(file: Plans) -> Self {
        let file = Arc::new(file);
        let held = Held {
            digest: None,
            plans: file.clone(),
        };
        Self {
            file,
            held: Mutex::new(held),
        }
    }

    async fn in_force(&self, store: &Datastore) -> Result<Arc<Plans>> {
        let digest = store.document_digest_fetch(DOCUMENT).await?;
        if let Some(plans) = self.held_of(digest.as_deref()) {
            return Ok(plans);
        }
        let document = match digest {
            Some(_) => store.document_fetch(DOCUMENT).await?,
            None => None,
        };
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(document) = document else {
            held.digest = None;
            held.plans = self.file.clone();
            return Ok(self.file.clone());
        };
        match Plans::parse(&document.body) {
            Ok(plans) => held.plans = Arc::new(plans),
            // They were whole for the version that published them. What customers had is better than
            // what nobody has decided.
            Err(error) => tracing::error!(
                %error,
                "this version cannot read the published plans, and goes on with those it had"
            ),
        }
        held.digest = Some(document.digest);
        Ok(held.plans.clone())
    }

    fn held_of(&self, digest: Option<&str>) -> Option<Arc<Plans>> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        (held.digest.as_deref() == digest).then(|| held.plans.clone())
    }
}

impl App {
    /// The plans that count now: one query by a key, and no more as long as nothing has changed.
    pub async fn plans_in_force(&self) -> Result<Arc<Plans>> {
        self.plans.in_force(&self.store).await
    }

    /// Whether a file of plans is without effect, because others were published.
    pub async fn plans_file_is_overruled(&self) -> Result<bool> {
        let published = self.store.document_digest_fetch(DOCUMENT).await?.is_some();
        let named = self.config.plans_path().is_some();
        Ok(published && named && *self.plans_in_force().await? != *self.plans.file)
    }

    /// The plans in force, and where they come from.
    pub async fn operator_plans_show(&self) -> Result<(Arc<Plans>, PlansSource)> {
        let plans = self.plans_in_force().await?;
        let document = self.store.document_fetch(DOCUMENT).await?;
        let source = match (document, self.config.plans_path()) {
            (Some(document), _) => PlansSource::Published(Timestamp(document.updated_at)),
            (None, Some(path)) => PlansSource::File(path),
            (None, None) => PlansSource::Builtin,
        };
        Ok((plans, source))
    }

    /// Lets the plans of this text count at every instance. False when they do already.
    pub async fn operator_plans_publish(&self, text: &str, operator: &Operator) -> Result<bool> {
        self.operator_reason(operator)?;
        let plans = Plans::parse(text)
            .map_err(|error| Error::invalid("plans", "plans_unusable", error.to_string()))?;
        let document = Document {
            name: DOCUMENT.to_owned(),
            body: text.to_owned(),
            digest: hash(text),
            updated_at: self.now().ms(),
        };
        let keys: Vec<&str> = plans.iter().map(|plan| plan.key.as_str()).collect();
        self.retried(|| async {
            let txn = self.store.begin().await?;
            if !txn.document_put(&document).await? {
                return Ok(false);
            }
            let detail = json!({ "digest": document.digest, "plans": keys });
            self.operator_audit(&txn, operator, about_plans("plans.published"), detail)
                .await?;
            self.commit(txn).await?;
            Ok(true)
        })
        .await
    }

    /// Goes back to the file of each instance. False when no plans were published.
    pub async fn operator_plans_unpublish(&self, operator: &Operator) -> Result<bool> {
        self.operator_reason(operator)?;
        self.retried(|| async {
            let txn = self.store.begin().await?;
            if !txn.document_delete(DOCUMENT).await? {
                return Ok(false);
            }
            self.operator_audit(&txn, operator, about_plans("plans.unpublished"), json!({}))
                .await?;
            self.commit(txn).await?;
            Ok(true)
        })
        .await
    }
}

fn about_plans(event: &str) -> Audit<'_> {
    Audit {
        event,
        user: None,
        session: None,
        detail: Value::Null,
    }
}
