//! What the witness remembers: the exchanges of each case, and what the whole run has covered.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use super::contract::Contract;
use super::{Answer, Exchange, Sent};
use crate::case::Setting;
use crate::coverage::Coverage;

/// How much of a case its transcript keeps: the end is what explains a failure.
const TRANSCRIPT: usize = 60;

pub type CaseId = u64;

/// Shared by all witnesses of a run.
pub struct Recorder {
    pub contract: Contract,
    cases: Mutex<HashMap<CaseId, Transcript>>,
    coverage: Mutex<Coverage>,
}

/// What a case said and heard.
#[derive(Default, Clone)]
pub struct Transcript {
    pub exchanges: VecDeque<Arc<Exchange>>,
    pub total: usize,
    /// All objections, also of exchanges that are no longer kept.
    pub objections: Vec<String>,
    /// The settings that its answers can depend on.
    pub settings: BTreeSet<Setting>,
    /// What the case had to tell beside its verdict.
    pub notes: Vec<String>,
}

impl Recorder {
    pub fn new(contract: Contract) -> Arc<Self> {
        Arc::new(Self {
            contract,
            cases: Mutex::default(),
            coverage: Mutex::default(),
        })
    }

    /// Holds an answer against the document and keeps it.
    pub fn record(&self, case: CaseId, sent: Sent, answer: Answer) -> Arc<Exchange> {
        let exchange = Arc::new(self.contract.judge(sent, answer));
        lock(&self.coverage).add(&exchange);
        let mut cases = lock(&self.cases);
        let transcript = cases.entry(case).or_default();
        transcript.total += 1;
        transcript
            .objections
            .extend(exchange.objections.iter().cloned());
        if let Some(operation) = exchange.operation {
            let status = exchange.answer.status.as_u16();
            let code = exchange.error_code.as_deref();
            transcript
                .settings
                .extend(Setting::met_by(operation, status, code));
        }
        transcript.exchanges.push_back(exchange.clone());
        if transcript.exchanges.len() > TRANSCRIPT {
            transcript.exchanges.pop_front();
        }
        exchange
    }

    /// Takes a case's transcript away; the case has ended.
    pub fn take(&self, case: CaseId) -> Transcript {
        lock(&self.cases).remove(&case).unwrap_or_default()
    }

    pub fn note(&self, case: CaseId, text: String) {
        lock(&self.cases).entry(case).or_default().notes.push(text);
    }

    /// A case's transcript so far.
    pub fn peek(&self, case: CaseId) -> Transcript {
        lock(&self.cases).get(&case).cloned().unwrap_or_default()
    }

    pub fn coverage(&self) -> Coverage {
        lock(&self.coverage).clone()
    }
}

/// A case that panicked while it held the lock has left nothing half-done in these collections.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
