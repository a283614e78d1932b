//! How much of the model a walk has seen.

use std::collections::BTreeSet;

use super::action::Action;

#[derive(Debug, Default)]
pub struct Count {
    pub steps: usize,
    /// Kinds of actions, each with what came of it.
    pub outcomes: BTreeSet<String>,
    pub states: BTreeSet<String>,
    /// From a state to a state by an outcome.
    pub transitions: BTreeSet<(String, String, String)>,
}

impl Count {
    pub fn step(&mut self, before: &str, action: &Action, outcome: &str, after: String) {
        self.steps += 1;
        let how = format!("{} {outcome}", name(action));
        let transition = (before.to_owned(), how.clone(), after.clone());
        self.transitions.insert(transition);
        self.outcomes.insert(how);
        self.states.insert(after);
    }
}

/// The action without its choices.
fn name(action: &Action) -> String {
    let text = format!("{action:?}");
    let end = text.find(|c: char| !c.is_ascii_alphanumeric());
    text[..end.unwrap_or(text.len())].to_owned()
}
