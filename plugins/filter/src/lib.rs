#![doc = include_str!("../README.md")]

mod answered;
mod envelope;
mod exchange;
mod rule;
mod shelf;
mod sieve;
mod verdict;

use std::{sync::Arc, time::Duration};

use sestina_core::{
    Assembly, AssemblyError, Contacts, Mailbox, Plugin, Required, Scope, Spec, answer,
};
use sestina_xml::{Element, Limits};

use self::{
    answered::Answered,
    rule::{Allowed, FILTER, Rule},
    shelf::Shelf,
    sieve::{Parts, Sieve},
};
pub use self::{
    exchange::Query,
    rule::{Action, Condition},
};

/// The most that [`Filter::bytes`] can be.
pub const MOST_BYTES: usize = 768 << 10;

/// Lets people say what becomes of what comes to them.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Rules of one account; the default is 100.
    pub rules: usize,
    /// Bytes of these; the default is 64 KiB, and [`MOST_BYTES`] is the most.
    pub bytes: usize,
    /// To how many one message is passed on; the default is 5.
    pub forwards: usize,
    /// How often one message is passed on, from each to the next; the default is 3.
    pub hops: usize,
    /// How long a sender who was answered by a rule is not answered again; the default is 10 s.
    pub pause: Duration,
    /// Accounts without a session whose rules stay in memory; the default is 256.
    pub absent: usize,
    /// What a rule does that says nothing of it; the default is to drop.
    pub actionless: Actionless,
    /// What rules may ask; the default is everything.
    pub conditions: Vec<Condition>,
    /// What rules may do; the default is everything.
    pub actions: Vec<Action>,
    /// Rules that stand behind those of every account: `<rule>…</rule>`, any number of them.
    pub defaults: String,
}

/// What a rule without an action does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actionless {
    /// What it holds for is dropped.
    Drop,
    /// What it holds for is delivered, whatever the rules behind it say.
    Pass,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            rules: 100,
            bytes: 64 << 10,
            forwards: 5,
            hops: 3,
            pause: Duration::from_secs(10),
            absent: 256,
            actionless: Actionless::Drop,
            conditions: Condition::ALL.into(),
            actions: Action::ALL.into(),
            defaults: String::new(),
        }
    }
}

impl Plugin for Filter {
    const NAME: &'static str = "filter";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        if self.rules == 0 {
            return Err(to.bad_setting("rules", "at least 1"));
        }
        if !(1..=MOST_BYTES).contains(&self.bytes) {
            return Err(to.bad_setting("bytes", "between 1 byte and 768 KiB"));
        }
        let defaults = match defaults(&self.defaults) {
            Ok(rules) => rules,
            Err(why) => return Err(to.bad_setting("defaults", format!("rules ({why})"))),
        };
        if defaults.iter().any(Rule::needs_contacts) {
            let _or_no_server: Required<dyn Contacts> = to.require();
        }
        if defaults.iter().any(|rule| rule.offline) {
            let _or_no_server: Required<dyn Mailbox> = to.require();
        }
        let sieve = Sieve(Arc::new(Parts {
            shelf: Shelf::new(&to.space(), self.absent),
            allows: Allowed { conditions: self.conditions, actions: self.actions },
            defaults,
            actionless: self.actionless,
            most: self.rules,
            bytes: self.bytes,
            forwards: self.forwards,
            hops: self.hops,
            answered: Answered::new(self.pause),
            contacts: to.optional(),
            mailbox: to.optional(),
        }));
        let sieve = Arc::new(sieve);
        to.iq(Scope::Own, answer(&sieve, Sieve::show))?;
        to.iq(Scope::Own, answer(&sieve, Sieve::change))?;
        to.recipient().rewrite(&sieve, Sieve::arriving);
        to.on(&sieve, Sieve::bound);
        to.on(&sieve, Sieve::created);
        to.on(&sieve, Sieve::imported);
        to.on(&sieve, Sieve::removed);
        to.portable(&sieve)
    }
}

/// The rules in a setting.
fn defaults(text: &str) -> Result<Vec<Rule>, String> {
    let query = format!("<query xmlns='{FILTER}'>{text}</query>");
    let query = Element::parse(query, &Limits::default()).map_err(|error| error.to_string())?;
    let rules = rule::rules(query.root(), &Allowed::everything()).collect::<Result<_, _>>();
    rules.map_err(|unfit| unfit.into_owned())
}
