//! RFC 6121 §8: who gets what, row by row.

use sestina_core::Attached;
use sestina_stanza::Stanza;
use sestina_testkit::Stage;

use crate::cast::{JULIET, ROMEO, gist, heard, scene, send, stage};

/// Juliet's sessions by their letter, and the presence each has sent.
const SESSIONS: &[(char, Option<&str>)] = &[
    ('a', Some("<presence><priority>5</priority></presence>")),
    ('b', Some("<presence><priority>5</priority></presence>")),
    ('c', Some("<presence/>")),
    ('n', Some("<presence><priority>-1</priority></presence>")),
    ('u', None),
];

/// Each cell names the sessions that get the stanza; `E` is `service-unavailable`, `-` silence.
///
/// The first column lists Juliet's sessions (`0` is none, `!` means that there is no such account),
/// the second the resource of the address (`=` is the bare JID, `x` one that nobody has).
const TABLE: &str = "
sessions to | normal chat groupchat headline error | available unavailable probe subscribe | get result
!        =  |    E     E      E        -       -   |     -         -         -       -     |  E    -
!        x  |    E     E      E        -       -   |     -         -         -       -     |  E    -
0        =  |    E     E      E        -       -   |     -         -         -       -     |  E    -
0        x  |    E     E      E        -       -   |     -         -         -       -     |  E    -
u        =  |    E     E      E        -       -   |     -         -         -       -     |  E    -
u        u  |    u     u      u        u       u   |     u         u         -       -     |  u    u
n        =  |    E     E      E        -       -   |     n         n         -       -     |  E    -
n        n  |    n     n      n        n       n   |     n         n         -       -     |  n    n
n        x  |    E     E      E        -       -   |     -         -         -       -     |  E    -
c        =  |    c     c      E        c       -   |     c         c         -       -     |  E    -
c        c  |    c     c      c        c       c   |     c         c         -       -     |  c    c
c        x  |    E     c      E        -       -   |     -         -         -       -     |  E    -
abcnu    =  |    ab    ab     E        abc     -   |     abcn      abcn      -       -     |  E    -
abcnu    c  |    c     c      c        c       c   |     c         c         -       -     |  c    c
abcnu    n  |    n     n      n        n       n   |     n         n         -       -     |  n    n
abcnu    x  |    E     ab     E        -       -   |     -         -         -       -     |  E    -
";

