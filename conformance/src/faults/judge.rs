//! Runs cases against broken servers: those that a fault names, or any, to see which object.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt};

use super::{Fault, How};
use crate::args::Arguments;
use crate::case::Case;
use crate::cases;
use crate::runner::{Ended, NO_SERVER, Outcome, Run, Source};
use crate::witness::Recorder;

/// How many broken servers there are at once. Most of the time they wait for their disk.
const AT_ONCE: usize = 4;
/// Leaves each fault its own numbers of cases, by which the recorder tells them apart.
const CASES: u64 = 100_000;
/// An objection's first line is enough to know it by.
const SHOWN: usize = 110;

/// One fault, and what became of the cases that met it.
struct Judged {
    fault: Fault,
    outcomes: BTreeMap<String, Outcome>,
}

/// Tries every fault, or the one that is asked for; true if no case let one pass.
pub async fn run(arguments: &Arguments, source: Source, recorder: Arc<Recorder>) -> Result<bool> {
    match &arguments.fault {
        Some(name) => explore(arguments, name, source, recorder).await,
        None => all(source, recorder).await,
    }
}

async fn all(source: Source, recorder: Arc<Recorder>) -> Result<bool> {
    let started = Instant::now();
    let faults = super::all();
    let judged: Vec<Judged> = futures::stream::iter(faults.iter().enumerate())
        .map(|(number, fault)| judge(number, fault, &source, &recorder))
        .buffer_unordered(AT_ONCE)
        .inspect_ok(|judged| {
            if judged.is_caught() {
                judged.print();
            }
        })
        .try_collect()
        .await?;
    let caught = judged.iter().filter(|judged| judged.is_caught()).count();
    // Last, because the middle of a long log is what a CI's page leaves out.
    for missed in judged.iter().filter(|judged| !judged.is_caught()) {
        missed.print();
    }
    let cases: usize = faults.iter().map(|fault| fault.caught_by.len()).sum();
    println!(
        "{caught} of {} faults caught by all of their {cases} cases in {:.1} s",
        faults.len(),
        started.elapsed().as_secs_f64()
    );
    Ok(caught == faults.len())
}

/// Runs the cases that a fault names against it.
async fn judge(
    number: usize,
    fault: &Fault,
    source: &Source,
    recorder: &Arc<Recorder>,
) -> Result<Judged> {
    let named: Vec<Case> = cases::all()
        .into_iter()
        .filter(|case| fault.caught_by.contains(&case.id().as_str()))
        .collect();
    let run = broken(number, fault, source.clone(), recorder.clone(), AT_ONCE);
    let outcomes = run
        .profile(fault.profile, &named, |_| {})
        .await
        .with_context(|| format!("the fault {} cannot be tried", fault.name))?;
    Ok(Judged {
        fault: *fault,
        outcomes: outcomes
            .into_iter()
            .map(|outcome| (outcome.id.clone(), outcome))
            .collect(),
    })
}

/// Tells which of the selected cases object to a fault.
async fn explore(
    arguments: &Arguments,
    name: &str,
    source: Source,
    recorder: Arc<Recorder>,
) -> Result<bool> {
    let fault = super::all().into_iter().find(|fault| fault.name == name);
    let fault = fault.with_context(|| format!("no fault is called {name}"))?;
    let selected = arguments.selected()?;
    println!("{} [{}]: {}", fault.name, fault.profile, fault.what);
    let run = broken(0, &fault, source, recorder, arguments.jobs);
    let mut caught = 0;
    run.profile(fault.profile, &selected, |outcome| {
        if let Some(objection) = objection(outcome) {
            println!(
                "    \"{}\", // {} ms: {objection}",
                outcome.id,
                outcome.took.as_millis()
            );
            caught += 1;
        } else if let Ended::Failed(why) = &outcome.verdict {
            println!("    ({}: {})", outcome.id, short(why));
        }
    })
    .await?;
    println!("{caught} of {} cases object", selected.len());
    Ok(caught > 0)
}

fn broken(
    number: usize,
    fault: &Fault,
    source: Source,
    recorder: Arc<Recorder>,
    jobs: usize,
) -> Run {
    let mut run = Run::new(source, recorder, jobs);
    run.next_case = AtomicU64::new(number as u64 * CASES + 1);
    match fault.how {
        How::Proxy(make) => run.fault = Some(make()),
        How::Database(sql) => run.sabotage = Some(sql),
        How::Settings(settings) => run.settings = settings,
    }
    run
}

impl Judged {
    fn is_caught(&self) -> bool {
        let named = self.fault.caught_by;
        !named.is_empty() && named.iter().all(|id| self.objection(id).is_some())
    }

    fn objection(&self, id: &str) -> Option<String> {
        objection(self.outcomes.get(id)?)
    }

    fn print(&self) {
        for line in self.lines() {
            println!("{line}");
        }
    }

    /// The fault, and what each of its cases has against it.
    fn lines(&self) -> Vec<String> {
        let mark = if self.is_caught() {
            "caught "
        } else {
            "MISSED "
        };
        let head = format!(
            "{mark} {} [{}]: {}",
            self.fault.name, self.fault.profile, self.fault.what
        );
        let cases = self
            .fault
            .caught_by
            .iter()
            .map(|id| match self.objection(id) {
                Some(objection) => format!("          {id}: {objection}"),
                None => format!("  MISSED  {id}: {}", self.instead(id)),
            });
        std::iter::once(head).chain(cases).collect()
    }

    /// What a case did that ought to have objected.
    fn instead(&self, id: &str) -> String {
        match self.outcomes.get(id).map(|outcome| &outcome.verdict) {
            None => "it does not run in this profile".to_owned(),
            Some(Ended::Passed) => "it passed".to_owned(),
            Some(Ended::Skipped(why)) => format!("it was skipped: {why}"),
            Some(Ended::Failed(why)) => format!("it failed for another reason: {}", short(why)),
        }
    }
}

/// What a case has against the fault. A server that does not start, hangs or falls over is broken in
/// another way than the fault says, and a panic is the case's own.
fn objection(outcome: &Outcome) -> Option<String> {
    let Ended::Failed(why) = &outcome.verdict else {
        return None;
    };
    let another_reason = [
        NO_SERVER,
        "it did not end within",
        "the case panicked",
        "the server gave no answer",
        "internal_error",
    ];
    (!another_reason.iter().any(|reason| why.contains(reason))).then(|| short(why))
}

fn short(why: &str) -> String {
    let why = why
        .strip_prefix("answers break the contract:\n")
        .unwrap_or(why);
    let line = why.lines().next().unwrap_or_default();
    let shown: String = line.chars().take(SHOWN).collect();
    if shown.len() < line.len() {
        format!("{shown}...")
    } else {
        shown
    }
}
