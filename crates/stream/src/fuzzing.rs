//! Entry points for fuzz targets; not part of the interface.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Waker};

use sestina_sasl::{AnonymousOffer, Mechanisms, Protection, Recipe, ServerSecret};
use sestina_stanza::{Condition, Jid, StanzaError};
use sestina_xml::{Element, Frame, StreamParser};

use crate::{
    Answer, Bound, ClientStream, Connection, Domain, Event, Feature, Form, Host, IqAnswer,
    Negotiation, Outcome, Question, Sink, Slot, Step, TlsOffer, View, binding_feature,
    read_message,
};

/// Plays a client against a server. The first byte picks what the server offers and what it answers
/// to questions, the second how the rest is cut into pieces.
///
/// # Panics
///
/// When the server says anything after it has closed the stream, or something that is not XML.
pub fn negotiation(data: &[u8]) {
    let [choice, chunk, script @ ..] = data else { return };
    let choice = *choice;
    if choice & 0x80 != 0 {
        return messages(choice, script);
    }
    let mut stream = ClientStream::new(Arc::new(Fuzzed::new(choice)), connection(choice & 1 != 0));
    let mut parser = StreamParser::new(sestina_xml::Limits::unauthenticated());
    let mut sent = Vec::new();
    for piece in script.chunks(usize::from(*chunk).max(1)) {
        let mut piece = piece;
        loop {
            let event = match parser.next(&mut piece) {
                Ok(Some(frame)) => Event::Frame(frame),
                Ok(None) => break,
                Err(error) => Event::Broken(error),
            };
            let mut step = stream.handle(event, &mut sent);
            while let Step::Ask(question) = step {
                step = stream.handle(answer(question, choice), &mut sent);
            }
            if let Step::StartTls = step {
                piece = &[];
                step = stream.handle(Event::Secured(connection(true)), &mut sent);
            }
            match step {
                Step::Read => {}
                Step::Restart | Step::Transform(_) => parser.restart(),
                Step::Established(established) => {
                    assert!(established.jid.is_full());
                    return over(stream, &sent);
                }
                Step::Close => {
                    assert!(sent.ends_with(b"</stream:stream>"));
                    return over(stream, &sent);
                }
                Step::Ask(_) | Step::StartTls => unreachable!("answered above"),
            }
        }
    }
    let step = stream.handle(Event::TimedOut, &mut sent);
    assert!(matches!(step, Step::Close));
    over(stream, &sent);
}

/// The same of messages, each on a line of its own.
fn messages(choice: u8, script: &[u8]) {
    let limits = sestina_xml::Limits::unauthenticated();
    let host = Arc::new(Fuzzed::new(choice));
    let mut stream = ClientStream::new(host, connection(choice & 1 != 0)).in_form(Form::Messages);
    let mut sent = Said::default();
    for message in script.split(|byte| *byte == b'\n') {
        let event = match read_message(message, &limits) {
            Ok(frame) => Event::Frame(frame),
            Err(error) => Event::Broken(error),
        };
        let mut step = stream.handle(event, &mut sent);
        while let Step::Ask(question) = step {
            step = stream.handle(answer(question, choice), &mut sent);
        }
        match step {
            Step::Read | Step::Restart => {}
            Step::Established(established) => {
                assert!(established.jid.is_full());
                break;
            }
            Step::Close => {
                let last = sent.messages.last().expect("a goodbye");
                assert!(matches!(read_message(last, &limits), Ok(Frame::Close)));
                break;
            }
            Step::StartTls | Step::Transform(_) => unreachable!("a carrier has seen to it"),
            Step::Ask(_) => unreachable!("answered above"),
        }
    }
    assert!(sent.bytes.is_empty(), "what is said is a message");
    for message in sent.messages {
        let _whole = read_message(&message, &sestina_xml::Limits::default())
            .expect("the server sends documents");
    }
}

/// What was said, message by message.
#[derive(Default)]
struct Said {
    bytes: Vec<u8>,
    messages: Vec<Vec<u8>>,
}

impl Sink for Said {
    fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    fn end(&mut self) {
        self.messages.push(std::mem::take(&mut self.bytes));
    }
}

