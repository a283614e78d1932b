//! Clients that refresh while instances are killed. A client whose answer was lost can only try again
//! with the token it has. If the lost request was done, that is a reuse, and the family ends: an alarm,
//! which one lost answer must explain. Within the leeway there is none.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;

use super::field::{Came, Cut, Field, Killer, UNLIMITED, back_off, settled};
use super::{Broken, Size};
use crate::case::Profile;
use crate::target::spawn::Spawner;

const KILL_EVERY: Duration = Duration::from_secs(3);

#[derive(Default)]
struct Told {
    granted: usize,
    cut: usize,
    refused: usize,
    busy: usize,
    again: usize,
    lost: Vec<String>,
    doubled: Vec<String>,
    alarms: Vec<(Cut, String)>,
    unexplained: Vec<String>,
}

pub async fn run(size: Size, spawner: &Spawner) -> Result<Broken> {
    let mut broken = Broken::new();
    for profile in [Profile::Strict, Profile::Leeway] {
        broken.extend(storm(size, spawner, profile).await?);
    }
    Ok(broken)
}

async fn storm(size: Size, spawner: &Spawner, profile: Profile) -> Result<Broken> {
    let field = Field::start(spawner, profile, UNLIMITED, size.instances).await?;
    let mut people = Vec::new();
    for _ in 0..size.clients {
        let email = field.register().await?;
        let token = login(&field, &email).await?;
        people.push((email, token));
    }
    let granted = Arc::new(AtomicUsize::new(0));
    let began = field.elapsed();
    let killer = Killer::set_loose(field.clone(), KILL_EVERY);
    let clients = people.into_iter().map(|(email, token)| {
        let life = live(field.clone(), email, token, granted.clone(), size.amount);
        tokio::spawn(life)
    });
    let mut told = Told::default();
    for client in clients.collect::<Vec<_>>() {
        let one = client.await??;
        told.granted += one.granted;
        told.cut += one.cut;
        told.refused += one.refused;
        told.busy += one.busy;
        told.again += one.again;
        told.lost.extend(one.lost);
        told.doubled.extend(one.doubled);
        told.alarms.extend(one.alarms);
        told.unexplained.extend(one.unexplained);
    }
    let took = field.elapsed() - began;
    let kills = killer.call_back().await?;
    let families = "SELECT count(*) FROM (SELECT session_id FROM refresh_tokens \
                    WHERE used_at IS NULL GROUP BY session_id HAVING count(*) > 1) AS doubled";
    let doubled_families = field.stored()?.text(families, &[])?;
    field.end().await?;

    println!(
        "\nprofile {profile}: {} clients, {} instances, {:.1} s",
        size.clients,
        size.instances,
        took.as_secs_f64()
    );
    println!("  instances killed with -9     {:>7}", kills.len());
    println!("  refreshes answered 200       {:>7}", told.granted);
    println!("  answers lost                 {:>7}", told.cut);
    println!("  tried again                  {:>7}", told.again);
    println!("  nobody listened              {:>7}", told.refused);
    println!("  told to wait (429, 503)      {:>7}", told.busy);
    println!("  tokens lost                  {:>7}", told.lost.len());
    println!("  tokens doubled               {:>7}", told.doubled.len());
    println!("  families with two live ones  {doubled_families:>7}");
    println!("  reuse alarms                 {:>7}", told.alarms.len());
    println!(
        "  of them unexplained          {:>7}",
        told.unexplained.len()
    );
    println!("  invariants                   all hold");
    for (cut, email) in &told.alarms {
        let kill = kills.iter().filter(|kill| kill.instance == cut.instance);
        let kill = kill.map(|kill| kill.at.abs_diff(cut.at)).min();
        println!(
            "    alarm of {email}: the answer of instance {} was lost at {:.2} s, {} ms from its end",
            cut.instance,
            cut.at.as_secs_f64(),
            kill.unwrap_or_default().as_millis()
        );
    }
    let mut broken = Broken::new();
    broken.extend(told.lost);
    broken.extend(told.doubled);
    broken.extend(told.unexplained);
    if doubled_families != "0" {
        broken.push(format!("{doubled_families} families have two live tokens"));
    }
    if kills.is_empty() {
        broken.push("no instance was killed: it was over too soon".to_owned());
    }
    if profile == Profile::Leeway && !told.alarms.is_empty() {
        broken.push(format!("{} alarms within the leeway", told.alarms.len()));
    }
    Ok(broken)
}

