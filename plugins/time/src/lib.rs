#![doc = include_str!("../README.md")]

use std::sync::Arc;

use sestina_core::{Assembly, AssemblyError, Get, Plugin, Refusal, Scope, Server, Spec, answer};
use sestina_stanza::{Invalid, Payload, Timestamp, ns};
use sestina_xml::{Element, ElementRef};

/// Tells the time.
#[derive(Clone, Copy, Debug, Default)]
pub struct EntityTime;

impl Plugin for EntityTime {
    const NAME: &'static str = "time";
    const SPECS: &'static [Spec] = &[Spec::xep(202, "2.0")];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        let time = Arc::new(self);
        to.iq(Scope::Server, answer(&time, Self::tell))
    }
}

impl EntityTime {
    async fn tell(&self, _: Get<Time>, server: &Server) -> Result<Time, Refusal> {
        Ok(Time { utc: Some(server.now()) })
    }
}

/// `<time xmlns='urn:xmpp:time'/>`, empty where it asks. Servers live in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Time {
    /// The time of day.
    pub utc: Option<Timestamp>,
}

impl Payload for Time {
    const NAME: &'static str = "time";
    const NAMESPACE: &'static str = ns::TIME;

    fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
        let utc = element.child_text("utc", ns::TIME).map(|text| text.trim().parse());
        Ok(Self { utc: utc.transpose().map_err(|_| Invalid::child("utc"))? })
    }

    fn write(&self) -> Element {
        match self.utc {
            None => Self::builder().build(),
            Some(utc) => Self::builder()
                .child_with("tzo", |to| to.text("+00:00"))
                .child_with("utc", |to| to.text(utc.to_string()))
                .build(),
        }
    }
}
