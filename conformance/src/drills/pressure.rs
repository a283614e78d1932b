//! More logins at once than there are cores for, with the hash of production: what the memory of the
//! server grows to, and how `GET /me` fares meanwhile.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::future::join_all;

use super::field::{Came, Field, UNLIMITED, percentile, settled};
use super::{Broken, Size};
use crate::case::Profile;
use crate::target::spawn::Spawner;

/// Of one hash.
const HASH_KIB: u64 = 19 * 1024;
/// What may come on top, for connections and queues.
const REST_KIB: u64 = 100 * 1024;
const CALM: Duration = Duration::from_secs(3);

pub async fn run(size: Size, spawner: &Spawner) -> Result<Broken> {
    let mut settings = UNLIMITED.to_vec();
    settings.push(("hash.profile", "standard"));
    let field = Field::start(spawner, Profile::Strict, &settings, 1).await?;
    let pid = field
        .processes()?
        .instance_pid(0)
        .await
        .context("no process")?;
    // Before the first hash.
    let base = memory(pid, "VmRSS:")?;
    let reader = field.register().await?;
    let tokens = settled(field.login(&reader).await)?.json();
    let token = tokens["access_token"].as_str().context("no token")?;
    // One user each: the tries at one account wait for each other.
    let mut people = Vec::new();
    for _ in 0..size.clients {
        people.push(field.register().await?);
    }
    let began = Instant::now();
    let mut calm = read_until(&field, token, async { tokio::time::sleep(CALM).await }).await?;
    let mut statuses: BTreeMap<String, usize> = BTreeMap::new();
    let mut busy = Vec::new();
    for _ in 0..size.rounds {
        let flood = async {
            let logins = join_all(people.iter().map(|email| field.login(email)));
            for came in logins.await {
                let status = match came {
                    Came::Answer(answer) => match answer.header("retry-after") {
                        Some(wait) => format!("{} Retry-After {wait}", answer.status),
                        None => answer.status.to_string(),
                    },
                    Came::Refused => "refused".to_owned(),
                    Came::Cut(_) => "no answer".to_owned(),
                };
                *statuses.entry(status).or_default() += 1;
            }
        };
        busy.extend(read_until(&field, token, flood).await?);
    }
    let took = began.elapsed() - CALM;
    let peak = memory(pid, "VmHWM:")?;
    field.end().await?;
    let cores = std::thread::available_parallelism()?.get() as u64;
    let promise = base + cores * HASH_KIB + REST_KIB;
    println!(
        "\n{} logins at once, {} times, {cores} cores, {:.1} s",
        size.clients,
        size.rounds,
        took.as_secs_f64()
    );
    println!("  answers                      {statuses:?}");
    println!("  memory before                {:>7} MiB", base / 1024);
    println!("  peak                         {:>7} MiB", peak / 1024);
    println!("  promised                     {:>7} MiB", promise / 1024);
    for (name, figures) in [("calm", &mut calm), ("meanwhile", &mut busy)] {
        println!(
            "  GET /me {name:<10} p50 {:>8.1} ms, p99 {:>8.1} ms, {} asked",
            percentile(figures, 0.5).as_secs_f64() * 1e3,
            percentile(figures, 0.99).as_secs_f64() * 1e3,
            figures.len()
        );
    }
    let mut broken = Broken::new();
    if peak > promise {
        broken.push(format!("{peak} KiB at the peak, {promise} KiB promised"));
    }
    let told = |status: &String| status == "200" || status.starts_with("503 Retry-After");
    for (status, count) in statuses.iter().filter(|(status, _)| !told(status)) {
        broken.push(format!("{count} logins ended with {status}"));
    }
    Ok(broken)
}

/// Reads the profile again and again while something else goes on.
async fn read_until(
    field: &Field,
    token: &str,
    meanwhile: impl Future<Output = ()>,
) -> Result<Vec<Duration>> {
    let mut meanwhile = std::pin::pin!(meanwhile);
    let mut took = Vec::new();
    loop {
        let asked = Instant::now();
        let mut read = std::pin::pin!(field.get("/api/auth/me", token));
        let (came, over) = tokio::select! {
            came = &mut read => (came, false),
            () = &mut meanwhile => (read.await, true),
        };
        let answer = settled(came)?;
        anyhow::ensure!(answer.status == 200, "{}", answer.text);
        took.push(asked.elapsed());
        if over {
            return Ok(took);
        }
    }
}

/// A figure of the process's memory, in KiB.
fn memory(pid: u32, key: &str) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    let figure = line.context("no such figure")?.trim();
    Ok(figure.trim_end_matches(" kB").parse()?)
}
