#![doc = include_str!("../README.md")]

mod photo;

use std::sync::Arc;

use sestina_core::{
    Arrival, Assembly, AssemblyError, BoxFuture, CardChanged, Cards, Get, Plugin, Portable,
    Refusal, Scope, Server, Set, Spec, answer,
};
use sestina_stanza::{Condition, Invalid, Jid, Payload, StanzaError, ns};
use sestina_store::{Collection, Owner, Space};
use sestina_xml::{Element, ElementRef, Limits};

/// The most that [`Vcards::longest`] can be.
pub const LONGEST: usize = 768 << 10;

/// Keeps the card of each account, and shows it to everybody who asks.
#[derive(Clone, Copy, Debug)]
pub struct Vcards {
    /// The longest card in bytes; the default is 128 KiB, and [`LONGEST`] is the most.
    ///
    /// Cards come in stanzas, which have a bound of their own.
    pub longest: usize,
    /// Whether an account that has no card is told `item-not-found` instead of shown an empty one:
    /// XEP-0054 §3.1 has both.
    pub item_not_found: bool,
}

impl Default for Vcards {
    fn default() -> Self {
        Self { longest: 128 << 10, item_not_found: false }
    }
}

impl Plugin for Vcards {
    const NAME: &'static str = "vcard";
    const SPECS: &'static [Spec] = &[Spec::xep(54, "1.3.0"), Spec::xep(153, "1.1.1")];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        if !(1..=LONGEST).contains(&self.longest) {
            return Err(to.bad_setting("longest", "between 1 byte and 768 KiB"));
        }
        let file = Arc::new(File::new(self, to.space()));
        to.iq(Scope::Own, answer(&file, File::keep))?;
        to.iq(Scope::Account, answer(&file, File::show))?;
        // XEP-0054 §4: clients ask the server whether it keeps cards.
        to.feature(Scope::Server, ns::VCARD);
        to.sender().rewrite(&file, File::show_photo);
        to.on(&file, File::presence_changed);
        to.provide::<dyn Cards>(file.clone())?;
        to.portable(&file)
    }
}

/// Where the cards are.
#[derive(Clone)]
struct File {
    settings: Vcards,
    space: Space,
    /// As they were written. Owned by the account, so a card goes when its account goes.
    cards: Collection<(), String>,
    /// The hashes of their photos, so that nobody reads a card to learn them.
    photos: Collection<(), String>,
}

impl File {
    fn new(settings: Vcards, space: Space) -> Self {
        let (cards, photos) = (space.collection("cards"), space.collection("photos"));
        Self { settings, space, cards, photos }
    }

    /// XEP-0054 §3.2: the whole card, in place of the one before.
    async fn keep(&self, ask: Set<Card>, server: &Server) -> Result<(), Refusal> {
        let account = &ask.origin.to;
        self.put(account, &ask).await?;
        // Who could not follow has said so to the log: the card is kept.
        let _ = server.emit(&CardChanged::new(account.clone())).await;
        ask.origin.answer((), server);
        self.photo_changed(account, server).await;
        Ok(())
    }

    /// Keeps a card and the hash of its photo, both or neither.
    async fn put(&self, account: &Jid, card: &Card) -> Result<(), Refusal> {
        let owner = owner(account);
        let mut batch = self.space.batch(&owner);
        if card.is_empty() {
            batch.remove(&self.cards, &());
        } else {
            let written = card.as_element().to_string();
            if written.len() > self.settings.longest {
                let error = StanzaError::new(Condition::NotAcceptable);
                return Err(error.with_text("the card is too large").into());
            }
            batch.put(&self.cards, &(), &written);
        }
        match card.photo_hash() {
            Some(hash) => batch.put(&self.photos, &(), &hash),
            None => batch.remove(&self.photos, &()),
        }
        batch.commit().await?;
        Ok(())
    }

    async fn card(&self, owner: &Owner) -> Result<Option<Element>, Refusal> {
        let card = self.cards.get(owner, &()).await?;
        // It was within bounds when it came.
        let card = card.map(|card| Element::parse(card, &Limits::trusted()));
        card.transpose().map_err(Refusal::internal)
    }

    /// XEP-0054 §3.1 and §3.3: the card of whoever is asked, whether online or not.
    async fn show(&self, ask: Get<Card>, _: &Server) -> Result<Card, Refusal> {
        if let Some(card) = self.card(&owner(&ask.origin.to)).await? {
            return Ok(Card(card));
        }
        match &ask.origin.from {
            Some(from) if from.same_bare(&ask.origin.to) => match self.settings.item_not_found {
                true => Err(Condition::ItemNotFound.into()),
                false => Ok(Card::default()),
            },
            // XEP-0054 §3.3: who has no card is told apart from nobody.
            _ => Err(Condition::ServiceUnavailable.into()),
        }
    }
}

impl Cards for File {
    fn card<'a>(&'a self, account: &'a Jid) -> BoxFuture<'a, Result<Option<Element>, Refusal>> {
        Box::pin(async move { Self::card(self, &owner(account)).await })
    }
}

/// XEP-0227 §4.8.
impl Portable for File {
    const ELEMENTS: &'static [(&'static str, &'static str)] = &[(Card::NAME, Card::NAMESPACE)];

    async fn export(&self, account: &Jid, _: &Server) -> Result<Vec<Element>, Refusal> {
        Ok(self.card(&owner(account)).await?.into_iter().collect())
    }

    async fn import(&self, card: &Element, to: &Arrival<'_>) -> Result<(), Refusal> {
        let card = Card::read(card.root())?;
        Self::new(self.settings, to.space().clone()).put(to.account(), &card).await
    }
}

/// `<vCard xmlns='vcard-temp'>…</vCard>`, as it was written.
///
/// Clients write things that the specification does not know, so nobody here looks inside but for
/// the photo. What has no namespace at all stands in no card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card(Element);

impl Card {
    /// The element.
    #[must_use]
    pub fn as_element(&self) -> &Element {
        &self.0
    }

    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.attrs().next().is_none() && self.0.content().iter().all(u8::is_ascii_whitespace)
    }
}

impl Default for Card {
    fn default() -> Self {
        Self(Self::builder().build())
    }
}

impl Payload for Card {
    const NAME: &'static str = "vCard";
    const NAMESPACE: &'static str = ns::VCARD;

    fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
        if element.children().any(|child| child.namespace().is_empty()) {
            return Err(Invalid::new("what is in a card has a namespace"));
        }
        Ok(Self(element.to_element()))
    }

    fn write(&self) -> Element {
        self.0.clone()
    }
}

fn owner(account: &Jid) -> Owner {
    Owner::account(account.bare_str())
}
