//! How somebody fares who logs in while others do their worst.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::Outcome;
use super::body::{Attack, Place};
use super::cost::listed;
use super::wire::Client;

/// Between two logins of the owner: somebody who tries again by hand is slower.
const PAUSE: Duration = Duration::from_millis(50);

type Statuses = BTreeMap<u16, u32>;

struct Fared {
    statuses: Statuses,
    times: Vec<Duration>,
    attackers: Statuses,
}

/// One row for each operation under attack, and one for all of them at once.
pub async fn table(
    address: &str,
    attacks: Vec<Attack>,
    connections: usize,
    time: Duration,
) -> Outcome<String> {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    table.set_header([
        "under attack",
        "connections",
        "attackers' answers/s",
        "their answers",
        "logins",
        "answers",
        "p50 ms",
        "p99 ms",
    ]);
    let mut operations: BTreeMap<&str, Vec<Attack>> = BTreeMap::new();
    for attack in attacks.into_iter().filter(|one| one.place != Place::Closed) {
        operations.entry(attack.operation).or_default().push(attack);
    }
    let parties = operations.into_iter().map(|(operation, attacks)| {
        let attacks = attacks.into_iter().map(Mutex::new).collect::<Vec<_>>();
        (operation, Arc::new(attacks))
    });
    let parties: Vec<_> = parties.collect();
    let mut rows = vec![("nobody", Vec::new())];
    rows.extend(
        parties
            .iter()
            .map(|(name, party)| (*name, vec![party.clone()])),
    );
    rows.push((
        "all",
        parties.iter().map(|(_, party)| party.clone()).collect(),
    ));
    for (name, parties) in rows {
        eprintln!("{name}");
        let count = parties.len() * connections;
        let mut fared = fare(address, parties, connections, time).await?;
        fared.times.sort_unstable();
        let percentile = |part: usize| {
            let index = (fared.times.len() * part / 100).min(fared.times.len().saturating_sub(1));
            fared
                .times
                .get(index)
                .map_or(f64::NAN, Duration::as_secs_f64)
                * 1000.0
        };
        let attackers: u32 = fared.attackers.values().sum();
        table.add_row([
            name.to_owned(),
            count.to_string(),
            format!("{:.0}", f64::from(attackers) / time.as_secs_f64()),
            listed(&fared.attackers),
            fared.times.len().to_string(),
            listed(&fared.statuses),
            format!("{:.0}", percentile(50)),
            format!("{:.0}", percentile(99)),
        ]);
    }
    for column in [1, 2, 4, 6, 7] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    Ok(table.to_string())
}

async fn fare(
    address: &str,
    parties: Vec<Arc<Vec<Mutex<Attack>>>>,
    connections: usize,
    time: Duration,
) -> Outcome<Fared> {
    let over = Arc::new(AtomicBool::new(false));
    let mut attackers = JoinSet::new();
    for party in parties {
        for number in 0..connections {
            let (party, over, address) = (party.clone(), over.clone(), address.to_owned());
            attackers.spawn(async move { harass(&party, number, &address, &over).await });
        }
    }
    let mut owner = Client::new(address);
    let (mut statuses, mut times) = (Statuses::new(), Vec::new());
    let begun = Instant::now();
    while begun.elapsed() < time {
        let asked = Instant::now();
        // 0: no answer at all.
        let status = owner.login().await.unwrap_or(0);
        times.push(asked.elapsed());
        *statuses.entry(status).or_default() += 1;
        sleep(PAUSE).await;
    }
    over.store(true, Ordering::Relaxed);
    let mut answers = Statuses::new();
    while let Some(one) = attackers.join_next().await {
        for (status, count) in one? {
            *answers.entry(status).or_default() += count;
        }
    }
    Ok(Fared {
        statuses,
        times,
        attackers: answers,
    })
}

/// One connection, which sends every attack of its operation in turn.
async fn harass(
    party: &[Mutex<Attack>],
    number: usize,
    address: &str,
    over: &AtomicBool,
) -> Statuses {
    let mut client = Client::new(address);
    let mut statuses = Statuses::new();
    let mut turn = number;
    while !over.load(Ordering::Relaxed) {
        let attack = &party[turn % party.len()];
        let (call, from) = {
            let attack = attack.lock().await;
            (attack.call(), attack.network())
        };
        turn += 1;
        let status = client
            .send(&call, &from)
            .await
            .map_or(0, |(status, _)| status);
        *statuses.entry(status).or_default() += 1;
        if status == 0 {
            // Turned away with the connection; what hangs up at once must not spin.
            sleep(PAUSE).await;
        }
    }
    statuses
}
