//! The leader of a PostgreSQL cluster is killed, frozen and replaced under load, again and again. With
//! strictly synchronous replication nothing acknowledged may be lost; with asynchronous replication
//! something must be, or this drill could not see a loss.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use futures::stream::{self, StreamExt};
use rustix::process::Signal;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::field::{Came, Field, UNLIMITED, percentile, settled};
use super::{Broken, Size};
use crate::case::Profile;
use crate::kit::PASSWORD;
use crate::target::patroni::{Cluster, Replication};
use crate::target::spawn::{PUBLIC_URL, Spawner};

const PROMISED: Duration = Duration::from_secs(3);
/// The promise, and what a busy machine adds.
const TOLD_WITHIN: Duration = Duration::from_millis(3500);
const BACK_WITHIN: Duration = Duration::from_secs(60);
/// Load before each event.
const QUIET: Duration = Duration::from_secs(2);
/// How long the other servers get nothing from their leader before it is killed.
const LAG: Duration = Duration::from_millis(400);
/// Longer than a leader's lease.
const FROZEN: Duration = Duration::from_secs(25);
/// Of all rounds, one in so many freezes the leader, and as many more end it.
const FREEZE_EACH: usize = 4;
/// The losses of asynchronous replication are found in the first rounds.
const ASYNCHRONOUS_ROUNDS: usize = 4;

#[derive(Debug, Clone, Copy)]
enum Event {
    /// With or without a standby that was behind.
    Kill(bool),
    Freeze,
    /// In order, while every instance is restarted in turn.
    SwitchOver,
}

/// The effects that were acknowledged, and the answers that clients got.
#[derive(Debug, Default)]
struct Ledger {
    registered: Vec<String>,
    /// Access tokens of sessions that have begun, and of those that were ended.
    begun: Vec<String>,
    ended: Vec<String>,
    answers: BTreeMap<String, usize>,
    slowest: Duration,
    /// How many answers took longer than promised, by what was asked for and told.
    late: BTreeMap<String, usize>,
}

type Shared = Arc<Mutex<Ledger>>;

pub async fn run(size: Size, spawner: &Spawner) -> Result<Broken> {
    let freezes = (size.rounds / FREEZE_EACH).max(1);
    let mut events: Vec<Event> = (0..size.rounds).map(|n| Event::Kill(n % 2 == 1)).collect();
    events.extend((0..freezes).map(|_| Event::Freeze));
    events.push(Event::SwitchOver);
    let (lost, mut broken) =
        trial(size, spawner, Replication::StrictlySynchronous, &events).await?;
    if lost > 0 {
        broken.push(format!("{lost} acknowledged effects are lost"));
    }
    let events = vec![Event::Kill(true); size.rounds.min(ASYNCHRONOUS_ROUNDS)];
    let (lost, others) = trial(size, spawner, Replication::Asynchronous, &events).await?;
    broken.extend(others);
    if lost == 0 {
        broken.push("asynchronous replication lost nothing: this drill sees no losses".to_owned());
    }
    Ok(broken)
}

