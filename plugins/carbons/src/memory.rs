//! What a session has sent lately, so that the failure of it is copied, too.

use std::{
    collections::VecDeque,
    hash::{DefaultHasher, Hash, Hasher},
};

use sestina_stanza::{Jid, Stanza};

/// Messages of a session that are remembered; the failure of one before these is told to the
/// session alone.
pub const REMEMBERED: usize = 64;

/// The latest messages that were copied.
#[derive(Debug, Default)]
pub(crate) struct Memory(VecDeque<u64>);

impl Memory {
    /// Remembers a message that was sent.
    pub(crate) fn note(&mut self, message: &Stanza) {
        let Some(key) = key(message.id(), message.to()) else { return };
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(key);
    }

    /// Whether a message of this id was sent to them; forgets it.
    pub(crate) fn take(&mut self, id: Option<&str>, to: Option<&Jid>) -> bool {
        let found = key(id, to).and_then(|key| self.0.iter().rposition(|held| *held == key));
        found.is_some_and(|at| self.0.remove(at).is_some())
    }
}

/// Errors come from whom the message was for, or from their account.
fn key(id: Option<&str>, to: Option<&Jid>) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    (id?, to?.bare_str()).hash(&mut hasher);
    Some(hasher.finish())
}

#[cfg(test)]
mod tests {
    use sestina_stanza::MessageType;

    use super::*;

    #[test]
    fn the_oldest_is_forgotten_first_and_nothing_is_found_twice() {
        let romeo = Jid::new("romeo@capulet.example/orchard").unwrap();
        let account = romeo.to_bare();
        let mut memory = Memory::default();
        for id in 0..=REMEMBERED {
            let message = Stanza::message(MessageType::Chat).to(romeo.clone());
            memory.note(&message.id(id.to_string()).build());
        }
        assert!(!memory.take(Some("0"), Some(&account)));
        assert!(!memory.take(None, Some(&account)));
        assert!(!memory.take(Some("1"), Some(&Jid::new("capulet.example").unwrap())));
        assert!(memory.take(Some("1"), Some(&account)));
        assert!(!memory.take(Some("1"), Some(&account)));
        assert!(memory.take(Some("64"), Some(&romeo)));
    }
}
