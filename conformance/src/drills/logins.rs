//! Logins while instances are killed: every session that was acknowledged is there, and no backup code
//! is accepted twice, however often a client that lost an answer tries it again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::field::{Came, Cut, Field, Killer, UNLIMITED, back_off, settled};
use super::{Broken, Size};
use crate::case::Profile;
use crate::kit::Raw;
use crate::target::spawn::Spawner;

const KILL_EVERY: Duration = Duration::from_secs(3);
const GIVEN_UP: u32 = 200;

struct Person {
    email: String,
    /// Not used yet, as far as its owner knows; none without a second factor.
    codes: Vec<String>,
}

#[derive(Default)]
struct Told {
    passwords: usize,
    factors: usize,
    cut: usize,
    again: usize,
    /// Codes that a lost answer used up.
    explained: Vec<(Cut, String)>,
    broken: Broken,
    sessions: Vec<String>,
}

pub async fn run(size: Size, spawner: &Spawner) -> Result<Broken> {
    let field = Field::start(spawner, Profile::Strict, UNLIMITED, size.instances).await?;
    let mut people = Vec::new();
    for number in 0..size.clients {
        let email = field.register().await?;
        // Every other one has a second factor.
        let codes = match number % 2 {
            0 => Vec::new(),
            _ => enrol(&field, &email).await?,
        };
        people.push(Person { email, codes });
    }
    let done = Arc::new(AtomicUsize::new(0));
    let began = field.elapsed();
    let killer = Killer::set_loose(field.clone(), KILL_EVERY);
    let clients: Vec<_> = people
        .into_iter()
        .map(|person| tokio::spawn(live(field.clone(), person, done.clone(), size.amount)))
        .collect();
    let mut told = Told::default();
    for client in clients {
        let one = client.await??;
        told.passwords += one.passwords;
        told.factors += one.factors;
        told.cut += one.cut;
        told.again += one.again;
        told.explained.extend(one.explained);
        told.broken.extend(one.broken);
        told.sessions.extend(one.sessions);
    }
    let took = field.elapsed() - began;
    let kills = killer.call_back().await?;
    for token in &told.sessions {
        let answer = settled(field.get("/api/auth/me", token).await)?;
        if answer.status != 200 {
            told.broken
                .push(format!("a session is lost: {}", answer.text));
        }
    }
    // A row that was used once bears one time; what was accepted is counted against it.
    let used = "SELECT count(*) FROM backup_codes WHERE used_at IS NOT NULL";
    let used: usize = field.stored()?.text(used, &[])?.parse()?;
    let accepted = told.factors;
    if used < accepted || used > accepted + told.explained.len() {
        told.broken.push(format!(
            "{used} codes are used, {accepted} were accepted and {} lost",
            told.explained.len()
        ));
    }
    field.end().await?;
    if kills.is_empty() {
        told.broken
            .push("no instance was killed: it was over too soon".to_owned());
    }
    println!(
        "\n{} clients, {} instances, {:.1} s",
        size.clients,
        size.instances,
        took.as_secs_f64()
    );
    println!("  instances killed with -9     {:>7}", kills.len());
    println!("  logins by password           {:>7}", told.passwords);
    println!("  logins by second factor      {:>7}", told.factors);
    println!("  answers lost                 {:>7}", told.cut);
    println!("  tried again                  {:>7}", told.again);
    println!("  sessions acknowledged, live  {:>7}", told.sessions.len());
    println!("  codes used in the database   {used:>7}");
    println!("  codes used by a lost answer  {:>7}", told.explained.len());
    println!("  invariants                   all hold");
    for (cut, email) in &told.explained {
        println!(
            "    a code of {email} was used by the answer that instance {} lost at {:.2} s",
            cut.instance,
            cut.at.as_secs_f64()
        );
    }
    Ok(told.broken)
}

