#![doc = include_str!("../README.md")]

mod query;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sestina_core::{
    Assembly, AssemblyError, Get, Plugin, Refusal, Scope, Server, Set, Spec, answer,
};
use sestina_stanza::{Condition, Jid};
use sestina_store::{Collection, Owner, Record};

pub use self::query::Line;

/// Keeps a line of text for each account.
#[derive(Clone, Copy, Debug)]
pub struct {{type}} {
    /// The longest line in bytes; the default is 256.
    pub longest: usize,
}

impl Default for {{type}} {
    fn default() -> Self {
        Self { longest: 256 }
    }
}

impl Plugin for {{type}} {
    const NAME: &'static str = "{{name}}";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        if self.longest == 0 {
            return Err(to.bad_setting("longest", "at least 1 byte"));
        }
        let desk =
            Arc::new(Desk { longest: self.longest, lines: to.space().collection("lines") });
        to.iq(Scope::Own, answer(&desk, Desk::write))?;
        to.iq(Scope::Own, answer(&desk, Desk::read))?;
        Ok(())
    }
}

/// Where lines are written and read.
struct Desk {
    longest: usize,
    /// Owned by the account, so it goes when the account goes.
    lines: Collection<(), Kept>,
}

/// A line as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    text: String,
}

impl Record for Kept {
    const VERSION: u8 = 1;
}

impl Desk {
    /// Puts a line in place of the one before.
    async fn write(&self, ask: Set<Line>, _: &Server) -> Result<(), Refusal> {
        if ask.text.is_empty() || ask.text.len() > self.longest {
            return Err(Condition::NotAcceptable.into());
        }
        let account = owner(&ask.origin.to);
        // The result goes out once the store has it.
        Ok(self.lines.put(&account, &(), &Kept { text: ask.payload.text }).await?)
    }

    async fn read(&self, ask: Get<Line>, _: &Server) -> Result<Line, Refusal> {
        let kept = self.lines.get(&owner(&ask.origin.to), &()).await?;
        let Kept { text } = kept.ok_or(Condition::ItemNotFound)?;
        Ok(Line { text })
    }
}

fn owner(account: &Jid) -> Owner {
    Owner::account(account.bare_str())
}