/// How many acknowledged effects are lost, and what else was not as promised.
async fn trial(
    size: Size,
    spawner: &Spawner,
    replication: Replication,
    events: &[Event],
) -> Result<(usize, Broken)> {
    let cluster = Cluster::start(replication).await?;
    let mut fields = Vec::new();
    // One deployment finds the leader by haproxy, the other by itself.
    for url in [cluster.by_proxy(), cluster.by_hosts()] {
        let mut settings = UNLIMITED.to_vec();
        settings.extend([
            ("database.url", &*url),
            ("tokens.access_ttl", "60m"),
            // Tokens of one deployment are good at the other.
            ("server.public_url", PUBLIC_URL),
        ]);
        let instances = size.instances.div_ceil(2);
        fields.push(Field::start(spawner, Profile::Strict, &settings, instances).await?);
    }
    let ledger = Shared::default();
    let (stop, stopped) = watch::channel(false);
    let clients: Vec<_> = (0..size.clients)
        .map(|number| {
            let field = fields[number % fields.len()].clone();
            tokio::spawn(work(field, number, ledger.clone(), stopped.clone()))
        })
        .collect();
    let mut away = Vec::new();
    for event in events {
        sleep(QUIET).await;
        let took = happens(*event, &cluster, &fields, &ledger).await?;
        println!(
            "  {event:?}: writes acknowledged again after {} ms",
            took.as_millis()
        );
        away.push(took);
    }
    sleep(QUIET).await;
    stop.send_replace(true);
    for client in clients {
        client.await?;
    }
    let ledger = std::mem::take(&mut *locked(&ledger));
    let lost = verify(&fields[1], &ledger).await;
    for field in &fields {
        field.end().await?;
    }
    let longest = away.iter().max().copied().unwrap_or_default();
    println!(
        "\n{replication:?} replication, {} clients, {} instances",
        size.clients, size.instances
    );
    let count = |wanted: fn(&Event) -> bool| events.iter().filter(|it| wanted(it)).count();
    println!(
        "  leaders killed               {:>7}",
        count(|it| matches!(it, Event::Kill(_)))
    );
    println!(
        "  leaders frozen               {:>7}",
        count(|it| matches!(it, Event::Freeze))
    );
    println!(
        "  switchovers                  {:>7}",
        count(|it| matches!(it, Event::SwitchOver))
    );
    println!(
        "  registrations acknowledged   {:>7}",
        ledger.registered.len()
    );
    println!(
        "  logins acknowledged          {:>7}",
        ledger.begun.len() + ledger.ended.len()
    );
    println!("  logouts acknowledged         {:>7}", ledger.ended.len());
    println!("  answers                      {:?}", ledger.answers);
    println!(
        "  slowest answer               {:>7} ms",
        ledger.slowest.as_millis()
    );
    println!("  answers after more than 3 s  {:?}", ledger.late);
    println!(
        "  writes back, median          {:>7} ms",
        percentile(&mut away, 0.5).as_millis()
    );
    println!(
        "  writes back, longest         {:>7} ms",
        longest.as_millis()
    );
    println!("  acknowledged effects lost    {:>7}", lost.len());
    let mut broken = Broken::new();
    if ledger.slowest > TOLD_WITHIN {
        broken.push(format!("an answer took {:?}", ledger.slowest));
    }
    if longest > BACK_WITHIN {
        broken.push(format!("no write was acknowledged for {longest:?}"));
    }
    let foreseen = ["200", "201", "204", "503"];
    if ledger.answers.keys().any(|it| !foreseen.contains(&&**it))
        && replication == Replication::StrictlySynchronous
    {
        broken.push(format!(
            "not all were told to come back: {:?}",
            ledger.answers
        ));
    }
    for one in lost.iter().take(5) {
        println!("  lost: {one}");
    }
    Ok((lost.len(), broken))
}

/// Lets it happen, and waits until the cluster is whole again. How long no write was acknowledged.
async fn happens(
    event: Event,
    cluster: &Cluster,
    fields: &[Arc<Field>],
    ledger: &Shared,
) -> Result<Duration> {
    let leader = cluster.leader().await?;
    let back = match event {
        Event::Kill(lag) => {
            if lag {
                cluster.stop_sending(&leader).await?;
                sleep(LAG).await;
            }
            cluster.kill(&leader).await?;
            let began = Instant::now();
            acknowledged(ledger, began).await
        }
        Event::Freeze => {
            cluster.signal(&leader, Signal::STOP).await?;
            let began = Instant::now();
            let back = acknowledged(ledger, began).await;
            sleep(FROZEN.saturating_sub(began.elapsed())).await;
            cluster.signal(&leader, Signal::CONT).await?;
            back
        }
        Event::SwitchOver => {
            let rolls: Vec<_> = fields
                .iter()
                .cloned()
                .map(|field| tokio::spawn(async move { field.roll().await }))
                .collect();
            sleep(LAG).await;
            cluster.switch_over().await?;
            let back = acknowledged(ledger, Instant::now()).await;
            for roll in rolls {
                roll.await??;
            }
            back
        }
    };
    // A leader that is killed may be started again before its lock has lapsed, and lead on.
    let but = matches!(event, Event::SwitchOver).then_some(&*leader);
    cluster.settled(but).await?;
    Ok(back)
}

