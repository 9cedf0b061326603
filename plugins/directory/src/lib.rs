#![doc = include_str!("../README.md")]

mod query;

use std::{collections::BTreeMap, sync::Arc};

use sestina_core::{
    AccountImported, AccountRemoved, Assembly, AssemblyError, CardChanged, Cards, Get, Identity,
    Optional, Origin, Plugin, Refusal, Scope, Server, Set, Spec, Started, answer,
};
use sestina_stanza::{Condition, FormType, Jid, Stanza, StanzaError};
use sestina_store::{Collection, Owner, Space, StoreError};
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
        let desk = Arc::new(Desk::new(self, to.space(), to.optional()));
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
        to.on(&desk, Desk::card_changed);
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
    /// Those whose listing is what their card says.
    by_card: Collection<(), bool>,
    cards: Optional<dyn Cards>,
    /// The same in memory, by account; what is written is written while this is held.
    index: RwLock<BTreeMap<String, Indexed>>,
}

/// A listing, and what its fields are compared by.
struct Indexed {
    listing: Listing,
    by_card: bool,
    folded: Listing,
}

impl Indexed {
    fn new(listing: Listing, by_card: bool) -> Self {
        Self { folded: listing.folded(), listing, by_card }
    }
}

/// Owners that are read in one step.
const PAGE: usize = 256;

impl Desk {
    fn new(settings: Directory, space: Space, cards: Optional<dyn Cards>) -> Self {
        let (listings, by_card) = (space.collection("listings"), space.collection("by-card"));
        Self { settings, space, listings, by_card, cards, index: RwLock::default() }
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
        let listing = index.get(account.as_str()).map(|held| held.listing.clone());
        Ok(Registration::shown(listing, self.cards.provider().is_some()))
    }

    /// XEP-0077 §3.1 and §3.2: whoever says so is listed, and whoever says so is not. Whoever says
    /// nothing more is listed by the card, where there are cards.
    async fn register(&self, ask: Set<Registration>, server: &Server) -> Result<(), Refusal> {
        let account = member(&ask.origin, server).await?;
        if ask.remove {
            return self.forget(&account).await;
        }
        let listing = ask.payload.listing.unwrap_or_default();
        if listing.is_blank() {
            return match self.cards.provider() {
                Some(_) => self.list(account, None, server).await,
                None => Err(unacceptable("fill in at least one field")),
            };
        }
        if listing.0.iter().any(|field| field.len() > self.settings.longest) {
            return Err(unacceptable("a field is too long"));
        }
        self.list(account, Some(listing), server).await
    }

    /// Lists an account by these fields, or from now on by its card.
    async fn list(
        &self,
        account: Jid,
        listing: Option<Listing>,
        server: &Server,
    ) -> Result<(), Refusal> {
        let mut index = self.index.write().await;
        if index.len() >= self.settings.listings && !index.contains_key(account.as_str()) {
            return Err(Condition::ResourceConstraint.into());
        }
        let (owner, by_card) = (owner(&account), listing.is_none());
        let listing = match listing {
            Some(listing) => listing,
            None => self.of_card(&account).await?,
        };
        self.write(&owner, &listing, by_card).await?;
        // It may have come behind what erases the account.
        if !server.accounts().stays(&account).await {
            self.space.purge(&owner).await?;
            index.remove(account.as_str());
            return Err(Condition::Forbidden.into());
        }
        index.insert(account.as_str().to_owned(), Indexed::new(listing, by_card));
        Ok(())
    }

    async fn forget(&self, account: &Jid) -> Result<(), Refusal> {
        let mut index = self.index.write().await;
        if !index.contains_key(account.as_str()) {
            return Err(Condition::RegistrationRequired.into());
        }
        let mut batch = self.space.batch(&owner(account));
        batch.remove(&self.listings, &());
        batch.remove(&self.by_card, &());
        batch.commit().await?;
        index.remove(account.as_str());
        Ok(())
    }

    async fn write(
        &self,
        owner: &Owner,
        listing: &Listing,
        by_card: bool,
    ) -> Result<(), StoreError> {
        let mut batch = self.space.batch(owner);
        batch.put(&self.listings, &(), listing);
        if by_card {
            batch.put(&self.by_card, &(), &true);
        } else {
            batch.remove(&self.by_card, &());
        }
        batch.commit().await.map(drop)
    }

    /// What the card of an account says. A field that is too long says nothing.
    async fn of_card(&self, account: &Jid) -> Result<Listing, Refusal> {
        let Some(cards) = self.cards.provider() else { return Ok(Listing::default()) };
        let card = cards.card(account).await?;
        let mut listing = card.map(|card| Listing::of_card(card.root())).unwrap_or_default();
        for field in listing.0.iter_mut().filter(|field| field.len() > self.settings.longest) {
            field.clear();
        }
        Ok(listing)
    }

    /// Who is listed by the card is found by what it says now.
    async fn card_changed(&self, event: &CardChanged, _: &Server) -> Result<(), Refusal> {
        let key = event.account.as_str();
        let mut index = self.index.write().await;
        if !index.get(key).is_some_and(|held| held.by_card) {
            return Ok(());
        }
        // Of two changes, the later may be heard of first.
        let listing = self.of_card(&event.account).await?;
        self.write(&owner(&event.account), &listing, true).await?;
        index.insert(key.to_owned(), Indexed::new(listing, true));
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
                    let by_card = self.by_card.get(owner, &()).await?.is_some();
                    index.insert(account.to_owned(), Indexed::new(listing, by_card));
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
        let owner = owner(&event.account);
        let Some(mut listing) = self.listings.get(&owner, &()).await? else {
            index.remove(event.account.as_str());
            return Ok(());
        };
        let by_card = self.by_card.get(&owner, &()).await?.is_some();
        if by_card && self.cards.provider().is_some() {
            listing = self.of_card(&event.account).await?;
            self.write(&owner, &listing, true).await?;
        }
        index.insert(event.account.to_string(), Indexed::new(listing, by_card));
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
