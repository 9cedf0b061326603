//! XMPP over BOSH, request by request.

use std::{net::SocketAddr, time::Duration};

use sestina_net::Bounds;
use sestina_sasl::encode_base64;
use sha1::{Digest, Sha1};

use crate::{
    client::{ask, head, status},
    stage::Stage,
};

const NS: &str = "xmlns='http://jabber.org/protocol/httpbind'";

/// A client that counts its requests.
struct Client {
    address: SocketAddr,
    sid: String,
    rid: u64,
}

async fn post(address: SocketAddr, body: impl AsRef<str>) -> String {
    let body = body.as_ref();
    let length = body.len().to_string();
    let headers = [
        ("content-length", length.as_str()),
        ("content-type", "text/xml"),
        ("x-forwarded-for", "192.0.2.7"),
        ("x-forwarded-proto", "https"),
    ];
    let answer = ask(address, &(head("POST", "/http-bind", &headers) + body)).await;
    assert_eq!(status(&answer), 200, "{body}: {answer}");
    assert!(answer.contains("content-type: text/xml; charset=utf-8"), "{answer}");
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

fn attribute(body: &str, name: &str) -> String {
    let (_, rest) =
        body.split_once(&format!(" {name}='")).unwrap_or_else(|| panic!("{name}: {body}"));
    rest.split_once('\'').unwrap().0.to_owned()
}

impl Client {
    async fn begin(stage: &Stage, attributes: &str) -> (Self, String) {
        let first = format!(
            "<body {NS} rid='1000' to='capulet.example' ver='1.6' xml:lang='en' \
             xmlns:xmpp='urn:xmpp:xbosh' xmpp:version='1.0' {attributes}/>"
        );
        let answer = post(stage.address, &first).await;
        let client = Self { address: stage.address, sid: attribute(&answer, "sid"), rid: 1000 };
        (client, answer)
    }

    async fn login(stage: &Stage, name: &str, attributes: &str) -> Self {
        let (mut client, _) = Self::begin(stage, attributes).await;
        let token = encode_base64(format!("\0{name}\0{name}").as_bytes());
        let auth = format!(
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{token}</auth>"
        );
        assert!(client.fruit(&auth).await.contains("<success "));
        let restart = "xmpp:restart='true' xmlns:xmpp='urn:xmpp:xbosh' to='capulet.example'";
        let mut features = client.send(restart, "").await;
        if !features.contains("<stream:features ") {
            features = client.fruit("").await;
        }
        assert!(features.contains("<bind "), "{features}");
        let bind = "<iq xmlns='jabber:client' type='set' id='b'>\
             <bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>r</resource></bind></iq>";
        let bound = client.fruit(bind).await;
        assert!(bound.contains(&format!("<jid>{name}@capulet.example/r</jid>")), "{bound}");
        client
    }

    fn body(&self, rid: u64, attributes: &str, content: &str) -> String {
        format!("<body {NS} sid='{}' rid='{rid}' {attributes}>{content}</body>", self.sid)
    }

    async fn send(&mut self, attributes: &str, content: &str) -> String {
        self.rid += 1;
        post(self.address, self.body(self.rid, attributes, content)).await
    }

    /// Sends this, and asks until something comes back.
    async fn fruit(&mut self, content: &str) -> String {
        let mut answer = self.send("", content).await;
        while answer.ends_with("httpbind'/>") {
            tokio::time::sleep(Duration::from_secs(6)).await;
            answer = self.send("", "").await;
        }
        answer
    }
}

const TERMS: &str = "wait='60' hold='1'";

#[track_caller]
fn ends(answer: &str, condition: &str) {
    assert_eq!(attribute(answer, "type"), "terminate", "{answer}");
    assert_eq!(attribute(answer, "condition"), condition, "{answer}");
}

#[tokio::test]
async fn two_clients_talk() {
    let stage = Stage::new(Bounds::default()).await;
    let (_, first) = Client::begin(&stage, TERMS).await;
    for (name, value) in [
        ("wait", "60"),
        ("hold", "1"),
        ("requests", "2"),
        ("inactivity", "30"),
        ("polling", "5"),
        ("maxpause", "120"),
        ("ver", "1.6"),
        ("from", "capulet.example"),
        ("xmpp:restartlogic", "true"),
        ("xmpp:version", "1.0"),
    ] {
        assert_eq!(attribute(&first, name), value, "{first}");
    }
    assert!(!attribute(&first, "authid").is_empty() && !first.contains("starttls"), "{first}");
    assert!(attribute(&first, "sid").len() >= 32 && first.contains("<stream:features "), "{first}");

    let mut juliet = Client::login(&stage, "juliet", TERMS).await;
    let mut romeo = Client::login(&stage, "romeo", TERMS).await;
    let message = "<message xmlns='jabber:client' to='juliet@capulet.example/r' id='1'>\
         <body>Hark &amp; see</body></message>";
    let (heard, sent) = tokio::join!(juliet.send("", ""), async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        // Two at once, and one that ends the first's waiting.
        romeo.rid += 2;
        tokio::join!(
            post(romeo.address, romeo.body(romeo.rid - 1, "", message)),
            post(romeo.address, romeo.body(romeo.rid, "type='terminate'", "")),
        )
    });
    assert!(heard.contains("from='romeo@capulet.example/r'"), "{heard}");
    assert!(heard.contains("<body>Hark &amp; see</body></message></body>"), "{heard}");
    assert!(sent.0.contains("type='terminate'") || sent.1.contains("type='terminate'"), "{sent:?}");
    let gone = post(romeo.address, romeo.body(romeo.rid + 1, "", "")).await;
    ends(&gone, "item-not-found");

    // The server's goodbye comes with the request that waits for it.
    let (last, ()) = tokio::join!(juliet.send("", ""), async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        stage.network.shut_down().await;
    });
    ends(&last, "remote-stream-error");
    assert!(last.contains("<stream:error ") && last.contains("<system-shutdown "), "{last}");
    assert_eq!(stage.network.connections(), 0);
}

