//! Cases that nobody writes one by one: every credential at every operation, every field with every bad
//! value. What there is to combine comes from the snapshot, so that an operation or a field that is
//! added there is tried at once, or fails loudly for want of a rule.

pub mod credential;
pub mod field;

pub mod snapshot;

use anyhow::{bail, ensure};

use crate::case::Verdict;

/// All deviations at once: the pattern among them says more than the first of them.
pub fn verdict(said: Vec<Option<String>>) -> Verdict {
    ensure!(!said.is_empty(), "there was nothing to try");
    let tried = said.len();
    let deviations: Vec<String> = said.into_iter().flatten().collect();
    if deviations.is_empty() {
        return Ok(());
    }
    bail!(
        "{} of {tried} deviate:\n{}",
        deviations.len(),
        deviations.join("\n")
    )
}
