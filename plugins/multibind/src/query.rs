//! What goes over the wire.

use sestina_stanza::{Invalid, Jid, Payload, ns};
use sestina_xml::{Element, ElementRef};

/// `<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>balcony</resource></bind>`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bind {
    /// The resource that is asked for, if it is not the server's choice.
    pub resource: Option<String>,
    /// What was bound, in answers.
    pub jid: Option<Jid>,
}

impl Payload for Bind {
    const NAME: &'static str = "bind";
    const NAMESPACE: &'static str = ns::BIND;

    fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
        Ok(Self { resource: resource(element), jid: None })
    }

    fn write(&self) -> Element {
        let jid = self.jid.as_ref();
        let jid = jid.map(|jid| Element::builder("jid", ns::BIND).text(jid.as_str()).build());
        Self::builder().children(&jid).build()
    }
}

/// `<unbind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>balcony</resource></unbind>`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unbind {
    /// The resource that is given up.
    pub resource: String,
}

impl Payload for Unbind {
    const NAME: &'static str = "unbind";
    const NAMESPACE: &'static str = ns::BIND;

    fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
        let resource = resource(element).ok_or_else(|| Invalid::child("resource"))?;
        Ok(Self { resource })
    }

    fn write(&self) -> Element {
        let resource = Element::builder("resource", ns::BIND).text(&self.resource);
        Self::builder().child(resource).build()
    }
}

fn resource(element: ElementRef<'_>) -> Option<String> {
    let resource = element.child("resource", ns::BIND)?.text().into_owned();
    Some(resource).filter(|resource| !resource.is_empty())
}
