//! What goes over the wire.

use sestina_stanza::{Invalid, Payload};
use sestina_xml::{Element, ElementRef};

/// `<line xmlns='urn:example:{{name}}'>Hark!</line>`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// What it says; who asks says nothing.
    pub text: String,
}

impl Payload for Line {
    const NAME: &'static str = "line";
    const NAMESPACE: &'static str = "urn:example:{{name}}";

    fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
        Ok(Self { text: element.text().into_owned() })
    }

    fn write(&self) -> Element {
        Self::builder().text(&self.text).build()
    }
}
