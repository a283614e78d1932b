//! What drills share: a deployment, its clients, and the one who kills.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::case::Profile;
use crate::kit::{PASSWORD, Raw};
use crate::target::Description;
use crate::target::messages::Messages;
use crate::target::processes::Processes;
use crate::target::spawn::{Spawner, Wanted};
use crate::target::stored::Stored;
use crate::witness::rotation::Rotation;

/// Longer than any answer may take; what takes longer hangs.
pub const HANG: Duration = Duration::from_secs(10);

/// Limits by client address would only limit the drill.
pub const UNLIMITED: &[(&str, &str)] = &[
    ("limits.register_per_minute", "1000000"),
    ("limits.refresh_per_minute", "1000000"),
    ("limits.logins_per_hour", "1000000"),
    ("limits.known_logins_per_hour", "1000000"),
    ("limits.links_per_hour", "1000000"),
    ("limits.network_failures", "1000000"),
    ("limits.account_failures", "1000000"),
    ("hash.network_percent", "100"),
];

/// A deployment, and who asks which of its instances next.
pub struct Field {
    description: Description,
    rotation: Arc<Rotation>,
    people: AtomicUsize,
    http: reqwest::Client,
    began: Instant,
}

/// What came of one request.
pub enum Came {
    Answer(Raw),
    /// Nobody listened: the request was not received.
    Refused,
    /// The connection ended without an answer: nobody knows what was done.
    Cut(Cut),
}

#[derive(Debug, Clone)]
pub struct Cut {
    /// Since the drill began.
    pub at: Duration,
    pub instance: usize,
}

impl Field {
    pub async fn start(
        spawner: &Spawner,
        profile: Profile,
        settings: &[(&str, &str)],
        instances: usize,
    ) -> Result<Arc<Self>> {
        let description = spawner
            .start(Wanted {
                profile,
                settings,
                instances,
                clock: false,
                sabotage: None,
            })
            .await?;
        Ok(Arc::new(Self {
            rotation: Arc::new(Rotation::new(description.instances.len())),
            description,
            people: AtomicUsize::new(0),
            http: client(None)?,
            began: Instant::now(),
        }))
    }

    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    pub fn instances(&self) -> usize {
        self.description.instances.len()
    }

    pub fn processes(&self) -> Result<&Processes> {
        self.description.spawned.as_ref().context("no processes")
    }

    pub fn stored(&self) -> Result<&Stored> {
        Ok(self.processes()?.stored())
    }

    pub fn messages(&self) -> Result<&Messages> {
        self.description.messages.as_ref().context("no messages")
    }

    pub fn url(&self, instance: usize, path: &str) -> String {
        let base = self.description.instances[instance % self.instances()].to_string();
        format!("{}{path}", base.trim_end_matches('/'))
    }

    pub fn fresh_email(&self) -> String {
        let number = self.people.fetch_add(1, Ordering::Relaxed);
        format!("person{number}@example.com")
    }

    /// Asks the next instance.
    pub async fn ask(
        &self,
        build: impl Fn(&reqwest::Client, &dyn Fn(&str) -> String) -> reqwest::RequestBuilder,
    ) -> Came {
        let Ok(turn) = self.rotation.turn(None).await else {
            return Came::Refused;
        };
        let instance = turn.instance();
        let request = build(&self.http, &|path| self.url(instance, path));
        match Raw::of(request).await {
            Ok(raw) => Came::Answer(raw),
            Err(error) => match error.downcast_ref::<reqwest::Error>() {
                Some(error) if error.is_connect() => Came::Refused,
                _ => Came::Cut(Cut {
                    at: self.elapsed(),
                    instance,
                }),
            },
        }
    }

    /// Ends every instance in order and starts it again, one after the other, each out of turn meanwhile.
    pub async fn roll(&self) -> Result<()> {
        for instance in 0..self.instances() {
            self.rotation.take_out(instance).await?;
            self.processes()?.stop_instance(instance).await?;
            self.processes()?.restart_instance(instance).await?;
            self.rotation.put_back(instance);
        }
        Ok(())
    }

