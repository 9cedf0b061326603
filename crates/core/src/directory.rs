//! The session table: where the router looks for whoever a stanza is meant for.

use std::sync::Arc;

use dashmap::DashMap;
use sestina_stanza::Jid;
use smallvec::SmallVec;

use crate::session::Session;

/// Sessions of one account, or those that a plan chose.
pub type Sessions = SmallVec<[Arc<Session>; 2]>;

/// All sessions of this server by account.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    accounts: DashMap<Jid, SmallVec<[Arc<Session>; 1]>, foldhash::fast::RandomState>,
}

/// What came of entering a session.
#[derive(Debug)]
pub(crate) enum Entered {
    /// It stands in the table; whom it replaced is no longer there.
    Done { replaced: Option<Arc<Session>> },
    /// Another session has the resource.
    Taken,
    /// The account has as many sessions as it may.
    TooMany,
}

impl Directory {
    /// Enters a session: in place of the one with the same resource, if it may.
    pub(crate) fn enter(&self, session: Arc<Session>, most: usize, replace: bool) -> Entered {
        let mut sessions = self.accounts.entry(session.account().clone()).or_default();
        if let Some(old) = sessions.iter_mut().find(|old| old.jid() == session.jid()) {
            if !replace {
                return Entered::Taken;
            }
            return Entered::Done { replaced: Some(std::mem::replace(old, session)) };
        }
        if sessions.len() >= most {
            return Entered::TooMany;
        }
        sessions.push(session);
        Entered::Done { replaced: None }
    }

    /// Takes a session out; `false` if it was not, or no longer, in the table.
    pub(crate) fn leave(&self, session: &Session) -> bool {
        let Some(mut sessions) = self.accounts.get_mut(session.account().as_str()) else {
            return false;
        };
        let before = sessions.len();
        sessions.retain(|held| held.id() != session.id());
        let left = sessions.len() < before;
        let empty = sessions.is_empty();
        drop(sessions);
        if empty {
            self.accounts.remove_if(session.account().as_str(), |_, held| held.is_empty());
        }
        left
    }

    /// The session of a full JID.
    pub(crate) fn session(&self, full: &Jid) -> Option<Arc<Session>> {
        let sessions = self.accounts.get(full.bare_str())?;
        sessions.iter().find(|session| session.jid() == full).cloned()
    }

    /// The sessions of the account that `jid` belongs to.
    pub(crate) fn sessions(&self, jid: &Jid) -> Sessions {
        self.matching(jid, |_| true)
    }

    /// Those sessions of an account for which `want` holds.
    pub(crate) fn matching(&self, jid: &Jid, want: impl Fn(&Session) -> bool) -> Sessions {
        match self.accounts.get(jid.bare_str()) {
            Some(sessions) => sessions.iter().filter(|session| want(session)).cloned().collect(),
            None => Sessions::new(),
        }
    }

    /// Whether the account has a session for which `want` holds.
    pub(crate) fn any(&self, jid: &Jid, want: impl Fn(&Session) -> bool) -> bool {
        self.accounts
            .get(jid.bare_str())
            .is_some_and(|sessions| sessions.iter().any(|session| want(session)))
    }

    /// The bare JID of an account that has an available session.
    pub(crate) fn online(&self, account: &str) -> Option<Jid> {
        let sessions = self.accounts.get(account)?;
        sessions
            .iter()
            .find(|session| session.is_available())
            .map(|session| session.account().clone())
    }

    /// Every session, at some moment during the call.
    pub(crate) fn all(&self) -> Vec<Arc<Session>> {
        self.accounts.iter().flat_map(|sessions| sessions.clone()).collect()
    }

    /// How many accounts have an available session.
    pub(crate) fn online_count(&self) -> usize {
        let online = |sessions: &[Arc<Session>]| sessions.iter().any(|it| it.is_available());
        self.accounts.iter().filter(|sessions| online(sessions)).count()
    }

    /// How many sessions there are.
    pub(crate) fn count(&self) -> usize {
        self.accounts.iter().map(|sessions| sessions.len()).sum()
    }
}
