//! What a router pays: addresses, and a message from one stream to another.

use divan::{AllocProfiler, Bencher, black_box};
use sestina_stanza::{Condition, Jid, Stanza, StanzaError};
use sestina_xml::{Element, Frame, Limits, StreamParser};

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

const HEADER: &[u8] = b"<stream:stream xmlns='jabber:client' \
    xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";

const MESSAGE: &[u8] = b"<message to='romeo@montague.example/orchard' type='chat' \
    id='5f2c8a34-0c1e-4b57-9d6a-3f1b7c2e9a80'><body>Art thou not Romeo, and a Montague? Neither, \
    fair saint, if either thee dislike.</body><active \
    xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/></message>";

fn main() {
    divan::main();
}

fn message() -> Element {
    let mut stream = StreamParser::new(Limits::default());
    let mut input = HEADER;
    stream.next(&mut input).expect("a header");
    let mut input = MESSAGE;
    match stream.next(&mut input) {
        Ok(Some(Frame::Element(element))) => element,
        other => panic!("{other:?}"),
    }
}

fn jid(text: &str) -> Jid {
    Jid::new(text).expect("an address")
}

mod address {
    use super::*;

    const PLAIN: &str = "romeo@montague.example/orchard";

    #[divan::bench(args = [PLAIN, "Romeo@Montague.example/orchard", "rómeo@montague.example/😀"])]
    fn new(text: &str) -> Jid {
        jid(black_box(text))
    }

    #[divan::bench]
    fn new_like(bencher: Bencher<'_, '_>) {
        let known = jid(PLAIN);
        bencher.bench(|| Jid::new_like(black_box(PLAIN), Some(&known)));
    }

    #[divan::bench]
    fn to_bare(bencher: Bencher<'_, '_>) {
        let full = jid(PLAIN);
        bencher.bench(|| black_box(&full).to_bare());
    }
}

mod stanza {
    use super::*;

    #[divan::bench]
    fn read(bencher: Bencher<'_, '_>) {
        bencher.with_inputs(message).bench_values(Stanza::read);
    }

    #[divan::bench]
    fn read_like(bencher: Bencher<'_, '_>) {
        let known = jid("romeo@montague.example/orchard");
        bencher
            .with_inputs(message)
            .bench_values(|element| Stanza::read_like(element, Some(&known)));
    }

    #[divan::bench]
    fn write(bencher: Bencher<'_, '_>) {
        let mut stanza = Stanza::read(message()).expect("a message");
        stanza.set_from(Some(jid("juliet@capulet.example/balcony")));
        let mut out = Vec::with_capacity(4096);
        bencher.bench_local(|| {
            out.clear();
            black_box(&stanza).write(&mut out);
        });
    }

    /// Bytes in, sender stamped, bytes out.
    #[divan::bench]
    fn parse_stamp_write(bencher: Bencher<'_, '_>) {
        let mut stream = StreamParser::new(Limits::default());
        stream.next(&mut &*HEADER).expect("a header");
        let (from, to) =
            (jid("juliet@capulet.example/balcony"), jid("romeo@montague.example/orchard"));
        let mut out = Vec::with_capacity(4096);
        bencher.bench_local(|| {
            out.clear();
            let mut input = black_box(MESSAGE);
            let Ok(Some(Frame::Element(element))) = stream.next(&mut input) else { panic!() };
            let mut stanza = Stanza::read_like(element, Some(&to)).expect("a message");
            stanza.set_from(Some(from.clone()));
            stanza.write(&mut out);
        });
    }

    #[divan::bench]
    fn broadcast_to_a_thousand(bencher: Bencher<'_, '_>) {
        let stanza = Stanza::read(message()).expect("a message");
        let to: Vec<_> = (0..1000).map(|n| jid(&format!("guest{n}@montague.example"))).collect();
        bencher.bench(|| to.iter().map(|to| stanza.with_to(to.clone())).collect::<Vec<_>>());
    }

    #[divan::bench]
    fn error(bencher: Bencher<'_, '_>) {
        let stanza = Stanza::read(message()).expect("a message");
        let error = StanzaError::new(Condition::ServiceUnavailable);
        bencher.bench(|| stanza.error(&error));
    }
}
