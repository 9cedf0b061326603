//! What goes over the wire.

use sestina_stanza::{Invalid, Payload, Timestamp};
use sestina_xml::{Element, ElementRef};

/// `<note xmlns='urn:example:door' left='2030-02-03T04:05:06Z'>Gone to the friar</note>`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note {
    /// When it was left; who asks, or leaves one, does not say.
    pub left: Option<Timestamp>,
    /// What it says.
    pub text: String,
    /// Whether nobody gets past it.
    pub locked: bool,
}

impl Payload for Note {
    const NAME: &'static str = "note";
    const NAMESPACE: &'static str = "urn:example:door";

    fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
        let left = element.attr("left").map(str::parse).transpose();
        Ok(Self {
            left: left.map_err(|_| Invalid::attribute("left"))?,
            text: element.text().trim().to_owned(),
            locked: element.attr("locked") == Some("true"),
        })
    }

    fn write(&self) -> Element {
        let left = self.left.map(|left| left.to_string());
        let locked = self.locked.then_some("true");
        Self::builder().attr_opt("left", left).attr_opt("locked", locked).text(&self.text).build()
    }
}
