//! Keys are rotated, the root of all keys is replaced, and every instance is restarted, as other new secrets
//! need it, while everybody works. Nobody notices: not the clients of the instances, and not a
//! service that verifies tokens by itself with public keys that it reads every now and then. At the end
//! the key that signs is revoked, after which sessions of the Rust client go on by themselves.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bp_auth_client::session::{MemoryStore, TokenStore};
use bp_auth_client::{AuthClient, LoginOutcome, SessionError};
use bp_auth_server::keyring::Keyring;
use serde_json::{Value, json};

use super::field::{Came, Field, UNLIMITED};
use super::{Broken, Size};
use crate::case::Profile;
use crate::kit::{PASSWORD, jwt};
use crate::target::processes::Processes;
use crate::target::spawn::Spawner;

/// How long a new key is published before it signs.
const AHEAD: Duration = Duration::from_secs(3);
/// How often the other service reads the public keys.
const READ_EVERY: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Told {
    answered: usize,
    failed: Vec<String>,
    /// Tokens whose key the other service did not know.
    unknown: usize,
    /// Keys that tokens were signed with.
    signers: BTreeSet<String>,
}

pub async fn run(size: Size, spawner: &Spawner) -> Result<Broken> {
    let ahead = AHEAD.as_secs().to_string();
    // The keys of a spawned server are old, and would be replaced by themselves.
    let keys = [
        ("keys.publish_ahead", ahead.as_str()),
        ("keys.rotation_period", "0"),
    ];
    let settings = [UNLIMITED, &keys].concat();
    let field = Field::start(spawner, Profile::Strict, &settings, size.instances).await?;
    let over = Arc::new(AtomicBool::new(false));
    let known = Arc::new(std::sync::Mutex::new(read_keys(&field).await?));
    let reader = {
        let (field, over, known) = (field.clone(), over.clone(), known.clone());
        tokio::spawn(async move {
            while !over.load(Ordering::Relaxed) {
                tokio::time::sleep(READ_EVERY).await;
                let keys = read_keys(&field).await?;
                *known.lock().expect("no panic") = keys;
            }
            anyhow::Ok(())
        })
    };
    let clients = (0..size.clients).map(|_| {
        let (field, over, known) = (field.clone(), over.clone(), known.clone());
        tokio::spawn(async move { live(&field, &over, &known).await })
    });
    let clients: Vec<_> = clients.collect();
    let began = field.elapsed();
    for _ in 0..size.rounds {
        tokio::time::sleep(READ_EVERY).await;
        field.processes()?.bp_auth(&["keys", "rotate"]).await?;
        // Until it signs, and as long again.
        tokio::time::sleep(AHEAD + READ_EVERY).await;
    }
    let root = replace_root(field.processes()?).await?;
    tokio::time::sleep(READ_EVERY).await;
    field.roll().await?;
    tokio::time::sleep(READ_EVERY).await;
    let took = field.elapsed() - began;
    over.store(true, Ordering::Relaxed);
    let mut told = Told::default();
    for client in clients {
        let one = client.await??;
        told.answered += one.answered;
        told.unknown += one.unknown;
        told.failed.extend(one.failed);
        told.signers.extend(one.signers);
    }
    reader.await??;
    let sessions = sessions_after_revocation(&field, size.clients).await?;
    let list = field.processes()?.bp_auth(&["keys", "list"]).await?;
    field.end().await?;

    println!(
        "\n{} clients, {} instances, {:.1} s",
        size.clients,
        size.instances,
        took.as_secs_f64()
    );
    println!("  rotations                    {:>7}", size.rounds);
    println!("  roots replaced               {:>7}", root);
    println!("  instances restarted in turn  {:>7}", size.instances);
    println!("  requests answered as due     {:>7}", told.answered);
    println!("  failed requests              {:>7}", told.failed.len());
    println!("  keys that signed             {:>7}", told.signers.len());
    println!("  unknown to another service   {:>7}", told.unknown);
    println!("  sessions after a revocation  {:>7}", sessions.answered);
    println!(
        "  of them ended                {:>7}",
        sessions.failed.len()
    );
    println!("  invariants                   all hold");
    let mut broken = told.failed;
    broken.extend(sessions.failed);
    broken.truncate(20);
    if told.unknown > 0 {
        broken.push(format!(
            "{} tokens by a key that was not published",
            told.unknown
        ));
    }
    if told.signers.len() != size.rounds + 1 {
        broken.push(format!("{} keys have signed: {list}", told.signers.len()));
    }
    Ok(broken)
}

