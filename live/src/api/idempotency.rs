//! The ids of recent messages, so that a repeated request is published once.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::settings::digest;

/// Locks are held for well under a microsecond; this many make waiting for one rare.
const SHARDS: usize = 32;

/// What is known of recent messages, by id.
///
/// At most `capacity` finished messages are remembered; the oldest of a shard is forgotten first. Besides them there
/// are those in flight, which the API bounds. Memory: about 250 bytes for a message with a UUID, 700 with the longest
/// key, so 25 MB to 70 MB at 100,000.
pub(super) struct Recent {
    hasher: RandomState,
    shards: Vec<Mutex<Shard>>,
    capacity: usize,
}

#[derive(Default)]
struct Shard {
    entries: HashMap<Arc<str>, Entry>,
    // Finished entries, oldest first; one that is in flight again is passed over when its turn comes.
    finished: VecDeque<Arc<str>>,
}

struct Entry {
    state: State,
    // `None` for a message whose client gave no key.
    body: Option<[u8; 32]>,
    listed: bool,
}

/// What is known of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Its confirm is awaited.
    InFlight,
    /// The broker has confirmed it.
    Queued,
    /// The broker may have it or not.
    Uncertain,
}

/// What a request with a key is to do.
pub(super) enum Claim<'a> {
    /// Publish, and say on the ticket what came of it.
    Publish(Ticket<'a>),
    /// Answer as before: the message is queued.
    AlreadyQueued,
    /// Refuse: the same request is in flight.
    InFlight,
    /// Refuse: the key belongs to another body.
    OtherBody,
}

impl Recent {
    pub(super) fn new(capacity: usize) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Recent { hasher: RandomState::new(), shards, capacity: capacity.div_ceil(SHARDS).max(1) }
    }

    /// Claims the key of a client for a body.
    pub(super) fn claim(&self, key: &str, body: &[u8]) -> Claim<'_> {
        let body = digest(body);
        let mut shard = self.shard(key);
        let key = match shard.entries.get_key_value(key) {
            None => Arc::from(key),
            Some((_, Entry { body: Some(known), .. })) if *known != body => return Claim::OtherBody,
            Some((_, Entry { state: State::InFlight, .. })) => return Claim::InFlight,
            Some((_, Entry { state: State::Queued, body: None, .. })) => return Claim::OtherBody,
            Some((_, Entry { state: State::Queued, .. })) => return Claim::AlreadyQueued,
            Some((key, Entry { state: State::Uncertain, .. })) => Arc::clone(key),
        };
        let entry = shard.entries.entry(Arc::clone(&key)).or_insert(Entry {
            state: State::InFlight,
            body: None,
            listed: false,
        });
        (entry.state, entry.body) = (State::InFlight, Some(body));
        Claim::Publish(Ticket { recent: self, key: Some(key) })
    }

    /// A ticket for a message that got its id here: nobody else can have it.
    pub(super) fn begin(&self, id: &str) -> Ticket<'_> {
        Ticket { recent: self, key: Some(Arc::from(id)) }
    }

    /// What is known of a message.
    pub(super) fn state(&self, id: &str) -> Option<State> {
        self.shard(id).entries.get(id).map(|entry| entry.state)
    }

    fn shard(&self, key: &str) -> MutexGuard<'_, Shard> {
        let index = self.hasher.hash_one(key) as usize % SHARDS;
        // A shard is consistent between statements, so a panic elsewhere does not spoil it.
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn finish(&self, key: Arc<str>, state: State) {
        let mut shard = self.shard(&key);
        let shard = &mut *shard;
        let entry =
            shard.entries.entry(Arc::clone(&key)).or_insert(Entry { state, body: None, listed: false });
        entry.state = state;
        if entry.listed {
            return;
        }
        entry.listed = true;
        shard.finished.push_back(key);
        while shard.finished.len() > self.capacity {
            let Some(oldest) = shard.finished.pop_front() else { return };
            match shard.entries.get_mut(&oldest) {
                // Its key must stay taken until its outcome is known; it is listed again then.
                Some(entry) if entry.state == State::InFlight => entry.listed = false,
                _ => drop(shard.entries.remove(&oldest)),
            }
        }
    }

    fn release(&self, key: &str) {
        let mut shard = self.shard(key);
        if shard.entries.get(key).is_some_and(|entry| entry.listed) {
            // An earlier attempt may have queued it: its body stays tied to the key.
            if let Some(entry) = shard.entries.get_mut(key) {
                entry.state = State::Uncertain;
            }
        } else {
            shard.entries.remove(key);
        }
    }
}