/// The time from then to the next registration.
async fn acknowledged(ledger: &Shared, since: Instant) -> Duration {
    let count = || locked(ledger).registered.len();
    let before = count();
    while count() == before && since.elapsed() < BACK_WITHIN * 2 {
        sleep(Duration::from_millis(10)).await;
    }
    since.elapsed()
}

/// Somebody new registers, logs in, and every other time logs out, until it is over.
async fn work(field: Arc<Field>, number: usize, ledger: Shared, stopped: watch::Receiver<bool>) {
    for turn in 0.. {
        if *stopped.borrow() {
            return;
        }
        // Clients wait a little: the drill is about the failover, not about the load.
        sleep(Duration::from_millis(50)).await;
        let email = format!("client{number}-{turn}@example.com");
        let body = serde_json::json!({ "email": email, "password": PASSWORD });
        let asked = Instant::now();
        let came = field.post("/api/auth/register", &body, None).await;
        if !noted(&ledger, asked, &came, "register", 201) {
            continue;
        }
        locked(&ledger).registered.push(email.clone());
        let asked = Instant::now();
        let came = field.login(&email).await;
        if !noted(&ledger, asked, &came, "login", 200) {
            continue;
        }
        let Came::Answer(answer) = came else { continue };
        let token = answer.json()["access_token"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if turn % 2 == 0 {
            locked(&ledger).begun.push(token);
            continue;
        }
        let asked = Instant::now();
        let came = field
            .post("/api/auth/logout", &Value::Null, Some(&token))
            .await;
        // Whether one that was not answered has ended, nobody knows.
        if noted(&ledger, asked, &came, "logout", 204) {
            locked(&ledger).ended.push(token);
        }
    }
}

/// Writes down what came, and says whether it was done.
fn noted(ledger: &Shared, asked: Instant, came: &Came, what: &str, done: u16) -> bool {
    let took = asked.elapsed();
    let status = match came {
        Came::Answer(answer) => answer.status.to_string(),
        // It was not received; the next instance is asked with the next request.
        Came::Refused => return false,
        Came::Cut(_) => "no answer".to_owned(),
    };
    let mut ledger = locked(ledger);
    ledger.slowest = ledger.slowest.max(took);
    if took > PROMISED {
        *ledger.late.entry(format!("{what} {status}")).or_default() += 1;
    }
    let is_done = status == done.to_string();
    *ledger.answers.entry(status).or_default() += 1;
    is_done
}

/// The acknowledged effects that the server does not have any longer.
async fn verify(field: &Arc<Field>, ledger: &Ledger) -> Vec<String> {
    let people = ledger.registered.iter().map(|email| (email, None));
    let begun = ledger.begun.iter().map(|token| (token, Some(200)));
    let ended = ledger.ended.iter().map(|token| (token, Some(401)));
    let checks = people.chain(begun).chain(ended).map(|(subject, expected)| {
        let field = field.clone();
        async move {
            let (came, expected) = match expected {
                None => (field.login(subject).await, 200),
                Some(status) => (field.get("/api/auth/me", subject).await, status),
            };
            match settled(came) {
                Ok(answer) if answer.status == expected => None,
                Ok(answer) => {
                    let name: String = subject.chars().take(24).collect();
                    Some(format!("{name}: {} instead of {expected}", answer.status))
                }
                Err(error) => Some(error.to_string()),
            }
        }
    });
    let outcomes: Vec<_> = stream::iter(checks).buffer_unordered(8).collect().await;
    outcomes.into_iter().flatten().collect()
}

fn locked(ledger: &Shared) -> std::sync::MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}
