//! Places in a bounded queue, and cores for those who wait in it, in turn by network: however many
//! connections one network has, another's next request is served after one of each network before it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::network::Networks;

/// Clones share the queue.
#[derive(Clone)]
pub struct FairQueue(Arc<Shared>);

struct Shared {
    cores: usize,
    places: usize,
    /// Places that a narrow network can hold at once, and a wide one.
    narrow_most: usize,
    wide_most: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: usize,
    taken: usize,
    narrow: HashMap<String, usize>,
    wide: HashMap<String, usize>,
    waiting: Waiting,
}

/// A place in the queue, where whoever still has something to look up leaves the cores to others.
pub struct Place {
    queue: FairQueue,
    networks: Networks,
    /// Since when its holder waits.
    pub since: Instant,
}

/// A core of the machine, until it is dropped.
pub struct Core(Option<FairQueue>);

impl FairQueue {
    /// `share` is how many places one narrow network can hold. A wide one can hold half of the others
    /// besides, so that some are left for everybody else unless one network may have them all.
    pub fn new(cores: usize, places: usize, share: usize) -> Self {
        Self(Arc::new(Shared {
            cores,
            places,
            narrow_most: share,
            wide_most: share + places.saturating_sub(share) / 2,
            state: Mutex::default(),
        }))
    }

    /// None when the queue is full, or when the network has its part of it.
    pub fn place(&self, networks: &Networks) -> Option<Place> {
        let Shared { places, .. } = *self.0;
        let mut state = self.state();
        let held = |by: &HashMap<String, usize>, network: &str| by.get(network).map_or(0, |n| *n);
        if state.taken >= places
            || held(&state.narrow, &networks.narrow) >= self.0.narrow_most
            || held(&state.wide, &networks.wide) >= self.0.wide_most
        {
            return None;
        }
        state.taken += 1;
        *state.narrow.entry(networks.narrow.clone()).or_default() += 1;
        *state.wide.entry(networks.wide.clone()).or_default() += 1;
        Some(Place {
            queue: self.clone(),
            networks: networks.clone(),
            since: Instant::now(),
        })
    }

    /// Waits for a core.
    pub async fn core(&self, place: &Place) -> Core {
        loop {
            let turn = {
                let mut state = self.state();
                if state.running < self.0.cores {
                    state.running += 1;
                    return Core(Some(self.clone()));
                }
                let (core, turn) = oneshot::channel();
                state.waiting.push(&place.networks, core);
                turn
            };
            // The other end is never dropped without a core; if it were, asking again is right.
            if let Ok(core) = turn.await {
                return core;
            }
        }
    }

    /// How many cores are in use, and how many places are taken.
    pub fn length(&self) -> (usize, usize) {
        let state = self.state();
        (state.running, state.taken)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands a core on to whoever is next, or leaves it free.
    fn release(self) {
        loop {
            let mut state = self.state();
            let Some(next) = state.waiting.pop() else {
                state.running -= 1;
                return;
            };
            drop(state);
            match next.send(Core(Some(self.clone()))) {
                Ok(()) => return,
                // Whoever it was has gone; the core is still in hand.
                Err(mut core) => core.0 = None,
            }
        }
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        if let Some(queue) = self.0.take() {
            queue.release();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        state.taken -= 1;
        let State { narrow, wide, .. } = &mut *state;
        for (held, network) in [(narrow, &self.networks.narrow), (wide, &self.networks.wide)] {
            if let Some(places) = held.get_mut(network) {
                *places -= 1;
                if *places == 0 {
                    held.remove(network);
                }
            }
        }
    }
}

/// Those who wait: wide networks in turn, in each of them its narrow networks in turn, and in each of these
/// whoever came first.
#[derive(Default)]
struct Waiting(VecDeque<(String, VecDeque<(String, Line)>)>);

type Line = VecDeque<oneshot::Sender<Core>>;

impl Waiting {
    fn push(&mut self, networks: &Networks, core: oneshot::Sender<Core>) {
        let line = entry(entry(&mut self.0, &networks.wide), &networks.narrow);
        // Those who gave up take no room.
        line.retain(|waiting| !waiting.is_closed());
        line.push_back(core);
    }

    fn pop(&mut self) -> Option<oneshot::Sender<Core>> {
        while let Some((wide, mut narrow_ones)) = self.0.pop_front() {
            let Some((narrow, mut line)) = narrow_ones.pop_front() else {
                continue;
            };
            let next = line.pop_front();
            if !line.is_empty() {
                narrow_ones.push_back((narrow, line));
            }
            if !narrow_ones.is_empty() {
                self.0.push_back((wide, narrow_ones));
            }
            if let Some(next) = next.filter(|next| !next.is_closed()) {
                return Some(next);
            }
        }
        None
    }
}

/// The entry of a network, which comes last if it is new.
fn entry<'e, T: Default>(entries: &'e mut VecDeque<(String, T)>, network: &str) -> &'e mut T {
    let at = entries.iter().position(|(known, _)| known == network);
    let at = at.unwrap_or_else(|| {
        entries.push_back((network.to_owned(), T::default()));
        entries.len() - 1
    });
    &mut entries[at].1
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use super::*;

