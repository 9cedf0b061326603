//! What goes over the wire, and what is stored of it.

use serde::{Deserialize, Serialize};
use sestina_stanza::{DataForm, Field, Invalid, Jid, Payload, ns};
use sestina_store::Record;
use sestina_xml::{Builder, Element, ElementRef};

/// The fields of a listing (XEP-0055 §6), and what people call them.
pub const FIELDS: [(&str, &str); 4] = [
    ("first", "Given name"),
    ("last", "Family name"),
    ("nick", "Nickname"),
    ("email", "Email address"),
];

const SEARCH: &str = "jabber:iq:search";

/// What somebody is found by: a value for each of [`FIELDS`], empty where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing(pub [String; 4]);

impl Record for Listing {
    const VERSION: u8 = 1;
}

impl Listing {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.0.iter().all(String::is_empty)
    }

    pub(crate) fn folded(&self) -> Self {
        Self(self.0.each_ref().map(|field| field.to_lowercase()))
    }

    pub(crate) fn begins_with(&self, wanted: &Self) -> bool {
        self.0.iter().zip(&wanted.0).all(|(held, wanted)| held.starts_with(wanted.as_str()))
    }

    /// What a card says (XEP-0054), also one of old clients, whose addresses stand in no `USERID`.
    pub(crate) fn of_card(card: ElementRef<'_>) -> Self {
        let text = |within: Option<ElementRef<'_>>, name| {
            let text = within.and_then(|it| it.child_text(name, ns::VCARD));
            text.map(|it| it.trim().to_owned()).unwrap_or_default()
        };
        let (name, email) = (card.child("N", ns::VCARD), card.child("EMAIL", ns::VCARD));
        let user_id = text(email, "USERID");
        let bare = || email.map(|it| it.text().trim().to_owned()).unwrap_or_default();
        Self([
            text(name, "GIVEN"),
            text(name, "FAMILY"),
            text(Some(card), "NICKNAME"),
            if user_id.is_empty() { bare() } else { user_id },
        ])
    }

    pub(crate) fn of_form(form: &DataForm) -> Self {
        Self(FIELDS.map(|(name, _)| form.value(name).unwrap_or_default().trim().to_owned()))
    }

    /// The fields among the children of an element; nothing if there is none.
    fn read(element: ElementRef<'_>, namespace: &str) -> Option<Self> {
        let texts = FIELDS.map(|(name, _)| element.child_text(name, namespace));
        texts.iter().any(Option::is_some).then(|| {
            Self(texts.map(|text| text.map(|it| it.trim().to_owned()).unwrap_or_default()))
        })
    }

    fn fill(&self, mut to: Builder) -> Builder {
        for ((name, _), value) in FIELDS.iter().zip(&self.0) {
            to = to.child_with(name, |it| it.text(value));
        }
        to
    }

    fn row(&self) -> impl Iterator<Item = Field> {
        FIELDS.iter().zip(&self.0).map(|((name, _), value)| Field::new(*name).value(value))
    }
}

/// `<query xmlns='jabber:iq:search'/>`: asked, filled in, or found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// What to do, for people.
    pub instructions: Option<String>,
    /// What to fill in, or what was.
    pub fields: Option<Listing>,
    /// Who was found.
    pub items: Vec<(Jid, Listing)>,
    /// The same as a form, which outweighs them.
    pub form: Option<DataForm>,
}

impl Search {
    /// What can be filled in.
    pub(crate) fn blank() -> Self {
        const HOW: &str = "Fill in how the name, nickname or email address begins.";
        let form = DataForm::form(SEARCH).title("User directory").instructions(HOW);
        let form = FIELDS
            .iter()
            .fold(form, |form, (name, label)| form.field(Field::text_single(*name).label(*label)));
        Self {
            instructions: Some(HOW.into()),
            fields: Some(Listing::default()),
            form: Some(form),
            ..Self::default()
        }
    }

    pub(crate) fn found(items: Vec<(Jid, Listing)>) -> Self {
        Self { items, ..Self::default() }
    }

