#![doc = include_str!("../README.md")]

mod answers;
mod book;
mod bounds;
mod directed;
mod exchange;
mod keeper;
mod list;
mod portable;
mod presence;
mod query;
mod shelf;
mod subscription;

use std::sync::Arc;

use sestina_core::{Assembly, AssemblyError, Contacts, Plugin, Scope, Spec, answer};
use sestina_stanza::ns;
use sestina_stream::{Feature, View};
use sestina_xml::Element;

pub use self::bounds::Bounds;
use self::keeper::Keeper;

/// Keeps contact lists, and shows presence to those whom it was granted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Roster {
    /// How much of everything.
    pub bounds: Bounds,
}

impl Plugin for Roster {
    const NAME: &'static str = "roster";
    const SPECS: &'static [Spec] = &[Spec::rfc(6121)];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        self.bounds.check(to)?;
        let keeper = Arc::new(Keeper::new(to.space(), self.bounds));
        to.iq(Scope::Own, answer(&keeper, Keeper::look_up))?;
        to.iq(Scope::Own, answer(&keeper, Keeper::change))?;
        // Clients of old look for it at the server.
        to.feature(Scope::Server, ns::ROSTER);
        to.sender().rewrite(&keeper, Keeper::leaving);
        to.recipient().rewrite(&keeper, Keeper::arriving);
        to.on(&keeper, Keeper::presence_changed);
        to.on(&keeper, Keeper::session_closed);
        to.on(&keeper, Keeper::account_removed);
        to.on(&keeper, Keeper::account_imported);
        to.portable(&keeper)?;
        to.provide::<dyn Contacts>(keeper)?;
        to.stream_feature(Arc::new(Advertised { name: "ver", namespace: ns::ROSTER_VERSIONS }));
        to.stream_feature(Arc::new(Advertised { name: "sub", namespace: ns::PRE_APPROVAL }));
        Ok(())
    }
}

/// What clients may look at once they have an account (RFC 6121 §2.6.1 and §3.4).
struct Advertised {
    name: &'static str,
    namespace: &'static str,
}

impl Feature for Advertised {
    fn advertise(&self, view: &View<'_>) -> Option<Element> {
        view.account()?;
        Some(Element::builder(self.name, self.namespace).build())
    }
}