    pub async fn post(&self, path: &str, body: &Value, token: Option<&str>) -> Came {
        self.ask(|http, url| {
            let request = http.post(url(path));
            let request = match token {
                Some(token) => request.bearer_auth(token),
                None => request,
            };
            match body {
                Value::Null => request,
                body => request.json(body),
            }
        })
        .await
    }

    pub async fn login(&self, email: &str) -> Came {
        let form = [("username", email), ("password", PASSWORD)];
        self.ask(|http, url| http.post(url("/api/auth/token")).form(&form))
            .await
    }

    pub async fn get(&self, path: &str, token: &str) -> Came {
        self.ask(|http, url| http.get(url(path)).bearer_auth(token))
            .await
    }

    /// A person that exists, before anything bad happens.
    pub async fn register(&self) -> Result<String> {
        let email = self.fresh_email();
        let body = json!({ "email": email, "password": PASSWORD });
        let answer = settled(self.post("/api/auth/register", &body, None).await)?;
        ensure!(answer.status == 201, "{}: {}", answer.status, answer.text);
        Ok(email)
    }

    /// Ends everything in order; what is left behind must be sound.
    pub async fn end(&self) -> Result<()> {
        self.processes()?.end().await
    }
}

/// The answer where none can have been lost.
pub fn settled(came: Came) -> Result<Raw> {
    match came {
        Came::Answer(raw) => Ok(raw),
        Came::Refused => anyhow::bail!("nobody listens"),
        Came::Cut(cut) => anyhow::bail!("no answer: {cut:?}"),
    }
}

/// A client from one address.
pub fn client(address: Option<IpAddr>) -> Result<reqwest::Client> {
    Ok(reqwest::Client::builder()
        .no_proxy()
        .timeout(HANG)
        .local_address(address)
        // A connection that died while nobody used it would look like a lost answer.
        .pool_idle_timeout(Duration::from_millis(500))
        .build()?)
}

/// Kills one instance after the other and starts it again, until it is told to stop.
pub struct Killer {
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<Vec<Cut>>>,
}

impl Killer {
    pub fn set_loose(field: Arc<Field>, every: Duration) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        let task = tokio::spawn(async move {
            let mut kills = Vec::new();
            for turn in 0.. {
                let instance = turn % field.instances();
                // The first one soon, so that a short drill meets one too.
                let pause = if turn == 0 { every / 4 } else { every };
                let wait = tokio::time::timeout(pause, stopped.wait_for(|stop| *stop));
                if wait.await.is_ok() {
                    break;
                }
                field.processes()?.kill_instance(instance).await?;
                kills.push(Cut {
                    at: field.elapsed(),
                    instance,
                });
                field.processes()?.restart_instance(instance).await?;
            }
            Ok(kills)
        });
        Self { stop, task }
    }

    /// Everybody is back when this returns. When who was killed.
    pub async fn call_back(self) -> Result<Vec<Cut>> {
        self.stop.send_replace(true);
        self.task.await?
    }
}

/// Before a request is sent again: longer each time, and not at the same pace as others.
pub async fn back_off(tries: u32) {
    let longest = Duration::from_millis(20 << tries.min(5));
    let random = uuid::Uuid::new_v4().as_u64_pair().0 % 1000;
    let share = f64::from(u32::try_from(random).unwrap_or_default()) / 1000.0;
    tokio::time::sleep(longest.mul_f64(0.5 + share / 2.0)).await;
}

/// The figure below which that share of the others lie.
pub fn percentile(figures: &mut [Duration], share: f64) -> Duration {
    figures.sort_unstable();
    let last = figures.len().saturating_sub(1);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a position within a list"
    )]
    let position = (last as f64 * share).round() as usize;
    figures.get(position).copied().unwrap_or_default()
}