    /// Who was found, for whoever has asked by the form.
    pub(crate) fn report(items: &[(Jid, Listing)]) -> Self {
        let mut form = DataForm::result(SEARCH);
        form.reported.push(Field::jid_single("jid").label("Address"));
        form.reported.extend(FIELDS.map(|(name, label)| Field::text_single(name).label(label)));
        form.items = items
            .iter()
            .map(|(jid, listing)| {
                let jid = Field::new("jid").value(jid.as_str());
                std::iter::once(jid).chain(listing.row()).collect()
            })
            .collect();
        Self { form: Some(form), ..Self::default() }
    }
}

impl Payload for Search {
    const NAME: &'static str = "query";
    const NAMESPACE: &'static str = SEARCH;

    fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
        let items = element.children().filter(|child| child.is("item", SEARCH)).map(|item| {
            let jid = item.attr("jid").and_then(|jid| jid.parse().ok());
            let jid = jid.ok_or_else(|| Invalid::attribute("jid"))?;
            Ok((jid, Listing::read(item, SEARCH).unwrap_or_default()))
        });
        let form = element.children().find(|child| DataForm::is(*child));
        Ok(Self {
            instructions: element.child_text("instructions", SEARCH).map(|it| it.into_owned()),
            fields: Listing::read(element, SEARCH),
            items: items.collect::<Result<_, Invalid>>()?,
            form: form.map(DataForm::read).transpose()?,
        })
    }

    fn write(&self) -> Element {
        let mut query = Self::builder();
        if let Some(instructions) = &self.instructions {
            query = query.child_with("instructions", |it| it.text(instructions));
        }
        if let Some(fields) = &self.fields {
            query = fields.fill(query);
        }
        let items = self.items.iter().map(|(jid, listing)| {
            listing.fill(Element::builder("item", SEARCH).attr("jid", jid.as_str()))
        });
        query.children(items).child_opt(self.form.as_ref().map(Payload::write)).build()
    }
}

/// `<query xmlns='jabber:iq:register'/>` to the directory: asked, filled in, or a wish to be forgotten.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registration {
    /// What to do, for people.
    pub instructions: Option<String>,
    /// Whoever asks is listed.
    pub registered: bool,
    /// Whoever asks shall be listed no longer.
    pub remove: bool,
    /// As what.
    pub listing: Option<Listing>,
}

impl Registration {
    pub(crate) fn shown(listing: Option<Listing>, by_card: bool) -> Self {
        let how = match by_card {
            true => {
                "Fill in what others shall find you by, or nothing to be found by your card. All of \
                 it is shown to them."
            }
            false => "Fill in what others shall find you by. All of it is shown to them.",
        };
        Self {
            instructions: Some(how.into()),
            registered: listing.is_some(),
            remove: false,
            listing: Some(listing.unwrap_or_default()),
        }
    }
}

impl Payload for Registration {
    const NAME: &'static str = "query";
    const NAMESPACE: &'static str = ns::REGISTER;

    fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
        let remove = element.child("remove", ns::REGISTER).is_some();
        // XEP-0077 §3.2
        if remove && element.children().count() > 1 {
            return Err(Invalid::new("<remove/> comes alone"));
        }
        let instructions = element.child_text("instructions", ns::REGISTER);
        Ok(Self {
            instructions: instructions.map(|it| it.into_owned()),
            registered: element.child("registered", ns::REGISTER).is_some(),
            remove,
            listing: Listing::read(element, ns::REGISTER),
        })
    }

    fn write(&self) -> Element {
        let mut query = Self::builder();
        if let Some(instructions) = &self.instructions {
            query = query.child_with("instructions", |it| it.text(instructions));
        }
        for (name, holds) in [("registered", self.registered), ("remove", self.remove)] {
            if holds {
                query = query.child_with(name, |it| it);
            }
        }
        if let Some(listing) = &self.listing {
            query = listing.fill(query);
        }
        query.build()
    }
}
