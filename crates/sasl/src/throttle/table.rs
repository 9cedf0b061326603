//! A table that never grows.

use std::fmt;

/// The slots that an entry may be in.
const WAYS: usize = 8;

/// Entries by their tag. Each tag has a few slots that it may be in; when they are taken, the
/// lowest-ranked entry gives way.
#[derive(Clone)]
pub(super) struct Table<E> {
    slots: Vec<(Option<u64>, E)>,
    sets: u64,
}

/// Where an entry was found or put.
pub(super) enum Slot<'a, E> {
    /// What the tag had, or nothing yet.
    Own(&'a mut E),
    /// What another had before.
    Evicted(&'a mut E),
}

impl<'a, E> Slot<'a, E> {
    pub(super) fn into_entry(self) -> &'a mut E {
        match self {
            Self::Own(entry) | Self::Evicted(entry) => entry,
        }
    }
}

impl<E: Clone + Default> Table<E> {
    /// Room for at least this many entries.
    pub(super) fn new(capacity: usize) -> Self {
        let sets = capacity.div_ceil(WAYS).max(1);
        Self { slots: vec![(None, E::default()); sets * WAYS], sets: sets as u64 }
    }

    fn set(&mut self, tag: u64) -> &mut [(Option<u64>, E)] {
        let start = usize::try_from(tag % self.sets).unwrap_or(0) * WAYS;
        self.slots.get_mut(start..start + WAYS).unwrap_or_default()
    }

    pub(super) fn find(&mut self, tag: u64) -> Option<&mut E> {
        self.set(tag).iter_mut().find(|slot| slot.0 == Some(tag)).map(|slot| &mut slot.1)
    }

    /// Finds the entry of a tag, or makes room for it.
    pub(super) fn claim(&mut self, tag: u64, rank: impl Fn(&E) -> u64) -> Slot<'_, E> {
        let set = self.set(tag);
        let at = set.iter().position(|slot| slot.0 == Some(tag));
        let free = || set.iter().position(|slot| slot.0.is_none());
        let lowest = || {
            let ranked = set.iter().enumerate().min_by_key(|(_, slot)| rank(&slot.1));
            ranked.map_or(0, |(at, _)| at)
        };
        let at = at.or_else(free).unwrap_or_else(lowest);
        let (owner, entry) = &mut set[at];
        match owner.replace(tag) {
            Some(before) if before != tag => Slot::Evicted(entry),
            _ => Slot::Own(entry),
        }
    }
}

impl<E> fmt::Debug for Table<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table({} slots)", self.slots.len())
    }
}