/// A publish under way; dropped without a word, its outcome is unknown.
pub(super) struct Ticket<'a> {
    recent: &'a Recent,
    key: Option<Arc<str>>,
}

impl Ticket<'_> {
    /// The broker has the message.
    pub(super) fn queued(mut self) {
        self.finish(State::Queued);
    }

    /// The broker does not have the message: the key is free again.
    pub(super) fn failed(mut self) {
        if let Some(key) = self.key.take() {
            self.recent.release(&key);
        }
    }

    fn finish(&mut self, state: State) {
        if let Some(key) = self.key.take() {
            self.recent.finish(key, state);
        }
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.finish(State::Uncertain);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket<'a>(claim: Claim<'a>) -> Ticket<'a> {
        match claim {
            Claim::Publish(ticket) => ticket,
            _ => panic!("the key should be free"),
        }
    }

    #[test]
    fn a_key_is_taken_while_in_flight_and_tied_to_its_body_after() {
        let recent = Recent::new(100);
        let first = ticket(recent.claim("k", b"a"));
        assert!(matches!(recent.claim("k", b"a"), Claim::InFlight));
        assert!(matches!(recent.claim("k", b"b"), Claim::OtherBody));
        assert_eq!(recent.state("k"), Some(State::InFlight));
        first.queued();
        assert!(matches!(recent.claim("k", b"a"), Claim::AlreadyQueued));
        assert!(matches!(recent.claim("k", b"b"), Claim::OtherBody));
    }

    #[test]
    fn a_known_failure_frees_the_key_and_an_unknown_one_only_for_the_same_body() {
        let recent = Recent::new(100);
        ticket(recent.claim("k", b"a")).failed();
        assert_eq!(recent.state("k"), None);
        drop(ticket(recent.claim("k", b"b")));
        assert_eq!(recent.state("k"), Some(State::Uncertain));
        assert!(matches!(recent.claim("k", b"a"), Claim::OtherBody));
        ticket(recent.claim("k", b"b")).failed();
        assert!(matches!(recent.claim("k", b"a"), Claim::OtherBody), "the first attempt may be queued");
        ticket(recent.claim("k", b"b")).queued();
        assert_eq!(recent.state("k"), Some(State::Queued));
    }

    #[test]
    fn an_id_given_here_may_be_retried_as_a_key_if_its_outcome_is_unknown() {
        let recent = Recent::new(100);
        recent.begin("queued").queued();
        assert!(matches!(recent.claim("queued", b"a"), Claim::OtherBody));
        drop(recent.begin("unknown"));
        ticket(recent.claim("unknown", b"a")).queued();
        assert!(matches!(recent.claim("unknown", b"b"), Claim::OtherBody));
    }

    #[test]
    fn the_oldest_are_forgotten_and_what_is_in_flight_never() {
        let recent = Recent::new(SHARDS * 10);
        let uncertain: Vec<String> = (0..20).map(|index| format!("again-{index}")).collect();
        uncertain.iter().for_each(|key| drop(ticket(recent.claim(key, b"a"))));
        let again: Vec<_> = uncertain.iter().map(|key| ticket(recent.claim(key, b"a"))).collect();
        for index in 0..10_000 {
            ticket(recent.claim(&format!("key-{index}"), b"a")).queued();
        }
        assert!(uncertain.iter().all(|key| recent.state(key) == Some(State::InFlight)));
        again.into_iter().for_each(Ticket::queued);
        let known = (0..10_000).filter(|index| recent.state(&format!("key-{index}")).is_some()).count();
        assert!((SHARDS * 9..=SHARDS * 10).contains(&known), "{known}");
        assert!(recent.state("key-0").is_none() && recent.state("key-9999").is_some());
        let held: usize = recent.shards.iter().map(|shard| shard.lock().unwrap().entries.len()).sum();
        assert_eq!(held, SHARDS * 10, "nothing else is held");
    }
}
