//! The photo of a card, and how others learn that there is another one (XEP-0153).

use std::{fmt::Write, sync::Arc};

use parking_lot::Mutex;
use sestina_core::{PresenceChanged, Refusal, Rewritten, Server, Session};
use sestina_sasl::decode_base64;
use sestina_stanza::{Jid, PresenceType, Stanza, ns};
use sestina_store::StoreError;
use sestina_xml::{Element, ElementRef};
use sha1::{Digest, Sha1};

use crate::{Card, File, owner};

impl Card {
    /// The SHA-1 hash of its photo (XEP-0153 §3.1), of the image itself, in hexadecimal digits.
    ///
    /// What is no Base64 is no photo.
    #[must_use]
    pub fn photo_hash(&self) -> Option<String> {
        let data = self.as_element().child("PHOTO", ns::VCARD)?.child_text("BINVAL", ns::VCARD)?;
        // XEP-0153 §4.6: lines are folded as anybody likes.
        let data: String = data.chars().filter(|letter| !letter.is_ascii_whitespace()).collect();
        let image = decode_base64(&data).ok().filter(|image| !image.is_empty())?;
        let mut hash = String::with_capacity(40);
        for byte in Sha1::digest(image) {
            let _ = write!(hash, "{byte:02x}");
        }
        Some(hash)
    }
}

/// What a session's presence says about the photo.
#[derive(Debug, Default)]
struct Shown(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Whether the client says it itself.
    by_client: bool,
    /// The hash that the account's photo has, if it has one, once somebody has looked it up.
    known: Option<Option<Arc<str>>>,
    /// How many cards were kept since the session began: what was looked up before is outdated.
    round: u64,
}

impl Shown {
    fn forget(&self) {
        let mut state = self.0.lock();
        state.round += 1;
        state.known = None;
    }
}

impl File {
    /// XEP-0398 §4: the server says which photo there is in every presence whose client does not.
    pub(crate) fn show_photo(&self, stanza: &Stanza, server: &Server) -> Rewritten {
        if stanza.kind() != PresenceType::Available.into() {
            return Rewritten::Keep;
        }
        let Some(session) = stanza.from().and_then(|from| server.session(from)) else {
            return Rewritten::Keep;
        };
        let (shown, by_client) = (session.part::<Shown>(), is_said(stanza));
        let known = {
            let mut state = shown.0.lock();
            if stanza.to().is_none() {
                state.by_client = by_client;
            }
            state.known.clone()
        };
        match known {
            _ if by_client => Rewritten::Keep,
            Some(photo) => rewritten(stanza, photo.as_deref()),
            None => {
                let (file, stanza) = (self.clone(), stanza.clone());
                Rewritten::Wait(Box::pin(async move {
                    match file.photo(&session).await {
                        Ok(photo) => rewritten(&stanza, photo.as_deref()),
                        Err(error) => {
                            // Presence goes on without; the next one tries again.
                            let account = session.account();
                            tracing::warn!(%account, %error, "a photo's hash was not read");
                            Rewritten::Keep
                        }
                    }
                }))
            }
        }
    }

    /// A card was kept: every session says which photo there is now.
    pub(crate) async fn photo_changed(&self, account: &Jid, server: &Server) {
        let sessions = server.sessions(account);
        sessions.iter().for_each(|session| session.part::<Shown>().forget());
        for session in sessions {
            if let Err(error) = self.show_again(&session, server).await {
                tracing::warn!(%account, %error, "a photo's hash was not read");
            }
        }
    }

    /// A session may have said what was outdated while it said it.
    pub(crate) async fn presence_changed(
        &self,
        changed: &PresenceChanged,
        server: &Server,
    ) -> Result<(), Refusal> {
        Ok(self.show_again(&changed.session, server).await?)
    }

    /// Has a session say which photo there is, unless it has, or its client does.
    async fn show_again(&self, session: &Arc<Session>, server: &Server) -> Result<(), StoreError> {
        if session.is_available() && !session.part::<Shown>().0.lock().by_client {
            let photo = self.photo(session).await?;
            server.restate(session, |presence| with_photo(presence, photo.as_deref())).await;
        }
        Ok(())
    }

