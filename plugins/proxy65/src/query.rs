//! What goes over the wire between stanzas.

use sestina_stanza::{Invalid, Jid, Payload};
use sestina_xml::{Element, ElementRef};
use sha1::{Digest, Sha1};

use crate::handshake::Address;

/// The namespace of the protocol.
pub const BYTESTREAMS: &str = "http://jabber.org/protocol/bytestreams";

/// `<query xmlns='http://jabber.org/protocol/bytestreams' sid='…'/>`: where the proxy is, or what it
/// is to activate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Which bytestream of the requester's is meant.
    pub sid: Option<String>,
    /// With whom it is to be activated, as it was written: the address is made of it.
    pub activate: Option<String>,
    /// Where the proxy is.
    pub host: Option<StreamHost>,
}

/// Where a proxy is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamHost {
    /// For stanzas.
    pub jid: Jid,
    /// For bytes.
    pub host: String,
    /// For bytes.
    pub port: u16,
}

impl Payload for Query {
    const NAME: &'static str = "query";
    const NAMESPACE: &'static str = BYTESTREAMS;

    fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
        let activate = element.child_text("activate", BYTESTREAMS);
        Ok(Self {
            sid: element.attr("sid").map(str::to_owned),
            activate: activate.map(|target| target.trim().to_owned()),
            host: None,
        })
    }

    fn write(&self) -> Element {
        let host = self.host.as_ref().map(|it| {
            Element::builder("streamhost", BYTESTREAMS)
                .attr("jid", it.jid.as_str())
                .attr("host", &it.host)
                .attr("port", it.port.to_string())
                .build()
        });
        Self::builder().attr_opt("sid", self.sid.as_deref()).child_opt(host).build()
    }
}

/// What both sides of a bytestream ask the proxy for (XEP-0065 §9.2).
pub(crate) fn address(sid: &str, requester: &Jid, target: &str) -> Address {
    let hash = Sha1::new().chain_update(sid).chain_update(requester.as_str()).chain_update(target);
    Address(hash.finalize().into())
}
