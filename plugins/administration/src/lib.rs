#![doc = include_str!("../README.md")]

mod accounts;
mod census;
mod contacts;
mod inspection;
mod service;

use std::sync::Arc;

use sestina_core::{
    Assembly, AssemblyError, Caller, Command, Contacts, Draft, Host, Optional, Plugin, Refusal,
    Report, Server, Spec,
};
use sestina_stanza::{Condition, Jid, StanzaError};

use self::census::{Census, Who};

/// What all forms here are for.
const ADMIN: &str = "http://jabber.org/protocol/admin";

/// The command that XEP-0133 has no name for.
const RELOAD: &str = "sestina:admin#reload";

/// The most that [`Administration::accounts`] can be.
pub const MOST_ACCOUNTS: usize = 1000;

/// The most that [`Administration::listed`] can be.
pub const MOST_LISTED: usize = 10_000;

/// Lets administrators manage accounts and sessions, count people, and reload and stop the server.
#[derive(Clone, Copy, Debug)]
pub struct Administration {
    /// How many accounts one command may name; the default is 100, and [`MOST_ACCOUNTS`] is the most.
    pub accounts: usize,
    /// How many addresses one list may have; the default is 1,000, and [`MOST_LISTED`] is the most.
    pub listed: usize,
}

impl Default for Administration {
    fn default() -> Self {
        Self { accounts: 100, listed: 1000 }
    }
}

impl Plugin for Administration {
    const NAME: &'static str = "administration";
    const SPECS: &'static [Spec] = &[Spec::xep(133, "1.3.1")];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        if !(1..=MOST_ACCOUNTS).contains(&self.accounts) {
            return Err(to.bad_setting("accounts", "1 to 1,000"));
        }
        if !(1..=MOST_LISTED).contains(&self.listed) {
            return Err(to.bad_setting("listed", "1 to 10,000"));
        }
        let office = Arc::new(Office {
            accounts: self.accounts,
            ours: to.settings().accounts.is_none(),
            contacts: to.optional(),
            host: to.optional(),
        });
        let add = command("http://jabber.org/protocol/admin#add-user", "Add a user")
            .if_able(&office, |office, _| office.ours);
        to.command(add.runs(&office, Office::add))?;
        let delete = command("http://jabber.org/protocol/admin#delete-user", "Delete users")
            .instructions("All that is kept for them goes as well.")
            .if_able(&office, |office, _| office.ours);
        to.command(delete.runs(&office, Office::delete))?;
        let disable = command("http://jabber.org/protocol/admin#disable-user", "Disable users")
            .instructions("They cannot log in until they are enabled again.")
            .if_able(&office, |office, _| office.ours);
        to.command(disable.runs(&office, Office::disable))?;
        let enable =
            command("http://jabber.org/protocol/admin#reenable-user", "Enable users again")
                .if_able(&office, |office, _| office.ours);
        to.command(enable.runs(&office, Office::enable))?;
        let end = command("http://jabber.org/protocol/admin#end-user-session", "End sessions")
            .instructions("A full address is one session, any other all of an account.");
        to.command(end.runs(&office, Office::end_sessions))?;
        let password =
            command("http://jabber.org/protocol/admin#change-user-password", "Change a password")
                .if_able(&office, |office, _| office.ours);
        to.command(password.runs(&office, Office::change_password))?;
        let roster =
            command("http://jabber.org/protocol/admin#get-user-roster", "Show a contact list")
                .if_able(&office, |office, _| office.contacts.provider().is_some());
        to.command(roster.runs(&office, Office::roster))?;
        let statistics =
            command("http://jabber.org/protocol/admin#user-stats", "Show what is known of a user");
        to.command(statistics.runs(&office, Office::statistics))?;
        let announce =
            command("http://jabber.org/protocol/admin#announce", "Announce to all who are online");
        to.command(announce.runs(&office, Office::announce))?;
        let stop = command("http://jabber.org/protocol/admin#shutdown", "Shut the server down")
            .if_able(&office, |office, _| office.host.provider().is_some());
        to.command(stop.runs(&office, Office::shut_down))?;
        let reload = command(RELOAD, "Read the settings again")
            .instructions(
                "What can take effect while the server runs does; nobody is disconnected.",
            )
            .if_able(&office, |office, _| office.host.provider().is_some_and(Host::can_reload));
        to.command(reload.runs(&office, Office::reload))?;
        contacts::declare(&office, to)?;
        inspection::declare(self.listed, to)?;
        Who::ALL.into_iter().try_for_each(|who| Census::declare(who, self.listed, to))
    }
}

fn command(node: &'static str, title: &'static str) -> Draft {
    Command::for_administrators(node, title).form_type(ADMIN)
}

/// Where administrators come with their wishes.
struct Office {
    accounts: usize,
    /// Whether accounts are this server's to make, change and remove.
    ours: bool,
    contacts: Optional<dyn Contacts>,
    host: Optional<dyn Host>,
}

impl Office {
    /// For a command about so many accounts.
    fn tally(&self, accounts: &[Jid]) -> Result<Tally, Refusal> {
        if accounts.len() > self.accounts {
            let text = format!("{} accounts at once are the most", self.accounts);
            return Err(StanzaError::new(Condition::NotAcceptable).with_text(text).into());
        }
        Ok(Tally::default())
    }
}

/// What became of each of several accounts.
#[derive(Default)]
struct Tally {
    done: usize,
    first: Option<Refusal>,
    report: Report,
}

impl Tally {
    fn count(&mut self, account: &Jid, done: Result<(), Refusal>) {
        match done {
            Ok(()) => self.done += 1,
            Err(refusal) => {
                let why = format!("{account}: {}", refusal.error());
                self.report = std::mem::take(&mut self.report).error(why);
                self.first.get_or_insert(refusal);
            }
        }
    }

    /// Where nothing could be done, whoever asked is told why; where some was, what was not.
    fn report(self) -> Result<Report, Refusal> {
        match self.first {
            Some(refusal) if self.done == 0 => Err(refusal),
            _ => Ok(self.report),
        }
    }
}

/// Nobody locks himself out, or waits for the end of the session that asks for it.
fn not_oneself(by: &Caller, account: &Jid) -> Result<(), Refusal> {
    if by.jid().is_some_and(|jid| jid.same_bare(account)) {
        let text = "this is your own account";
        return Err(StanzaError::new(Condition::NotAllowed).with_text(text).into());
    }
    Ok(())
}

/// The address of an account that there is.
async fn known(account: &Jid, server: &Server) -> Result<(), Refusal> {
    let exists = account.is_bare() && server.accounts().exists(account).await;
    if exists { Ok(()) } else { Err(Condition::ItemNotFound.into()) }
}
