//! What goes over the wire.

use sestina_stanza::{Invalid, Payload, Timestamp};
use sestina_xml::{Element, ElementRef};

/// `<query xmlns='http://jabber.org/protocol/vacation'><start/><end/><message>…</message></query>`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// What it says; nothing in a question, and where something is missing.
    pub absence: Option<Absence>,
}

/// When somebody is away, and what others are told meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absence {
    /// From when on; nothing for at once.
    pub start: Option<Timestamp>,
    /// Until when; nothing for ever.
    pub end: Option<Timestamp>,
    /// What others are told.
    pub message: String,
}

impl Payload for Query {
    const NAME: &'static str = "query";
    const NAMESPACE: &'static str = "http://jabber.org/protocol/vacation";

    fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
        let text = |name| element.child_text(name, Self::NAMESPACE);
        let (Some(start), Some(end), Some(message)) = (text("start"), text("end"), text("message"))
        else {
            return Ok(Self { absence: None });
        };
        let time = |text: &str, name| match text.trim() {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| Invalid::child(name)),
        };
        let (start, end) = (time(&start, "start")?, time(&end, "end")?);
        Ok(Self { absence: Some(Absence { start, end, message: message.into_owned() }) })
    }

    fn write(&self) -> Element {
        let Some(Absence { start, end, message }) = &self.absence else {
            return Self::builder().build();
        };
        let time = |time: &Option<Timestamp>| time.map_or_else(String::new, |it| it.to_string());
        Self::builder()
            .child_with("start", |it| it.text(time(start)))
            .child_with("end", |it| it.text(time(end)))
            .child_with("message", |it| it.text(message))
            .build()
    }
}
