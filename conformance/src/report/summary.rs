//! The whole run, added up.

use std::time::{Duration, Instant};

use crate::args::Arguments;
use crate::case::Profile;
use crate::coverage::{Coverage, EXCEPTIONS, Row};
use crate::runner::{Ended, Outcome};
use crate::witness::contract::Contract;

pub struct Summary {
    pub outcomes: Vec<Outcome>,
    pub profiles: Vec<Profile>,
    pub coverage: Coverage,
    /// The same, one row for each operation.
    pub table: Vec<Row>,
    /// What the gates of coverage object to.
    pub gaps: Vec<String>,
    /// What cases had to tell beside their verdict.
    pub notes: Vec<String>,
    pub took: Duration,
    /// A spawned run has no reason to skip anything, unless a proxy of its own answers some of it.
    strict: bool,
    fronted: bool,
    /// Some of the cases or profiles only: coverage says nothing then.
    partial: bool,
    started: Instant,
}

impl Summary {
    pub fn new(arguments: &Arguments) -> Self {
        let fronted = arguments.has_front();
        Self {
            strict: arguments.spawn,
            fronted,
            // The strict profile has the cases that reach everything.
            partial: fronted
                || arguments.affected
                || !arguments.filter.is_empty()
                || !arguments.profiles().contains(&Profile::Strict),
            ..Self::empty()
        }
    }

    /// Of nothing yet.
    pub fn empty() -> Self {
        Self {
            outcomes: Vec::new(),
            profiles: Vec::new(),
            coverage: Coverage::default(),
            table: Vec::new(),
            gaps: Vec::new(),
            notes: Vec::new(),
            took: Duration::ZERO,
            strict: false,
            fronted: false,
            partial: false,
            started: Instant::now(),
        }
    }

    pub fn add(&mut self, profile: Profile, outcomes: Vec<Outcome>) {
        self.profiles.push(profile);
        let notes = outcomes.iter().flat_map(|outcome| &outcome.notes);
        self.notes.extend(notes.cloned());
        self.outcomes.extend(outcomes);
    }

    pub fn finish(&mut self, coverage: Coverage, contract: &Contract) {
        // Only a run of everything can be asked for everything.
        if self.strict && !self.partial {
            self.gaps = coverage.gaps(contract);
        }
        self.table = coverage.table(contract);
        self.coverage = coverage;
        self.took = self.started.elapsed();
    }

    pub fn is_good(&self) -> bool {
        let (passed, failed, skipped) = self.counts();
        passed > 0 && failed == 0 && self.gaps.is_empty() && !(self.may_not_skip() && skipped > 0)
    }

    fn may_not_skip(&self) -> bool {
        self.strict && !self.fronted
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

    fn print_coverage(&self) {
        println!("\noperation                  answers by status");
        for row in &self.table {
            let cells: Vec<String> = row
                .statuses
                .iter()
                .map(|(status, cell)| format!("{status}:{}", cell.count))
                .collect();
            println!("{:26} {}", row.operation, cells.join(" "));
        }
        let covered = self.table.iter().filter(|row| !row.statuses.is_empty());
        println!(
            "{}/{} operations, {} error codes ({} excepted)",
            covered.count(),
            self.table.len(),
            self.coverage.codes.len(),
            EXCEPTIONS.len()
        );
    }

    pub fn print(&self) {
        self.print_coverage();
        for note in &self.notes {
            println!("{note}");
        }
        for gap in &self.gaps {
            println!("GAP     {gap}");
        }
        let (passed, failed, skipped) = self.counts();
        let skips = if self.may_not_skip() && skipped > 0 {
            " (this run may skip nothing)"
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
