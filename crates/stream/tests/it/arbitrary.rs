//! Whatever happens, in whatever order.

use std::sync::Arc;

use proptest::prelude::*;
use sestina_stanza::{Condition, Jid, StanzaError, StreamCondition, StreamError};
use sestina_stream::{
    Answer, Bound, ClientStream, Connection, Event, IqAnswer, Outcome, Question, Slot, Step,
    TlsOffer, fuzzing,
};
use sestina_xml::{Element, Frame, Limits, StreamParser, XmlError};

use crate::features::{Greeting, Past};
use crate::server::{Server, Setup, tls};
use crate::transcript::HEADER;

/// Things a client says, sensible and not.
const SAID: &[&str] = &[
    "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
    "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PASSPHRASE'/>",
    "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PASSPHRASE'>anVsaWV0PW9wZW4=</auth>",
    "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>anVsaWV0PW9wZW4=</response>",
    "<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",
    "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PASSPHRASE'>\
     <initial-response>anVsaWV0PW9wZW4=</initial-response><bind xmlns='urn:xmpp:bind:0'/>\
     <greet xmlns='urn:example:greeting'/></authenticate>",
    "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PASSPHRASE'>\
     <initial-response>anVsaWV0PW9wZW4=</initial-response></authenticate>",
    "<response xmlns='urn:xmpp:sasl:2'/>",
    "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'>=</auth>",
    "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='ANONYMOUS'><initial-response/>\
     <echo xmlns='urn:example:echo'/></authenticate>",
    "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='ANONYMOUS'><initial-response/>\
     <bind xmlns='urn:xmpp:bind:0'><tag>x</tag><echo xmlns='urn:example:echo'/></bind>\
     </authenticate>",
    "<echo xmlns='urn:example:echo'/>",
    "<iq type='set' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
    "<iq type='get' id='r1'><query xmlns='jabber:iq:register'/></iq>",
    "<iq type='set' id='a1'><query xmlns='jabber:iq:auth'><resource>x</resource></query></iq>",
    "<iq type='set' from='@'/>",
    "<message/>",
    "<greet xmlns='urn:example:greeting'/>",
    "<resume xmlns='urn:example:past'/>",
    "<stream:error/>",
];

