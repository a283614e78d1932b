//! Which connections there are, and which of them waits for its client.
//!
//! To make the server wait, for a head or for a body, costs a client nothing, so a new connection has the
//! better claim: past a limit one that waits is closed, of the most crowded network the one that has
//! waited longest. Networks are counted for it as attackers own them, an IPv4 /24 or an IPv6 /48. Only
//! when every connection has a whole request under way is the new one refused, and how many those are
//! is the server's affair.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::Limits;
use crate::app::network::Networks;
use crate::metrics::{ConnectionEnd, Metrics};

pub struct Table {
    limits: Limits,
    metrics: Arc<Metrics>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    next: u64,
    entries: HashMap<u64, Entry>,
    /// By the narrow network, which has a limit.
    by_network: HashMap<String, usize>,
    /// By the wide network; whoever has most of them makes room first.
    crowds: HashMap<String, Arc<AtomicUsize>>,
}

struct Entry {
    /// `None`: a trusted proxy, which is counted in the total only.
    client: Option<Counted>,
    /// Since when its client has owed a whole request. `None`: one is under way.
    waiting: Option<Instant>,
    phase: Arc<AtomicU8>,
    close: Arc<Notify>,
}

/// Where a client comes from.
struct Counted {
    networks: Networks,
    /// How many connections the crowd has; looked at for every connection when one has to go.
    crowd_size: Arc<AtomicUsize>,
}

/// The place of one connection in the table, given back when it is dropped.
pub struct Admission {
    line: Arc<Line>,
    close: Arc<Notify>,
}

/// What the stream of a connection and its service tell each other.
pub struct Line {
    table: Arc<Table>,
    id: u64,
    phase: Arc<AtomicU8>,
}

/// The phases of a connection.
mod phase {
    /// The client is to send a head.
    pub const HEAD: u8 = 0;
    /// There is a head. The rest of the request may be on its way, for which the gateway has a limit.
    pub const REQUEST: u8 = 1;
    /// There is an answer, which is not sent whole yet.
    pub const ANSWERED: u8 = 2;
}

impl Table {
    pub fn new(limits: Limits, metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self {
            limits,
            metrics,
            inner: Mutex::default(),
        })
    }

    /// A place for a connection from `peer`, if need be that of another.
    pub fn admit(self: &Arc<Self>, peer: SocketAddr) -> Result<Admission, ConnectionEnd> {
        let ip = peer.ip().to_canonical();
        let is_proxy = self
            .limits
            .trusted_proxies
            .iter()
            .any(|net| net.contains(&ip));
        let networks = (!is_proxy).then(|| Networks::of(ip));
        let mut inner = self.lock();
        if let Some(Networks { narrow, .. }) = &networks
            && inner.by_network.get(narrow).copied().unwrap_or_default() >= self.limits.per_network
            && !inner.close_a_waiting_one(|entry| entry.is_from(narrow))
        {
            return Err(self.refused(ConnectionEnd::NetworkFull));
        }
        if inner.entries.len() >= self.limits.connections && !inner.close_a_waiting_one(|_| true) {
            return Err(self.refused(ConnectionEnd::Full));
        }
        let id = inner.next;
        inner.next += 1;
        let close = Arc::new(Notify::new());
        let phase = Arc::new(AtomicU8::new(phase::HEAD));
        let entry = Entry {
            client: networks.map(|networks| inner.count(networks)),
            waiting: Some(Instant::now()),
            phase: phase.clone(),
            close: close.clone(),
        };
        inner.entries.insert(id, entry);
        drop(inner);
        self.metrics.connection_opened();
        let line = Arc::new(Line {
            table: self.clone(),
            id,
            phase,
        });
        Ok(Admission { line, close })
    }

    /// Makes room for whatever else needs a file.
    pub fn close_a_waiting_one(&self) {
        self.lock().close_a_waiting_one(|_| true);
    }

    /// For a stop: a request whose head is not complete by now is not begun.
    pub fn close_without_request(&self) {
        let head = |entry: &Entry| entry.phase.load(Ordering::Relaxed) == phase::HEAD;
        let mut inner = self.lock();
        while inner.close_a_waiting_one(head) {}
    }

    fn refused(&self, end: ConnectionEnd) -> ConnectionEnd {
        self.metrics.connection_ended(end);
        end
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn count(&mut self, networks: Networks) -> Counted {
        *self.by_network.entry(networks.narrow.clone()).or_default() += 1;
        let crowd_size = self
            .crowds
            .entry(networks.wide.clone())
            .or_default()
            .clone();
        crowd_size.fetch_add(1, Ordering::Relaxed);
        Counted {
            networks,
            crowd_size,
        }
    }

    /// Whether there was one. It is forgotten at once, and its task closes it. A proxy's comes last:
    /// somebody's next request will arrive there.
    fn close_a_waiting_one(&mut self, among: impl Fn(&Entry) -> bool) -> bool {
        let waiting = self.entries.iter().filter(|(_, entry)| among(entry));
        let first = waiting
            .filter_map(|(id, entry)| Some((Reverse(entry.crowd_size()), entry.waiting?, *id)))
            .min();
        let Some(entry) = first.and_then(|(.., id)| self.remove(id)) else {
            return false;
        };
        entry.close.notify_one();
        true
    }

    fn remove(&mut self, id: u64) -> Option<Entry> {
        let entry = self.entries.remove(&id)?;
        if let Some(client) = &entry.client {
            let Networks { narrow, wide, .. } = &client.networks;
            if let Some(count) = self.by_network.get_mut(narrow) {
                *count -= 1;
                if *count == 0 {
                    self.by_network.remove(narrow);
                }
            }
            if client.crowd_size.fetch_sub(1, Ordering::Relaxed) == 1 {
                self.crowds.remove(wide);
            }
        }
        Some(entry)
    }
}

