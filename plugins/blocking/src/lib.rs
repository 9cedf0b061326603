#![doc = include_str!("../README.md")]

mod exchange;
mod guard;
mod list;
mod query;

use std::sync::Arc;

use sestina_core::{Assembly, AssemblyError, Contacts, Optional, Plugin, Scope, Spec, answer};

use self::list::Lists;
pub use self::query::{Block, BlockList, Unblock};

/// Lets people block others.
#[derive(Clone, Copy, Debug)]
pub struct Blocking {
    /// Addresses that one account blocks; the default is 300.
    pub items: usize,
}

impl Default for Blocking {
    fn default() -> Self {
        Self { items: 300 }
    }
}

/// The most that [`Blocking::items`] may be: so many of the longest addresses are stored.
pub const MOST_ITEMS: usize =
    sestina_store::RECORD_BYTES / (3 * sestina_stanza::MAX_PART_BYTES + 16);

impl Plugin for Blocking {
    const NAME: &'static str = "blocking";
    const SPECS: &'static [Spec] = &[Spec::xep(191, "1.3")];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        if self.items == 0 || self.items > MOST_ITEMS {
            return Err(to.bad_setting("items", format!("1 to {MOST_ITEMS}")));
        }
        let warden = Arc::new(Warden {
            lists: Arc::new(Lists::new(&to.space())),
            items: self.items,
            contacts: to.optional(),
        });
        to.iq(Scope::Own, answer(&warden, Warden::look_up))?;
        to.iq(Scope::Own, answer(&warden, Warden::block))?;
        to.iq(Scope::Own, answer(&warden, Warden::unblock))?;
        to.sender().guard(&warden, Warden::leaving);
        to.recipient().guard(&warden, Warden::arriving);
        to.on(&warden, Warden::bound);
        to.on(&warden, Warden::account_removed);
        // XEP-0191 §3.1.
        to.feature(Scope::Server, sestina_stanza::ns::BLOCKING);
        Ok(())
    }
}

/// What the handlers of this plugin share.
struct Warden {
    lists: Arc<Lists>,
    items: usize,
    contacts: Optional<dyn Contacts>,
}
