//! Compression as clients see it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use flate2::{Compress, Decompress, FlushCompress, FlushDecompress};
use sestina_compression::{Bounds, Compression};
use sestina_core::{Assembly, AssemblyError, Settings};
use sestina_stanza::ns;
use sestina_testkit::{Scene, Stage, transcripts};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

const COMPRESS: &str =
    "<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>";
const COMPRESSED: &str = "<compressed xmlns='http://jabber.org/protocol/compress'/>";
const SETUP_FAILED: &str =
    "<failure xmlns='http://jabber.org/protocol/compress'><setup-failed/></failure>";
const AUTH: &str = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>\
    AGp1bGlldABqdWxpZXQ=</auth>";
const BIND: &str = "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>\
    <resource>balcony</resource></bind></iq>";

fn scene(compression: Compression) -> Scene {
    Scene::new("capulet.example").plugin(compression).account("juliet@capulet.example")
}

fn plain() -> Scene {
    scene(Compression::default())
}

fn early() -> Scene {
    scene(Compression { before_login: true, over_tls: true, ..Compression::default() })
}

transcripts! { early: chooses_a_method }

/// The client's end of a connection, compressed or not.
struct Wire {
    io: DuplexStream,
    zlib: Option<(Compress, Decompress)>,
    header: String,
    read: String,
}

impl Wire {
    /// A client on this machine, without TLS.
    fn new(stage: &Stage) -> Self {
        let io = stage.wire(Some("127.0.0.1:40123".parse().unwrap()));
        let header = stage.connect().header();
        Self { io, zlib: None, header, read: String::new() }
    }

    fn squeeze(&mut self) {
        let level = flate2::Compression::new(9);
        self.zlib = Some((Compress::new(level, true), Decompress::new(true)));
    }

    /// What goes over the wire for this text.
    fn pack(&mut self, text: &str) -> Vec<u8> {
        let Some((compress, _)) = &mut self.zlib else { return text.as_bytes().to_vec() };
        let mut out = Vec::with_capacity(text.len() + 1_000);
        compress.compress_vec(text.as_bytes(), &mut out, FlushCompress::Sync).unwrap();
        out
    }

    async fn send(&mut self, text: &str) {
        let packed = self.pack(text);
        self.io.write_all(&packed).await.unwrap();
    }

    /// Reads until `end` has come, and hands back everything up to there.
    async fn until(&mut self, end: &str) -> String {
        loop {
            if let Some(at) = self.read.find(end) {
                let rest = self.read.split_off(at + end.len());
                return std::mem::replace(&mut self.read, rest);
            }
            let mut buffer = [0; 4096];
            let n = self.io.read(&mut buffer).await.unwrap();
            assert!(n > 0, "closed before {end}: {}", self.read);
            match &mut self.zlib {
                None => self.read.push_str(std::str::from_utf8(&buffer[..n]).unwrap()),
                Some((_, decompress)) => {
                    let mut out = Vec::with_capacity(10 << 20);
                    let sync = FlushDecompress::Sync;
                    decompress.decompress_vec(&buffer[..n], &mut out, sync).unwrap();
                    self.read.push_str(std::str::from_utf8(&out).unwrap());
                }
            }
        }
    }

    async fn ask(&mut self, send: &str, until: &str) -> String {
        self.send(send).await;
        self.until(until).await
    }

    async fn open(&mut self) -> String {
        let header = self.header.clone();
        self.ask(&header, "</stream:features>").await
    }