    /// The hash of the photo of a session's account.
    async fn photo(&self, session: &Session) -> Result<Option<Arc<str>>, StoreError> {
        let shown = session.part::<Shown>();
        let round = {
            let state = shown.0.lock();
            if let Some(known) = &state.known {
                return Ok(known.clone());
            }
            state.round
        };
        let photo = self.photos.get(&owner(session.account()), &()).await?.map(Arc::from);
        let mut state = shown.0.lock();
        if state.round == round {
            state.known = Some(photo.clone());
        }
        Ok(photo)
    }
}

fn rewritten(presence: &Stanza, photo: Option<&str>) -> Rewritten {
    match with_photo(presence, photo) {
        Some(presence) => Rewritten::Replace(Box::new(presence)),
        None => Rewritten::Keep,
    }
}

/// A presence that says which photo there is, unless this one does.
///
/// Where there is none, nothing is said but to those who were told of one.
fn with_photo(presence: &Stanza, photo: Option<&str>) -> Option<Stanza> {
    let said = updates(presence).find_map(|it| it.child_text("photo", ns::VCARD_UPDATE));
    let to_say = photo.unwrap_or_default();
    let is_said = match said {
        Some(said) => said == to_say,
        None => photo.is_none(),
    };
    if is_said {
        return None;
    }
    let update = Element::builder("x", ns::VCARD_UPDATE).child_with("photo", |to| to.text(to_say));
    Some(presence.without_child("x", ns::VCARD_UPDATE).with_child(update.build()))
}

/// Whether a presence says which photo there is, or that there is none. One with `<x/>` alone does
/// not know yet (XEP-0153 §4.1).
fn is_said(presence: &Stanza) -> bool {
    updates(presence).any(|update| update.child("photo", ns::VCARD_UPDATE).is_some())
}

fn updates(presence: &Stanza) -> impl Iterator<Item = ElementRef<'_>> {
    presence.children().filter(|child| child.is("x", ns::VCARD_UPDATE))
}

#[cfg(test)]
mod tests {
    use sestina_stanza::Payload;
    use sestina_xml::Limits;

    use super::*;

    fn hash(content: &str) -> Option<String> {
        let card = format!("<vCard xmlns='vcard-temp'>{content}</vCard>");
        let card = Element::parse(card, &Limits::default()).expect("well-formed");
        Card::read(card.root()).expect("a card").photo_hash()
    }

    /// FIPS 180, of `abc`.
    const ABC: &str = "a9993e364706816aba3e25717850c26c9cd0d89d";

    #[test]
    fn the_hash_is_that_of_the_image() {
        let photo = "<PHOTO><TYPE>image/png</TYPE><BINVAL>YWJj</BINVAL></PHOTO>";
        assert_eq!(hash(photo).as_deref(), Some(ABC));
        let folded = "<FN>J</FN><PHOTO><BINVAL>\n  YW\r\n\tJj \n</BINVAL></PHOTO>";
        assert_eq!(hash(folded).as_deref(), Some(ABC));
    }

    #[test]
    fn what_is_no_image_has_none() {
        for photo in [
            "",
            "<PHOTO/>",
            "<PHOTO><BINVAL/></PHOTO>",
            "<PHOTO><BINVAL> \n </BINVAL></PHOTO>",
            "<PHOTO><BINVAL>=</BINVAL></PHOTO>",
            "<PHOTO><BINVAL>YWJ</BINVAL></PHOTO>",
            "<PHOTO><BINVAL>YW-j</BINVAL></PHOTO>",
            "<PHOTO><EXTVAL>https://capulet.example/juliet.png</EXTVAL></PHOTO>",
            "<PHOTO xmlns='urn:example:x'><BINVAL>YWJj</BINVAL></PHOTO>",
            "<LOGO><BINVAL>YWJj</BINVAL></LOGO>",
        ] {
            assert_eq!(hash(photo), None, "{photo}");
        }
    }
}