#[tokio::test]
async fn what_is_no_request_is_said_to_be_none() {
    let stage = Stage::new(Bounds::default()).await;
    for (body, condition) in [
        ("", "bad-request"),
        ("<body", "bad-request"),
        ("<body xmlns='http://jabber.org/protocol/httpbind'/>", "bad-request"),
        ("<body rid='1' to='capulet.example'/>", "bad-request"),
        (&format!("<body {NS} rid='one' to='capulet.example'/>"), "bad-request"),
        (&format!("<body {NS} rid='1'/>"), "improper-addressing"),
        (&format!("<body {NS} rid='1' to='montague.example'/>"), "host-unknown"),
        (&format!("<body {NS} rid='1' sid='unknown'/>"), "item-not-found"),
        (
            &format!("<body {NS} rid='1' to='capulet.example'>{}</body>", "x".repeat(20_000)),
            "policy-violation",
        ),
    ] {
        ends(&post(stage.address, body).await, condition);
    }
    for (method, code) in [("GET", 405), ("PUT", 405), ("OPTIONS", 204)] {
        assert_eq!(status(&ask(stage.address, &head(method, "/http-bind", &[])).await), code);
    }
    let large = head("POST", "/http-bind", &[("content-length", "600000")]) + &"x".repeat(600_000);
    assert_eq!(status(&ask(stage.address, &large).await), 413);
    assert_eq!(stage.network.connections(), 0);
}

#[tokio::test]
async fn pages_of_the_site_itself_may_connect_and_others_not() {
    let stage = Stage::new(Bounds::default()).await;
    for (origin, code) in [("http://capulet.example", 204), ("https://montague.example", 403)] {
        let preflight = head("OPTIONS", "/http-bind", &[("origin", origin)]);
        let answer = ask(stage.address, &preflight).await;
        assert_eq!(status(&answer), code, "{answer}");
        let allowed = answer.contains(&format!("access-control-allow-origin: {origin}\r\n"));
        assert_eq!(allowed, code == 204, "{answer}");
        assert!(answer.contains("vary: origin"), "{answer}");
    }
}

#[tokio::test]
async fn a_stanza_that_is_none_ends_the_stream() {
    let stage = Stage::new(Bounds::default()).await;
    let mut juliet = Client::login(&stage, "juliet", TERMS).await;
    let last = juliet.send("", "<presence/>").await;
    ends(&last, "remote-stream-error");
    assert!(last.contains("<unsupported-stanza-type "), "{last}");
}

#[tokio::test]
async fn an_answer_that_was_lost_is_given_again() {
    let stage = Stage::new(Bounds::default()).await;
    let mut juliet = Client::login(&stage, "juliet", TERMS).await;
    let iq = "<iq xmlns='jabber:client' type='get' id='7'><x xmlns='urn:x'/></iq>";
    let answer = juliet.send("", iq).await;
    assert!(answer.contains("service-unavailable"), "{answer}");
    let again = post(juliet.address, juliet.body(juliet.rid, "", iq)).await;
    assert_eq!(answer, again);
    // One that is not answered yet waits no more when it is repeated.
    let rid = juliet.rid + 1;
    let (first, second) = tokio::join!(post(juliet.address, juliet.body(rid, "", "")), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let repeated = juliet.body(rid, "", "");
        let next = juliet.body(rid + 1, "", iq);
        tokio::join!(post(juliet.address, repeated), async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            post(juliet.address, next).await
        })
    });
    assert_eq!(attribute(&first, "type"), "error", "{first}");
    assert!(!second.0.contains("type="), "{second:?}");
    ends(&post(juliet.address, juliet.body(rid - 3, "", "")).await, "item-not-found");
}

