//! Nonces with which clients may come again (RFC 2831 §2.2).

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use sestina_core::Clock;

/// The nonces of logins that have succeeded, each until it is too old or others need the room.
pub(crate) struct Nonces {
    clock: Arc<dyn Clock>,
    keep: Duration,
    most: usize,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    by_nonce: HashMap<Box<[u8]>, Entry>,
    /// The same, oldest first.
    in_order: VecDeque<Box<[u8]>>,
}

struct Entry {
    /// Whose: the bare JID.
    account: Box<str>,
    /// How often it was used.
    count: u32,
    since: Duration,
}

impl Nonces {
    pub(crate) fn new(clock: Arc<dyn Clock>, keep: Duration, most: usize) -> Self {
        Self { clock, keep, most, held: Mutex::default() }
    }

    /// Takes the nonce of a login that has succeeded with it for the first time.
    pub(crate) fn hold(&self, nonce: &[u8], account: String) {
        let now = self.clock.elapsed();
        let mut held = self.held.lock();
        held.drop_old(now, self.keep);
        if self.most == 0 || self.keep.is_zero() {
            return;
        }
        while held.in_order.len() >= self.most {
            held.drop_first();
        }
        let entry = Entry { account: account.into(), count: 1, since: now };
        if held.by_nonce.insert(nonce.into(), entry).is_none() {
            held.in_order.push_back(nonce.into());
        }
    }

    /// Whether this is the next use of a nonce by the account it belongs to.
    pub(crate) fn is_next(&self, nonce: &[u8], account: &str, count: u32) -> bool {
        let mut held = self.held.lock();
        held.drop_old(self.clock.elapsed(), self.keep);
        held.next(nonce, account, count).is_some()
    }

    /// Uses a nonce, unless it was used in between: of two that race, one is let in.
    pub(crate) fn advance(&self, nonce: &[u8], account: &str, count: u32) -> bool {
        let mut held = self.held.lock();
        held.drop_old(self.clock.elapsed(), self.keep);
        held.next(nonce, account, count).map(|entry| entry.count = count).is_some()
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        let held = self.held.lock();
        assert_eq!(held.by_nonce.len(), held.in_order.len());
        held.in_order.len()
    }
}

impl Held {
    fn next(&mut self, nonce: &[u8], account: &str, count: u32) -> Option<&mut Entry> {
        let entry = self.by_nonce.get_mut(nonce)?;
        (*entry.account == *account && entry.count.checked_add(1) == Some(count)).then_some(entry)
    }

    fn drop_old(&mut self, now: Duration, keep: Duration) {
        while let Some(first) = self.in_order.front()
            && self.by_nonce.get(first).is_none_or(|it| now.saturating_sub(it.since) >= keep)
        {
            self.drop_first();
        }
    }

    fn drop_first(&mut self) {
        if let Some(first) = self.in_order.pop_front() {
            self.by_nonce.remove(&first);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, collections::BTreeMap};

    use proptest::prelude::*;
    use sestina_stanza::Timestamp;

    use super::*;

    #[derive(Debug, Default)]
    struct Hands(Mutex<Duration>);

    impl Clock for Hands {
        fn now(&self) -> Timestamp {
            "2030-02-03T04:05:06Z".parse().unwrap()
        }

        fn elapsed(&self) -> Duration {
            *self.0.lock()
        }
    }

    const KEEP: Duration = Duration::from_secs(10);

    #[derive(Clone, Debug)]
    enum Move {
        Hold(u8, bool),
        Advance(u8, bool, u32),
        Pass(u64),
    }

    fn moves() -> impl Strategy<Value = Vec<Move>> {
        let one = prop_oneof![
            (0_u8..8, any::<bool>()).prop_map(|(nonce, whose)| Move::Hold(nonce, whose)),
            (0_u8..8, any::<bool>(), 0_u32..5).prop_map(|(n, w, c)| Move::Advance(n, w, c)),
            (0_u64..6).prop_map(Move::Pass),
        ];
        proptest::collection::vec(one, 0..60)
    }

    proptest! {
        /// A nonce counts up by one for its own account, for as long as it is held.
        #[test]
        fn like_a_simple_book(moves in moves()) {
            let hands = Arc::new(Hands::default());
            let nonces = Nonces::new(hands.clone(), KEEP, 4);
            // By the order of arrival: nonce, account, count, since.
            let mut book: BTreeMap<u64, (u8, bool, u32, u64)> = BTreeMap::new();
            let (now, order) = (Cell::new(0), Cell::new(0));
            let whose = |yes| if yes { "juliet@capulet.example" } else { "romeo@capulet.example" };
            for one in moves {
                match one {
                    Move::Hold(nonce, yes) => {
                        // No nonce is made twice.
                        if book.values().any(|it| it.0 == nonce) { continue }
                        nonces.hold(&[nonce], whose(yes).into());
                        if book.len() == 4 { book.pop_first(); }
                        order.set(order.get() + 1);
                        book.insert(order.get(), (nonce, yes, 1, now.get()));
                    }
                    Move::Advance(nonce, yes, count) => {
                        let entry = book.values_mut().find(|it| {
                            (it.0, it.1, it.2 + 1) == (nonce, yes, count)
                        });
                        let expected = entry.map(|it| it.2 = count).is_some();
                        prop_assert_eq!(nonces.is_next(&[nonce], whose(yes), count), expected);
                        prop_assert_eq!(nonces.advance(&[nonce], whose(yes), count), expected);
                        prop_assert!(!nonces.advance(&[nonce], whose(yes), count));
                    }
                    Move::Pass(seconds) => {
                        now.set(now.get() + seconds);
                        *hands.0.lock() += Duration::from_secs(seconds);
                        book.retain(|_, it| now.get() - it.3 < KEEP.as_secs());
                    }
                }
                prop_assert!(nonces.len() <= 4);
            }
        }
    }

    #[test]
    fn none_are_held_where_there_is_no_time_or_room() {
        for (keep, most) in [(Duration::ZERO, 4), (KEEP, 0)] {
            let nonces = Nonces::new(Arc::new(Hands::default()), keep, most);
            nonces.hold(b"n", "juliet@capulet.example".into());
            assert!(!nonces.is_next(b"n", "juliet@capulet.example", 2));
            assert_eq!(nonces.len(), 0);
        }
    }
}
