//! What SASL2 does beside authenticating: inline features and Bind 2 (XEP-0388 §2.6.1, XEP-0386).

use std::collections::VecDeque;
use std::sync::Arc;

use sestina_sasl::{Mechanism, encode_base64};
use sestina_stanza::{StreamError, ns};
use sestina_xml::{Element, ElementRef};

use crate::binding::Bind2;
use crate::event::Step;
use crate::feature::{Feature, Negotiation, Outcome, Resumption, Slot, View};
use crate::form::Sink;
use crate::offer;
use crate::question::{Bound, Question};
use crate::refusal::internal;
use crate::stream::{Asked, ClientStream, Flow, State};

/// What a client wants beside being authenticated, and what has come of it so far.
#[derive(Default)]
pub(crate) struct Inline {
    wanted: VecDeque<(Arc<dyn Feature>, Element)>,
    bind: Option<Bind2>,
    replies: Vec<Element>,
    resumed: Option<Resumption>,
    /// What the mechanism adds to its success.
    pub(crate) data: Option<Vec<u8>>,
}

impl Inline {
    /// Reads what `<authenticate/>` asks for, as far as it was offered.
    pub(crate) fn read(authenticate: &Element, view: &View<'_>) -> Self {
        let bind = authenticate.child("bind", ns::BIND2).map(|bind| Bind2 {
            tag: bind.child_text("tag", ns::BIND2).map(|tag| tag.into_owned()),
            inline: claimed(view, Slot::Binding, bind).map(|(_, element)| element).collect(),
        });
        let wanted = claimed(view, Slot::Authentication, authenticate.root()).collect();
        Self { wanted, bind, ..Self::default() }
    }

    /// The mechanism of this name that a feature brings, if one does.
    pub(crate) fn mechanism(
        &self,
        name: &str,
        view: &View<'_>,
        random: &mut dyn FnMut(&mut [u8]),
    ) -> Option<Box<dyn Mechanism>> {
        let mut wanted = self.wanted.iter();
        wanted.find_map(|(feature, element)| feature.mechanism(name, element, view, random))
    }

    fn take(&mut self, outcome: Outcome) -> Result<(), StreamError> {
        match outcome {
            Outcome::Replied(elements) => self.replies.extend(elements),
            Outcome::Resumed(resumption) if self.resumed.is_none() => {
                self.resumed = Some(resumption);
            }
            Outcome::Failed(error) => return Err(error),
            // Both are mistakes of the plugin, not of the client.
            Outcome::Resumed(_) | Outcome::Transformed { .. } => return Err(internal()),
        }
        Ok(())
    }
}

/// The children that the features of a slot have claimed, in the order of assembly.
fn claimed<'a>(
    view: &'a View<'a>,
    slot: Slot,
    parent: ElementRef<'a>,
) -> impl Iterator<Item = (Arc<dyn Feature>, Element)> + 'a {
    let features = view.domain.features.iter();
    let offered =
        features.filter(move |feature| feature.slot() == slot && feature.advertise(view).is_some());
    offered.flat_map(move |feature| {
        let claims = feature.claims().iter();
        claims.filter_map(move |(name, namespace)| {
            Some((Arc::clone(feature), parent.child(name, namespace)?.to_element()))
        })
    })
}

impl ClientStream {
    /// Goes on with what a client wants beside being authenticated: first the features in the
    /// order of assembly, so that a session can be resumed, then the binding of a resource, unless
    /// one was (XEP-0386 §3.2), then `<success/>`.
    pub(crate) fn inline(&mut self, mut inline: Box<Inline>, out: &mut dyn Sink) -> Flow {
        let domain = self.its_domain()?;
        while let Some((feature, element)) = inline.wanted.pop_front() {
            match feature.negotiate(&element, &self.view(&domain)) {
                Negotiation::Now(outcome) => inline.take(outcome)?,
                Negotiation::Later(future) => {
                    self.state = State::Asked(Asked::Inline(inline));
                    return Ok(Step::Ask(Question::Feature(future)));
                }
            }
        }
        match inline.bind.take().filter(|_| inline.resumed.is_none()) {
            Some(bind) => {
                let request = self.bind2(bind)?;
                self.state = State::Asked(Asked::Bind2(inline));
                Ok(Step::Ask(Question::Bind(request)))
            }
            None => self.welcome(*inline, None, out),
        }
    }

    /// Goes on after a feature has made up its mind.
    pub(crate) fn inline_after(
        &mut self,
        mut inline: Box<Inline>,
        outcome: Outcome,
        out: &mut dyn Sink,
    ) -> Flow {
        inline.take(outcome)?;
        self.inline(inline, out)
    }

    /// Writes `<success/>` and the features of the stream as it stands then: there is no restart
    /// (XEP-0388 §2.6.1).
    pub(crate) fn welcome(
        &mut self,
        inline: Inline,
        bound: Option<Bound>,
        out: &mut dyn Sink,
    ) -> Flow {
        let Inline { data, mut replies, resumed, .. } = inline;
        let (jid, session) = match (resumed, bound) {
            (Some(Resumption { jid, reply, session }), _) => {
                replies.push(reply);
                (Some(jid), Some(session))
            }
            (None, Some(Bound { jid, inline })) => {
                replies.push(Element::builder("bound", ns::BIND2).children(inline).build());
                (Some(jid), None)
            }
            (None, None) => (None, None),
        };
        if let Some(jid) = &jid {
            self.vouch(jid)?;
        }
        let identity = jid.as_ref().or_else(|| self.account()).ok_or_else(internal)?.as_str();
        let data = data.map(|data| sasl2_text(&data));
        let success = Element::builder("success", ns::SASL2)
            .child_opt(data.map(|data| Element::builder("additional-data", ns::SASL2).text(data)))
            .child_with("authorization-identifier", |to| to.text(identity))
            .children(replies);
        self.form.write_element(&success.build(), out);
        let domain = self.its_domain()?;
        let mut view = self.view(&domain);
        view.bound = jid.as_ref();
        offer::write(&view, self.form, out);
        match jid {
            Some(jid) => self.establish(jid, session),
            None => {
                self.state = State::Open;
                Ok(Step::Read)
            }
        }
    }
}

/// SASL data as SASL2 writes it: data of length zero is no text at all (XEP-0388 §2.2), and not
/// the equals sign of SASL that [`encode_base64`] knows.
pub(crate) fn sasl2_text(data: &[u8]) -> String {
    if data.is_empty() { String::new() } else { encode_base64(data) }
}
