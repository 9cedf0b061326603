//! What the rules find beside them: a contact list, and a place for messages.

use std::sync::Arc;

use parking_lot::Mutex;
use sestina_core::{
    Assembly, AssemblyError, BoxFuture, Contact, Contacts, Lookup, Mailbox, Plugin,
    PresenceChanged, Refusal, Server, Spec, Subscription,
};
use sestina_stanza::{Condition, Jid, Kind, MessageType, Stanza};

/// Everybody has Romeo on their list, among the `Montagues`, and the nurse in no group.
#[derive(Debug)]
pub(crate) struct Friends;

impl Plugin for Friends {
    const NAME: &'static str = "friends";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        to.provide::<dyn Contacts>(Arc::new(self))
    }
}

impl Contacts for Friends {
    fn contact(&self, _: &Jid, contact: &Jid) -> Lookup<Option<Contact>> {
        let groups: &[&str] = match contact.local() {
            Some("romeo") => &["Lovers", "Montagues"],
            Some("nurse") => &[],
            _ => return Lookup::Known(None),
        };
        let groups: Vec<Arc<str>> = groups.iter().map(|&group| group.into()).collect();
        Lookup::Known(Some(Contact::new(Subscription::Both, groups)))
    }
}

/// Keeps messages, and hands them over whenever somebody says to be there.
#[derive(Debug, Default)]
pub(crate) struct Cellar {
    kept: Mutex<Vec<(Jid, Stanza)>>,
}

impl Plugin for Cellar {
    const NAME: &'static str = "cellar";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        let cellar = Arc::new(self);
        to.on(&cellar, Self::presence);
        to.provide::<dyn Mailbox>(cellar)
    }
}

impl Cellar {
    async fn presence(&self, changed: &PresenceChanged, server: &Server) -> Result<(), Refusal> {
        self.kept.lock().retain(|(account, message)| {
            account != changed.session.account()
                || !server.deliver(&changed.session, message.clone())
        });
        Ok(())
    }
}

impl Mailbox for Cellar {
    fn keep(
        &self,
        account: &Jid,
        message: Stanza,
        _: &Server,
    ) -> BoxFuture<'static, Result<(), Refusal>> {
        let waits =
            matches!(message.kind(), Kind::Message(MessageType::Normal | MessageType::Chat));
        if waits {
            self.kept.lock().push((account.clone(), message));
        }
        Box::pin(
            async move { if waits { Ok(()) } else { Err(Condition::ServiceUnavailable.into()) } },
        )
    }
}