    fn from(ip: &str) -> Networks {
        Networks::of(ip.parse().unwrap())
    }

    #[tokio::test]
    async fn a_network_holds_its_part_of_the_places_and_no_more() {
        let queue = FairQueue::new(1, 8, 4);
        let take = |ip: &str| queue.place(&from(ip));
        let narrow: Vec<_> = (0..4).filter_map(|_| take("192.0.2.1")).collect();
        assert_eq!(narrow.len(), 4);
        assert!(take("192.0.2.1").is_none(), "a fifth place of four");
        // Neighbours together hold six of eight.
        let wide: Vec<_> = (2..9)
            .filter_map(|n| take(&format!("192.0.2.{n}")))
            .collect();
        assert_eq!(wide.len(), 2);
        let others = (take("198.51.100.1").unwrap(), take("203.0.113.1").unwrap());
        assert!(take("203.0.114.1").is_none(), "a ninth place of eight");
        drop((narrow, wide, others));
        assert_eq!(queue.length(), (0, 0));
        let state = queue.state();
        assert!(state.narrow.is_empty() && state.wide.is_empty());
    }

    /// Puts somebody in the line for a core, and leaves a note when he has had it.
    async fn wait(queue: &FairQueue, ip: &'static str, served: &Mutex<Vec<&'static str>>) {
        let place = queue.place(&from(ip)).unwrap();
        let core = queue.core(&place).await;
        served.lock().unwrap().push(ip);
        drop(core);
    }

    #[tokio::test]
    async fn networks_are_served_in_turn_and_each_in_its_own_order() {
        let queue = FairQueue::new(1, 64, 32);
        let place = queue.place(&from("203.0.113.1")).unwrap();
        let core = queue.core(&place).await;
        let served = Mutex::default();
        let clients = [
            "192.0.2.1",
            "192.0.2.1",
            "192.0.2.1",
            "192.0.2.2",
            "198.51.100.7",
        ];
        let mut waiting: Vec<Pin<Box<_>>> = clients
            .iter()
            .map(|ip| Box::pin(wait(&queue, ip, &served)))
            .collect();
        for waiting in &mut waiting {
            assert!(futures::poll!(waiting).is_pending());
        }
        drop(core);
        futures::future::join_all(waiting).await;
        // The wide network of the first four has every other turn, its two addresses in turn.
        let expected = [
            "192.0.2.1",
            "198.51.100.7",
            "192.0.2.2",
            "192.0.2.1",
            "192.0.2.1",
        ];
        assert_eq!(*served.lock().unwrap(), expected);
    }

    #[tokio::test]
    async fn whoever_gives_up_takes_no_core_with_him() {
        let queue = FairQueue::new(1, 64, 64);
        let place = queue.place(&from("192.0.2.1")).unwrap();
        let core = queue.core(&place).await;
        let served = Mutex::default();
        let mut gone = Box::pin(wait(&queue, "192.0.2.2", &served));
        let mut given = Box::pin(wait(&queue, "192.0.2.3", &served));
        let mut stays = Box::pin(wait(&queue, "192.0.2.4", &served));
        for waiting in [&mut gone, &mut given, &mut stays] {
            assert!(futures::poll!(waiting).is_pending());
        }
        drop(gone);
        drop(core);
        // The core is on its way to one who leaves without having looked.
        drop(given);
        stays.await;
        assert_eq!(*served.lock().unwrap(), ["192.0.2.4"]);
        drop(place);
        assert_eq!(queue.length(), (0, 0));
    }
}
