//! Telling how sessions are, so that whatever was said last is heard last.

use std::sync::Arc;

use sestina_stanza::{PresenceType, Stanza};

use crate::{Server, Session, event::PresenceChanged};

impl Server {
    /// Has a session say again how it is: with what `change` makes of its last presence, where a
    /// plugin has more to say in it than it had then. The priority stays.
    ///
    /// Nothing is said for a session that is not available, and where `change` has nothing to say.
    pub async fn restate(
        &self,
        session: &Arc<Session>,
        change: impl FnOnce(&Stanza) -> Option<Stanza> + Send,
    ) {
        if let Some(presence) = session.restate(change) {
            self.tell_presence(session, presence, false).await;
        }
    }

    /// Tells what a session has said of itself.
    pub(crate) async fn tell_presence(
        &self,
        session: &Arc<Session>,
        mut presence: Stanza,
        mut initial: bool,
    ) {
        loop {
            let available = presence.kind() == PresenceType::Available.into();
            let changed = PresenceChanged::new(session.clone(), presence.clone(), initial);
            // What fails in a handler is logged there.
            let _ = self.emit(&changed).await;
            // Something else may have been said meanwhile and heard before this.
            presence = match session.presence() {
                Some(now) if available && now != presence => now,
                None if available => unavailable(session),
                _ => return,
            };
            initial = false;
        }
    }

    /// Tells that a session is no longer available, if it was.
    pub(crate) async fn gone(&self, session: &Arc<Session>) {
        if session.announce(None).is_some() {
            self.tell_presence(session, unavailable(session), false).await;
        }
    }
}

fn unavailable(session: &Session) -> Stanza {
    Stanza::presence(PresenceType::Unavailable).from(session.jid().clone()).build()
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;
    use sestina_stanza::Jid;

    use super::*;
    use crate::{Assembly, AssemblyError, Plugin, Refusal, Settings, Spec};

    /// Adds to every presence that there is a letter, and is asked before others hear.
    struct Letters;

    impl Plugin for Letters {
        const NAME: &'static str = "letters";
        const SPECS: &'static [Spec] = &[];

        fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
            to.on(&Arc::new(self), Self::hear);
            Ok(())
        }
    }

    impl Letters {
        async fn hear(&self, changed: &PresenceChanged, server: &Server) -> Result<(), Refusal> {
            let letter = sestina_xml::Element::builder("letter", "urn:example:letter").build();
            server
                .restate(&changed.session, |presence| {
                    let there = presence.child("letter", "urn:example:letter").is_some();
                    (!there).then(|| presence.with_child(letter))
                })
                .await;
            Ok(())
        }
    }

    /// Remembers what it heard, and whether it was new.
    #[derive(Default)]
    struct Gossip(Mutex<Vec<(Stanza, bool)>>);

    impl Gossip {
        async fn hear(&self, changed: &PresenceChanged, _: &Server) -> Result<(), Refusal> {
            self.0.lock().push((changed.presence.clone(), changed.initial));
            Ok(())
        }
    }

    #[tokio::test]
    async fn what_was_said_last_is_heard_last() {
        let domain = Jid::new("capulet.example").unwrap();
        let mut settings = Settings::new(domain, sestina_store::memory());
        settings.authentication.tls = false;
        let mut assembly = Assembly::new(settings);
        assembly.plugin(Letters).unwrap();
        let gossip = Arc::<Gossip>::default();
        assembly.on(&gossip, Gossip::hear);
        let server = assembly.build().await.unwrap();
        let jid = Jid::new("juliet@capulet.example/balcony").unwrap();
        let juliet = server.attach(jid).await.unwrap();

        juliet.send(Stanza::presence(PresenceType::Available).build()).await.unwrap();
        let (heard, now) = (gossip.0.lock().clone(), juliet.session().presence().unwrap());
        assert!(now.child("letter", "urn:example:letter").is_some());
        assert_eq!(heard.last(), Some(&(now, false)));
        assert_eq!(heard.iter().filter(|(_, initial)| *initial).count(), 1);

        // Whoever is not there has nothing to say again.
        juliet.send(Stanza::presence(PresenceType::Unavailable).build()).await.unwrap();
        let told = gossip.0.lock().len();
        server.restate(juliet.session(), |presence| Some(presence.clone())).await;
        assert_eq!(gossip.0.lock().len(), told);
        assert_eq!(gossip.0.lock().last().unwrap().0.kind(), PresenceType::Unavailable.into());
    }
}