    /// Logs in as Juliet.
    async fn login(stage: &Stage) -> Self {
        let mut juliet = Self::new(stage);
        juliet.open().await;
        juliet.ask(AUTH, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>").await;
        juliet
    }

    /// Logs in, and has the stream compressed.
    async fn squeezed(stage: &Stage) -> Self {
        let mut juliet = Self::login(stage).await;
        juliet.open().await;
        juliet.ask(COMPRESS, COMPRESSED).await;
        juliet.squeeze();
        juliet
    }
}

fn offers(features: &str) -> bool {
    let offer = "<compression xmlns='http://jabber.org/features/compress'><method>zlib</method>\
        </compression>";
    features.contains(offer)
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_compressed_between_login_and_binding() {
    let stage = plain().build().await.unwrap();
    let mut juliet = Wire::new(&stage);
    assert!(!offers(&juliet.open().await));
    // Whoever asks too early is told so, and goes on.
    juliet.ask(COMPRESS, SETUP_FAILED).await;
    juliet.ask(AUTH, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>").await;
    let features = juliet.open().await;
    // XEP-0170 §2: before a resource is bound.
    assert!(offers(&features) && features.find("compress") < features.find("bind"), "{features}");
    juliet.ask(COMPRESS, COMPRESSED).await;
    juliet.squeeze();
    let features = juliet.open().await;
    assert!(!offers(&features), "{features}");
    juliet.ask(COMPRESS, SETUP_FAILED).await;
    juliet.ask(BIND, "<jid>juliet@capulet.example/balcony</jid></bind></iq>").await;
    let mut romeo = stage.login("romeo@capulet.example/orchard").await;
    let body = "<body>".to_owned() + &"Good night! ".repeat(10_000) + "</body>";
    romeo.send(format!("<message to='juliet@capulet.example/balcony'>{body}</message>")).await;
    let heard = juliet.until("</message>").await;
    assert!(heard.contains(&body), "{}", heard.len());
    juliet.send(&format!("<message to='romeo@capulet.example/orchard'>{body}</message>")).await;
    assert!(romeo.receive().await.to_string().contains(&body));
    juliet.ask("</stream:stream>", "</stream:stream>").await;
}

#[tokio::test(start_paused = true)]
async fn everything_in_one_write() {
    let stage = plain().build().await.unwrap();
    let mut juliet = Wire::login(&stage).await;
    juliet.open().await;
    // What comes behind the request is compressed, and not read as anything else.
    let mut bytes = COMPRESS.as_bytes().to_vec();
    juliet.squeeze();
    let header = juliet.header.clone();
    bytes.extend(juliet.pack(&format!("{header}{BIND}")));
    bytes.extend(juliet.pack("<iq type='get' id='1'><query xmlns='urn:example:press'/></iq>"));
    juliet.io.write_all(&bytes).await.unwrap();
    let mut clear = vec![0; COMPRESSED.len()];
    juliet.io.read_exact(&mut clear).await.unwrap();
    assert_eq!(String::from_utf8(clear).unwrap(), COMPRESSED);
    juliet.until("<jid>juliet@capulet.example/balcony</jid>").await;
    juliet.until(" id='1'").await;
}

#[tokio::test(start_paused = true)]
async fn before_login_where_it_is_set() {
    let compression = Compression { before_login: true, ..Compression::default() };
    let stage = scene(compression).build().await.unwrap();
    let mut juliet = Wire::new(&stage);
    assert!(offers(&juliet.open().await));
    juliet.ask(COMPRESS, COMPRESSED).await;
    juliet.squeeze();
    let features = juliet.open().await;
    assert!(!offers(&features) && features.contains("PLAIN"), "{features}");
    juliet.ask(AUTH, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>").await;
    assert!(!offers(&juliet.open().await));
    juliet.ask(BIND, "<jid>juliet@capulet.example/balcony</jid>").await;
}

#[tokio::test(start_paused = true)]
async fn not_under_tls_unless_it_is_set() {
    for (over_tls, says) in [(false, "failure"), (true, "compressed")] {
        let stage =
            scene(Compression { over_tls, ..Compression::default() }).build().await.unwrap();
        let mut juliet = stage.connect();
        juliet.open().await;
        juliet.authenticate("juliet", "juliet").await;
        let features = juliet.open().await;
        assert_eq!(features.child("compression", ns::COMPRESS_FEATURE).is_some(), over_tls);
        juliet.send(COMPRESS).await;
        assert!(juliet.receive().await.is(says, ns::COMPRESS));
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_decompressed_ends_the_stream() {
    let stage = plain().build().await.unwrap();
    for bound in [false, true] {
        let mut juliet = Wire::squeezed(&stage).await;
        if bound {
            juliet.open().await;
            juliet.ask(BIND, "</iq>").await;
        }
        juliet.io.write_all(&[0xff; 40]).await.unwrap();
        let end = juliet.until("</stream:stream>").await;
        let failed = "<failure xmlns='http://jabber.org/protocol/compress'><processing-failed/>";
        assert!(end.contains("<undefined-condition ") && end.contains(failed), "{end}");
    }
    stage.settle().await;
    assert_eq!(stage.server().session_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_stands_for_too_much_ends_the_stream() {
    let bounds = Bounds { burst: 64 << 10, ratio: 10, ..Bounds::default() };
    let stage = scene(Compression { bounds, ..Compression::default() }).build().await.unwrap();
    for bound in [false, true] {
        let mut juliet = Wire::squeezed(&stage).await;
        juliet.open().await;
        if bound {
            juliet.ask(BIND, "</iq>").await;
        }
        juliet.send(&" ".repeat(1 << 20)).await;
        let end = juliet.until("</stream:stream>").await;
        assert!(end.contains("<policy-violation "), "{end}");
    }
    // The same stanza is one of many that are alike, when what is sent for it is enough.
    let mut juliet = Wire::squeezed(&stage).await;
    juliet.open().await;
    juliet.ask(BIND, "</iq>").await;
    for id in 0..3_000 {
        let ask = format!("<iq type='get' id='{id}'><query xmlns='urn:example:press'/></iq>");
        juliet.ask(&ask, "</iq>").await;
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_streams_than_may_be() {
    let bounds = Bounds { streams: 1, ..Bounds::default() };
    let stage = scene(Compression { bounds, ..Compression::default() }).build().await.unwrap();
    let first = Wire::squeezed(&stage).await;
    let mut second = Wire::login(&stage).await;
    second.open().await;
    second.ask(COMPRESS, SETUP_FAILED).await;
    drop(first);
    stage.settle().await;
    second.ask(COMPRESS, COMPRESSED).await;
}

#[tokio::test(start_paused = true)]
async fn without_the_plugin_nothing_of_it_is_there() {
    let stage = Scene::new("capulet.example").account("juliet@capulet.example").build().await;
    let stage = stage.unwrap();
    let mut juliet = Wire::login(&stage).await;
    assert!(!offers(&juliet.open().await));
    let end = juliet.ask(COMPRESS, "</stream:stream>").await;
    assert!(end.contains("<unsupported-stanza-type "), "{end}");
}

#[test]
fn settings_out_of_range_are_refused() {
    let is = Compression::default();
    for (compression, named) in [
        (Compression { level: 0, ..is }, "level"),
        (Compression { level: 10, ..is }, "level"),
        (Compression { bounds: Bounds { streams: 0, ..is.bounds }, ..is }, "bounds.streams"),
        (Compression { bounds: Bounds { ratio: 0, ..is.bounds }, ..is }, "bounds.ratio"),
        (Compression { bounds: Bounds { burst: 32_767, ..is.bounds }, ..is }, "bounds.burst"),
    ] {
        let settings = Settings::new("capulet.example".parse().unwrap(), sestina_store::memory());
        let refused = Assembly::new(settings).plugin(compression).map(|_| ()).unwrap_err();
        assert!(
            matches!(refused, AssemblyError::Setting { plugin: "compression", name, .. } if name == named),
            "{refused}"
        );
    }
}

#[test]
fn inflate() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/inflate");
    let mut replayed = 0;
    for seed in std::fs::read_dir(corpus).unwrap() {
        sestina_compression::fuzzing::inflate(&std::fs::read(seed.unwrap().path()).unwrap());
        replayed += 1;
    }
    assert!(replayed >= 8, "the corpus is in the tree");
}
