//! Messages that others give to be kept.

use std::sync::Arc;

use sestina_core::{Assembly, AssemblyError, Mailbox, Plugin, Required, Rewritten, Server, Spec};
use sestina_stanza::{Kind, Stanza};
use sestina_testkit::play;

use super::scene;

/// Keeps every message, whoever is there.
#[derive(Debug)]
struct Hermit;

struct Cell {
    mailbox: Required<dyn Mailbox>,
}

impl Plugin for Hermit {
    const NAME: &'static str = "hermit";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        let cell = Arc::new(Cell { mailbox: to.require() });
        let state = cell.clone();
        to.recipient().rewrite(&cell, move |_, stanza, server| state.arriving(stanza, server));
        Ok(())
    }
}

impl Cell {
    fn arriving(self: &Arc<Self>, stanza: &Stanza, server: &Server) -> Rewritten {
        let (Kind::Message(_), Some(to)) = (stanza.kind(), stanza.to()) else {
            return Rewritten::Keep;
        };
        let (cell, account) = (self.clone(), to.to_bare());
        let (stanza, server) = (stanza.clone(), server.clone());
        Rewritten::Wait(Box::pin(async move {
            match cell.mailbox.keep(&account, stanza, &server).await {
                Ok(()) => Rewritten::Taken,
                Err(refusal) => Rewritten::Refuse(refusal),
            }
        }))
    }
}

#[test]
fn what_is_kept_waits_even_for_whoever_is_there() {
    play(scene().plugin(Hermit), IS_KEPT);
}

const IS_KEPT: &str = "
[client] juliet: juliet@capulet.example/balcony
[client] romeo: romeo@capulet.example/orchard
juliet sends: <presence/>
juliet receives nothing
romeo sends: <message to='juliet@capulet.example' id='1'><body>Hark</body></message>
romeo receives nothing
juliet receives nothing

# Until the next time.
juliet sends: <presence type='unavailable'/><presence/>
juliet receives:
  <message to='juliet@capulet.example' from='romeo@capulet.example/orchard' id='1'><body>Hark</body>
    <delay xmlns='urn:xmpp:delay' from='capulet.example' stamp='2030-02-03T04:05:{any}'/></message>

# What does not wait is refused, and nothing is kept for whom there is no account.
romeo sends:
  <message to='juliet@capulet.example' id='2' type='groupchat'><body>All</body></message>
  <message to='rosaline@capulet.example' id='3'><body>Sweet</body></message>
romeo receives:
  <message type='error' id='2' from='juliet@capulet.example'><body>All</body><error type='cancel' code='503'>
    <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>
  <message type='error' id='3' from='rosaline@capulet.example'><body>Sweet</body><error type='cancel' code='503'>
    <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>
";
