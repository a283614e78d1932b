//! What is looked at when somebody asks, instead of counted.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::Registry;

/// How things are at the moment of a scrape.
pub struct Now {
    pub hashes: HashQueue,
    pub pools: Vec<Pool>,
    /// `None`: the database does not answer.
    pub outbox: Option<Outbox>,
}

/// The queue in front of the password hash.
#[derive(Debug, Clone, Copy)]
pub struct HashQueue {
    pub running: usize,
    pub waiting: usize,
    /// Since the start.
    pub refused: u64,
}

/// Connections to the database.
#[derive(Debug, Clone, Copy)]
pub struct Pool {
    pub name: &'static str,
    pub open: u32,
    pub in_use: u32,
    pub most: u32,
}

/// Messages that are not sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outbox {
    /// To be sent now.
    pub due: i64,
    /// Taken by a worker.
    pub sending: i64,
    /// For their next try.
    pub waiting: i64,
    /// Given up within a day.
    pub dead: i64,
    /// Since when the first of the due ones has been due, in Unix milliseconds.
    pub due_since: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PoolName {
    pool: &'static str,
}

impl Now {
    /// Made anew for each scrape, so that two at once do not disturb each other, and that what is not
    /// known is absent instead of old.
    pub(super) fn registry(&self, now: i64) -> Registry {
        let mut registry = Registry::with_prefix("bp_auth");
        let HashQueue {
            running,
            waiting,
            refused,
        } = self.hashes;
        let hashes = states([("running", running), ("waiting", waiting)]);
        registry.register(
            "hash_queue",
            "Passwords that are hashed, or wait for it",
            hashes,
        );
        registry.register(
            "hash_refused",
            "Requests turned away because the queue was full or the wait too long",
            ConstCounter::new(refused),
        );
        let (open, in_use, most) = (Pools::default(), Pools::default(), Pools::default());
        for pool in &self.pools {
            let name = PoolName { pool: pool.name };
            open.get_or_create(&name).set(i64::from(pool.open));
            in_use.get_or_create(&name).set(i64::from(pool.in_use));
            most.get_or_create(&name).set(i64::from(pool.most));
        }
        registry.register("database_connections", "Open connections", open);
        registry.register("database_connections_in_use", "Those in use", in_use);
        registry.register("database_connections_max", "As many as may be open", most);
        registry.register(
            "database_up",
            "Whether the database answered this scrape",
            ConstGauge::new(i64::from(self.outbox.is_some())),
        );
        if let Some(outbox) = &self.outbox {
            let counts = states([
                ("due", outbox.due),
                ("sending", outbox.sending),
                ("waiting", outbox.waiting),
                ("dead", outbox.dead),
            ]);
            registry.register("outbox_messages", "Messages that are not sent", counts);
            registry.register(
                "outbox_oldest_due_seconds",
                "For how long the first due message has been due",
                ConstGauge::new(outbox.oldest_due(now).as_secs_f64()),
            );
        }
        registry
    }
}

impl Outbox {
    /// Zero when nothing is due.
    pub fn oldest_due(&self, now: i64) -> Duration {
        let since = self.due_since.unwrap_or(now);
        Duration::from_millis(u64::try_from(now.saturating_sub(since)).unwrap_or_default())
    }
}

type Pools = Family<PoolName, Gauge>;

fn states<N: TryInto<i64>>(
    counts: impl IntoIterator<Item = (&'static str, N)>,
) -> Family<State, Gauge> {
    let family = Family::<State, Gauge>::default();
    for (state, count) in counts {
        let count = count.try_into().unwrap_or(i64::MAX);
        family.get_or_create(&State { state }).set(count);
    }
    family
}
