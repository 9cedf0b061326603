//! Notes on doors: an account leaves one, visitors read it, and it comes down when the owner comes
//! home.

mod note;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sestina_core::{
    Assembly, AssemblyError, Get, Plugin, PresenceChanged, Refusal, Scope, Server, Set, Spec,
    answer,
};
use sestina_stanza::{Condition, Jid, Timestamp};
use sestina_store::{Collection, Owner, Record};

pub use self::note::Note;

/// Keeps a note on the door of each account.
#[derive(Clone, Copy, Debug)]
pub struct DoorNotes {
    /// The longest note in bytes.
    pub longest: usize,
}

impl Default for DoorNotes {
    fn default() -> Self {
        Self { longest: 256 }
    }
}

impl Plugin for DoorNotes {
    const NAME: &'static str = "door-notes";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        if self.longest == 0 {
            return Err(to.bad_setting("longest", "at least 1 byte"));
        }
        let doors =
            Arc::new(Doors { longest: self.longest, notes: to.space().collection("notes") });
        to.iq(Scope::Own, answer(&doors, Doors::leave))?;
        to.iq(Scope::Account, answer(&doors, Doors::read))?;
        to.on(&doors, Doors::come_home);
        Ok(())
    }
}

struct Doors {
    longest: usize,
    /// Owned by the account, so it goes when the account goes.
    notes: Collection<(), Left>,
}

/// A note as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Left {
    at: Timestamp,
    text: String,
}

impl Record for Left {
    const VERSION: u8 = 1;
}

impl Doors {
    /// The owner leaves a note in place of the one before.
    async fn leave(&self, ask: Set<Note>, server: &Server) -> Result<(), Refusal> {
        if ask.text.is_empty() || ask.text.len() > self.longest {
            return Err(Condition::NotAcceptable.into());
        }
        let left = Left { at: server.now(), text: ask.payload.text };
        Ok(self.notes.put(&owner(&ask.origin.to), &(), &left).await?)
    }

    /// A door without a note looks like no door at all: nobody learns who has an account.
    async fn read(&self, ask: Get<Note>, _: &Server) -> Result<Note, Refusal> {
        let left = self.notes.get(&owner(&ask.origin.to), &()).await?;
        let left = left.ok_or(Condition::ServiceUnavailable)?;
        Ok(Note { left: Some(left.at), text: left.text })
    }

    async fn come_home(&self, change: &PresenceChanged, _: &Server) -> Result<(), Refusal> {
        if change.initial {
            self.notes.remove(&owner(change.session.account()), &()).await?;
        }
        Ok(())
    }
}

fn owner(account: &Jid) -> Owner {
    Owner::account(account.bare_str())
}