#[tokio::test]
async fn requests_are_taken_in_their_order_and_within_their_window() {
    let stage = Stage::new(Bounds::default()).await;
    let mut juliet = Client::login(&stage, "juliet", TERMS).await;
    let iq = |id: &str| {
        format!("<iq xmlns='jabber:client' type='get' id='{id}'><x xmlns='urn:x'/></iq>")
    };
    juliet.rid += 2;
    let (later, sooner) =
        tokio::join!(post(juliet.address, juliet.body(juliet.rid, "", &iq("later"))), async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            post(juliet.address, juliet.body(juliet.rid - 1, "", &iq("sooner"))).await
        });
    let both = sooner.clone() + &later;
    assert!(both.find("id='sooner'").unwrap() < both.find("id='later'").unwrap(), "{both}");
    ends(&post(juliet.address, juliet.body(juliet.rid + 3, "", "")).await, "item-not-found");
    let gone = post(juliet.address, juliet.body(juliet.rid + 1, "", "")).await;
    ends(&gone, "item-not-found");
}

/// Time is virtual: it passes while nobody has anything to do.
#[tokio::test(start_paused = true)]
async fn who_waits_is_answered_in_time_and_who_stays_away_is_gone() {
    let stage = Stage::new(Bounds::default()).await;
    let mut juliet = Client::login(&stage, "juliet", "wait='5' hold='1'").await;
    let begun = tokio::time::Instant::now();
    assert_eq!(juliet.send("", "").await, format!("<body {NS}/>"));
    assert!(begun.elapsed() >= Duration::from_secs(5));
    // A pause lets it be away for longer.
    assert_eq!(juliet.send("pause='100'", "").await, format!("<body {NS}/>"));
    tokio::time::sleep(Duration::from_secs(90)).await;
    assert_eq!(stage.network.server().session_count(), 1);
    assert_eq!(juliet.send("", "").await, format!("<body {NS}/>"));
    tokio::time::sleep(Duration::from_secs(40)).await;
    assert_eq!(stage.network.server().session_count(), 0);
    ends(&juliet.send("", "").await, "item-not-found");
    let mut romeo = Client::login(&stage, "romeo", "wait='5' hold='1'").await;
    ends(&romeo.send("pause='121'", "").await, "policy-violation");
}

#[tokio::test(start_paused = true)]
async fn whoever_polls_does_not_do_so_too_often() {
    let stage = Stage::new(Bounds::default()).await;
    for terms in ["wait='60' hold='0'", "wait='0' hold='1'"] {
        let mut juliet = Client::login(&stage, "juliet", terms).await;
        tokio::time::sleep(Duration::from_secs(6)).await;
        assert_eq!(juliet.send("", "").await, format!("<body {NS}/>"));
        tokio::time::sleep(Duration::from_secs(6)).await;
        assert_eq!(juliet.send("", "").await, format!("<body {NS}/>"));
        ends(&juliet.send("", "").await, "policy-violation");
    }
    // Neither may one who is held ask for nothing once more.
    let mut romeo = Client::login(&stage, "romeo", TERMS).await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    romeo.rid += 2;
    let (first, second) = tokio::join!(
        post(romeo.address, romeo.body(romeo.rid - 1, "", "")),
        post(romeo.address, romeo.body(romeo.rid, "", "")),
    );
    let told = if first.contains("terminate") { first } else { second };
    ends(&told, "policy-violation");
}

#[tokio::test]
async fn keys_are_checked_where_there_are_any() {
    let hash =
        |key: &str| Sha1::digest(key).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut keys = vec!["seed".to_owned()];
    for _ in 0..4 {
        keys.push(hash(keys.last().unwrap()));
    }
    let stage = Stage::new(Bounds::default()).await;
    let terms = format!("{TERMS} newkey='{}'", keys[4].to_uppercase());
    let iq = "<x xmlns='urn:x'/>";
    let (mut good, _) = Client::begin(&stage, &terms).await;
    let pause = |key: &str, more: &str| format!("pause='9' key='{key}' {more}");
    let fresh = hash("another seed");
    for (key, more) in [(&keys[3], ""), (&keys[2], ""), (&keys[1], &*format!("newkey='{fresh}'"))] {
        assert_eq!(good.send(&pause(key, more), "").await, format!("<body {NS}/>"));
    }
    assert_eq!(good.send(&pause("another seed", ""), "").await, format!("<body {NS}/>"));
    for key in ["", &format!("key='{}'", keys[2]), &format!("key='{}'", keys[4])] {
        let (mut bad, _) = Client::begin(&stage, &terms).await;
        ends(&bad.send(key, iq).await, "item-not-found");
    }
}