#[tokio::test(start_paused = true)]
async fn every_row_of_the_table() {
    let mut lines =
        TABLE.trim().lines().map(|line| line.split_whitespace().filter(|it| *it != "|"));
    let kinds: Vec<_> = lines.next().unwrap().skip(2).collect();
    let mut wrong = Vec::new();
    for mut line in lines {
        let (sessions, to) = (line.next().unwrap(), line.next().unwrap());
        let stage = stage(scene()).await;
        let mut romeo = stage.attach(ROMEO).await;
        let mut juliet = attach(&stage, sessions).await;
        let whom = if sessions == "!" { "nobody" } else { "juliet" };
        let address = match to {
            "=" => format!("{whom}@capulet.example"),
            resource => format!("{whom}@capulet.example/{resource}"),
        };
        for (kind, expected) in kinds.iter().zip(line) {
            send(&romeo, &written(kind, &address)).await;
            let became = became(&mut romeo, &mut juliet).await;
            if became != expected {
                wrong.push(format!("{kind} to {to} of {sessions}: {expected} expected, {became}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn became(romeo: &mut Attached, juliet: &mut [(char, Attached)]) -> String {
    let mut got = String::new();
    for (letter, session) in juliet {
        match &gist(session).await[..] {
            [] => {}
            [id] if id.starts_with("it") => got.push(*letter),
            other => panic!("{letter} got {other:?}"),
        }
    }
    match &gist(romeo).await[..] {
        [] if got.is_empty() => "-".to_owned(),
        [] => got,
        [error] if error == "it service-unavailable" && got.is_empty() => "E".to_owned(),
        other => panic!("romeo got {other:?}"),
    }
}

async fn attach(stage: &Stage, sessions: &str) -> Vec<(char, Attached)> {
    let mut attached = Vec::new();
    for (letter, presence) in SESSIONS.iter().filter(|(letter, _)| sessions.contains(*letter)) {
        let session = stage.attach(&format!("juliet@capulet.example/{letter}")).await;
        if let Some(presence) = presence {
            send(&session, presence).await;
        }
        attached.push((*letter, session));
    }
    attached
}

fn written(kind: &str, to: &str) -> String {
    const ERROR: &str = "<error type='cancel'>\
        <gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>";
    match kind {
        "error" => format!("<message id='it' type='error' to='{to}'>{ERROR}</message>"),
        "available" => format!("<presence id='it' to='{to}'/>"),
        "unavailable" | "probe" | "subscribe" => {
            format!("<presence id='it' type='{kind}' to='{to}'/>")
        }
        "get" => format!("<iq id='it' type='get' to='{to}'><q xmlns='urn:example:q'/></iq>"),
        "result" => format!("<iq id='it' type='result' to='{to}'/>"),
        _ => format!("<message id='it' type='{kind}' to='{to}'><body>Hark!</body></message>"),
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_no_address_is_for_the_own_account() {
    let stage = stage(scene()).await;
    let mut orchard = stage.attach(ROMEO).await;
    let mut street = stage.attach("romeo@capulet.example/street").await;
    send(&street, "<presence/>").await;
    // RFC 6120 §10.3.1.
    send(&orchard, "<message id='1' type='chat'/>").await;
    assert_eq!(gist(&mut street).await, ["1"]);
    assert!(gist(&mut orchard).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn other_domains_are_not_found_and_the_server_takes_no_messages() {
    let stage = stage(scene()).await;
    let mut romeo = stage.attach(ROMEO).await;
    for (xml, error) in [
        ("<message id='1' to='montague.example'/>", "1 remote-server-not-found"),
        (
            "<iq id='2' type='get' to='a@b.example/c'><q xmlns='q'/></iq>",
            "2 remote-server-not-found",
        ),
        ("<presence id='3' to='b.example'/>", "3 remote-server-not-found"),
        ("<message id='4' to='capulet.example'/>", "4 service-unavailable"),
        ("<iq id='5' type='get' to='capulet.example'><q xmlns='q'/></iq>", "5 service-unavailable"),
    ] {
        send(&romeo, xml).await;
        assert_eq!(gist(&mut romeo).await, [error], "{xml}");
    }
    for silent in [
        "<message id='1' type='error' to='montague.example'/>",
        "<iq id='2' type='result' to='montague.example'/>",
        "<message id='3' type='headline' to='capulet.example'/>",
        "<iq id='4' type='error' to='capulet.example'/>",
        "<presence id='5' to='capulet.example'/>",
    ] {
        send(&romeo, silent).await;
        assert!(gist(&mut romeo).await.is_empty(), "{silent}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_sender_is_who_the_session_is() {
    let stage = stage(scene()).await;
    let romeo = stage.attach(ROMEO).await;
    let mut juliet = stage.attach(JULIET).await;
    for from in ["", "from='romeo@capulet.example'", "from='romeo@capulet.example/orchard'"] {
        send(&romeo, &format!("<message {from} to='juliet@capulet.example/balcony'/>")).await;
        let stanza = heard(&mut juliet).await.remove(0);
        assert_eq!(stanza.from().unwrap(), romeo.jid(), "{from}");
    }
    for forged in ["romeo@capulet.example/street", "tybalt@capulet.example", "capulet.example"] {
        let xml = format!("<message from='{forged}' to='juliet@capulet.example/balcony'/>");
        let ended = romeo.send(crate::cast::stanza(&xml)).await.unwrap_err();
        assert_eq!(ended.error.unwrap().condition().name(), "invalid-from", "{forged}");
    }
    assert!(heard(&mut juliet).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn content_arrives_as_it_was_sent() {
    let stage = stage(scene()).await;
    let romeo = stage.attach(ROMEO).await;
    let mut juliet = stage.attach(JULIET).await;
    let content = "<body>&amp;&#x1F339;</body><x:y xmlns:x='urn:x' x:z=\"1\"><![CDATA[<&>]]></x:y>";
    send(&romeo, &format!("<message to='juliet@capulet.example/balcony'>{content}</message>"))
        .await;
    let stanzas: Vec<Stanza> = heard(&mut juliet).await;
    assert!(crate::cast::text(&stanzas[0]).contains(content), "{stanzas:?}");
}
