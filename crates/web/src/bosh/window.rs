//! The window of request identifiers (XEP-0124 §14): which request is whose turn, and what was
//! answered to whom.
//!
//! `T` stands for somebody who waits for an answer, `B` for what was asked.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

/// Requests within their window.
#[derive(Debug)]
pub(crate) struct Window<T, B> {
    /// The next to be taken.
    next: u64,
    /// How many may be under way at a time.
    size: usize,
    /// Those that came before their turn.
    early: BTreeMap<u64, (T, B)>,
    /// Those that were taken and not answered, in their order.
    held: VecDeque<(u64, T)>,
    /// What was answered to the last of them.
    answered: VecDeque<(u64, Bytes)>,
}

/// What becomes of a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Arrived<T> {
    /// It has its place. Whoever waited in its stead does so no more.
    Expected { instead_of: Option<T> },
    /// It was answered, and is so again.
    Again(T, Bytes),
    /// It is nothing that was to be expected.
    Foreign(T),
}

/// The largest identifier that every client can count to (XEP-0124 §14.1).
const LARGEST: u64 = (1 << 53) - 1;

impl<T, B> Window<T, B> {
    /// Begins with the identifier of the request that has made the session.
    pub(crate) fn new(first: u64, size: usize) -> Self {
        Self {
            next: first,
            size,
            early: BTreeMap::new(),
            held: VecDeque::new(),
            answered: VecDeque::new(),
        }
    }

    /// Takes in a request; one that is to end or to pause things may be one too many.
    pub(crate) fn arrive(&mut self, rid: u64, parting: bool, who: T, what: B) -> Arrived<T> {
        if rid < self.next {
            if let Some(held) = self.held.iter_mut().find(|held| held.0 == rid) {
                return Arrived::Expected { instead_of: Some(std::mem::replace(&mut held.1, who)) };
            }
            return match self.answered.iter().find(|answered| answered.0 == rid) {
                Some((_, answer)) => Arrived::Again(who, answer.clone()),
                None => Arrived::Foreign(who),
            };
        }
        let ahead = rid - self.next;
        if rid > LARGEST || ahead >= (self.size + usize::from(parting)) as u64 {
            return Arrived::Foreign(who);
        }
        match self.early.get_mut(&rid) {
            Some((waiting, _)) => {
                Arrived::Expected { instead_of: Some(std::mem::replace(waiting, who)) }
            }
            None => {
                self.early.insert(rid, (who, what));
                Arrived::Expected { instead_of: None }
            }
        }
    }

    /// What was asked next, if that has come.
    pub(crate) fn take(&mut self) -> Option<B> {
        let (who, what) = self.early.remove(&self.next)?;
        self.held.push_back((self.next, who));
        self.next += 1;
        Some(what)
    }

    /// How many have been taken and not been answered.
    pub(crate) fn held(&self) -> usize {
        self.held.len()
    }

    /// Notes what is answered to whoever has waited longest, and hands him back.
    pub(crate) fn answer(&mut self, answer: &Bytes) -> Option<T> {
        let (rid, who) = self.held.pop_front()?;
        self.answered.push_back((rid, answer.clone()));
        while self.answered.len() > self.size {
            self.answered.pop_front();
        }
        Some(who)
    }

    /// Everybody who still waits, in order.
    pub(crate) fn everybody(&mut self) -> Vec<T> {
        let held = self.held.drain(..).map(|(_, who)| who);
        let early = std::mem::take(&mut self.early).into_values().map(|(who, _)| who);
        held.chain(early).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FIRST: u64 = 1_000;

    proptest! {
        /// Against a model that remembers everything.
        #[test]
        fn each_is_taken_once_and_in_order_and_answered_by_its_own_answer(
            size in 1..4_usize,
            steps in prop::collection::vec((0..3_u8, 0..12_u64), 1..120),
        ) {
            let mut window = Window::new(FIRST, size);
            let (mut taken, mut answers, mut who) = (FIRST, Vec::new(), 0_u32);
            // Who waits, by identifier, and what each identifier was answered.
            let mut waiting = BTreeMap::<u64, u32>::new();
            for (step, at) in steps {
                match step {
                    0 => {
                        who += 1;
                        let rid = FIRST + at;
                        let before = waiting.get(&rid).copied();
                        match window.arrive(rid, false, who, rid) {
                            Arrived::Expected { instead_of } => {
                                prop_assert!(rid < taken + size as u64);
                                prop_assert!(rid >= FIRST + answers.len() as u64);
                                prop_assert_eq!(instead_of, before);
                                waiting.insert(rid, who);
                            }
                            Arrived::Again(again, answer) => {
                                prop_assert_eq!(again, who);
                                let known: &Bytes = &answers[at as usize];
                                prop_assert_eq!(&answer, known);
                                prop_assert!(answers.len() - (at as usize) <= size);
                            }
                            Arrived::Foreign(back) => {
                                prop_assert_eq!(back, who);
                                let old = (at as usize) + size < answers.len();
                                prop_assert!(old || rid >= taken + size as u64);
                            }
                        }
                    }
                    1 => match window.take() {
                        Some(rid) => {
                            prop_assert_eq!(rid, taken);
                            prop_assert!(waiting.contains_key(&rid));
                            taken += 1;
                        }
                        None => prop_assert!(!waiting.contains_key(&taken)),
                    },
                    _ => {
                        let rid = FIRST + answers.len() as u64;
                        let answer = Bytes::from(rid.to_string());
                        match window.answer(&answer) {
                            Some(who) => {
                                prop_assert!(rid < taken);
                                prop_assert_eq!(waiting.remove(&rid), Some(who));
                                answers.push(answer);
                            }
                            None => prop_assert_eq!(rid, taken),
                        }
                    }
                }
                prop_assert_eq!(window.held() as u64, taken - FIRST - answers.len() as u64);
            }
            prop_assert_eq!(window.everybody(), waiting.into_values().collect::<Vec<_>>());
        }
    }

    #[test]
    fn who_parts_may_be_one_too_many() {
        let mut window = Window::new(FIRST, 2);
        assert_eq!(window.arrive(FIRST + 2, false, 'a', ()), Arrived::Foreign('a'));
        assert!(matches!(window.arrive(FIRST + 2, true, 'b', ()), Arrived::Expected { .. }));
        assert_eq!(window.arrive(FIRST + 3, true, 'c', ()), Arrived::Foreign('c'));
        let mut last = Window::new(LARGEST, 2);
        assert_eq!(last.arrive(LARGEST + 1, false, 'd', ()), Arrived::Foreign('d'));
    }
}
