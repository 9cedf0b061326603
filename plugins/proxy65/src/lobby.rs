//! Where connections wait for each other, and for being activated.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use sestina_core::Duplex;
use sestina_stanza::{Condition, Jid};
use tokio::sync::oneshot;

use crate::handshake::Address;

/// The connections of a proxy, and the bytestreams of each account.
#[derive(Debug, Default)]
pub(crate) struct Lobby {
    /// Those that wait, two of an address at most.
    waiting: Mutex<HashMap<Address, Vec<Waits>>>,
    next: AtomicUsize,
    places: Arc<AtomicUsize>,
    streams: Arc<Mutex<HashMap<Jid, usize>>>,
}

/// One that waits: a number of its own, and how it is told to wait no more.
type Waits = (u64, oneshot::Sender<Go>);

/// What a connection that has waited does.
#[derive(Debug)]
pub(crate) enum Go {
    /// Hands itself over, and keeps its place until the other is done with it.
    Give(oneshot::Sender<Given>),
    /// Takes the other, says so, and carries what both say.
    Take { from: oneshot::Receiver<Given>, ready: oneshot::Sender<()>, stream: Stream },
}

/// A connection that was handed over; dropped with [`over`](Self::over), whoever gave it is free.
pub(crate) struct Given {
    pub(crate) io: Box<dyn Duplex>,
    pub(crate) over: oneshot::Sender<Infallible>,
}

impl std::fmt::Debug for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Given").finish_non_exhaustive()
    }
}

/// A connection's place among all; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A bytestream of an account; no longer counted when dropped.
#[derive(Debug)]
pub(crate) struct Stream {
    account: Jid,
    streams: Arc<Mutex<HashMap<Jid, usize>>>,
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut streams = self.streams.lock();
        if let Some(count) = streams.get_mut(&self.account) {
            *count -= 1;
            if *count == 0 {
                streams.remove(&self.account);
            }
        }
    }
}

/// A connection that waits; it waits no more when this is dropped.
pub(crate) struct Waiting<'a> {
    lobby: &'a Lobby,
    address: Address,
    id: u64,
    pub(crate) go: oneshot::Receiver<Go>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut waiting = self.lobby.waiting.lock();
        if let Some(both) = waiting.get_mut(&self.address) {
            both.retain(|(id, _)| *id != self.id);
            if both.is_empty() {
                waiting.remove(&self.address);
            }
        }
    }
}

impl Lobby {
    /// A place for a connection, if there is one.
    pub(crate) fn place(&self, most: usize) -> Option<Place> {
        let place = Place(self.places.clone());
        // Counted first: it is given back either way.
        (self.places.fetch_add(1, Ordering::Relaxed) < most).then_some(place)
    }

    /// One more bytestream of an account, unless it has as many as it may.
    pub(crate) fn stream(&self, account: Jid, most: usize) -> Option<Stream> {
        let mut streams = self.streams.lock();
        let count = streams.get(&account).copied().unwrap_or_default();
        if count >= most {
            return None;
        }
        streams.insert(account.clone(), count + 1);
        drop(streams);
        Some(Stream { account, streams: self.streams.clone() })
    }

    /// Waits at an address, unless two do.
    pub(crate) fn enter(&self, address: Address) -> Option<Waiting<'_>> {
        let mut waiting = self.waiting.lock();
        let both = waiting.entry(address).or_default();
        if both.len() == 2 {
            return None;
        }
        let id = self.next.fetch_add(1, Ordering::Relaxed) as u64;
        let (send, go) = oneshot::channel();
        both.push((id, send));
        Some(Waiting { lobby: self, address, id, go })
    }

    /// Brings two together who wait at an address; hands back what says when they are.
    ///
    /// # Errors
    ///
    /// XEP-0065 §6.3.5: `item-not-found` where nobody waits, `not-allowed` where one does.
    pub(crate) fn pair(
        &self,
        address: &Address,
        stream: Stream,
    ) -> Result<oneshot::Receiver<()>, Condition> {
        let mut waiting = self.waiting.lock();
        match waiting.get(address).map(Vec::len) {
            None => return Err(Condition::ItemNotFound),
            Some(2) => {}
            Some(_) => return Err(Condition::NotAllowed),
        }
        let both = waiting.remove(address).unwrap_or_default();
        drop(waiting);
        let ((give, from), (ready, told)) = (oneshot::channel(), oneshot::channel());
        let roles = [Go::Give(give), Go::Take { from, ready, stream }];
        for ((_, go), role) in both.into_iter().zip(roles) {
            // Who has gone meanwhile is missed by the other, who says nothing then.
            let _or_gone = go.send(role);
        }
        Ok(told)
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        let none = self.waiting.lock().is_empty() && self.streams.lock().is_empty();
        none && self.places.load(Ordering::Relaxed) == 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn jid(text: &str) -> Jid {
        text.parse().expect("an address")
    }

    #[test]
    fn places_and_streams_come_back() {
        let lobby = Lobby::default();
        let held = [lobby.place(2), lobby.place(2)];
        assert!(held.iter().all(Option::is_some) && lobby.place(2).is_none());
        drop(held);
        assert!(lobby.place(2).is_some());
        let juliet = jid("juliet@capulet.example");
        let stream = lobby.stream(juliet.clone(), 1);
        assert!(stream.is_some() && lobby.stream(juliet.clone(), 1).is_none());
        assert!(lobby.stream(jid("romeo@capulet.example"), 1).is_some(), "each has its own");
        drop(stream);
        assert!(lobby.stream(juliet, 1).is_some() && lobby.is_empty());
    }

    #[derive(Clone, Copy, Debug)]
    enum Act {
        Enter(u8),
        Leave(u8),
        Pair(u8),
    }

    fn acts() -> impl Strategy<Value = Vec<Act>> {
        let act = (0u8..3, 0u8..3).prop_map(|(act, at)| match act {
            0 => Act::Enter(at),
            1 => Act::Leave(at),
            _ => Act::Pair(at),
        });
        proptest::collection::vec(act, 0..40)
    }

    proptest! {
        /// Two wait at an address and no more, whoever comes and goes, and a pair is of two.
        #[test]
        fn it_is_like_a_list_for_each_address(acts in acts()) {
            let lobby = Lobby::default();
            let mut model: [Vec<Waiting<'_>>; 3] = Default::default();
            for act in acts {
                match act {
                    Act::Enter(at) => {
                        let here = &mut model[usize::from(at)];
                        let entered = lobby.enter(Address([at; 20]));
                        prop_assert_eq!(entered.is_some(), here.len() < 2);
                        here.extend(entered);
                    }
                    Act::Leave(at) => drop(model[usize::from(at)].pop()),
                    Act::Pair(at) => {
                        let here = &mut model[usize::from(at)];
                        let stream = lobby.stream(jid("juliet@capulet.example"), 1);
                        let paired = lobby.pair(&Address([at; 20]), stream.expect("room"));
                        match here.len() {
                            0 => prop_assert_eq!(paired.err(), Some(Condition::ItemNotFound)),
                            1 => prop_assert_eq!(paired.err(), Some(Condition::NotAllowed)),
                            _ => {
                                prop_assert!(paired.is_ok());
                                let gone: Vec<_> = here.drain(..).map(|mut it| it.go.try_recv()).collect();
                                let roles = matches!(gone[..], [Ok(Go::Give(_)), Ok(Go::Take { .. })]);
                                prop_assert!(roles);
                            }
                        }
                    }
                }
            }
            drop(model);
            prop_assert!(lobby.is_empty());
        }
    }
}
