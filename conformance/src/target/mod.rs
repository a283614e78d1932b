//! What is under judgement: an address, and what else is known of the server behind it.

pub mod clock;
#[cfg(feature = "spawn")]
pub mod front;
pub mod messages;
pub mod operator;
#[cfg(feature = "spawn")]
pub mod patroni;
#[cfg(feature = "spawn")]
pub mod postgres;
#[cfg(feature = "spawn")]
pub mod processes;
#[cfg(feature = "spawn")]
pub mod restarts;
#[cfg(feature = "spawn")]
pub mod spawn;
#[cfg(feature = "spawn")]
pub mod stored;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};
use http::Uri;

use crate::case::{Needs, Profile};
use crate::witness::rotation::Turn;
use crate::witness::{Misbehaviour, Recorder, Witness};
use clock::TestClock;
use messages::Messages;
use operator::Operator;

/// One deployment under judgement: one or several instances on one database.
pub struct Target {
    pub profile: Profile,
    /// The instances' own addresses. Cases go through [`Target::url`].
    pub instances: Vec<Uri>,
    pub messages: Option<Messages>,
    pub operator: Option<Operator>,
    pub clock: Option<TestClock>,
    /// The processes, when this suite has started them.
    #[cfg(feature = "spawn")]
    pub spawned: Option<processes::Processes>,
    witness: Witness,
    /// Client networks given out so far.
    networks: AtomicU32,
}

/// What is known of a deployment before a witness stands before it.
pub struct Description {
    pub profile: Profile,
    pub instances: Vec<Uri>,
    pub messages: Option<Messages>,
    pub operator: Option<Operator>,
    pub clock: Option<TestClock>,
    #[cfg(feature = "spawn")]
    pub spawned: Option<processes::Processes>,
}

impl Target {
    pub async fn new(
        description: Description,
        recorder: Arc<Recorder>,
        fault: Option<Arc<dyn Misbehaviour>>,
    ) -> Result<Self> {
        let witness = Witness::start(description.instances.clone(), recorder, fault).await?;
        Ok(Self {
            profile: description.profile,
            instances: description.instances,
            messages: description.messages,
            operator: description.operator,
            clock: description.clock,
            #[cfg(feature = "spawn")]
            spawned: description.spawned,
            witness,
            networks: AtomicU32::new(0),
        })
    }

    /// Where cases send their requests: the witness.
    pub fn url(&self) -> String {
        self.witness.url()
    }

    /// Until it is dropped, nobody takes the instance away.
    pub async fn hold(&self, instance: usize) -> Result<Turn> {
        self.witness.rotation().turn(Some(instance)).await
    }

    /// Takes an instance out of turn, ends it as a power cut would, and puts it back once it answers.
    #[cfg(feature = "spawn")]
    pub async fn restart(&self, instance: usize) -> Result<()> {
        let processes = self.spawned.as_ref().context("it is not ours to end")?;
        let rotation = self.witness.rotation();
        rotation.take_out(instance).await?;
        processes.kill_instance(instance).await?;
        processes.restart_instance(instance).await?;
        rotation.put_back(instance);
        Ok(())
    }

    /// The server's own origin, as browsers would say it.
    pub fn origin(&self) -> String {
        // Several instances have one public address, and none of them listens on it.
        #[cfg(feature = "spawn")]
        if self.instances.len() > 1 {
            return spawn::PUBLIC_URL.to_owned();
        }
        let instance = &self.instances[0];
        format!(
            "{}://{}",
            instance.scheme_str().unwrap_or("http"),
            instance.authority().map_or("", |one| one.as_str())
        )
    }

    /// Why this target cannot be asked for that; nothing if it can.
    pub fn lacks(&self, needs: &Needs) -> Option<String> {
        let spawned = self.is_spawned();
        [
            (
                needs.messages && self.messages.is_none(),
                "its messages cannot be read",
            ),
            (
                needs.operator && self.operator.is_none(),
                "it has no --operator",
            ),
            (
                needs.clock && self.clock.is_none(),
                "its time cannot be moved",
            ),
            (
                needs.spawned && !spawned,
                "it was not started by this suite",
            ),
            (
                !needs.settings.is_empty() && !spawned,
                "its settings cannot be chosen",
            ),
            (
                needs.itself && self.has_front(),
                "what stands before the server answers this by itself",
            ),
            (
                needs.instances > self.instances.len(),
                "it has too few instances",
            ),
        ]
        .into_iter()
        .find_map(|(lacking, why)| lacking.then(|| why.to_owned()))
    }

    /// Whether something of this suite's own stands before the instances.
    fn has_front(&self) -> bool {
        #[cfg(feature = "spawn")]
        if let Some(processes) = &self.spawned {
            return processes.front.is_some();
        }
        false
    }

    #[cfg(feature = "spawn")]
    pub fn is_spawned(&self) -> bool {
        self.spawned.is_some()
    }

    #[cfg(not(feature = "spawn"))]
    pub fn is_spawned(&self) -> bool {
        false
    }

    /// A client address that nobody has used on this target, where the suite has such to give: on a
    /// loopback address every 127.x.y.z is ours.
    pub fn network(&self) -> Option<std::net::IpAddr> {
        let host = self.instances[0].host()?;
        if !host.starts_with("127.") || cfg!(not(target_os = "linux")) {
            return None;
        }
        // Each in a /24 of its own, which limits count too. The process's number keeps two runs against one
        // server apart.
        let run = u8::try_from(std::process::id() % 60).unwrap_or_default();
        let network = self.networks.fetch_add(1, Ordering::Relaxed);
        let [_, _, high, low] = network.to_be_bytes();
        Some(std::net::IpAddr::from([
            127,
            4 * (1 + run) + high % 4,
            low,
            2,
        ]))
    }
}

/// An address given on the command line.
pub fn parse_url(text: &str) -> Result<Uri> {
    let uri: Uri = text
        .trim_end_matches('/')
        .parse()
        .with_context(|| format!("{text} is no address"))?;
    uri.authority()
        .with_context(|| format!("{text} names no host; write http://HOST:PORT"))?;
    Ok(uri)
}
