//! What comes from other servers, and what goes to them.

use std::{future::ready, sync::Weak};

use sestina_stanza::{Stanza, StreamCondition};

use super::{Handling, Inner, Server};
use crate::{BoxFuture, Refusal, Switchboard, contain::Joint, passage::Passage};

/// A server that whoever holds this does not keep alive.
#[derive(Clone, Debug, Default)]
pub(crate) struct WeakServer(Weak<Inner>);

impl WeakServer {
    pub(crate) fn upgrade(&self) -> Option<Server> {
        self.0.upgrade().map(Server)
    }

    pub(crate) fn is_there(&self) -> bool {
        self.0.strong_count() > 0
    }
}

/// What became of a stanza to a domain of others.
pub(crate) enum Handed {
    /// There is no way there.
    Nowhere,
    /// A neighbour has it, which may have something left to do about it.
    Taken(Option<BoxFuture<'static, ()>>),
    /// It is on its way.
    Leaving(BoxFuture<'static, Result<(), Refusal>>),
}

impl Server {
    /// Takes a stanza from another server, which is known to speak for the domain of its `from`. The
    /// hooks of its recipient's side see it; answers go back by the way they came.
    ///
    /// Where the stanza has no address, is for nobody here, or claims to be from somebody here, the
    /// stream it came by must be closed.
    pub fn incoming(&self, stanza: Stanza) -> Handling {
        let close = |condition: StreamCondition| Handling::Close(condition.into());
        // RFC 6120 §8.1.1.2, §8.1.2.2.
        let (Some(from), Some(to)) = (stanza.from(), stanza.to()) else {
            return close(StreamCondition::ImproperAddressing);
        };
        if self.has(from.domain()) {
            return close(StreamCondition::InvalidFrom);
        }
        if !self.has(to.domain()) {
            return close(StreamCondition::HostUnknown);
        }
        self.pass(Passage::new(stanza, None))
    }

    /// The neighbours of this server, and itself.
    #[must_use]
    pub fn switchboard(&self) -> &Switchboard {
        self.0.line.board()
    }

    /// Whether what is sent to a domain may get there: to one that is served here or by a neighbour,
    /// to a hosted service, or to where there is a way [beyond](crate::Beyond).
    #[must_use]
    pub fn reaches(&self, domain: &str) -> bool {
        self.has(domain)
            || self.switchboard().reaches(domain)
            || self.0.beyond.provided().is_some_and(|(by, beyond)| {
                self.contain(by, Joint::Beyond, || beyond.reaches(domain)).unwrap_or(false)
            })
    }

    /// Whether a domain is this server's, or that of a service it hosts.
    fn has(&self, domain: &str) -> bool {
        self.serves(domain) || self.service(domain).is_some()
    }

    /// Hands a stanza to the server that it is for.
    pub(crate) fn hand_on(&self, stanza: &Stanza) -> Handed {
        let (Some(from), Some(to)) = (stanza.from(), stanza.to()) else { return Handed::Nowhere };
        if !self.has(from.domain()) {
            tracing::warn!(%from, %to, "nobody here can speak for another server");
            return Handed::Nowhere;
        }
        if let Some(neighbour) = self.switchboard().server(to.domain()) {
            return match neighbour.incoming(stanza.clone()) {
                Handling::Done => Handed::Taken(None),
                Handling::Pending(rest) => Handed::Taken(Some(rest)),
                Handling::Close(_) => Handed::Nowhere,
            };
        }
        let Some((by, beyond)) = self.0.beyond.provided() else { return Handed::Nowhere };
        let sent = self.contain(by, Joint::Beyond, || {
            beyond.reaches(to.domain()).then(|| beyond.send(stanza.clone(), self))
        });
        let server = self.clone();
        match sent {
            Ok(None) => Handed::Nowhere,
            Ok(Some(sent)) => Handed::Leaving(Box::pin(async move {
                server.contain_later(by, Joint::Beyond, sent).await.flatten()
            })),
            Err(refusal) => Handed::Leaving(Box::pin(ready(Err(refusal)))),
        }
    }

    pub(crate) fn downgrade(&self) -> WeakServer {
        WeakServer(std::sync::Arc::downgrade(&self.0))
    }
}
