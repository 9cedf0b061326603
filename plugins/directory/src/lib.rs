#![doc = include_str!("../README.md")]

mod query;

use std::{collections::BTreeMap, sync::Arc};

use sestina_core::{
    AccountImported, AccountRemoved, Assembly, AssemblyError, Get, Identity, Origin, Plugin,
    Refusal, Scope, Server, Set, Spec, Started, answer,
};
use sestina_stanza::{Condition, FormType, Jid, Stanza, StanzaError};
use sestina_store::{Collection, Owner, Space};
use tokio::sync::RwLock;

pub use self::query::{FIELDS, Listing, Registration, Search};

/// The most that [`Directory::longest`] can be.
pub const LONGEST: usize = 4 << 10;

/// The fewest characters that are searched for.
pub const SHORTEST: usize = 2;

/// Lists those who want to be found, and nobody else.
#[derive(Clone, Copy, Debug)]
pub struct Directory {
    /// Whether it is found at `jud.` as in old times, and not at `directory.`.
    pub jud: bool,
    /// How many accounts it lists; the default is 100,000.
    pub listings: usize,
    /// How many of them a search finds; the default is 50.
    pub results: usize,
    /// The longest field in bytes; the default is 256, and [`LONGEST`] is the most.
    pub longest: usize,
}

impl Default for Directory {
    fn default() -> Self {
        Self { jud: false, listings: 100_000, results: 50, longest: 256 }
    }
}

impl Plugin for Directory {
    const NAME: &'static str = "directory";
    const SPECS: &'static [Spec] = &[Spec::xep(55, "1.3")];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        if self.listings == 0 {
            return Err(to.bad_setting("listings", "at least 1"));
        }
        if self.results == 0 {
            return Err(to.bad_setting("results", "at least 1"));
        }
        if !(1..=LONGEST).contains(&self.longest) {
            return Err(to.bad_setting("longest", "between 1 byte and 4 KiB"));
        }
        let label = if self.jud { "jud" } else { "directory" };
        let desk = Arc::new(Desk::new(self, to.space()));
        to.service(label, &desk, Desk::take)?;
        to.iq(Scope::Service(label), answer(&desk, Desk::fields))?;
        to.iq(Scope::Service(label), answer(&desk, Desk::search))?;
        to.iq(Scope::Service(label), answer(&desk, Desk::registered))?;
        to.iq(Scope::Service(label), answer(&desk, Desk::register))?;
        to.identity(
            Scope::Service(label),
            Identity::new("directory", "user").named("User directory"),
        );
        to.on(&desk, Desk::started);
        to.on(&desk, Desk::imported);
        to.on(&desk, Desk::removed);
        Ok(())
    }
}

struct Desk {
    settings: Directory,
    space: Space,
    /// Owned by the account, so it goes when the account goes.
    listings: Collection<(), Listing>,
    /// The same in memory, by account; what is written is written while this is held.
    index: RwLock<BTreeMap<String, Indexed>>,
}

/// A listing, and what its fields are compared by.
struct Indexed {
    listing: Listing,
    folded: Listing,
}

impl Indexed {
    fn new(listing: Listing) -> Self {
        Self { folded: listing.folded(), listing }
    }
}

/// Owners that are read in one step.
const PAGE: usize = 256;

impl Desk {
    fn new(settings: Directory, space: Space) -> Self {
        let listings = space.collection("listings");
        Self { settings, space, listings, index: RwLock::default() }
    }

    /// XEP-0055 §2.1: what can be searched for.
    async fn fields(&self, ask: Get<Search>, server: &Server) -> Result<Search, Refusal> {
        member(&ask.origin, server).await?;
        Ok(Search::blank())
    }

    /// XEP-0055 §2.2: those of whom every field that was filled in begins so.
    async fn search(&self, ask: Set<Search>, server: &Server) -> Result<Search, Refusal> {
        member(&ask.origin, server).await?;
        let wanted = match &ask.form {
            Some(form) if form.kind != FormType::Submit => {
                return Err(Condition::BadRequest.into());
            }
            Some(form) => Listing::of_form(form),
            None => ask.payload.fields.unwrap_or_default(),
        };
        let wanted = wanted.folded();
        if wanted.is_blank() {
            return Err(unacceptable("fill in at least one field"));
        }
        let too_short = |field: &String| !field.is_empty() && field.chars().count() < SHORTEST;
        if wanted.0.iter().any(too_short) {
            return Err(unacceptable("fill in at least two characters"));
        }
        let index = self.index.read().await;
        let found = index.iter().filter(|(_, held)| held.folded.begins_with(&wanted));
        let found = found.take(self.settings.results);
        let items: Vec<_> = found
            .filter_map(|(account, held)| Some((Jid::new(account).ok()?, held.listing.clone())))
            .collect();
        Ok(match ask.payload.form {
            Some(_) => Search::report(&items),
            None => Search::found(items),
        })
    }

