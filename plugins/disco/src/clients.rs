//! What clients can do (XEP-0115): each string that stands for it is asked about once, however many
//! sessions come with it, and believed when the answer proves it.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use sestina_core::{
    ClientFeatures, ClientFeaturesChanged, Demand, PresenceChanged, Refusal, Rewritten, Server,
    Session, SessionClosed,
};
use sestina_stanza::{IqType, Kind, Payload, Stanza};

use crate::{
    Info,
    advert::{Advert, Key, proven},
};

/// How long a client has to answer before another one with the same capabilities is asked.
const PATIENCE: Duration = Duration::from_secs(30);

type Features = Arc<[Box<str>]>;

/// Finds out what clients can do, if anybody wants to know.
#[derive(Debug)]
pub(crate) struct Clients {
    demand: Demand,
    /// The most bytes that the features of one client take.
    longest: usize,
    book: Mutex<Book>,
}

/// What is known, and what is being asked.
#[derive(Debug)]
struct Book {
    most: usize,
    known: HashMap<Key, Known>,
    /// Rises with every look-up, so that what was used last is told apart.
    used: u64,
    questions: HashMap<Key, Question>,
}

#[derive(Debug)]
struct Known {
    used: u64,
    features: Features,
}

/// A question that somebody is to answer, for all who came with the same capabilities.
#[derive(Debug, Default)]
struct Question {
    /// Whose client was asked, and when.
    asked: Option<(u64, Duration)>,
    waiting: VecDeque<Arc<Session>>,
}

/// What is known of the client behind one session; locked after the book.
#[derive(Debug, Default)]
struct Client(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    advert: Option<Advert>,
    features: Option<Features>,
    /// The id of the question that it has not answered, and what was asked about.
    owes: Option<(String, Advert)>,
}

/// What is to be said once the book is closed.
#[derive(Default)]
struct News {
    changed: Vec<Arc<Session>>,
    ask: Option<(Arc<Session>, Stanza)>,
}

impl ClientFeatures for Clients {
    fn of(&self, session: &Session) -> Option<Features> {
        session.part::<Client>().0.lock().features.clone()
    }
}

impl Clients {
    pub(crate) fn new(demand: Demand, most: usize, longest: usize) -> Self {
        let (known, questions) = (HashMap::new(), HashMap::new());
        Self { demand, longest, book: Mutex::new(Book { most, known, used: 0, questions }) }
    }

    /// A session says what stands for what its client can do.
    pub(crate) async fn presence_changed(
        &self,
        changed: &PresenceChanged,
        server: &Server,
    ) -> Result<(), Refusal> {
        if self.demand.is_there() {
            let session = &changed.session;
            let advert = Advert::read(&changed.presence, session.id());
            let news = self.book.lock().shown(session, advert, server);
            tell(news, server).await;
        }
        Ok(())
    }

    /// Others with the same capabilities do not wait for whoever has gone.
    pub(crate) async fn session_closed(
        &self,
        closed: &SessionClosed,
        server: &Server,
    ) -> Result<(), Refusal> {
        if self.demand.is_there() {
            let news = self.book.lock().gone(&closed.session, server);
            tell(news, server).await;
        }
        Ok(())
    }

    /// Takes the answers to what was asked.
    pub(crate) fn answered(self: &Arc<Self>, stanza: &Stanza, server: &Server) -> Rewritten {
        let (Kind::Iq(IqType::Result | IqType::Error), true) =
            (stanza.kind(), self.demand.is_there())
        else {
            return Rewritten::Keep;
        };
        if !stanza.to().is_some_and(|to| to.is_domain() && server.serves(to.domain())) {
            return Rewritten::Keep;
        }
        let Some(session) = stanza.from().and_then(|from| server.session(from)) else {
            return Rewritten::Keep;
        };
        let advert = {
            let client = session.part::<Client>();
            let mut state = client.0.lock();
            match state.owes.take() {
                Some((id, advert)) if stanza.id() == Some(&id) => advert,
                owes => {
                    state.owes = owes;
                    return Rewritten::Keep;
                }
            }
        };
        let query =
            stanza.payload().filter(|it| stanza.kind() == IqType::Result.into() && Info::is(*it));
        let features = query.and_then(|query| proven(query, &advert.key, self.longest));
        if features.is_none() {
            tracing::debug!(session = %session.jid(), "a client does not prove its capabilities");
        }
        let (clients, server) = (self.clone(), server.clone());
        Rewritten::Wait(Box::pin(async move {
            let news = clients.book.lock().learned(&session, &advert.key, features, &server);
            tell(news, &server).await;
            Rewritten::Taken
        }))
    }
}

