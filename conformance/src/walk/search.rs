//! Sequence after sequence, each with new people and from dice of its own; the first that goes wrong
//! is made as short as it can be.

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use proptest_state_machine::ReferenceStateMachine;
use tokio::runtime::Handle;

use super::action::{self, Action};
use super::count::Count;
use super::drive::World;
use super::model::Model;
use super::shrink::shrink;
use crate::case::Verdict;
use crate::trial::Trial;

/// Long enough for locks, short enough to be shrunk while somebody waits.
const LENGTH: usize = 150;
const SHRINKING: Duration = Duration::from_secs(90);

/// How many people a sequence is about.
pub struct Crowd<const PEOPLE: usize>;

impl<const PEOPLE: usize> ReferenceStateMachine for Crowd<PEOPLE> {
    type State = Model;
    type Transition = Action;

    fn init_state() -> BoxedStrategy<Model> {
        Just(Model::new(PEOPLE)).boxed()
    }

    fn transitions(model: &Model) -> BoxedStrategy<Action> {
        action::next(model)
    }

    fn apply(mut model: Model, action: &Action) -> Model {
        model.apply(action);
        model
    }
}

/// Walks half of the steps that the caller wants, with so many people at a time.
pub async fn walk<const PEOPLE: usize>(t: Trial) -> Verdict {
    let handle = Handle::current();
    // Value trees cannot wait in a task: they belong to one thread.
    tokio::task::spawn_blocking(move || sequences::<PEOPLE>(&t, &handle)).await?
}

fn sequences<const PEOPLE: usize>(t: &Trial, handle: &Handle) -> Verdict {
    let started = Instant::now();
    let options = t.options();
    let steps = options.walk_steps.div_ceil(2);
    let http = [t.http(), t.elsewhere().as_ref().unwrap_or(t).http()];
    let mut count = Count::default();
    let mut number = 0;
    while count.steps < steps {
        let run = |actions: &[Action], first: bool| {
            let count = first.then_some(&mut count);
            handle.block_on(run(t, &http, PEOPLE, actions, count))
        };
        if let Err(found) = sequence::<PEOPLE>(options.seed, number, run) {
            return Err(anyhow!(
                "{found}\nwalk of {PEOPLE}, sequence {number}; replay with --seed {}",
                options.seed
            ));
        }
        number += 1;
    }
    let per_second = count.steps as f64 / started.elapsed().as_secs_f64();
    t.note(format!(
        "walk of {PEOPLE}: {} steps in {number} sequences, {} actions x outcomes, {} abstract states, \
         {} transitions, {per_second:.0} steps/s, seed {}",
        count.steps,
        count.outcomes.len(),
        count.states.len(),
        count.transitions.len(),
        options.seed
    ));
    Ok(())
}

/// What went wrong, and the shortest way there that was found.
pub struct Found {
    pub actions: Vec<Action>,
    wrong: Wrong,
    before: usize,
    tries: usize,
}

/// The end of a run that did not go as predicted.
pub struct Wrong {
    pub error: anyhow::Error,
    /// What happened until then, the last action being the one that went wrong.
    pub trace: Vec<String>,
}

/// Chooses one sequence and runs it; shrinks it if it goes wrong.
pub fn sequence<const PEOPLE: usize>(
    seed: u64,
    number: u64,
    mut run: impl FnMut(&[Action], bool) -> Result<(), Wrong>,
) -> Result<(), Box<Found>> {
    let actions = actions::<PEOPLE>(seed, number);
    let Err(mut last) = run(&actions, true) else {
        return Ok(());
    };
    let before = last.trace.len();
    let deadline = Instant::now() + SHRINKING;
    let (actions, tries) = shrink(
        actions[..before].to_vec(),
        |candidate| match run(candidate, false) {
            Ok(()) => None,
            Err(wrong) => {
                last = wrong;
                Some(last.trace.len())
            }
        },
        || Instant::now() < deadline,
    );
    Err(Box::new(Found {
        actions,
        wrong: last,
        before,
        tries,
    }))
}

/// The sequence of that number.
pub fn actions<const PEOPLE: usize>(seed: u64, number: u64) -> Vec<Action> {
    let mut dice = [0; 32];
    dice[..8].copy_from_slice(&seed.to_le_bytes());
    dice[8..16].copy_from_slice(&number.to_le_bytes());
    dice[16] = u8::try_from(PEOPLE).unwrap_or_default();
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &dice);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let tree = Crowd::<PEOPLE>::sequential_strategy(LENGTH..=LENGTH).new_tree(&mut runner);
    tree.expect("no action is refused").current().1
}

async fn run(
    t: &Trial,
    http: &[reqwest::Client; 2],
    people: usize,
    actions: &[Action],
    mut count: Option<&mut Count>,
) -> Result<(), Wrong> {
    let mut model = Model::new(people);
    let mut trace = Vec::new();
    let mut world = match World::new(t, http) {
        Ok(world) => world,
        Err(error) => return Err(Wrong { error, trace }),
    };
    let mut before = model.outline();
    for action in actions {
        match world.step(&mut model, action).await {
            Ok(outcome) => {
                trace.push(format!("{action:?} {outcome}"));
                if let Some(count) = &mut count {
                    let after = model.outline();
                    count.step(&before, action, &outcome, after.clone());
                    before = after;
                }
            }
            Err(error) => {
                trace.push(format!("{action:?} !"));
                return Err(Wrong { error, trace });
            }
        }
    }
    let end = world.finish().await;
    end.map_err(|error| Wrong { error, trace })
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{:#}", self.wrong.error)?;
        write!(
            f,
            "after {} actions, shrunk from {} in {} tries:",
            self.actions.len(),
            self.before,
            self.tries
        )?;
        for (number, line) in (1..).zip(&self.wrong.trace) {
            write!(f, "\n{number:>4}. {line}")?;
        }
        Ok(())
    }
}
