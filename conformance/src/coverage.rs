//! What a run has seen: which status and error code of which operation, and what it ought to have.

use std::collections::{BTreeMap, BTreeSet};

use crate::witness::Exchange;

/// Counts of the answers to each operation.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    /// Operation, status, error code (empty for a success) and how often.
    pub seen: BTreeMap<(&'static str, u16, String), u64>,
    /// Error codes outside the operations too.
    pub codes: BTreeSet<String>,
    pub exchanges: u64,
}

impl Coverage {
    pub fn add(&mut self, exchange: &Exchange) {
        self.exchanges += 1;
        let code = exchange.error_code.clone().unwrap_or_default();
        if !code.is_empty() {
            self.codes.insert(code.clone());
        }
        if let Some(operation) = exchange.operation {
            let key = (operation, exchange.answer.status.as_u16(), code);
            *self.seen.entry(key).or_default() += 1;
        }
    }

    pub fn count(&self, operation: &str, status: u16) -> u64 {
        let hits = self.seen.iter();
        hits.filter(|((name, seen, _), _)| *name == operation && *seen == status)
            .map(|(_, count)| count)
            .sum()
    }
}

impl Coverage {
    /// What no case has produced although the document promises it.
    pub fn gaps(&self, contract: &crate::witness::contract::Contract) -> Vec<String> {
        let mut gaps = Vec::new();
        for operation in &contract.operations {
            let mut wanted = vec![operation.success()];
            wanted.extend(operation.documents_422().then_some(422));
            for status in wanted {
                if self.count(operation.id, status) == 0 {
                    gaps.push(format!("{} never answered {status}", operation.id));
                }
            }
        }
        for code in contract.error_codes.difference(&self.codes) {
            gaps.push(format!("no answer had error_code {code}"));
        }
        gaps
    }
}
