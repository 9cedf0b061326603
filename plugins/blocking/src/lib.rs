#![doc = include_str!("../README.md")]

mod query;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use sestina_core::{
    Assembly, AssemblyError, Get, Plugin, Refusal, Scope, Server, Set, Spec, answer,
};
use sestina_lists::{Blocked, Bounds, Dialect, Lists, ListsChanged, MOST_LISTS};
use sestina_stanza::{Condition, IqType, Jid, Payload, Stanza, StanzaId};

pub use self::query::{Block, BlockList, Unblock};
pub use sestina_lists::{MOST_BYTES, MOST_ITEMS};

/// Lets people block others.
#[derive(Clone, Copy, Debug)]
pub struct Blocking {
    /// Addresses that one account blocks; the default is 1,000.
    pub items: usize,
    /// Bytes of all of them; the default is 256 KiB.
    pub bytes: usize,
}

impl Default for Blocking {
    fn default() -> Self {
        Self { items: 1000, bytes: 256 * 1024 }
    }
}

impl Plugin for Blocking {
    const NAME: &'static str = "blocking";
    const SPECS: &'static [Spec] = &[Spec::xep(191, "1.3")];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        if self.items == 0 || self.items > MOST_ITEMS {
            return Err(to.bad_setting("items", format!("1 to {MOST_ITEMS}")));
        }
        if self.bytes == 0 || self.bytes > MOST_BYTES {
            return Err(to.bad_setting("bytes", format!("1 to {MOST_BYTES}")));
        }
        let bounds = Bounds { lists: MOST_LISTS, items: self.items, bytes: self.bytes };
        let lists = Lists::speaking(to, Dialect::Blocking, &bounds)?;
        let warden = Arc::new(Warden { lists, bounds });
        to.iq(Scope::Own, answer(&warden, Warden::look_up))?;
        to.iq(Scope::Own, answer(&warden, Warden::block))?;
        to.iq(Scope::Own, answer(&warden, Warden::unblock))?;
        to.on(&warden, Warden::changed);
        // XEP-0191 §3.1.
        to.feature(Scope::Server, sestina_stanza::ns::BLOCKING);
        Ok(())
    }
}

/// What the handlers of this plugin share.
struct Warden {
    lists: Arc<Lists>,
    bounds: Bounds,
}

/// Whether a session has asked for the list, and so is told of changes.
#[derive(Default)]
struct Interested(AtomicBool);

impl Warden {
    async fn look_up(&self, ask: Get<BlockList>, server: &Server) -> Result<(), Refusal> {
        let tell = |items| {
            if let Some(session) = &ask.origin.session {
                session.part::<Interested>().0.store(true, Ordering::Release);
            }
            ask.origin.answer(BlockList { items }, server);
        };
        self.lists.blocked(&ask.origin.to, tell).await
    }

    async fn block(&self, ask: Set<Block>, server: &Server) -> Result<(), Refusal> {
        if ask.items.is_empty() {
            // XEP-0191 §3.3.
            return Err(Condition::BadRequest.into());
        }
        self.lists.block(&ask.origin, ask.payload.items, &self.bounds, server).await
    }

    async fn unblock(&self, ask: Set<Unblock>, server: &Server) -> Result<(), Refusal> {
        // XEP-0191 §3.5: nobody named is everybody meant.
        let items = Some(ask.payload.items).filter(|items| !items.is_empty());
        self.lists.unblock(&ask.origin, items, server).await
    }

    /// Whichever client has changed the list, and in whatever words.
    async fn changed(&self, changed: &ListsChanged, server: &Server) -> Result<(), Refusal> {
        for blocked in &changed.blocked {
            match blocked {
                Blocked::Added(jids) => {
                    push(&changed.account, &Block { items: jids.clone() }, server);
                }
                Blocked::Removed(jids) => {
                    push(&changed.account, &Unblock { items: jids.clone() }, server);
                }
                Blocked::Cleared => push(&changed.account, &Unblock::default(), server),
            }
        }
        Ok(())
    }
}

/// Tells the sessions that have asked for the list (XEP-0191 §3.3).
fn push(account: &Jid, change: &impl Payload, server: &Server) {
    let mut random = [0; StanzaId::RANDOM_BYTES];
    server.entropy().fill(&mut random);
    let push = Stanza::iq(IqType::Set, StanzaId::from_random(random)).payload(change).build();
    for session in server.sessions(account) {
        if session.part::<Interested>().0.load(Ordering::Acquire) {
            server.deliver(&session, push.with_to(session.jid().clone()));
        }
    }
}