async fn tell(news: News, server: &Server) {
    if let Some((session, question)) = news.ask {
        server.deliver(&session, question);
    }
    for session in news.changed {
        // What fails in a handler is logged there.
        let _ = server.emit(&ClientFeaturesChanged::new(session)).await;
    }
}

impl Book {
    fn shown(&mut self, session: &Arc<Session>, advert: Option<Advert>, server: &Server) -> News {
        let mut news = News::default();
        let known = advert.as_ref().and_then(|advert| self.recall(&advert.key));
        let client = session.part::<Client>();
        let before = {
            let mut state = client.0.lock();
            if state.advert == advert {
                None
            } else {
                if state.features != known {
                    news.changed.push(session.clone());
                }
                state.features = known.clone();
                Some(std::mem::replace(&mut state.advert, advert.clone()))
            }
        };
        let moved = before.is_some();
        if let Some(Some(before)) = before {
            self.leave(session, &before.key);
        }
        if let (Some(advert), None) = (&advert, &known) {
            if moved {
                let question = self.questions.entry(advert.key.clone()).or_default();
                question.waiting.push_back(session.clone());
            }
            news.ask = self.ask(&advert.key, server);
        }
        news
    }

    fn gone(&mut self, session: &Arc<Session>, server: &Server) -> News {
        let client = session.part::<Client>();
        let (advert, owes) = {
            let mut state = client.0.lock();
            (state.advert.take(), state.owes.take())
        };
        if let Some(advert) = advert {
            self.leave(session, &advert.key);
        }
        let mut news = News::default();
        if let Some((_, advert)) = owes {
            news.ask = self.unanswered(session, &advert.key, server);
        }
        news
    }

    fn learned(
        &mut self,
        session: &Arc<Session>,
        key: &Key,
        features: Option<Features>,
        server: &Server,
    ) -> News {
        let mut news = News::default();
        match features {
            None => news.ask = self.unanswered(session, key, server),
            Some(features) => {
                let waiting = self.questions.remove(key).unwrap_or_default().waiting;
                for session in waiting.iter().chain([session]) {
                    let client = session.part::<Client>();
                    let mut state = client.0.lock();
                    let is_same = state.advert.as_ref().is_some_and(|advert| advert.key == *key);
                    if is_same && state.features.is_none() {
                        state.features = Some(features.clone());
                        news.changed.push(session.clone());
                    }
                }
                self.remember(key, features);
            }
        }
        // What it said since it was asked had to wait until it answered.
        let advert = session.part::<Client>().0.lock().advert.clone();
        if let (Some(advert), None) = (advert, &news.ask) {
            news.ask = self.ask(&advert.key, server);
        }
        news
    }

    /// Asks the next, if that is whose answer was awaited.
    fn unanswered(
        &mut self,
        session: &Session,
        key: &Key,
        server: &Server,
    ) -> Option<(Arc<Session>, Stanza)> {
        let question = self.questions.get_mut(key)?;
        if question.asked.is_some_and(|(asked, _)| asked == session.id()) {
            question.asked = None;
        }
        self.ask(key, server)
    }