async fn live(
    field: Arc<Field>,
    mut person: Person,
    done: Arc<AtomicUsize>,
    amount: usize,
) -> Result<Told> {
    let mut told = Told::default();
    let has_factor = !person.codes.is_empty();
    while done.load(Ordering::Relaxed) < amount && (!has_factor || !person.codes.is_empty()) {
        let mut cut = None;
        let answer = persist(&mut told, &mut cut, || field.login(&person.email)).await?;
        if answer.status != 200 {
            told.broken
                .push(format!("{} cannot log in: {}", person.email, answer.text));
            return Ok(told);
        }
        let answer = answer.json();
        let granted = if answer["mfa_required"] == true {
            let Some(code) = person.codes.pop() else {
                break;
            };
            challenge(&field, &mut told, &person.email, &answer, &code).await?
        } else {
            told.passwords += 1;
            Some(answer)
        };
        if let Some(granted) = granted {
            done.fetch_add(1, Ordering::Relaxed);
            let token = granted["access_token"].as_str().context("no token")?;
            told.sessions.push(token.to_owned());
        }
    }
    Ok(told)
}

/// The second step. A code whose answer was lost is tried again; refused then, it was used.
async fn challenge(
    field: &Field,
    told: &mut Told,
    email: &str,
    pending: &Value,
    code: &str,
) -> Result<Option<Value>> {
    let body = json!({
        "mfa_token": pending["mfa_token"], "method": "backup_codes", "code": code,
    });
    let mut cut = None;
    let answer = persist(told, &mut cut, || {
        field.post("/api/auth/mfa/challenge", &body, None)
    })
    .await?;
    match (answer.status, cut) {
        (200, _) => {
            told.factors += 1;
            Ok(Some(answer.json()))
        }
        (401, Some(cut)) => {
            told.explained.push((cut, email.to_owned()));
            Ok(None)
        }
        (status, _) => {
            told.broken
                .push(format!("{email}: a good code is {status}: {}", answer.text));
            Ok(None)
        }
    }
}

/// Asks until there is an answer that is no wish to wait.
async fn persist<F: Future<Output = Came>>(
    told: &mut Told,
    cut: &mut Option<Cut>,
    ask: impl Fn() -> F,
) -> Result<Raw> {
    for tries in 0..GIVEN_UP {
        match ask().await {
            Came::Answer(answer) if !matches!(answer.status, 429 | 503) => return Ok(answer),
            Came::Cut(at) => {
                told.cut += 1;
                *cut = Some(at);
            }
            _ => {}
        }
        told.again += 1;
        back_off(tries).await;
    }
    anyhow::bail!("no answer")
}

/// Ten backup codes, by way of an authenticator.
pub async fn enrol(field: &Field, email: &str) -> Result<Vec<String>> {
    let session = settled(field.login(email).await)?.json();
    let token = session["access_token"].as_str();
    let set_up = settled(
        field
            .post("/api/auth/mfa/totp/setup", &Value::Null, token)
            .await,
    )?;
    let set_up = set_up.json();
    let secret = set_up["secret"].as_str().context("no secret")?;
    let body = json!({ "code": factor::code(secret)? });
    let enrolled = settled(field.post("/api/auth/mfa/totp/verify", &body, token).await)?;
    ensure!(enrolled.status == 200, "{}", enrolled.text);
    factor::codes(&enrolled.json()["backup_codes"])
}

/// What an owner has in hand.
pub mod factor {
    use super::*;

    /// The code of an authenticator, now.
    pub fn code(secret: &str) -> Result<String> {
        let secret = totp_rs::Secret::try_from_base32(secret)
            .ok()
            .context("the secret is not base 32")?;
        let totp = totp_rs::Builder::new()
            .with_algorithm(totp_rs::Algorithm::SHA1)
            .with_secret(secret)
            .build()?;
        let now = std::time::UNIX_EPOCH.elapsed()?.as_secs();
        Ok(totp.generate(now).to_string())
    }

    /// The ten backup codes of an answer.
    pub fn codes(list: &Value) -> Result<Vec<String>> {
        let codes: Vec<String> = serde_json::from_value(list.clone())?;
        ensure!(codes.len() == 10, "{} backup codes", codes.len());
        Ok(codes)
    }
}
