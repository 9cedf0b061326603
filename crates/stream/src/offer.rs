//! What is advertised at each point of a stream.

use sestina_stanza::{Jid, ns};
use sestina_xml::{Element, TagWriter};

use crate::feature::{Slot, View};
use crate::{Connection, Domain, Form, Sink, TlsOffer};

impl Domain {
    /// What is advertised on a stream over such a connection: before the client logs in, or to an
    /// account that has. For people who look at a server; no stream is needed.
    pub fn offers(&self, connection: &Connection, account: Option<&Jid>) -> Vec<Element> {
        elements(&View {
            connection,
            domain: self,
            id: "",
            account,
            bound: None,
            transformed: false,
            user_agent: None,
        })
    }
}

/// Writes `<stream:features/>` for a stream that has got this far, in the order of XEP-0170.
pub(crate) fn write(view: &View<'_>, form: Form, out: &mut dyn Sink) {
    let bytes = out.bytes();
    match form {
        Form::Document => bytes.extend_from_slice(b"<stream:features>"),
        Form::Messages => {
            let mut tag = TagWriter::open(bytes, "stream:features");
            tag.declare("stream", ns::STREAM);
            tag.finish();
        }
    }
    for element in elements(view) {
        // Each declares what it is; a message has no default namespace.
        element.write_to(bytes, if form == Form::Document { ns::CLIENT } else { "" });
    }
    bytes.extend_from_slice(b"</stream:features>");
    out.end();
}

fn elements(view: &View<'_>) -> Vec<Element> {
    let mut offered = Vec::new();
    offered.extend(starttls(view));
    if needs_tls(view) {
        // RFC 6120 §5.3.1: with TLS required nothing else is worth telling.
        return offered;
    }
    if !view.is_authenticated() {
        authentication(view, &mut offered);
    }
    // Whatever is negotiated, such as compression, comes before a resource is bound.
    offered.extend(contributed(view, true));
    if view.is_authenticated() && !view.is_bound() {
        offered.push(Element::builder("bind", ns::BIND).build());
        // Clients written for RFC 3921 insist on a session; all others skip it.
        let optional = Element::builder("optional", ns::SESSION);
        offered.push(Element::builder("session", ns::SESSION).child(optional).build());
    }
    offered.extend(contributed(view, false));
    offered
}

/// Whether the client has to secure the connection before anything else.
pub(crate) fn needs_tls(view: &View<'_>) -> bool {
    view.domain.tls == TlsOffer::Required && !view.is_secure()
}

/// Whether `<starttls/>` would be taken now: TLS has its place below a transform (XEP-0170), so it is
/// too late for it above one.
pub(crate) fn offers_tls(view: &View<'_>) -> bool {
    let early = !view.is_secure() && !view.is_authenticated() && !view.is_transformed();
    view.domain.tls != TlsOffer::Absent && early
}

fn starttls(view: &View<'_>) -> Option<Element> {
    offers_tls(view).then(|| {
        let starttls = Element::builder("starttls", ns::TLS);
        match view.domain.tls {
            TlsOffer::Required => starttls.child(Element::builder("required", ns::TLS)).build(),
            TlsOffer::Absent | TlsOffer::Offered => starttls.build(),
        }
    })
}

/// SASL (RFC 6120 §6.4.1), SASL2 (XEP-0388 §2.1) and the channel bindings both can use.
fn authentication(view: &View<'_>, offered: &mut Vec<Element>) {
    let channel = view.connection.channel(view.domain.name.as_str());
    let names = view.domain.mechanisms.offered(&channel).collect::<Vec<_>>();
    if names.is_empty() {
        return;
    }
    // XEP-0440 §3: types without a mechanism that binds look like an attack to the client.
    if names.iter().any(|name| name.ends_with("-PLUS")) {
        let mut list = Element::builder("sasl-channel-binding", ns::CHANNEL_BINDING);
        for binding in view.connection.bindings().types() {
            let item = Element::builder("channel-binding", ns::CHANNEL_BINDING);
            list = list.child(item.attr("type", binding.name()));
        }
        offered.push(list.build());
    }
    // XEP-0388 §3: never without TLS.
    if view.is_secure() {
        let mut list = Element::builder("authentication", ns::SASL2);
        for name in &names {
            list = list.child(Element::builder("mechanism", ns::SASL2).text(name));
        }
        let mut inline = Element::builder("inline", ns::SASL2);
        for element in inlined(view, Slot::Authentication) {
            inline = inline.child(element);
        }
        let mut bind = Element::builder("bind", ns::BIND2);
        let mut of_bind = inlined(view, Slot::Binding).peekable();
        if of_bind.peek().is_some() {
            let mut inline = Element::builder("inline", ns::BIND2);
            for element in of_bind {
                inline = inline.child(element);
            }
            bind = bind.child(inline);
        }
        offered.push(list.child(inline.child(bind)).build());
    }
    let mut list = Element::builder("mechanisms", ns::SASL);
    for name in &names {
        list = list.child(Element::builder("mechanism", ns::SASL).text(name));
    }
    offered.push(list.build());
}

fn inlined(view: &View<'_>, slot: Slot) -> impl Iterator<Item = Element> {
    let features = view.domain.features.iter().filter(move |feature| feature.slot() == slot);
    features.filter_map(move |feature| feature.advertise(view))
}

fn contributed(view: &View<'_>, negotiated: bool) -> impl Iterator<Item = Element> {
    let features = view.domain.features.iter().filter(move |feature| {
        feature.slot() == Slot::Stream && feature.claims().is_empty() != negotiated
    });
    features.filter_map(move |feature| feature.advertise(view))
}