/// Checks that nothing follows what was sent, and that it can be read.
fn over(mut stream: ClientStream, sent: &[u8]) {
    let mut more = Vec::new();
    for event in
        [Event::TimedOut, Event::ShuttingDown, Event::Answer(Answer::Iq(IqAnswer::Refused))]
    {
        assert!(matches!(stream.handle(event, &mut more), Step::Close));
    }
    assert!(more.is_empty());
    // Every header begins with a declaration, and so a stream of its own.
    let sent = std::str::from_utf8(sent).expect("the server sends UTF-8");
    for part in sent.split("<?xml version='1.0'?>").skip(1) {
        let mut parser = StreamParser::new(sestina_xml::Limits::default());
        let mut input = part.as_bytes();
        while let Some(frame) = parser.next(&mut input).expect("the server sends XML") {
            drop(frame);
        }
    }
}

fn connection(secure: bool) -> Connection {
    Connection::new(if secure { Protection::Tls } else { Protection::Loopback })
}

fn answer(question: Question, choice: u8) -> Event {
    Event::Answer(match question {
        Question::Credential(_) => Answer::Sasl(match choice & 2 {
            0 => sestina_sasl::Answer::Unknown,
            _ => sestina_sasl::Answer::Unavailable,
        }),
        // Derivation is not what is being tested, and would slow it down a thousand times.
        Question::Work(_) => Answer::Sasl(sestina_sasl::Answer::Unavailable),
        Question::Bind(request) => Answer::Bind(match choice & 4 {
            0 => Ok(Bound { jid: request.jid, inline: request.inline }),
            _ => Err(StanzaError::from(Condition::Conflict)),
        }),
        Question::Iq(iq) => Answer::Iq(match (choice & 8, iq.result(None)) {
            (0, Some(reply)) => IqAnswer::Reply(reply),
            (_, Some(reply)) => IqAnswer::Failed(reply),
            (_, None) => IqAnswer::Refused,
        }),
        Question::Feature(mut future) => {
            match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(outcome) => Answer::Feature(outcome),
                Poll::Pending => unreachable!("the feature below waits for nothing"),
            }
        }
    })
}

struct Fuzzed {
    domain: Arc<Domain>,
    calls: AtomicU8,
}

impl Fuzzed {
    fn new(choice: u8) -> Self {
        let mechanisms = Mechanisms::standard(&Recipe::default(), ServerSecret::new([0; 32]))
            .with(AnonymousOffer);
        let name = Jid::new("a.example").expect("a domain");
        let mut domain = Domain::new(name, Arc::new(mechanisms));
        domain.tls = match choice & 0x30 {
            0 => TlsOffer::Absent,
            0x10 => TlsOffer::Required,
            _ => TlsOffer::Offered,
        };
        domain.legacy_streams = choice & 0x40 != 0;
        domain.features = vec![
            Arc::new(Echo(Slot::Stream)),
            Arc::new(Echo(Slot::Authentication)),
            Arc::new(Echo(Slot::Binding)),
        ];
        Self { domain: Arc::new(domain), calls: AtomicU8::new(0) }
    }
}

impl Host for Fuzzed {
    fn domain(&self, name: Option<&str>) -> Option<Arc<Domain>> {
        name.is_none_or(|name| name == "a.example").then(|| Arc::clone(&self.domain))
    }

    fn entropy(&self, buffer: &mut [u8]) {
        buffer.fill(self.calls.fetch_add(1, Ordering::Relaxed));
    }
}

/// A feature that sends back what it gets, after waiting for nothing.
struct Echo(Slot);

impl Feature for Echo {
    fn slot(&self) -> Slot {
        self.0
    }

    fn advertise(&self, _: &View<'_>) -> Option<Element> {
        Some(match self.0 {
            Slot::Binding => binding_feature("urn:example:echo"),
            _ => Element::builder("echo", "urn:example:echo").build(),
        })
    }

    fn claims(&self) -> &[(&str, &str)] {
        &[("echo", "urn:example:echo")]
    }

    fn negotiate(&self, element: &Element, _: &View<'_>) -> Negotiation {
        let element = element.clone();
        Negotiation::later(async move { Outcome::Replied(vec![element]) })
    }
}
