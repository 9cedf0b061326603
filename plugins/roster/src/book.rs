//! A contact list as it is stored and changed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sestina_store::Record;

use crate::subscription::{Standing, State};

/// All that is stored of an account's contacts, in one record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Book {
    /// Drawn when the list was begun, so that a version of an earlier list of the same name means
    /// nothing; zero where there is no list.
    pub(crate) epoch: u64,
    /// Counts the changes that clients have seen.
    pub(crate) version: u64,
    /// What was removed up to this version is no longer known.
    pub(crate) forgotten: u64,
    /// Who was removed, and with which version, the oldest first.
    pub(crate) removed: Vec<(String, u64)>,
    /// By bare JID.
    pub(crate) entries: BTreeMap<String, Entry>,
}

impl Record for Book {
    const VERSION: u8 = 1;
}

/// A contact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) groups: Vec<String>,
    pub(crate) standing: Standing,
    /// Whether clients see the contact, which they do not while it has only asked
    /// (RFC 6121 §3.1.3).
    pub(crate) listed: bool,
    /// The version that changed it last.
    pub(crate) changed: u64,
}

/// What a change was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Touched {
    /// Nothing has changed.
    Nothing,
    /// Something that clients do not see.
    Hidden,
    /// Something that clients are to be told.
    Shown,
}

impl Book {
    /// Writes down how things stand with a contact, or that there is nothing left to say.
    ///
    /// Remembers as many removals as `removals`.
    pub(crate) fn write(&mut self, jid: &str, mut entry: Entry, removals: usize) -> Touched {
        let standing = entry.standing;
        // Whoever is more than somebody who asks stands on the list.
        entry.listed |=
            standing.approved || !matches!(standing.state, State::None | State::NonePendingIn);
        let (before, nobody) = (self.entries.get(jid), Entry::default());
        if *before.unwrap_or(&nobody) == entry {
            return Touched::Nothing;
        }
        let touched = match before.filter(|before| before.listed) {
            Some(before) if before.looks_like(&entry) => Touched::Hidden,
            None if !entry.listed => Touched::Hidden,
            _ => Touched::Shown,
        };
        if touched == Touched::Shown {
            self.version += 1;
            entry.changed = self.version;
        }
        let was_listed = before.is_some_and(|before| before.listed);
        if entry.listed || standing.state != State::None {
            self.removed.retain(|(removed, _)| removed != jid || !entry.listed);
        }
        if was_listed && !entry.listed {
            self.removed.push((jid.to_owned(), self.version));
            let over = self.removed.len().saturating_sub(removals);
            for (_, version) in self.removed.drain(..over) {
                self.forgotten = version;
            }
        }
        if entry.listed || standing.state != State::None {
            self.entries.insert(jid.to_owned(), entry);
        } else {
            self.entries.remove(jid);
        }
        touched
    }

    /// How many contacts clients see.
    pub(crate) fn listed(&self) -> usize {
        self.entries.values().filter(|entry| entry.listed).count()
    }

    /// Bytes of text.
    pub(crate) fn bytes(&self) -> usize {
        self.entries.iter().map(|(jid, entry)| jid.len() + entry.bytes()).sum()
    }
}

impl Entry {
    fn bytes(&self) -> usize {
        self.name.len() + self.groups.iter().map(|group| group.len() + 1).sum::<usize>()
    }

    /// Whether clients could not tell the two apart.
    fn looks_like(&self, other: &Self) -> bool {
        let look = |it: &Self| {
            let Standing { state, approved } = it.standing;
            (it.listed, state.subscription(), state.is_asking(), approved)
        };
        look(self) == look(other) && self.name == other.name && self.groups == other.groups
    }
}

/// Above the number of the state.
const APPROVED: u8 = 16;

impl Serialize for Standing {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u8(self.state.code() | if self.approved { APPROVED } else { 0 })
    }
}

impl<'de> Deserialize<'de> for Standing {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let code = u8::deserialize(from)?;
        let state = State::from_code(code & !APPROVED)
            .ok_or_else(|| serde::de::Error::custom("a subscription state that is none"))?;
        Ok(Self { state, approved: code & APPROVED != 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(state: State, listed: bool) -> Entry {
        Entry { standing: Standing { state, approved: false }, listed, ..Entry::default() }
    }

    #[test]
    fn only_what_clients_see_makes_a_version() {
        let mut book = Book::default();
        assert_eq!(book.write("a@b", entry(State::NonePendingIn, false), 8), Touched::Hidden);
        assert_eq!((book.version, book.listed(), book.entries.len()), (0, 0, 1));
        assert_eq!(book.write("a@b", entry(State::NonePendingIn, true), 8), Touched::Shown);
        assert_eq!(book.write("a@b", entry(State::None, true), 8), Touched::Hidden);
        assert_eq!(book.write("a@b", book.entries["a@b"].clone(), 8), Touched::Nothing);
        assert_eq!(book.write("a@b", entry(State::None, false), 8), Touched::Shown);
        assert_eq!((book.version, book.entries.len()), (2, 0));
        assert_eq!(book.removed, [("a@b".to_owned(), 2)]);
    }

    #[test]
    fn removals_are_remembered_up_to_a_bound() {
        let mut book = Book::default();
        for jid in ["a@b", "c@d", "e@f"] {
            book.write(jid, entry(State::None, true), 2);
            book.write(jid, Entry::default(), 2);
        }
        assert_eq!(book.removed, [("c@d".to_owned(), 4), ("e@f".to_owned(), 6)]);
        assert_eq!(book.forgotten, 2);
        book.write("e@f", entry(State::None, true), 2);
        assert_eq!(book.removed.len(), 1, "who has come back was not removed");
    }

    #[test]
    fn a_stored_standing_is_checked() {
        for code in 0..=u8::MAX {
            let from = serde::de::value::U8Deserializer::<serde::de::value::Error>::new(code);
            let known = code & !APPROVED < 9;
            assert_eq!(Standing::deserialize(from).is_ok(), known, "{code}");
        }
    }
}
