//! Nothing passes between an account and those whom it blocks (XEP-0191 §3.3).

use sestina_core::{Guarded, Refusal, Server};
use sestina_stanza::{Condition, ErrorType, Jid, Kind, MessageType, Stanza, StanzaError, ns};
use sestina_xml::Element;

use crate::{Warden, list::List};

impl Warden {
    /// An account sends something.
    pub(crate) fn leaving(&self, stanza: &Stanza, _: &Server) -> Guarded {
        let (Some(from), Some(to)) = (stanza.from(), stanza.to()) else { return Guarded::Pass };
        let kind = stanza.kind();
        self.guard(from, to, move |blocked| if blocked { refused(kind) } else { Guarded::Pass })
    }

    /// Something comes to an account.
    pub(crate) fn arriving(&self, stanza: &Stanza, _: &Server) -> Guarded {
        let (Some(from), Some(to)) = (stanza.from(), stanza.to()) else { return Guarded::Pass };
        let kind = stanza.kind();
        self.guard(to, from, move |blocked| if blocked { hidden(kind) } else { Guarded::Pass })
    }

    fn guard(
        &self,
        account: &Jid,
        other: &Jid,
        decide: impl FnOnce(bool) -> Guarded + Send + 'static,
    ) -> Guarded {
        // One's own resources, and the server that speaks for itself, are always heard.
        if account.same_bare(other) || (other.is_domain() && other.domain() == account.domain()) {
            return Guarded::Pass;
        }
        if let Some(list) = self.lists.at_hand(account.bare_str()) {
            return decide(list.blocks(other));
        }
        let (lists, account, other) = (self.lists.clone(), account.to_bare(), other.clone());
        Guarded::Wait(Box::pin(async move {
            match lists.list(&account).await {
                Ok(list) => decide(List::blocks(&list, &other)),
                // Whoever cannot tell lets nothing pass.
                Err(error) => Guarded::Refuse(error.into()),
            }
        }))
    }
}

/// XEP-0191 §3.3: the account itself is told why.
fn refused(kind: Kind) -> Guarded {
    if kind.is_error() {
        return Guarded::Discard;
    }
    let blocked = Element::builder("blocked", ns::BLOCKING_ERRORS).build();
    let error = StanzaError::new(Condition::NotAcceptable)
        .with_type(ErrorType::Cancel)
        .with_application(blocked);
    Guarded::Refuse(Refusal::new(error))
}

/// To whom it blocks, an account looks like none at all.
fn hidden(kind: Kind) -> Guarded {
    match kind {
        Kind::Message(MessageType::Error | MessageType::Headline) | Kind::Presence(_) => {
            Guarded::Discard
        }
        Kind::Iq(kind) if !kind.is_request() => Guarded::Discard,
        Kind::Message(_) | Kind::Iq(_) => Guarded::Refuse(Condition::ServiceUnavailable.into()),
    }
}