/// One client: it refreshes until all of them together have been answered often enough.
async fn live(
    field: Arc<Field>,
    email: String,
    mut token: String,
    granted: Arc<AtomicUsize>,
    amount: usize,
) -> Result<Told> {
    let mut told = Told::default();
    let mut successors: HashMap<String, HashSet<String>> = HashMap::new();
    let mut cut: Option<Cut> = None;
    let mut tries = 0;
    while granted.load(Ordering::Relaxed) < amount || cut.is_some() {
        ensure!(tries < 400, "{email} gets no answer");
        let body = json!({ "refresh_token": token });
        let came = field.post("/api/auth/refresh", &body, None).await;
        match came {
            Came::Refused => told.refused += 1,
            Came::Cut(where_) => {
                told.cut += 1;
                cut = Some(where_);
            }
            Came::Answer(answer) if matches!(answer.status, 429 | 503) => told.busy += 1,
            Came::Answer(answer) if answer.status == 200 => {
                let next = answer.json()["refresh_token"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                ensure!(!next.is_empty(), "a 200 without a token");
                let seen = successors.entry(token).or_default();
                seen.insert(next.clone());
                if seen.len() > 1 {
                    told.doubled
                        .push(format!("{email} got two successors of one token"));
                }
                granted.fetch_add(1, Ordering::Relaxed);
                told.granted += 1;
                (token, cut, tries) = (next, None, 0);
                continue;
            }
            Came::Answer(answer) => {
                let code = answer.json()["error_code"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                match (code.as_str(), cut.take()) {
                    ("token_reused", Some(cut)) => told.alarms.push((cut, email.clone())),
                    ("token_reused", None) => told.unexplained.push(format!(
                        "{email} is told of a reuse although every answer arrived"
                    )),
                    _ => told.lost.push(format!(
                        "the token of {email} is answered {} {code}",
                        answer.status
                    )),
                }
                token = login(&field, &email).await?;
                tries = 0;
                continue;
            }
        }
        told.again += 1;
        back_off(tries).await;
        tries += 1;
    }
    // What was acknowledged last is good.
    let body = json!({ "refresh_token": token });
    for tries in 0..100 {
        match field.post("/api/auth/refresh", &body, None).await {
            Came::Answer(answer) if answer.status == 200 => return Ok(told),
            Came::Answer(answer) if !matches!(answer.status, 429 | 503) => {
                // A lost answer of this very last request counts like any other.
                match cut.take() {
                    Some(cut) => told.alarms.push((cut, email)),
                    None => told
                        .lost
                        .push(format!("the last token of {email}: {}", answer.text)),
                }
                return Ok(told);
            }
            Came::Cut(where_) => cut = Some(where_),
            _ => {}
        }
        back_off(tries).await;
    }
    told.lost
        .push(format!("the last token of {email} was never answered"));
    Ok(told)
}

/// Logs in until it is done; a login that was lost is a session that nobody uses.
async fn login(field: &Field, email: &str) -> Result<String> {
    for tries in 0..100 {
        match field.login(email).await {
            Came::Answer(answer) if !matches!(answer.status, 429 | 503) => {
                let answer = settled(Came::Answer(answer))?;
                ensure!(answer.status == 200, "{email}: {}", answer.text);
                let token = answer.json()["refresh_token"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                return Ok(token);
            }
            _ => back_off(tries).await,
        }
    }
    anyhow::bail!("{email} cannot log in")
}
