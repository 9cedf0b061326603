//! Stanzas before a resource is bound, of which few are taken, and the binding itself.

use sestina_stanza::{
    Condition, Echo, IqType, Kind, ReadError, Stanza, StanzaError, StreamCondition, StreamError, ns,
};
use sestina_xml::Element;

use crate::event::Step;
use crate::form::{Form, Sink};
use crate::inline::Inline;
use crate::offer;
use crate::question::{BindRequest, Bound, IqAnswer, Question};
use crate::refusal::{internal, not_authorized, policy, unsupported};
use crate::stream::{Account, Asked, ClientStream, Flow, State};

/// Random bytes in a resource that the server makes up.
const RESOURCE_BYTES: usize = 9;

/// A `<bind/>` inside `<authenticate/>` (XEP-0386 §3.2).
pub(crate) struct Bind2 {
    pub(crate) tag: Option<String>,
    pub(crate) inline: Vec<Element>,
}

impl ClientStream {
    /// Takes a stanza: an IQ request of a stranger, or of a client that has yet to bind.
    pub(crate) fn stanza(&mut self, element: Element, out: &mut dyn Sink) -> Flow {
        if element.name() != "iq" {
            return Err(not_authorized());
        }
        let mut stanza = match Stanza::read(element) {
            Ok(stanza) => stanza,
            Err(ReadError::Malformed(malformed)) => {
                if let Some(reply) = malformed.stanza.error_with(&malformed.error, Echo::Nothing) {
                    self.reply(reply, out);
                }
                return Ok(Step::Read);
            }
            Err(_) => return Err(unsupported()),
        };
        let Kind::Iq(kind @ (IqType::Get | IqType::Set)) = stanza.kind() else {
            return Err(not_authorized());
        };
        let namespace = stanza.payload().map(|payload| payload.namespace().to_owned());
        match (&self.account, namespace.as_deref()) {
            // RFC 6120 §7.1: whoever has not authenticated cannot bind, let alone begin a session.
            (None, Some(ns::BIND | ns::SESSION)) => Err(not_authorized()),
            // XEP-0078 §5: nobody falls back to what is older after having failed.
            (None, Some(ns::AUTH)) if self.failed_by_sasl => {
                Err(policy("you have failed to authenticate by SASL"))
            }
            (None, _) => {
                let domain = self.its_domain()?;
                if offer::needs_tls(&self.view(&domain)) {
                    return Err(policy("TLS comes first"));
                }
                // Whatever he calls himself, a stranger has no address.
                stanza.set_from(None);
                self.state = State::Asked(Asked::Iq);
                Ok(Step::Ask(Question::Iq(stanza)))
            }
            (Some(account), Some(ns::BIND)) => {
                // RFC 6120 §8.1.2.1
                if stanza.from().is_some_and(|from| !from.same_bare(&account.jid)) {
                    return Err(StreamError::new(StreamCondition::InvalidFrom));
                }
                if kind == IqType::Get {
                    self.refuse(&stanza, Condition::BadRequest.into(), out);
                    return Ok(Step::Read);
                }
                self.bind(stanza, out)
            }
            // RFC 6120 §7.1: nothing else before a resource is bound.
            (Some(_), _) => Err(not_authorized()),
        }
    }

    fn bind(&mut self, iq: Stanza, out: &mut dyn Sink) -> Flow {
        let Account { jid: account, anonymous, .. } = self.account.as_ref().ok_or_else(internal)?;
        let (account, anonymous) = (account.clone(), *anonymous);
        let wanted = iq
            .payload()
            .and_then(|bind| Some(bind.child("resource", ns::BIND)?.text().into_owned()));
        let wanted = wanted.filter(|resource| !resource.is_empty());
        let jid = match &wanted {
            Some(resource) => account.with_resource(resource),
            None => account.with_resource(&self.random_name::<RESOURCE_BYTES>()),
        };
        let Ok(jid) = jid else {
            // RFC 6120 §7.7.2.1
            self.refuse(&iq, Condition::BadRequest.into(), out);
            return Ok(Step::Read);
        };
        let request = BindRequest {
            account,
            jid,
            chosen: wanted.is_some(),
            anonymous,
            user_agent: self.user_agent.clone(),
            inline: Vec::new(),
            bind2: false,
        };
        self.state = State::Asked(Asked::Bind(iq));
        Ok(Step::Ask(Question::Bind(request)))
    }

