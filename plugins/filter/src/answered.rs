//! Who was answered lately, so that two machines do not talk to each other for ever.

use std::{collections::HashMap, time::Duration};

use parking_lot::Mutex;
use sestina_stanza::Jid;

/// Pairs that are remembered; while there are so many, nobody else is answered.
pub(crate) const MOST: usize = 10_000;

pub(crate) struct Answered {
    pause: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Account and sender, both bare, and until when there is no further answer.
    until: HashMap<(Jid, Jid), Duration, foldhash::fast::RandomState>,
    /// When to look the next time for those that are over.
    look: Duration,
}

impl Answered {
    pub(crate) fn new(pause: Duration) -> Self {
        Self { pause, state: Mutex::default() }
    }

    /// Whether a sender may be answered in an account's name now; if so, not again for a while.
    pub(crate) fn may(&self, account: &Jid, sender: &Jid, now: Duration) -> bool {
        let mut state = self.state.lock();
        if now >= state.look {
            state.until.retain(|_, until| *until > now);
            state.look = now + self.pause;
        }
        let pair = (account.to_bare(), sender.to_bare());
        match state.until.get(&pair) {
            Some(until) if *until > now => return false,
            None if state.until.len() >= MOST => return false,
            _ => {}
        }
        state.until.insert(pair, now + self.pause);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jid(text: &str) -> Jid {
        Jid::new(text).unwrap()
    }

    #[test]
    fn each_sender_is_answered_once_in_a_while() {
        let answered = Answered::new(Duration::from_secs(10));
        let (juliet, nurse) = (jid("juliet@capulet.example"), jid("nurse@capulet.example"));
        let at = Duration::from_secs;
        assert!(answered.may(&juliet, &jid("romeo@montague.example/orchard"), at(1)));
        assert!(!answered.may(&juliet, &jid("romeo@montague.example/street"), at(10)));
        assert!(answered.may(&nurse, &jid("romeo@montague.example/street"), at(10)));
        assert!(answered.may(&juliet, &jid("romeo@montague.example"), at(11)));
    }

    #[test]
    fn strangers_fill_no_memory() {
        let answered = Answered::new(Duration::from_secs(10));
        let juliet = jid("juliet@capulet.example");
        let at = Duration::from_secs;
        for guest in 0..MOST {
            assert!(answered.may(&juliet, &jid(&format!("guest{guest}@montague.example")), at(1)));
        }
        let romeo = jid("romeo@montague.example");
        assert!(!answered.may(&juliet, &romeo, at(2)));
        assert!(answered.may(&juliet, &romeo, at(12)));
        assert_eq!(answered.state.lock().until.len(), 1);
    }
}