    /// XEP-0077 §3.1: what is listed of whoever asks.
    async fn registered(
        &self,
        ask: Get<Registration>,
        server: &Server,
    ) -> Result<Registration, Refusal> {
        let account = member(&ask.origin, server).await?;
        let index = self.index.read().await;
        Ok(Registration::shown(index.get(account.as_str()).map(|held| held.listing.clone())))
    }

    /// XEP-0077 §3.1 and §3.2: whoever says so is listed, and whoever says so is not.
    async fn register(&self, ask: Set<Registration>, server: &Server) -> Result<(), Refusal> {
        let account = member(&ask.origin, server).await?;
        if ask.remove {
            return self.forget(&account).await;
        }
        let listing = ask.payload.listing.unwrap_or_default();
        if listing.is_blank() {
            return Err(unacceptable("fill in at least one field"));
        }
        if listing.0.iter().any(|field| field.len() > self.settings.longest) {
            return Err(unacceptable("a field is too long"));
        }
        self.list(account, listing, server).await
    }

    async fn list(&self, account: Jid, listing: Listing, server: &Server) -> Result<(), Refusal> {
        let mut index = self.index.write().await;
        if index.len() >= self.settings.listings && !index.contains_key(account.as_str()) {
            return Err(Condition::ResourceConstraint.into());
        }
        let owner = owner(&account);
        self.listings.put(&owner, &(), &listing).await?;
        // It may have come behind what erases the account.
        if !server.accounts().stays(&account).await {
            self.space.purge(&owner).await?;
            index.remove(account.as_str());
            return Err(Condition::Forbidden.into());
        }
        index.insert(account.as_str().to_owned(), Indexed::new(listing));
        Ok(())
    }

    async fn forget(&self, account: &Jid) -> Result<(), Refusal> {
        let mut index = self.index.write().await;
        if !index.contains_key(account.as_str()) {
            return Err(Condition::RegistrationRequired.into());
        }
        self.listings.remove(&owner(account), &()).await?;
        index.remove(account.as_str());
        Ok(())
    }

    /// Nobody is found before everybody can be.
    async fn started(&self, _: &Started, _: &Server) -> Result<(), Refusal> {
        let mut index = self.index.write().await;
        let mut last = None;
        loop {
            let page = self.space.owners(last.as_ref(), PAGE).await?;
            for owner in &page {
                let Some(account) = owner.as_account() else { continue };
                if let Some(listing) = self.listings.get(owner, &()).await? {
                    index.insert(account.to_owned(), Indexed::new(listing));
                }
            }
            match page.last() {
                Some(owner) if page.len() == PAGE => last = Some(owner.clone()),
                _ => return Ok(()),
            }
        }
    }

    async fn imported(&self, event: &AccountImported, _: &Server) -> Result<(), Refusal> {
        let mut index = self.index.write().await;
        match self.listings.get(&owner(&event.account), &()).await? {
            Some(listing) => index.insert(event.account.to_string(), Indexed::new(listing)),
            None => index.remove(event.account.as_str()),
        };
        Ok(())
    }

    async fn removed(&self, event: &AccountRemoved, _: &Server) -> Result<(), Refusal> {
        self.index.write().await.remove(event.account.as_str());
        Ok(())
    }

    /// Nobody here reads messages.
    async fn take(&self, _: Stanza, _: &Server) -> Result<(), Refusal> {
        Err(Condition::ServiceUnavailable.into())
    }
}

/// The account that asks the directory itself. Guests neither search nor are listed.
async fn member(asked: &Origin, server: &Server) -> Result<Jid, Refusal> {
    if !asked.to.is_domain() {
        return Err(Condition::ItemNotFound.into());
    }
    let account = asked.from.as_ref().ok_or(Condition::Forbidden)?.to_bare();
    match server.accounts().exists(&account).await {
        true => Ok(account),
        false => Err(Condition::Forbidden.into()),
    }
}

fn unacceptable(why: &'static str) -> Refusal {
    StanzaError::new(Condition::NotAcceptable).with_text(why).into()
}

fn owner(account: &Jid) -> Owner {
    Owner::account(account.bare_str())
}
