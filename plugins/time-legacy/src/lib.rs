#![doc = include_str!("../README.md")]

use std::sync::Arc;

use sestina_core::{Assembly, AssemblyError, Get, Plugin, Refusal, Scope, Server, Spec, answer};
use sestina_stanza::{Invalid, Payload, Timestamp};
use sestina_xml::{Element, ElementRef};

/// Tells the time as clients asked for it until 2006.
#[derive(Clone, Copy, Debug, Default)]
pub struct LegacyTime;

impl Plugin for LegacyTime {
    const NAME: &'static str = "time-legacy";
    const SPECS: &'static [Spec] = &[Spec::xep(90, "1.2")];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        let time = Arc::new(self);
        to.iq(Scope::Server, answer(&time, Self::tell))
    }
}

impl LegacyTime {
    async fn tell(&self, _: Get<Time>, server: &Server) -> Result<Time, Refusal> {
        Ok(Time { utc: Some(server.now().whole_seconds()) })
    }
}

/// `<query xmlns='jabber:iq:time'/>`, empty where it asks. Servers live in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Time {
    /// The time of day, in whole seconds.
    pub utc: Option<Timestamp>,
}

impl Payload for Time {
    const NAME: &'static str = "query";
    const NAMESPACE: &'static str = "jabber:iq:time";

    fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
        let utc = element.child_text("utc", Self::NAMESPACE);
        let utc = utc.map(|text| Timestamp::parse_legacy(text.trim())).transpose();
        Ok(Self { utc: utc.map_err(|_| Invalid::child("utc"))? })
    }

    fn write(&self) -> Element {
        let Some(utc) = self.utc else { return Self::builder().build() };
        // For people, who need neither letter of `2030-02-03T04:05:06Z`.
        let display = utc.to_string().replace('T', " ").replace('Z', " UTC");
        Self::builder()
            .child_with("utc", |to| to.text(utc.legacy().to_string()))
            .child_with("tz", |to| to.text("UTC"))
            .child_with("display", |to| to.text(display))
            .build()
    }
}
