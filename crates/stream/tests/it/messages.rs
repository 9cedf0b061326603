//! Streams of messages, as a WebSocket carries them (RFC 7395).

use sestina_stanza::StreamCondition;
use sestina_stream::{ClientStream, Event, Form, Sink, Step, TlsOffer, read_message};
use sestina_xml::Limits;

use crate::features::{Greeting, Past};
use crate::server::Setup;

/// What was said, message by message.
#[derive(Default)]
struct Said {
    bytes: Vec<u8>,
    messages: Vec<String>,
}

impl Sink for Said {
    fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    fn end(&mut self) {
        self.messages.push(String::from_utf8(std::mem::take(&mut self.bytes)).unwrap());
    }
}

const OPEN: &str =
    "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='capulet.example' version='1.0'/>";
const CLOSE: &str = "<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>";

struct Player {
    stream: ClientStream,
}

impl Player {
    fn new(setup: Setup) -> Self {
        let (server, connection) = setup.server();
        Self { stream: ClientStream::new(server, connection).in_form(Form::Messages) }
    }

    /// Says this, and hands back what is answered and the step that follows.
    fn say(&mut self, message: &str) -> (Vec<String>, Step) {
        let event = match read_message(message.as_bytes(), &Limits::unauthenticated()) {
            Ok(frame) => Event::Frame(frame),
            Err(error) => Event::Broken(error),
        };
        let mut said = Said::default();
        let step = self.stream.handle(event, &mut said);
        assert!(said.bytes.is_empty());
        (said.messages, step)
    }
}

#[test]
fn an_opening_is_answered_by_one_and_by_features_that_stand_alone() {
    let mut player = Player::new(Setup::secure().feature(Past(sestina_stream::Slot::Stream)));
    let (said, step) = player.say(OPEN);
    assert!(matches!(step, Step::Read));
    let [open, features] = &said[..] else { panic!("{said:?}") };
    assert!(open.starts_with("<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' id='"), "{open}");
    assert!(open.ends_with(" from='capulet.example' version='1.0' xml:lang='en'/>"), "{open}");
    let prefix = "<stream:features xmlns:stream='http://etherx.jabber.org/streams'>";
    assert!(features.starts_with(prefix), "{features}");
    let (said, step) = player.say(CLOSE);
    assert_eq!(said, [CLOSE]);
    assert!(matches!(step, Step::Close));
}

#[test]
fn neither_tls_nor_a_transform_is_put_below_messages() {
    let mut setup = Setup::clear(TlsOffer::Offered).feature(Greeting(sestina_stream::Slot::Stream));
    setup = setup.policy(sestina_sasl::Clear::Always);
    let mut player = Player::new(setup);
    let (said, _) = player.say(OPEN);
    assert!(!said[1].contains("starttls"), "{said:?}");
    let (said, step) = player.say("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    assert_eq!(said, ["<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", CLOSE]);
    assert!(matches!(step, Step::Close));

    let mut player = Player::new(Setup::clear(TlsOffer::Required));
    let (said, step) = player.say(OPEN);
    assert!(said[0].starts_with("<open ") && said[1].contains("<policy-violation "), "{said:?}");
    assert_eq!(said[2], CLOSE);
    assert!(matches!(step, Step::Close));
}

#[test]
fn an_error_stands_alone_and_comes_after_an_opening() {
    for (message, condition) in [
        ("<presence xmlns='jabber:client'/>", StreamCondition::BadFormat),
        (" ", StreamCondition::BadFormat),
        ("", StreamCondition::NotWellFormed),
        ("<?xml version='1.0'?><x/>", StreamCondition::RestrictedXml),
        (
            "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='capulet.example'/>",
            StreamCondition::UnsupportedVersion,
        ),
    ] {
        let (said, step) = Player::new(Setup::secure()).say(message);
        let [open, error, close] = &said[..] else { panic!("{said:?}") };
        assert!(open.starts_with("<open "), "{said:?}");
        let named = format!(
            "<stream:error xmlns:stream='http://etherx.jabber.org/streams'><{} ",
            condition.name()
        );
        assert!(error.starts_with(&named), "{message}: {error}");
        assert_eq!((close.as_str(), matches!(step, Step::Close)), (CLOSE, true));
    }
}
