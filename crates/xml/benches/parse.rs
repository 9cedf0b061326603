//! What reading costs, beside the parsers one could have taken instead.
//!
//! `cargo bench -p sestina-xml`; every case reads 65 stanzas an iteration, a mix of what a
//! client sends and receives, mean 400 bytes. Allocations are counted.

use std::hint::black_box;

use divan::AllocProfiler;
use divan::counter::{BytesCount, ItemsCount};
use rxml::{Parse, WithOptions};
use sestina_xml::{Element, Frame, Limits, StreamParser};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const HEADER: &str = "<stream:stream xmlns='jabber:client' version='1.0' to='example.org' \
    xmlns:stream='http://etherx.jabber.org/streams'>";

/// Stanzas in about the numbers in which they pass through a server.
fn mix() -> Vec<String> {
    let chat = "<message to='juliet@capulet.example/balcony' from='romeo@montague.example/orchard' \
        type='chat' id='f5a1c3e8-9d0b-4c6e-8a57-2b1d'><body>Wherefore art thou, and what light \
        through yonder window breaks at this hour of the night, fair Juliet?</body><active \
        xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/>\
        <origin-id xmlns='urn:xmpp:sid:0' id='f5a1c3e8-9d0b-4c6e-8a57-2b1d'/></message>";
    let escaped = "<message to='juliet@capulet.example/balcony' type='chat' id='m2'><body>It&apos;s \
        &quot;late&quot; &amp; dark &lt;3</body><active \
        xmlns='http://jabber.org/protocol/chatstates'/><markable xmlns='urn:xmpp:chat-markers:0'/>\
        <stanza-id xmlns='urn:xmpp:sid:0' by='capulet.example' id='28482-98726-73623'/></message>";
    let presence = "<presence from='romeo@montague.example/orchard' to='juliet@capulet.example' \
        xml:lang='en'><show>away</show><status>Gone to see the friar</status><priority>5</priority>\
        <c xmlns='http://jabber.org/protocol/caps' hash='sha-1' \
        node='https://client.example/caps' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/>\
        <x xmlns='vcard-temp:x:update'><photo>2b7ecd9c3d9c0e1f5b1a</photo></x></presence>";
    let ping = "<iq from='capulet.example' to='juliet@capulet.example/balcony' id='s2c1' \
        type='get'><ping xmlns='urn:xmpp:ping'/></iq>";
    let item = |n: usize| {
        format!(
            "<item jid='contact{n}@montague.example' name='Contact {n}' subscription='both'>\
             <group>Friends</group></item>"
        )
    };
    let roster = format!(
        "<iq to='juliet@capulet.example/balcony' id='bv1bs71f' type='result'>\
         <query xmlns='jabber:iq:roster' ver='ver7'>{}</query></iq>",
        (0..10).map(item).collect::<String>(),
    );
    let mut mix = Vec::new();
    for _ in 0..8 {
        mix.extend([chat, chat, chat, chat, escaped, presence, presence, ping].map(String::from));
    }
    mix.push(roster);
    mix
}

/// Runs `read` over every stanza of the mix, as one iteration.
fn each(bencher: divan::Bencher<'_, '_>, mut read: impl FnMut(&[u8])) {
    let mix = mix();
    let bytes = mix.iter().map(String::len).sum::<usize>();
    bencher.counter(BytesCount::new(bytes)).counter(ItemsCount::new(mix.len())).bench_local(|| {
        for stanza in &mix {
            read(black_box(stanza.as_bytes()));
        }
    });
}

fn opened() -> StreamParser {
    let mut parser = StreamParser::new(Limits::default());
    parser.next(&mut HEADER.as_bytes()).expect("the header is well-formed");
    parser
}

fn element(parser: &mut StreamParser, mut stanza: &[u8]) -> Element {
    match parser.next(&mut stanza) {
        Ok(Some(Frame::Element(element))) => element,
        other => panic!("{other:?}"),
    }
}

/// What a router does: check and keep the bytes.
#[divan::bench]
fn check(bencher: divan::Bencher<'_, '_>) {
    let mut parser = opened();
    each(bencher, |stanza| drop(black_box(element(&mut parser, stanza))));
}

/// The same, and what it sends on.
#[divan::bench]
fn check_and_rewrite(bencher: divan::Bencher<'_, '_>) {
    let (mut parser, mut out) = (opened(), Vec::with_capacity(1 << 16));
    each(bencher, |stanza| {
        let element = element(&mut parser, stanza);
        out.clear();
        element.rewrite_to(&mut out, "jabber:client", |tag| {
            tag.attr("from", "romeo@montague.example/orchard");
            for kept in element.start().attributes().filter(|one| one.source_name() != "from") {
                tag.copy(&kept);
            }
        });
        black_box(&out);
    });
}

/// What a plugin does: the same as `check`, and a tree.
#[divan::bench]
fn check_and_tree(bencher: divan::Bencher<'_, '_>) {
    let mut parser = opened();
    each(bencher, |stanza| {
        let element = element(&mut parser, stanza);
        black_box(element.root());
    });
}

/// The worst case for framing: every stanza comes in two pieces.
#[divan::bench]
fn check_in_two_pieces(bencher: divan::Bencher<'_, '_>) {
    let mut parser = opened();
    each(bencher, |stanza| {
        let (mut first, second) = stanza.split_at(stanza.len() / 2);
        assert_eq!(parser.next(&mut first), Ok(None));
        drop(black_box(element(&mut parser, second)));
    });
}

#[divan::bench]
fn rxml_events(bencher: divan::Bencher<'_, '_>) {
    let mut parser = rxml::Parser::with_options(rxml::Options::default());
    parser.parse(&mut HEADER.as_bytes(), false).expect("the header is well-formed");
    each(bencher, |mut stanza| {
        while let Ok(Some(event)) = parser.parse(&mut stanza, false) {
            black_box(event);
        }
    });
}

/// Events with namespaces resolved and nothing decoded; leaves several checks to its caller.
#[divan::bench]
fn quick_xml_events(bencher: divan::Bencher<'_, '_>) {
    each(bencher, |stanza| {
        let mut reader = quick_xml::NsReader::from_reader(stanza);
        loop {
            match reader.read_resolved_event().expect("the stanza is well-formed") {
                (_, quick_xml::events::Event::Eof) => break,
                (namespace, quick_xml::events::Event::Start(start))
                | (namespace, quick_xml::events::Event::Empty(start)) => {
                    black_box(namespace);
                    for attribute in start.attributes() {
                        black_box(attribute.expect("the attribute is well-formed"));
                    }
                }
                event => {
                    black_box(event);
                }
            }
        }
    });
}

/// Nobody can be faster and still look at every byte.
#[divan::bench]
fn utf8_alone(bencher: divan::Bencher<'_, '_>) {
    each(bencher, |stanza| {
        black_box(std::str::from_utf8(stanza).is_ok());
    });
}

fn main() {
    divan::main();
}
