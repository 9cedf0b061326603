//! What goes over the wire.

use sestina_stanza::{Invalid, Payload, ns};
use sestina_xml::{Element, ElementRef};

/// `<query xmlns='jabber:iq:last' seconds='903'>Heading Home</query>`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// How long ago; who asks does not say.
    pub seconds: Option<u64>,
    /// What was said then.
    pub status: String,
}

impl Query {
    /// So long ago, without a word.
    #[must_use]
    pub fn seconds(seconds: u64) -> Self {
        Self { seconds: Some(seconds), status: String::new() }
    }
}

impl Payload for Query {
    const NAME: &'static str = "query";
    const NAMESPACE: &'static str = ns::LAST;

    fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
        let seconds = element.attr("seconds").map(str::parse).transpose();
        Ok(Self {
            seconds: seconds.map_err(|_| Invalid::attribute("seconds"))?,
            status: element.text().into_owned(),
        })
    }

    fn write(&self) -> Element {
        let seconds = self.seconds.map(|seconds| seconds.to_string());
        Self::builder().attr_opt("seconds", seconds).text(&self.status).build()
    }
}
