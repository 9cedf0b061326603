//! What accounts say of themselves: the capability of whatever keeps cards.

use sestina_stanza::Jid;
use sestina_xml::Element;

use crate::{BoxFuture, Refusal, event::Event};

/// What others may ask of a plugin that keeps cards (XEP-0054).
///
/// ```
/// use sestina_core::{Assembly, Cards, Optional};
///
/// # fn install(to: &mut Assembly) {
/// let cards: Optional<dyn Cards> = to.optional();
/// # }
/// ```
pub trait Cards: Send + Sync + 'static {
    /// The card of an account, `<vCard xmlns='vcard-temp'/>` as it was written, if it has one.
    fn card<'a>(&'a self, account: &'a Jid) -> BoxFuture<'a, Result<Option<Element>, Refusal>>;
}

/// An account has another card, or none any more. Told before whoever has changed it is answered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CardChanged {
    /// Its bare JID.
    pub account: Jid,
}

impl CardChanged {
    /// For whoever keeps cards.
    #[must_use]
    pub fn new(account: Jid) -> Self {
        Self { account }
    }
}

impl Event for CardChanged {}