    /// Goes on with what became of a binding by RFC 6120.
    pub(crate) fn bound(
        &mut self,
        iq: &Stanza,
        bound: Result<Bound, StanzaError>,
        out: &mut dyn Sink,
    ) -> Flow {
        match bound {
            Ok(Bound { jid, .. }) => {
                self.vouch(&jid)?;
                let jid_element = Element::builder("jid", ns::BIND).text(jid.as_str());
                let bind = Element::builder("bind", ns::BIND).child(jid_element).build();
                let reply = iq.result(Some(bind)).ok_or_else(internal)?;
                self.reply(reply, out);
                self.establish(jid, None)
            }
            Err(error) => {
                // RFC 6120 §7.7.2: the client may try again.
                self.refuse(iq, error, out);
                self.state = State::Open;
                Ok(Step::Read)
            }
        }
    }

    /// The wish for a resource inside `<authenticate/>`: the client's tag, where it is fit for a
    /// resource, and something to tell its sessions apart (XEP-0386 §3.2.1).
    pub(crate) fn bind2(&self, bind: Bind2) -> Result<BindRequest, StreamError> {
        let Account { jid: account, anonymous, .. } = self.account.as_ref().ok_or_else(internal)?;
        let (account, anonymous) = (account.clone(), *anonymous);
        let name = self.random_name::<RESOURCE_BYTES>();
        let tagged = |tag: &str| account.with_resource(&format!("{tag}/{name}")).ok();
        let tag = bind.tag.filter(|tag| !tag.is_empty() && tag.len() <= self.limits.tag_bytes);
        let jid = match tag.as_deref().and_then(tagged) {
            Some(jid) => jid,
            None => account.with_resource(&name).map_err(|_| internal())?,
        };
        Ok(BindRequest {
            account,
            jid,
            chosen: false,
            anonymous,
            user_agent: self.user_agent.clone(),
            inline: bind.inline,
            bind2: true,
        })
    }

    /// Goes on with what became of a binding by Bind 2. Where there was none the client is
    /// authenticated all the same and can bind by RFC 6120.
    pub(crate) fn bound2(
        &mut self,
        inline: Inline,
        bound: Result<Bound, StanzaError>,
        out: &mut dyn Sink,
    ) -> Flow {
        self.welcome(inline, bound.ok(), out)
    }

    /// Goes on with what became of a stranger's IQ.
    pub(crate) fn answered(&mut self, answer: IqAnswer, out: &mut dyn Sink) -> Flow {
        self.state = State::Open;
        match answer {
            IqAnswer::Refused => Err(not_authorized()),
            IqAnswer::Reply(reply) => {
                self.reply(reply, out);
                Ok(Step::Read)
            }
            IqAnswer::Failed(reply) => {
                self.reply(reply, out);
                self.count_failure()
            }
            IqAnswer::Bound { reply, jid } => {
                let domain = self.its_domain()?;
                if !jid.is_full() || jid.domain() != domain.name.domain() {
                    return Err(internal());
                }
                self.reply(reply, out);
                self.establish(jid, None)
            }
        }
    }

    /// Writes a reply. It has no `to`: the client has no address yet.
    fn reply(&self, mut reply: Stanza, out: &mut dyn Sink) {
        reply.set_to(None);
        match self.form {
            Form::Document => reply.write(out.bytes()),
            Form::Messages => reply.write_standalone(out.bytes(), ns::CLIENT),
        }
        out.end();
    }

    fn refuse(&self, iq: &Stanza, error: StanzaError, out: &mut dyn Sink) {
        if let Some(reply) = iq.error_with(&error, Echo::Nothing) {
            self.reply(reply, out);
        }
    }
}
