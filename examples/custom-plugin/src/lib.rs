//! Notes on doors: an account leaves one, visitors read it, and it comes down when the owner comes
//! home.

mod note;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sestina_core::{
    Assembly, AssemblyError, Call, Command, Get, Guarded, Plugin, PresenceChanged, Refusal, Scope,
    Server, Set, Spec, answer, fields,
};
use sestina_stanza::{Condition, Jid, Kind, Stanza, StanzaError, Timestamp};
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
        to.recipient().guard(&doors, Doors::knock);
        let take_down =
            Command::for_administrators("urn:example:door#take-down", "Take a note down");
        to.command(take_down.runs(&doors, Doors::take_down))
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
    locked: bool,
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
        let Note { text, locked, .. } = ask.payload;
        let left = Left { at: server.now(), text, locked };
        Ok(self.notes.put(&owner(&ask.origin.to), &(), &left).await?)
    }

    /// A door without a note looks like no door at all: nobody learns who has an account.
    async fn read(&self, ask: Get<Note>, _: &Server) -> Result<Note, Refusal> {
        let left = self.notes.get(&owner(&ask.origin.to), &()).await?;
        let left = left.ok_or(Condition::ServiceUnavailable)?;
        Ok(Note { left: Some(left.at), text: left.text, locked: left.locked })
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

impl Doors {
    /// Whoever writes to a locked door while nobody is home is told what its note says.
    fn knock(&self, stanza: &Stanza, server: &Server) -> Guarded {
        let (Kind::Message(_), Some(to)) = (stanza.kind(), stanza.to()) else {
            return Guarded::Pass;
        };
        if server.is_online(to) {
            return Guarded::Pass;
        }
        let (notes, owner) = (self.notes.clone(), owner(to));
        Guarded::Wait(Box::pin(async move {
            match notes.get(&owner, &()).await {
                Ok(Some(Left { locked: true, text, .. })) => {
                    let told = StanzaError::new(Condition::RecipientUnavailable).with_text(text);
                    Guarded::Refuse(told.into())
                }
                Ok(_) => Guarded::Pass,
                Err(error) => Guarded::Refuse(error.into()),
            }
        }))
    }
}

fields! {
    /// Whose note comes down.
    struct Whose {
        account: Jid = "account", "Whose note it is";
    }
}

impl Doors {
    async fn take_down(&self, call: Call<Whose>, _: &Server) -> Result<String, Refusal> {
        let account = owner(&call.account);
        if self.notes.update(&account, &(), |held| held.take().is_some()).await? {
            Ok(format!("{} has no note any more", call.account))
        } else {
            Err(Condition::ItemNotFound.into())
        }
    }
}
