//! Drills: catastrophes on purpose, with real processes, and what became of every acknowledged effect.
//!
//! A drill talks to the instances themselves, one after the other and without a witness: it is the
//! balancer and the client that tries again. Each prints its figures, then the promises that were
//! broken, and fails if there is one.

mod copy;
mod crash;
mod delay;
mod failover;
mod field;
mod keys;
mod logins;
mod outage;
mod pressure;
mod refresh;

use anyhow::Result;

use crate::target::spawn::Spawner;
use crate::target::stored::Kind;

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Drill {
    /// Clients refresh, try again and again, while instances are killed.
    Refresh,
    /// The same with logins, half of them with a second factor.
    Logins,
    /// One instance is killed in the middle of everything, round after round.
    Crash,
    /// PostgreSQL stops for a while, then falls silent for a while.
    Outage,
    /// More logins at once than there are cores for.
    Pressure,
    /// An SQLite database with many people is copied to PostgreSQL.
    Copy,
    /// Wrong passwords, then the right one, from two networks on two instances.
    Delay,
    /// Signing and sealing keys are rotated while everybody works.
    Keys,
    /// The leader of a PostgreSQL cluster is killed, frozen and replaced.
    Failover,
}

/// How large a drill is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub instances: usize,
    pub clients: usize,
    pub amount: usize,
    pub rounds: usize,
    pub seconds: u64,
}

/// Sentences about broken promises; none is good.
pub type Broken = Vec<String>;

/// True if every promise was kept.
pub async fn run(drill: Drill, size: Size, spawner: &Spawner, kind: Kind) -> Result<bool> {
    println!("drill {drill:?} on {kind:?}: {size:?}");
    let broken = match drill {
        Drill::Refresh => refresh::run(size, spawner).await?,
        Drill::Logins => logins::run(size, spawner).await?,
        Drill::Crash => crash::run(size, spawner).await?,
        Drill::Outage => outage::run(size, spawner, kind).await?,
        Drill::Pressure => pressure::run(size, spawner).await?,
        Drill::Copy => copy::run(size, spawner).await?,
        Drill::Delay => delay::run(spawner).await?,
        Drill::Keys => keys::run(size, spawner).await?,
        Drill::Failover => failover::run(size, spawner).await?,
    };
    for promise in &broken {
        println!("BROKEN: {promise}");
    }
    println!("{} promises broken", broken.len());
    Ok(broken.is_empty())
}
