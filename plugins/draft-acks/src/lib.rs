#![doc = include_str!("../README.md")]

use std::sync::Arc;

use sestina_core::{Assembly, AssemblyError, Plugin, Spec};
use sestina_stream::{Feature, Negotiation, Outcome, View};
use sestina_xml::Element;

/// The namespace of the drafts.
pub const ACKS: &str = "http://www.xmpp.org/extensions/xep-0198.html#ns";

/// Acknowledges what clients count, and answers pings below stanzas.
#[derive(Clone, Copy, Debug, Default)]
pub struct DraftAcks;

impl Plugin for DraftAcks {
    const NAME: &'static str = "draft-acks";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        let acks = Arc::new(self);
        to.stream_feature(acks.clone());
        // Elements come in order with stanzas, so what was sent before one has been handled.
        to.elements(ACKS, &acks, |_, element, _, _| Ok(answer(element)))
    }
}

impl Feature for DraftAcks {
    /// For those who have logged in.
    fn advertise(&self, view: &View<'_>) -> Option<Element> {
        view.is_authenticated().then(|| Element::builder("ack", ACKS).build())
    }

    fn claims(&self) -> &[(&str, &str)] {
        &[("enable", ACKS), ("r", ACKS), ("a", ACKS), ("ping", ACKS)]
    }

    /// The same before a resource is bound.
    fn negotiate(&self, element: &Element, _: &View<'_>) -> Negotiation {
        Outcome::Replied(answer(element).into_iter().collect()).into()
    }
}

/// What an element is answered with; nothing for what nobody knows, and for counts that are none.
fn answer(element: &Element) -> Option<Element> {
    let answer = match element.name() {
        "enable" => Element::builder("enabled", ACKS),
        "ping" => Element::builder("pong", ACKS),
        "r" | "a" => {
            let count: u64 = element.attr("c")?.trim().parse().ok()?;
            Element::builder("a", ACKS).attr("b", count.to_string())
        }
        _ => return None,
    };
    Some(answer.build())
}
