//! Features that plugins contribute.

use sestina_sasl::{Clear, Mechanism};
use sestina_stanza::{Jid, StreamCondition, StreamError};
use sestina_stream::{
    Feature, Negotiation, Outcome, Resumption, Slot, TlsOffer, Transform, View, binding_feature,
};
use sestina_xml::Element;

use crate::authentication::authenticated;
use crate::server::{Setup, doorkeeper};
use crate::transcript::check;

/// Greets whoever asks, by name if there is one.
pub(crate) struct Greeting(pub(crate) Slot);

impl Feature for Greeting {
    fn slot(&self) -> Slot {
        self.0
    }

    fn advertise(&self, _: &View<'_>) -> Option<Element> {
        Some(match self.0 {
            Slot::Binding => binding_feature("urn:example:greeting"),
            _ => Element::builder("greet", "urn:example:greeting").build(),
        })
    }

    fn claims(&self) -> &[(&str, &str)] {
        match self.0 {
            Slot::Binding => &[("enable", "urn:example:greeting")],
            _ => &[("greet", "urn:example:greeting")],
        }
    }

    fn negotiate(&self, _: &Element, view: &View<'_>) -> Negotiation {
        let name = view.account().map_or_else(|| "stranger".to_owned(), Jid::to_string);
        Negotiation::later(async move {
            let greeting = Element::builder("greeting", "urn:example:greeting").text(&name);
            Outcome::Replied(vec![greeting.build()])
        })
    }
}

/// Brings back a session.
pub(crate) struct Past(pub(crate) Slot);

impl Feature for Past {
    fn slot(&self) -> Slot {
        self.0
    }

    fn advertise(&self, view: &View<'_>) -> Option<Element> {
        let shown = match self.0 {
            Slot::Authentication => !view.is_authenticated(),
            _ => view.is_authenticated() && !view.is_bound(),
        };
        shown.then(|| Element::builder("past", "urn:example:past").build())
    }

    fn claims(&self) -> &[(&str, &str)] {
        &[("resume", "urn:example:past")]
    }

    fn negotiate(&self, _: &Element, _: &View<'_>) -> Negotiation {
        Self::resumed("juliet@capulet.example/balcony")
    }
}

impl Past {
    fn resumed(jid: &str) -> Negotiation {
        Outcome::Resumed(Resumption {
            jid: Jid::new(jid).unwrap(),
            reply: Element::builder("resumed", "urn:example:past").build(),
            session: Box::new(()),
        })
        .into()
    }
}

/// Lets an authenticated client turn the stream upside down.
struct Upside;

impl Feature for Upside {
    fn advertise(&self, view: &View<'_>) -> Option<Element> {
        let fit = view.is_authenticated() && !view.is_transformed();
        fit.then(|| Element::builder("upside", "urn:example:upside").build())
    }

    fn claims(&self) -> &[(&str, &str)] {
        &[("down", "urn:example:upside"), ("sideways", "urn:example:upside")]
    }

    fn listens(&self, view: &View<'_>) -> bool {
        self.advertise(view).is_some() || view.is_transformed()
    }

    fn negotiate(&self, element: &Element, view: &View<'_>) -> Negotiation {
        match element.name() {
            "down" if view.is_transformed() => {
                Outcome::Replied(vec![Element::builder("dizzy", "urn:example:upside").build()])
            }
            "down" => Outcome::Transformed {
                reply: Element::builder("turned", "urn:example:upside").build(),
                transform: Box::new(Down),
            },
            _ => Outcome::Failed(StreamError::new(StreamCondition::UndefinedCondition)),
        }
        .into()
    }
}

struct Down;

impl Transform for Down {
    fn inbound(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
        budget: usize,
    ) -> Result<usize, StreamError> {
        let taken = input.len().min(budget);
        out.extend(input[..taken].iter().rev());
        Ok(taken)
    }

    fn outbound(&mut self, input: &[u8], out: &mut Vec<u8>) {
        out.extend(input.iter().rev());
    }
}

/// Keeps quiet about itself, and so is not asked for anything.
pub(crate) struct Quiet;

impl Feature for Quiet {
    fn slot(&self) -> Slot {
        Slot::Authentication
    }

    fn advertise(&self, _: &View<'_>) -> Option<Element> {
        None
    }

    fn claims(&self) -> &[(&str, &str)] {
        &[("greet", "urn:example:greeting")]
    }

    fn negotiate(&self, _: &Element, _: &View<'_>) -> Negotiation {
        panic!("it was not offered")
    }
}

/// Lets a client in by a token.
pub(crate) struct Token;

impl Feature for Token {
    fn slot(&self) -> Slot {
        Slot::Authentication
    }

    fn advertise(&self, _: &View<'_>) -> Option<Element> {
        let mechanism = Element::builder("mechanism", "urn:example:token").text("TOKEN");
        Some(Element::builder("token", "urn:example:token").child(mechanism).build())
    }

    fn claims(&self) -> &[(&str, &str)] {
        &[("token", "urn:example:token")]
    }

    fn mechanism(
        &self,
        name: &str,
        element: &Element,
        view: &View<'_>,
        _: &mut dyn FnMut(&mut [u8]),
    ) -> Option<Box<dyn Mechanism>> {
        let of_device = view.user_agent()?.id.is_some();
        (name == "TOKEN" && of_device && element.attr("count") == Some("1")).then(doorkeeper)
    }
}

/// Tells what could be done, and takes nothing.
struct Notice;

impl Feature for Notice {
    fn advertise(&self, view: &View<'_>) -> Option<Element> {
        assert_eq!(view.domain().name.as_str(), "capulet.example");
        assert!(!view.stream_id().is_empty() && view.user_agent().is_none());
        Some(Element::builder("notice", "urn:example:notice").build())
    }
}

