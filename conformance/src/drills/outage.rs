//! PostgreSQL goes away under load: once it stops, once it only falls silent. Clients are told so soon,
//! none hangs, and everything goes on by itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::sleep;

use super::field::{Came, Field, UNLIMITED, settled};
use super::{Broken, Size};
use crate::case::Profile;
use crate::target::postgres::Order;
use crate::target::spawn::Spawner;
use crate::target::stored::{Kind, postgres};

/// Before, and after.
const QUIET: Duration = Duration::from_secs(5);
/// A promise of three seconds, and what a busy machine adds.
const TOLD_WITHIN: Duration = Duration::from_millis(3500);
const BACK_WITHIN: Duration = Duration::from_secs(10);

struct Asked {
    at: Duration,
    took: Duration,
    /// `None`: no answer.
    status: Option<u16>,
}

pub async fn run(size: Size, spawner: &Spawner, kind: Kind) -> Result<Broken> {
    ensure!(
        kind != Kind::Sqlite,
        "this drill stops a server: give --database postgres"
    );
    let mut broken = Broken::new();
    for (name, away, back) in [
        ("stopped", Order::Stop, Order::Start),
        ("silent", Order::Freeze, Order::Thaw),
    ] {
        broken.extend(once(size, spawner, name, away, back).await?);
    }
    Ok(broken)
}

async fn once(
    size: Size,
    spawner: &Spawner,
    name: &str,
    away: Order,
    back: Order,
) -> Result<Broken> {
    let field = Field::start(spawner, Profile::RotationOff, UNLIMITED, size.instances).await?;
    let server = postgres()?;
    let order = async |order: Order| {
        let done = tokio::task::spawn_blocking(move || server.order(order)).await?;
        done.map_err(anyhow::Error::msg)
    };
    let (stop, stopped) = watch::channel(false);
    let mut clients = Vec::new();
    for number in 0..size.clients {
        let email = field.register().await?;
        let tokens = settled(field.login(&email).await)?.json();
        let text = |key: &str| tokens[key].as_str().unwrap_or_default().to_owned();
        let (access, refresh) = (text("access_token"), text("refresh_token"));
        let client = ask(
            field.clone(),
            number,
            email,
            access,
            refresh,
            stopped.clone(),
        );
        clients.push(tokio::spawn(client));
    }
    sleep(QUIET).await;
    let gone = field.elapsed();
    order(away).await?;
    sleep(Duration::from_secs(size.seconds).saturating_sub(field.elapsed() - gone)).await;
    let returns = field.elapsed();
    order(back).await?;
    sleep(QUIET + BACK_WITHIN).await;
    stop.send_replace(true);
    let mut all = Vec::new();
    let mut registered = Vec::new();
    for client in clients {
        let (asked, people) = client.await?;
        all.extend(asked);
        registered.extend(people);
    }
    let mut broken = Broken::new();
    for email in &registered {
        let answer = settled(field.login(email).await)?;
        if answer.status != 200 {
            broken.push(format!("{email} was acknowledged and is lost"));
        }
    }
    field.end().await?;

    let ended = |one: &&Asked| one.at + one.took;
    let meanwhile = all
        .iter()
        .filter(|one| ended(one) > gone && one.at < returns);
    let mut statuses: BTreeMap<String, usize> = BTreeMap::new();
    let mut slowest = Duration::ZERO;
    for one in meanwhile {
        let status = one
            .status
            .map_or("no answer".to_owned(), |it| it.to_string());
        *statuses.entry(status).or_default() += 1;
        slowest = slowest.max(one.took);
    }
    let first_503 = all.iter().filter(|one| one.status == Some(503));
    let first_503 = first_503
        .map(|one| ended(&one))
        .filter(|at| *at > gone)
        .min();
    let first_503 = first_503.context("nobody was told")? - gone;
    let after = |one: &&Asked| ended(one) > returns;
    let good = all
        .iter()
        .filter(after)
        .filter(|one| one.status == Some(200));
    let first_good = good.map(|one| ended(&one)).min().context("never back")? - returns;
    let bad = all
        .iter()
        .filter(after)
        .filter(|one| !matches!(one.status, Some(200 | 201)));
    let last_bad = bad.map(|one| ended(&one)).max().unwrap_or(returns) - returns;
    println!(
        "\nPostgreSQL {name} for {} s, {} clients, {} instances",
        size.seconds, size.clients, size.instances
    );
    println!(
        "  first 503 after              {:>7} ms",
        first_503.as_millis()
    );
    println!(
        "  slowest answer meanwhile     {:>7} ms",
        slowest.as_millis()
    );
    println!("  answers meanwhile            {statuses:?}");
    println!(
        "  first 200 after its return   {:>7} ms",
        first_good.as_millis()
    );
    println!(
        "  last refusal after it        {:>7} ms",
        last_bad.as_millis()
    );
    println!(
        "  registrations acknowledged and there  {}",
        registered.len()
    );
    if first_503 > TOLD_WITHIN {
        broken.push(format!("the first 503 came after {first_503:?}"));
    }
    if slowest > TOLD_WITHIN {
        broken.push(format!("an answer took {slowest:?}"));
    }
    if statuses.contains_key("no answer") || statuses.contains_key("500") {
        broken.push(format!("not all were told to come back: {statuses:?}"));
    }
    if last_bad > BACK_WITHIN {
        broken.push(format!("refusals until {last_bad:?} after the return"));
    }
    Ok(broken)
}

/// Asks for one thing after the other until it is told to stop. What it asked, and who was registered.
async fn ask(
    field: Arc<Field>,
    number: usize,
    email: String,
    access: String,
    refresh: String,
    stopped: watch::Receiver<bool>,
) -> (Vec<Asked>, Vec<String>) {
    let (mut asked, mut registered) = (Vec::new(), Vec::new());
    let token = json!({ "refresh_token": refresh });
    for turn in number.. {
        if *stopped.borrow() {
            break;
        }
        let at = field.elapsed();
        let mut newcomer = None;
        let came = match turn % 8 {
            0 => field.login(&email).await,
            1 | 2 => field.post("/api/auth/refresh", &token, None).await,
            3 => {
                let email = newcomer.insert(field.fresh_email());
                let body = json!({ "email": email, "password": crate::kit::PASSWORD });
                field.post("/api/auth/register", &body, None).await
            }
            _ => field.get("/api/auth/me", &access).await,
        };
        let status = match came {
            Came::Answer(answer) => Some(answer.status),
            Came::Refused | Came::Cut(_) => None,
        };
        registered.extend(newcomer.filter(|_| status == Some(201)));
        let took = field.elapsed() - at;
        asked.push(Asked { at, took, status });
        // Clients wait a little: the drill is about the outage, not about the load.
        sleep(Duration::from_millis(50)).await;
    }
    (asked, registered)
}
