//! Whom a stanza is for: RFC 6120 §10 and RFC 6121 §8.

use sestina_stanza::{Condition, Jid, Kind, MessageType, PresenceType, Stanza};

use crate::{
    Server,
    directory::{Directory, Sessions},
    plan::Otherwise,
    session::Session,
};

/// What an address stands for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// The sender's own account, because no address was given.
    Own,
    /// An account of this server, or one of its sessions.
    Account,
    /// The server itself.
    Server,
    /// A service that the server hosts.
    Service(&'static str),
    /// Some other server.
    Elsewhere,
}

impl Target {
    pub(crate) fn of(stanza: &Stanza, server: &Server) -> Self {
        let Some(to) = stanza.to() else { return Self::Own };
        if server.serves(to.domain()) {
            return if to.local().is_some() { Self::Account } else { Self::Server };
        }
        match server.service(to.domain()) {
            Some(service) => Self::Service(service),
            None => Self::Elsewhere,
        }
    }
}

/// Who gets a message, a presence, or a request to a full JID, and what happens otherwise.
pub(crate) fn decide(stanza: &Stanza, server: &Server) -> (Sessions, Otherwise) {
    let directory = server.directory();
    let bounce = Otherwise::Bounce(Condition::ServiceUnavailable);
    let kind = stanza.kind();
    let otherwise = match kind {
        Kind::Message(MessageType::Error | MessageType::Headline) => Otherwise::Discard,
        Kind::Message(_) => bounce,
        Kind::Presence(_) => Otherwise::Discard,
        Kind::Iq(kind) if kind.is_request() => bounce,
        Kind::Iq(_) => Otherwise::Discard,
    };
    // What has no address is for the sender's own account.
    let Some(to) = stanza.to().or_else(|| stanza.from()) else {
        return (Sessions::new(), Otherwise::Discard);
    };
    if to.local().is_none() {
        return (Sessions::new(), otherwise);
    }
    // RFC 6121 §3.1.3, §4.3.2: these are between accounts, whatever the address says.
    if matches!(kind, Kind::Presence(PresenceType::Probe)) || is_subscription(kind) {
        return (Sessions::new(), otherwise);
    }
    if let (true, Some(_)) = (to.is_full(), stanza.to()) {
        if let Some(session) = directory.session(to) {
            return (Sessions::from_iter([session]), otherwise);
        }
        // RFC 6121 §8.5.3.2.1: only a conversation goes on with another resource.
        return match kind {
            Kind::Message(MessageType::Chat) => (most_available(directory, to), otherwise),
            _ => (Sessions::new(), otherwise),
        };
    }
    let targets = match kind {
        // RFC 6121 §8.5.2.1.1.
        Kind::Message(MessageType::Normal | MessageType::Chat) => most_available(directory, to),
        Kind::Message(MessageType::Headline) => {
            directory.matching(to, |session| session.priority().is_some_and(|rank| rank >= 0))
        }
        Kind::Message(MessageType::Error | MessageType::Groupchat) | Kind::Iq(_) => Sessions::new(),
        // RFC 6121 §8.5.2.1.2.
        Kind::Presence(PresenceType::Available | PresenceType::Unavailable) => {
            directory.matching(to, Session::is_available)
        }
        Kind::Presence(_) => Sessions::new(),
    };
    (targets, otherwise)
}

fn is_subscription(kind: Kind) -> bool {
    matches!(kind, Kind::Presence(kind) if kind.is_subscription())
}

/// The available sessions of the highest priority that is not negative.
fn most_available(directory: &Directory, to: &Jid) -> Sessions {
    let mut best = 0;
    let mut sessions = Sessions::new();
    for session in directory.sessions(to) {
        match session.priority() {
            Some(priority) if priority > best || (priority == best && priority >= 0) => {
                if priority > best {
                    sessions.clear();
                    best = priority;
                }
                sessions.push(session);
            }
            _ => {}
        }
    }
    sessions
}
