#![doc = include_str!("../README.md")]

use std::sync::Arc;

use sestina_core::{
    Assembly, AssemblyError, Get, Plugin, Refusal, Scope, Server, Set, Spec, answer,
};
use sestina_lists::{Bounds, Dialect, List, Lists, ListsChanged};
use sestina_stanza::{Condition, Invalid, IqType, Stanza, StanzaId};

pub use sestina_lists::{MOST_BYTES, MOST_ITEMS, MOST_LISTS, NAME_BYTES, Part, Query};

/// Lets people say in lists of rules who may reach them.
#[derive(Clone, Copy, Debug)]
pub struct Privacy {
    /// Lists of one account; the default is 16.
    pub lists: usize,
    /// Rules of one list; the default is 1,000.
    pub items: usize,
    /// Bytes of text in all lists of one account; the default is 256 KiB.
    pub bytes: usize,
}

impl Default for Privacy {
    fn default() -> Self {
        Self { lists: 16, items: 1000, bytes: 256 * 1024 }
    }
}

impl Plugin for Privacy {
    const NAME: &'static str = "privacy";
    const SPECS: &'static [Spec] = &[Spec::xep(16, "1.7")];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        for (name, value, most) in [
            ("lists", self.lists, MOST_LISTS),
            ("items", self.items, MOST_ITEMS),
            ("bytes", self.bytes, MOST_BYTES),
        ] {
            if value == 0 || value > most {
                return Err(to.bad_setting(name, format!("1 to {most}")));
            }
        }
        let bounds = Bounds { lists: self.lists, items: self.items, bytes: self.bytes };
        let lists = Lists::speaking(to, Dialect::Privacy, &bounds)?;
        let keeper = Arc::new(Keeper { lists, bounds });
        to.iq(Scope::Own, answer(&keeper, Keeper::look_up))?;
        to.iq(Scope::Own, answer(&keeper, Keeper::change))?;
        to.on(&keeper, Keeper::changed);
        // XEP-0016 §3.
        to.feature(Scope::Server, sestina_stanza::ns::PRIVACY);
        Ok(())
    }
}

/// What the handlers of this plugin share.
struct Keeper {
    lists: Arc<Lists>,
    bounds: Bounds,
}

impl Keeper {
    /// Which lists there are, or what is in one of them (XEP-0016 §2.3).
    async fn look_up(&self, ask: Get<Query>, _: &Server) -> Result<Query, Refusal> {
        match &*ask.parts {
            [] => {
                let names = self.lists.names(&ask.origin).await?;
                let active = names.active.map(|name| Part::Active(Some(name)));
                let default = names.default.map(|name| Part::Default(Some(name)));
                let lists = names.lists.into_iter().map(|name| Part::List(name, List::default()));
                Ok(Query { parts: active.into_iter().chain(default).chain(lists).collect() })
            }
            [Part::List(name, list)] if list.rules().is_empty() => {
                let list = self.lists.list(&ask.origin.to, name).await?;
                let list = list.ok_or(Condition::ItemNotFound)?;
                Ok(Query { parts: vec![Part::List(name.clone(), list)] })
            }
            _ => Err(Invalid::new("one list at a time").into()),
        }
    }

    /// One thing at a time is changed (XEP-0016 §2.1).
    async fn change(&self, ask: Set<Query>, server: &Server) -> Result<(), Refusal> {
        let (origin, lists) = (&ask.origin, &self.lists);
        let Ok([part]) = <[Part; 1]>::try_from(ask.payload.parts) else {
            return Err(Invalid::new("one thing at a time").into());
        };
        match part {
            Part::Active(name) => lists.activate(origin, name.as_deref(), server).await,
            Part::Default(name) => lists.set_default(origin, name.as_deref(), server).await,
            Part::List(name, list) if list.rules().is_empty() => {
                lists.remove(origin, &name, server).await
            }
            Part::List(name, list) => lists.put(origin, &name, list, &self.bounds, server).await,
        }
    }

    /// Tells all sessions which list is another now, and not what is in it (XEP-0016 §2.2).
    async fn changed(&self, changed: &ListsChanged, server: &Server) -> Result<(), Refusal> {
        let Some(name) = &changed.list else { return Ok(()) };
        let mut random = [0; StanzaId::RANDOM_BYTES];
        server.entropy().fill(&mut random);
        let query = Query { parts: vec![Part::List(name.clone(), List::default())] };
        let push = Stanza::iq(IqType::Set, StanzaId::from_random(random)).payload(&query).build();
        for session in server.sessions(&changed.account) {
            server.deliver(&session, push.with_to(session.jid().clone()));
        }
        Ok(())
    }
}
