//! What a login costs beside the arithmetic of its mechanism: parsing, negotiation, writing.

use std::sync::Arc;

use divan::AllocProfiler;
use sestina_sasl::{AnonymousOffer, Mechanisms, Recipe, ServerSecret};
use sestina_stanza::Jid;
use sestina_stream::{
    Answer, Bound, ClientStream, Connection, Domain, Event, Host, Question, Step,
};
use sestina_xml::{Limits, StreamParser};

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

const HEADER: &str = "<?xml version='1.0'?><stream:stream to='capulet.example' version='1.0' \
    xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";

struct Server(Arc<Domain>);

impl Host for Server {
    fn domain(&self, _: Option<&str>) -> Option<Arc<Domain>> {
        Some(Arc::clone(&self.0))
    }

    fn entropy(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}

fn main() {
    divan::main();
}

/// A guest by SASL, with a second header and `<bind/>`.
#[divan::bench]
fn sasl(bencher: divan::Bencher<'_, '_>) {
    let script = format!(
        "{HEADER}<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'>=</auth>\
         {HEADER}<iq type='set' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>\
         <resource>balcony</resource></bind></iq>"
    );
    login(bencher, &script);
}

/// A guest by SASL2 with Bind 2.
#[divan::bench]
fn sasl2(bencher: divan::Bencher<'_, '_>) {
    let script = format!(
        "{HEADER}<authenticate xmlns='urn:xmpp:sasl:2' mechanism='ANONYMOUS'>\
         <initial-response/><bind xmlns='urn:xmpp:bind:0'><tag>balcony</tag></bind></authenticate>"
    );
    login(bencher, &script);
}

fn login(bencher: divan::Bencher<'_, '_>, script: &str) {
    let secret = ServerSecret::new([7; 32]);
    let mechanisms = Mechanisms::standard(&Recipe::default(), secret).with(AnonymousOffer);
    let name = Jid::new("capulet.example").expect("a domain");
    let server = Arc::new(Server(Arc::new(Domain::new(name, Arc::new(mechanisms)))));
    bencher.bench_local(|| {
        let mut stream = ClientStream::new(server.clone(), Connection::in_process());
        let mut parser = StreamParser::new(Limits::unauthenticated());
        let mut input = script.as_bytes();
        let mut sent = Vec::with_capacity(4096);
        while let Some(frame) = parser.next(&mut input).expect("the script is XML") {
            let mut step = stream.handle(Event::Frame(frame), &mut sent);
            while let Step::Ask(Question::Bind(request)) = step {
                let answer = Answer::Bind(Ok(Bound::from(request.jid)));
                step = stream.handle(Event::Answer(answer), &mut sent);
            }
            match step {
                Step::Restart => parser.restart(),
                Step::Established(established) => return (established, sent),
                _ => {}
            }
        }
        unreachable!("the script ends in a session")
    });
}
