#![doc = include_str!("../README.md")]

use std::sync::Arc;

use sestina_core::{Assembly, AssemblyError, Plugin, Spec};
use sestina_stream::{Feature, View};
use sestina_xml::Element;

/// The namespace of the feature.
pub const ADDRESS: &str = "http://affinix.com/jabber/address";

/// Tells clients which address they come from.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClientAddress;

impl Plugin for ClientAddress {
    const NAME: &'static str = "address";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        to.stream_feature(Arc::new(self));
        Ok(())
    }
}

impl Feature for ClientAddress {
    fn advertise(&self, view: &View<'_>) -> Option<Element> {
        let peer = view.connection().peer().filter(|_| !view.is_authenticated())?;
        let address = peer.ip().to_canonical().to_string();
        Some(Element::builder("address", ADDRESS).text(address).build())
    }
}