/// Every step of it; all instances have the same file here. How many roots were replaced.
async fn replace_root(processes: &Processes) -> Result<usize> {
    let old = Keyring::load(&processes.data())?.sealing;
    let said = processes.bp_auth(&["keys", "root", "add"]).await?;
    let new = said.split(' ').nth(1).context("no id")?;
    processes.bp_auth(&["keys", "root", "use", new]).await?;
    for root in &old {
        // A message that was sealed with it at the very first may still be on its way.
        let mut tries = 0;
        while let Err(error) = processes
            .bp_auth(&["keys", "root", "remove", &root.id])
            .await
        {
            tries += 1;
            ensure!(tries < 20, "{error}");
            tokio::time::sleep(READ_EVERY).await;
        }
    }
    Ok(old.len())
}

/// Sessions of the Rust client, spread over the instances, whose tokens are refused when their key is
/// revoked. Their next calls succeed all the same, by one refresh each.
async fn sessions_after_revocation(field: &Field, clients: usize) -> Result<Told> {
    let mut told = Told::default();
    let mut sessions = Vec::new();
    for instance in 0..clients {
        let store = MemoryStore::new();
        let auth = AuthClient::builder(&field.url(instance, ""))
            .store(store.clone())
            .build()?;
        let email = field.register().await?;
        match auth.login(&email, PASSWORD).await? {
            LoginOutcome::Authenticated(session) => sessions.push((session, store)),
            LoginOutcome::MfaRequired(_) => anyhow::bail!("{email} needs a second factor"),
        }
    }
    let mut kids = BTreeSet::new();
    for (_, store) in &sessions {
        kids.insert(signer(store).await?);
    }
    let processes = field.processes()?;
    let now = ["keys", "rotate", "--signing", "--now"];
    processes.bp_auth(&now).await?;
    for kid in &kids {
        processes.bp_auth(&["keys", "revoke", kid]).await?;
    }
    for (session, store) in &sessions {
        let me = session.me().send().await;
        match me.map_err(SessionError::from) {
            Ok(_) if kids.contains(&signer(store).await?) => {
                told.failed
                    .push("a session: a revoked key's token is answered".to_owned());
            }
            Ok(_) => told.answered += 1,
            Err(error) => told.failed.push(format!("a session: {error}")),
        }
    }
    Ok(told)
}

/// The key of the session's token.
async fn signer(store: &MemoryStore) -> Result<String> {
    let tokens = store.load().await?.tokens.context("no tokens")?;
    kid_of(tokens.access_token.expose())
}

fn kid_of(access: &str) -> Result<String> {
    let kid = jwt::part(access, 0)?["kid"].as_str().map(str::to_owned);
    kid.context("no kid")
}

/// Somebody who registers, logs in, asks and refreshes until it is over.
async fn live(
    field: &Field,
    over: &AtomicBool,
    known: &std::sync::Mutex<BTreeSet<String>>,
) -> Result<Told> {
    let mut told = Told::default();
    while !over.load(Ordering::Relaxed) {
        // What is sealed with each mail is sealed with the key of the moment.
        let email = field.register().await?;
        let login = field.login(&email).await;
        let Some(mut tokens) = told.due("login", login) else {
            continue;
        };
        // An old token stays good while new ones come.
        let first = text(&tokens, "access_token")?;
        for _ in 0..20 {
            let access = text(&tokens, "access_token")?;
            let kid = kid_of(&access)?;
            if !known.lock().expect("no panic").contains(&kid) {
                told.unknown += 1;
            }
            told.signers.insert(kid);
            for token in [&first, &access] {
                let me = field.get("/api/auth/me", token).await;
                told.due("me", me);
            }
            let body = json!({ "refresh_token": text(&tokens, "refresh_token")? });
            let next = field.post("/api/auth/refresh", &body, None).await;
            match told.due("refresh", next) {
                Some(next) => tokens = next,
                None => break,
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    Ok(told)
}

impl Told {
    fn due(&mut self, what: &str, came: Came) -> Option<Value> {
        match came {
            Came::Answer(answer) if answer.status == 200 => {
                self.answered += 1;
                Some(answer.json())
            }
            Came::Answer(answer) => {
                self.failed
                    .push(format!("{what}: {} {}", answer.status, answer.text));
                None
            }
            Came::Refused | Came::Cut(_) => {
                self.failed.push(format!("{what}: no answer"));
                None
            }
        }
    }
}

fn text(body: &Value, member: &str) -> Result<String> {
    let text = body[member].as_str();
    Ok(text.with_context(|| format!("no {member}"))?.to_owned())
}

async fn read_keys(field: &Field) -> Result<BTreeSet<String>> {
    let answer = match field.get("/.well-known/jwks.json", "").await {
        Came::Answer(answer) => answer,
        Came::Refused | Came::Cut(_) => anyhow::bail!("nobody tells the public keys"),
    };
    ensure!(answer.status == 200, "the public keys: {}", answer.status);
    let body = answer.json();
    let keys = body["keys"].as_array().context("no keys")?.iter();
    Ok(keys
        .filter_map(|key| key["kid"].as_str().map(str::to_owned))
        .collect())
}