impl Entry {
    fn is_from(&self, narrow: &str) -> bool {
        self.client
            .as_ref()
            .is_some_and(|client| client.networks.narrow == narrow)
    }

    fn crowd_size(&self) -> usize {
        let client = self.client.as_ref();
        client.map_or(0, |client| client.crowd_size.load(Ordering::Relaxed))
    }
}

impl Admission {
    pub fn line(&self) -> Arc<Line> {
        self.line.clone()
    }

    /// Returns when the connection is to be closed for another one.
    pub async fn closed(&self) {
        self.close.notified().await;
        self.line.ended(ConnectionEnd::Replaced);
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let table = &self.line.table;
        table.lock().remove(self.line.id);
        table.metrics.connection_closed();
    }
}

impl Line {
    /// A head is complete.
    pub fn begun(&self) {
        self.phase.store(phase::REQUEST, Ordering::Relaxed);
    }

    /// The client owes nothing more of its request. Returns whether the connection still has its place.
    pub fn complete(&self) -> bool {
        self.set_waiting(None)
    }

    pub fn answered(&self) {
        self.phase.store(phase::ANSWERED, Ordering::Relaxed);
        self.set_waiting(None);
    }

    /// Whatever there was to send is sent. Returns whether that ended a request.
    pub fn sent(&self) -> bool {
        if self.phase.load(Ordering::Relaxed) != phase::ANSWERED {
            return false;
        }
        self.phase.store(phase::HEAD, Ordering::Relaxed);
        self.set_waiting(Some(Instant::now()));
        true
    }

    pub fn awaits_head(&self) -> bool {
        self.phase.load(Ordering::Relaxed) == phase::HEAD
    }

    pub fn ended(&self, end: ConnectionEnd) {
        self.table.metrics.connection_ended(end);
    }

    pub fn head_timeout(&self) -> Duration {
        self.table.limits.head_timeout
    }

    pub fn idle_timeout(&self) -> Duration {
        self.table.limits.idle_timeout
    }

    fn set_waiting(&self, waiting: Option<Instant>) -> bool {
        match self.table.lock().entries.get_mut(&self.id) {
            Some(entry) => {
                entry.waiting = waiting;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests;
