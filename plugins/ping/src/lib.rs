#![doc = include_str!("../README.md")]

use std::sync::Arc;

use sestina_core::{Assembly, AssemblyError, Get, Plugin, Refusal, Scope, Server, Spec, answer};
use sestina_stanza::{Invalid, Payload, ns};
use sestina_xml::{Element, ElementRef};

/// Answers pings of the server, and of accounts by their owners.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pings;

impl Plugin for Pings {
    const NAME: &'static str = "ping";
    const SPECS: &'static [Spec] = &[Spec::xep(199, "2.0.1")];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        let pings = Arc::new(self);
        // Whoever could ping the accounts of others would learn who has one.
        for scope in [Scope::Server, Scope::Own] {
            to.iq(scope, answer(&pings, Self::pong).hidden())?;
        }
        Ok(())
    }
}

impl Pings {
    /// XEP-0199 §4.2: whoever is asked is there.
    async fn pong(&self, _: Get<Ping>, _: &Server) -> Result<(), Refusal> {
        Ok(())
    }
}

/// `<ping xmlns='urn:xmpp:ping'/>`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ping;

impl Payload for Ping {
    const NAME: &'static str = "ping";
    const NAMESPACE: &'static str = ns::PING;

    fn read(_: ElementRef<'_>) -> Result<Self, Invalid> {
        Ok(Self)
    }

    fn write(&self) -> Element {
        Self::builder().build()
    }
}