fn setup() -> Setup {
    Setup::clear(TlsOffer::Absent).policy(Clear::Always)
}

#[test]
fn a_feature_of_a_plugin_is_negotiated() {
    check(
        || Setup::clear(TlsOffer::Absent).feature(Notice).feature(Greeting(Slot::Stream)),
        "C: HEADER
         S: HEADER 1<stream:features><greet xmlns='urn:example:greeting'/>
            <notice xmlns='urn:example:notice'/></stream:features>
         C: <greet xmlns='urn:example:greeting'/>
         S: <greeting xmlns='urn:example:greeting'>stranger</greeting>
         C: <notice xmlns='urn:example:notice'/>
         S: ERROR(unsupported-stanza-type)</stream:stream>
         * closed",
    );
}

#[test]
fn what_is_not_advertised_is_not_taken() {
    check(
        || Setup::clear(TlsOffer::Absent).feature(Upside),
        "C: HEADER
         S: HEADER 1<stream:features></stream:features>
         C: <down xmlns='urn:example:upside'/>
         S: ERROR(unsupported-stanza-type)</stream:stream>
         * closed",
    );
    check(
        || Setup::clear(TlsOffer::Required).feature(Greeting(Slot::Stream)),
        "C: HEADER
         S: HEADER 1<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>
            <required/></starttls></stream:features>
         C: <greet xmlns='urn:example:greeting'/>
         S: ERROR(unsupported-stanza-type)</stream:stream>
         * closed",
    );
}

#[test]
fn a_transform_comes_between_authentication_and_binding() {
    let features = "<stream:features><upside xmlns='urn:example:upside'/>\
        <bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>";
    let script = authenticated()
        .replace("<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>", features);
    check(
        || setup().feature(Upside),
        &format!(
            "{script}
             C: <down xmlns='urn:example:upside'/>
             S: <turned xmlns='urn:example:upside'/>
             * transform
             C: HEADER
             S: <?xml version='1.0'?><stream:stream xmlns='jabber:client'_
                xmlns:stream='http://etherx.jabber.org/streams' id='ID 3' from='capulet.example'_
                to='juliet@capulet.example' version='1.0' xml:lang='en'>
                <stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>
                <session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/></session>
                </stream:features>
             C: <down xmlns='urn:example:upside'/>
             S: <dizzy xmlns='urn:example:upside'/>"
        ),
    );
    check(
        || setup().feature(Upside),
        &format!(
            "{script}
             C: <sideways xmlns='urn:example:upside'/>
             S: ERROR(undefined-condition)</stream:stream>
             * closed"
        ),
    );
}

#[test]
fn tls_is_not_put_on_top_of_a_transform() {
    /// Turns the stream upside down for whoever asks.
    struct Early;

    impl Feature for Early {
        fn advertise(&self, view: &View<'_>) -> Option<Element> {
            let fit = !view.is_transformed();
            fit.then(|| Element::builder("upside", "urn:example:upside").build())
        }

        fn claims(&self) -> &[(&str, &str)] {
            &[("down", "urn:example:upside")]
        }

        fn negotiate(&self, element: &Element, view: &View<'_>) -> Negotiation {
            Upside.negotiate(element, view)
        }
    }

    check(
        || Setup::clear(TlsOffer::Offered).feature(Early),
        "C: HEADER
         S: HEADER 1<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>
            <upside xmlns='urn:example:upside'/></stream:features>
         C: <down xmlns='urn:example:upside'/>
         S: <turned xmlns='urn:example:upside'/>
         * transform
         C: HEADER
         S: HEADER 2<stream:features></stream:features>
         C: <starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>
         S: <failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>
         * closed",
    );
}

#[test]
fn a_session_comes_back() {
    let features = "<stream:features><past xmlns='urn:example:past'/>\
        <bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>";
    let script = authenticated()
        .replace("<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>", features);
    check(
        || setup().feature(Past(Slot::Stream)),
        &format!(
            "{script}
             C: <resume xmlns='urn:example:past'/>
             S: <resumed xmlns='urn:example:past'/>
             * established juliet@capulet.example/balcony by=PASSPHRASE resumed"
        ),
    );
}

#[test]
fn nobody_comes_back_as_another() {
    /// Brings back the session of this address, whoever comes.
    struct Careless(&'static str);

    impl Feature for Careless {
        fn advertise(&self, view: &View<'_>) -> Option<Element> {
            let shown = view.is_authenticated() || self.0.ends_with("/balcony");
            shown.then(|| Element::builder("careless", "urn:example:past").build())
        }

        fn claims(&self) -> &[(&str, &str)] {
            &[("resume", "urn:example:past")]
        }

        fn negotiate(&self, _: &Element, _: &View<'_>) -> Negotiation {
            Past::resumed(self.0)
        }
    }

    check(
        || Setup::clear(TlsOffer::Absent).feature(Careless("juliet@capulet.example/balcony")),
        "C: HEADER
         S: HEADER 1<stream:features><careless xmlns='urn:example:past'/></stream:features>
         C: <resume xmlns='urn:example:past'/>
         S: ERROR(internal-server-error)</stream:stream>
         * closed",
    );
    let features = "<stream:features><careless xmlns='urn:example:past'/>\
        <bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>";
    let script = authenticated()
        .replace("<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>", features);
    for jid in ["romeo@capulet.example/orchard", "juliet@capulet.example"] {
        check(
            || setup().feature(Careless(jid)),
            &format!(
                "{script}
                 C: <resume xmlns='urn:example:past'/>
                 S: ERROR(internal-server-error)</stream:stream>
                 * closed"
            ),
        );
    }
}