    /// The next session to be asked, unless one was asked just now or none is left.
    fn ask(&mut self, key: &Key, server: &Server) -> Option<(Arc<Session>, Stanza)> {
        let now = server.elapsed();
        let question = self.questions.get_mut(key)?;
        if question.asked.is_some_and(|(_, since)| now.saturating_sub(since) < PATIENCE) {
            return None;
        }
        question.asked = None;
        // One question at a time for each session.
        let next = question.waiting.iter().position(|session| {
            let client = session.part::<Client>();
            let state = client.0.lock();
            state.owes.is_none() && state.advert.as_ref().is_some_and(|it| it.key == *key)
        });
        let Some(session) = next.and_then(|next| question.waiting.remove(next)) else {
            if question.waiting.is_empty() {
                self.questions.remove(key);
            }
            return None;
        };
        let client = session.part::<Client>();
        let mut state = client.0.lock();
        let advert = state.advert.clone()?;
        let id = server.random_name();
        let query = Info { node: Some(advert.asked_as()), ..Info::default() };
        let stanza = Stanza::iq(IqType::Get, &id)
            .from(session.jid().to_domain())
            .to(session.jid().clone())
            .payload(&query);
        state.owes = Some((id, advert));
        drop(state);
        question.asked = Some((session.id(), now));
        Some((session, stanza.build()))
    }

    /// A session does not wait for this any more.
    fn leave(&mut self, session: &Session, key: &Key) {
        if let Some(question) = self.questions.get_mut(key) {
            question.waiting.retain(|waiting| waiting.id() != session.id());
            if question.waiting.is_empty() && question.asked.is_none() {
                self.questions.remove(key);
            }
        }
    }

    fn recall(&mut self, key: &Key) -> Option<Features> {
        let known = self.known.get_mut(key)?;
        self.used += 1;
        known.used = self.used;
        Some(known.features.clone())
    }

    /// Keeps what was proven, in place of what nobody has used for the longest time.
    fn remember(&mut self, key: &Key, features: Features) {
        if !key.is_proof() {
            return;
        }
        while self.known.len() >= self.most && !self.known.contains_key(key) {
            let oldest = self.known.iter().min_by_key(|(_, known)| known.used);
            let Some(oldest) = oldest.map(|(key, _)| key.clone()) else { return };
            self.known.remove(&oldest);
        }
        self.used += 1;
        self.known.insert(key.clone(), Known { used: self.used, features });
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn book(most: usize) -> Book {
        Clients::new(Demand::default(), most, 100).book.into_inner()
    }

    #[derive(Clone, Copy, Debug)]
    enum Deed {
        Recall(u8),
        Remember(u8),
        /// What proves nothing.
        Hear(u8),
    }

    fn deed() -> impl Strategy<Value = Deed> {
        let key = 0..6_u8;
        prop_oneof![
            key.clone().prop_map(Deed::Recall),
            key.clone().prop_map(Deed::Remember),
            key.prop_map(Deed::Hear),
        ]
    }

    proptest! {
        /// What was not used for the longest time makes room, and what holds for one session only is
        /// never kept.
        #[test]
        fn the_last_to_be_used_are_known(most in 1_usize..5, deeds in vec(deed(), 0..60)) {
            let proof = |name: u8| Key::Proof(name.to_string().into());
            let mut book = book(most);
            // The last used comes last.
            let mut model: Vec<u8> = Vec::new();
            for deed in deeds {
                match deed {
                    Deed::Recall(name) => {
                        let features = book.recall(&proof(name));
                        let known = model.iter().position(|it| *it == name);
                        let told = known.map(|_| Features::from([Box::from(name.to_string())]));
                        prop_assert_eq!(features, told);
                        if let Some(at) = known {
                            let name = model.remove(at);
                            model.push(name);
                        }
                    }
                    Deed::Remember(name) => {
                        book.remember(&proof(name), Arc::new([name.to_string().into()]));
                        model.retain(|it| *it != name);
                        if model.len() == most {
                            model.remove(0);
                        }
                        model.push(name);
                    }
                    Deed::Hear(name) => {
                        book.remember(&Key::Own(1, name.to_string().into()), Arc::new([]));
                    }
                }
                prop_assert_eq!(book.known.len(), model.len());
                prop_assert!(model.iter().all(|name| book.known.contains_key(&proof(*name))));
            }
        }
    }
}