#[derive(Clone, Debug)]
enum Happening {
    Opened(&'static str),
    Said(&'static str),
    Closed,
    Broken,
    Secured,
    Answered,
    AnsweredWrongly(u8),
    TimedOut,
    ShuttingDown,
}

fn happening() -> impl Strategy<Value = Happening> {
    let headers = &[
        HEADER,
        "<stream:stream to='capulet.example' xmlns='jabber:client' \
         xmlns:stream='http://etherx.jabber.org/streams'>",
        "<stream:stream to='montague.example' version='1.0' xmlns='jabber:client' \
         xmlns:stream='http://etherx.jabber.org/streams'>",
    ];
    prop_oneof![
        6 => prop::sample::select(headers).prop_map(Happening::Opened),
        12 => prop::sample::select(SAID).prop_map(Happening::Said),
        6 => Just(Happening::Answered),
        3 => Just(Happening::Secured),
        1 => (0_u8..6).prop_map(Happening::AnsweredWrongly),
        1 => Just(Happening::Closed),
        1 => Just(Happening::Broken),
        1 => Just(Happening::TimedOut),
        1 => Just(Happening::ShuttingDown),
    ]
}

fn element(text: &str) -> Frame {
    let script = format!("{HEADER}{text}");
    let mut parser = StreamParser::new(Limits::unauthenticated());
    let mut input = script.as_bytes();
    parser.next(&mut input).unwrap().unwrap();
    parser.next(&mut input).unwrap().unwrap()
}

fn header(text: &str) -> Frame {
    StreamParser::new(Limits::unauthenticated()).next(&mut text.as_bytes()).unwrap().unwrap()
}

fn wrong(which: u8) -> Answer {
    match which {
        0 => Answer::Sasl(sestina_sasl::Answer::Unknown),
        1 => Answer::Bind(Err(StanzaError::from(Condition::Conflict))),
        2 => Answer::Bind(Ok(Bound::from(Jid::new("juliet@capulet.example/x").unwrap()))),
        3 => Answer::Iq(IqAnswer::Refused),
        4 => Answer::Feature(Outcome::Failed(StreamError::new(StreamCondition::Reset))),
        _ => Answer::Feature(Outcome::Replied(vec![Element::builder("a", "b").build()])),
    }
}

fn right(server: &Server, question: Question) -> Answer {
    match question {
        Question::Credential(query) => server.credential(query),
        Question::Work(work) => Answer::Sasl(work.run()),
        Question::Bind(request) => server.bind(request),
        Question::Iq(iq) if iq.payload().is_some() => server.iq(&iq),
        Question::Feature(_) => Answer::Feature(Outcome::Replied(Vec::new())),
        _ => Answer::Iq(IqAnswer::Refused),
    }
}

fn play(setup: Setup, happenings: &[Happening]) {
    let (server, connection): (Arc<Server>, Connection) = setup.server();
    let mut stream = ClientStream::new(server.clone(), connection);
    let mut asked = None;
    let mut over = false;
    for happening in happenings {
        let event = match happening {
            Happening::Opened(text) => Event::Frame(header(text)),
            Happening::Said(text) => Event::Frame(element(text)),
            Happening::Closed => Event::Frame(Frame::Close),
            Happening::Broken => Event::Broken(XmlError::NotWellFormed),
            Happening::Secured => Event::Secured(tls()),
            Happening::Answered => match asked.take() {
                Some(question) => Event::Answer(right(&server, question)),
                None => continue,
            },
            Happening::AnsweredWrongly(which) => Event::Answer(wrong(*which)),
            Happening::TimedOut => Event::TimedOut,
            Happening::ShuttingDown => Event::ShuttingDown,
        };
        let mut sent = Vec::new();
        let step = stream.handle(event, &mut sent);
        if over {
            assert!(matches!(step, Step::Close), "{step:?} after the end");
            assert!(sent.is_empty(), "{} after the end", String::from_utf8_lossy(&sent));
        }
        match step {
            Step::Ask(question) => asked = Some(question),
            Step::Established(established) => {
                assert!(established.jid.is_full());
                over = true;
            }
            Step::Close => over = true,
            _ => {}
        }
    }
}

proptest! {
    #[test]
    fn nothing_follows_the_end(
        happenings in prop::collection::vec(happening(), 0..24),
        secure: bool,
        legacy: bool,
    ) {
        let mut setup = if secure { Setup::secure() } else { Setup::clear(TlsOffer::Offered) };
        setup.domain.legacy_streams = legacy;
        setup = setup
            .feature(Greeting(Slot::Stream))
            .feature(Greeting(Slot::Authentication))
            .feature(Past(Slot::Stream));
        play(setup, &happenings);
    }

    #[test]
    fn bytes_do_no_harm(data in prop::collection::vec(any::<u8>(), 0..256)) {
        fuzzing::negotiation(&data);
    }

    #[test]
    fn scripts_do_no_harm(
        choice: u8,
        chunk: u8,
        said in prop::collection::vec(prop::sample::select(SAID), 0..8),
    ) {
        let header = HEADER.replace("capulet", "a");
        let mut data = vec![choice, chunk];
        data.extend(header.bytes());
        for text in said {
            data.extend(text.bytes());
            if text.starts_with("<starttls") || text.starts_with("<auth ") {
                data.extend(header.bytes());
            }
        }
        fuzzing::negotiation(&data);
    }

    #[test]
    fn what_a_client_says_in_messages_does_no_harm(
        choice in any::<u8>(),
        said in prop::collection::vec(prop::sample::select(SAID), 0..8),
    ) {
        let open = "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='a.example' version='1.0'/>";
        let mut data = vec![choice | 0x80, 0];
        data.extend(open.bytes());
        for text in said {
            let client = text.replace("<iq ", "<iq xmlns='jabber:client' ");
            data.extend(format!("\n{client}").bytes());
            if text.starts_with("<auth ") {
                data.extend(format!("\n{open}").bytes());
            }
        }
        fuzzing::negotiation(&data);
    }
}

/// A driver moves it between threads.
#[test]
fn it_can_be_sent() {
    fn sent<T: Send>() {}
    sent::<ClientStream>();
    sent::<Event>();
    sent::<Step>();
}

/// The corpus from which fuzzing starts.
#[test]
fn the_corpus_does_no_harm() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/negotiation");
    let mut seen = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        fuzzing::negotiation(&std::fs::read(entry.unwrap().path()).unwrap());
        seen += 1;
    }
    assert!(seen >= 10, "{seen} files in {corpus}");
}
