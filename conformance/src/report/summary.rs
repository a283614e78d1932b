//! The whole run, added up.

use std::time::{Duration, Instant};

use crate::args::Arguments;
use crate::case::Profile;
use crate::coverage::Coverage;
use crate::runner::{Ended, Outcome};
use crate::witness::contract::Contract;

pub struct Summary {
    pub outcomes: Vec<Outcome>,
    pub profiles: Vec<Profile>,
    pub coverage: Coverage,
    /// What the gates of coverage object to.
    pub gaps: Vec<String>,
    pub took: Duration,
    /// A spawned run has no reason to skip anything.
    strict: bool,
    /// Some of the cases only: coverage says nothing then.
    partial: bool,
    started: Instant,
}

impl Summary {
    pub fn new(arguments: &Arguments) -> Self {
        Self {
            outcomes: Vec::new(),
            profiles: Vec::new(),
            coverage: Coverage::default(),
            gaps: Vec::new(),
            took: Duration::ZERO,
            strict: arguments.spawn,
            partial: !arguments.filter.is_empty(),
            started: Instant::now(),
        }
    }

    pub fn add(&mut self, profile: Profile, outcomes: Vec<Outcome>) {
        self.profiles.push(profile);
        self.outcomes.extend(outcomes);
    }

    pub fn finish(&mut self, coverage: Coverage, contract: &Contract) {
        // Only a run of everything can be asked for everything.
        if self.strict && !self.partial {
            self.gaps = coverage.gaps(contract);
        }
        self.coverage = coverage;
        self.took = self.started.elapsed();
    }

    pub fn is_good(&self) -> bool {
        let (passed, failed, skipped) = self.counts();
        passed > 0 && failed == 0 && self.gaps.is_empty() && !(self.strict && skipped > 0)
    }

    /// Passed, failed, skipped.
    pub fn counts(&self) -> (usize, usize, usize) {
        let count = |wanted: fn(&Ended) -> bool| {
            let outcomes = self.outcomes.iter();
            outcomes.filter(|outcome| wanted(&outcome.verdict)).count()
        };
        (
            count(|ended| matches!(ended, Ended::Passed)),
            count(|ended| matches!(ended, Ended::Failed(_))),
            count(|ended| matches!(ended, Ended::Skipped(_))),
        )
    }

    pub fn print(&self) {
        for outcome in &self.outcomes {
            for note in &outcome.notes {
                println!("NOTE    [{}] {note}", outcome.profile);
            }
        }
        for gap in &self.gaps {
            println!("GAP     {gap}");
        }
        let (passed, failed, skipped) = self.counts();
        let skips = if self.strict && skipped > 0 {
            " (a spawned run may skip nothing)"
        } else {
            ""
        };
        println!(
            "{passed} passed, {failed} failed, {skipped} skipped{skips}; {} answers checked in {:.1} s",
            self.coverage.exchanges,
            self.took.as_secs_f64()
        );
    }
}
