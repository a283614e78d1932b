//! What a run has seen: which status and error code of which operation, and what it ought to have.

use std::collections::{BTreeMap, BTreeSet};

use crate::witness::Exchange;
use crate::witness::contract::Contract;

/// Error codes that no case produces, and why. The list can only shrink: a run that meets one of them
/// after all fails until it is taken off.
pub const EXCEPTIONS: &[(&str, &str)] = &[(
    "delivery_unavailable",
    "messages leave through the outbox, so that no operation waits for their delivery",
)];

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

    /// What no case has produced although the document promises it, and exceptions that are none.
    pub fn gaps(&self, contract: &Contract) -> Vec<String> {
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
        for code in &contract.error_codes {
            let excepted = EXCEPTIONS.iter().any(|(exception, _)| exception == code);
            match (self.codes.contains(code), excepted) {
                (false, false) => gaps.push(format!("no answer had error_code {code}")),
                (true, true) => gaps.push(format!(
                    "{code} was answered; take it off the list of exceptions"
                )),
                (true, false) | (false, true) => {}
            }
        }
        for (exception, _) in EXCEPTIONS {
            if !contract.error_codes.contains(*exception) {
                gaps.push(format!(
                    "{exception} is no error_code; take it off the list of exceptions"
                ));
            }
        }
        gaps
    }

    /// One line for each operation: its statuses, how often each was met, and its error codes.
    pub fn table(&self, contract: &Contract) -> Vec<Row> {
        let operations = contract.operations.iter();
        operations
            .map(|operation| {
                let mut row = Row {
                    operation: operation.id,
                    path: format!("{} {}", operation.method, operation.path),
                    statuses: BTreeMap::new(),
                };
                for ((name, status, code), count) in &self.seen {
                    if *name == operation.id {
                        let cell = row.statuses.entry(*status).or_default();
                        cell.count += count;
                        if !code.is_empty() {
                            cell.codes.insert(code.clone());
                        }
                    }
                }
                row
            })
            .collect()
    }
}

/// What was seen of one operation.
pub struct Row {
    pub operation: &'static str,
    pub path: String,
    pub statuses: BTreeMap<u16, Cell>,
}

#[derive(Default)]
pub struct Cell {
    pub count: u64,
    pub codes: BTreeSet<String>,
}

#[cfg(test)]
mod tests;
