//! One instance is killed in the middle of everything it can do, round after round. Whatever it had
//! acknowledged must be true afterwards; what was under way may be done or not, and nothing between.

mod person;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, sleep};

use super::field::{Field, UNLIMITED};
use super::{Broken, Size};
use crate::case::Profile;
use crate::target::messages::PATIENCE_WITH_THE_DEAD;
use crate::target::spawn::Spawner;
use person::{Person, Seen};

/// The soonest and the latest moment of a round's end.
const SOONEST_MS: u64 = 300;
const LATEST_MS: u64 = 1800;

pub async fn run(size: Size, spawner: &Spawner) -> Result<Broken> {
    let field = Field::start(spawner, Profile::Strict, UNLIMITED, 1).await?;
    let mut everybody: Vec<Person> = Vec::new();
    let mut total = Seen::default();
    println!("  round  killed at  acknowledged  unknown  verified  missing");
    for round in 1..=size.rounds {
        let workers: Vec<_> = (0..size.clients)
            .map(|number| tokio::spawn(person::work(field.clone(), number)))
            .collect();
        let dice = uuid::Uuid::new_v4().as_u64_pair().0;
        let moment = Duration::from_millis(SOONEST_MS + dice % (LATEST_MS - SOONEST_MS));
        sleep(moment).await;
        field.processes()?.kill_instance(0).await?;
        let mut seen = Seen::default();
        let mut people = Vec::new();
        for worker in workers {
            let (persons, one) = worker.await??;
            people.extend(persons);
            seen.add(&one);
        }
        field.processes()?.restart_instance(0).await?;
        verify(&field, &mut people, &mut seen).await?;
        field.processes()?.bp_auth(&["check"]).await?;
        println!(
            "  {round:>5}  {:>6} ms  {:>12}  {:>7}  {:>8}  {:>7}",
            moment.as_millis(),
            seen.acknowledged,
            seen.unknown,
            seen.verified,
            seen.missing.len()
        );
        total.add(&seen);
        everybody.extend(people);
    }
    // All rounds once more, at the end: nothing of an earlier one may have gone later.
    let mut last = Seen::default();
    verify(&field, &mut everybody, &mut last).await?;
    total.add(&last);
    let mut broken = std::mem::take(&mut total.missing);
    let (written, arrived) = messages(&field, &mut broken).await?;
    for person in &everybody {
        if field.messages()?.to(&person.email)?.is_empty() {
            broken.push(format!("{} was never welcomed", person.email));
        }
    }
    field.end().await?;
    println!(
        "  all    {:>9}  {:>12}  {:>7}  {:>8}  {:>7}",
        size.rounds,
        total.acknowledged,
        total.unknown,
        total.verified,
        broken.len()
    );
    println!(
        "  people {}, messages written {written}, arrived {arrived}",
        everybody.len()
    );
    println!("  invariants hold after each round");
    Ok(broken)
}

async fn verify(field: &Arc<Field>, people: &mut Vec<Person>, seen: &mut Seen) -> Result<()> {
    let checks = std::mem::take(people)
        .into_iter()
        .map(|person| tokio::spawn(person.verified(field.clone())));
    for check in checks.collect::<Vec<_>>() {
        let (person, one) = check.await??;
        seen.add(&one);
        people.push(person);
    }
    Ok(())
}

/// Waits until every message has ended, and compares those that were written with those that arrived.
async fn messages(field: &Field, broken: &mut Broken) -> Result<(usize, usize)> {
    let deadline = Instant::now() + PATIENCE_WITH_THE_DEAD;
    let pending = "SELECT count(*) FROM outbox WHERE state = 'pending'";
    while field.stored()?.text(pending, &[])? != "0" && Instant::now() < deadline {
        sleep(Duration::from_millis(200)).await;
    }
    let id = field.stored()?.hex("id");
    let written: BTreeSet<String> = field
        .stored()?
        .texts(&format!("SELECT {id} FROM outbox"), &[])?
        .into_iter()
        .collect();
    let mut arrived = BTreeSet::new();
    for entry in std::fs::read_dir(field.processes()?.data().join("outbox"))? {
        let name = entry?.file_name().to_string_lossy().replace('-', "");
        // What was being written when the process died has no name yet.
        if name.ends_with(".tmp") {
            continue;
        }
        let Some(id) = written.iter().find(|id| name.contains(id.as_str())) else {
            broken.push(format!("a message that nobody wrote: {name}"));
            continue;
        };
        if !arrived.insert(id.clone()) {
            broken.push(format!("the message {id} arrived twice"));
        }
    }
    for id in written.difference(&arrived) {
        broken.push(format!("the message {id} never arrived"));
    }
    Ok((written.len(), arrived.len()))
}
