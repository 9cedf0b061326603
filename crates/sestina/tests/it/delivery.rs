//! RFC 6121 §8, row by row and column by column, as a server with contact lists follows it.

use std::collections::BTreeMap;

use sestina::{
    Stanza,
    core::Attached,
    plugins::{offline::OfflineMessages, roster::Roster},
    xml::{Element, Limits},
};
use sestina_testkit::{Scene, Stage};

/// What may be sent, by the name of its column; an `iq` of type `result` or `error` is an answer
/// that nobody has asked for.
const COLUMNS: &[(&str, &str)] = &[
    ("normal", "<message><body>Hark!</body></message>"),
    ("odd", "<message type='odd'><body>Hark!</body></message>"),
    ("chat", "<message type='chat'><body>Hark!</body></message>"),
    ("groupchat", "<message type='groupchat'><body>Hark!</body></message>"),
    ("headline", "<message type='headline'><body>Hark!</body></message>"),
    ("error", "<message type='error'><body>Hark!</body><error/></message>"),
    ("here", "<presence/>"),
    ("gone", "<presence type='unavailable'/>"),
    ("p-error", "<presence type='error'><error/></presence>"),
    ("probe", "<presence type='probe'/>"),
    ("subscribe", "<presence type='subscribe'/>"),
    ("subscribed", "<presence type='subscribed'/>"),
    ("unsubscribe", "<presence type='unsubscribe'/>"),
    ("unsubscribed", "<presence type='unsubscribed'/>"),
    ("get", "<iq type='get'><question xmlns='urn:example:q'/></iq>"),
    ("set", "<iq type='set'><question xmlns='urn:example:q'/></iq>"),
    ("result", "<iq type='result'/>"),
    ("i-error", "<iq type='error'><error/></iq>"),
];

/// Juliet's sessions by their letters, and the presence that each has sent.
const SESSIONS: &[(char, &str)] = &[
    ('a', "<presence><priority>5</priority></presence>"),
    ('b', "<presence><priority>5</priority></presence>"),
    ('c', "<presence/>"),
    ('n', "<presence><priority>-1</priority></presence>"),
    ('m', "<presence><priority>-2</priority></presence>"),
    ('u', ""),
];

/// Who gets what a stranger sends. Each cell names the sessions, or `E` where the sender is told
/// `service-unavailable`; `-` is silence on both sides.
///
/// The first column says which sessions there are, `0` that there is none, `!` that there is no
/// account either; the second the resource of the address: `=` for none, `x` for one that nobody has.
/// Rows `!` and `0` are the same, so that nobody learns who has an account.
const TABLE: &str = "
               message                                       presence                                                                         iq
who   to       normal odd  chat groupchat headline error     here gone  p-error probe subscribe subscribed unsubscribe unsubscribed           get set result i-error
# §8.5.1: there is no such account.
!      =       E      E    E    E         -        -         -    -     -       -     -         -          -           -                      E   E   -      -
!      x       E      E    E    E         -        -         -    -     -       -     -         -          -           -                      E   E   -      -
# §8.5.2.2, §8.5.3.2: there is one, and nobody is connected.
0      =       E      E    E    E         -        -         -    -     -       -     -         -          -           -                      E   E   -      -
0      x       E      E    E    E         -        -         -    -     -       -     -         -          -           -                      E   E   -      -
# §8.5.2.2: connected is not available, except to whoever knows the full address (§8.5.3.1).
u      =       E      E    E    E         -        -         -    -     -       -     -         -          -           -                      E   E   -      -
u      u       u      u    u    u         u        u         u    u     u       -     -         -          -           -                      u   u   u      u
u      x       E      E    E    E         -        -         -    -     -       -     -         -          -           -                      E   E   -      -
# §8.5.2.1: a negative priority takes no messages; presence is for all that are available.
n      =       E      E    E    E         -        -         n    n     -       -     n         -          -           -                      E   E   -      -
n      n       n      n    n    n         n        n         n    n     n       -     n         -          -           -                      n   n   n      n
n      x       E      E    E    E         -        -         -    -     -       -     n         -          -           -                      E   E   -      -
mn     =       E      E    E    E         -        -         mn   mn    -       -     mn        -          -           -                      E   E   -      -
# §8.5.2.1.1: groupchat and errors are for nobody in general, headlines for all.
c      =       c      c    c    E         c        -         c    c     -       -     c         -          -           -                      E   E   -      -
c      c       c      c    c    c         c        c         c    c     c       -     c         -          -           -                      c   c   c      c
cn     =       c      c    c    E         c        -         cn   cn    -       -     cn        -          -           -                      E   E   -      -
cn     n       n      n    n    n         n        n         n    n     n       -     cn        -          -           -                      n   n   n      n
# §8.5.3.2.1: a chat goes on with another resource, and nothing else does.
c      x       E      E    c    E         -        -         -    -     -       -     c         -          -           -                      E   E   -      -
cn     x       E      E    c    E         -        -         -    -     -       -     cn        -          -           -                      E   E   -      -
# Of several, the most available ones get it, all of them if they are equal.
ab     =       ab     ab   ab   E         ab       -         ab   ab    -       -     ab        -          -           -                      E   E   -      -
ac     =       a      a    a    E         ac       -         ac   ac    -       -     ac        -          -           -                      E   E   -      -
abcnu  =       ab     ab   ab   E         abc      -         abcn abcn  -       -     abcn      -          -           -                      E   E   -      -
abcnu  c       c      c    c    c         c        c         c    c     c       -     abcn      -          -           -                      c   c   c      c
abcnu  x       E      E    ab   E         -        -         -    -     -       -     abcn      -          -           -                      E   E   -      -
";

/// The same with messages that wait for whoever is not there: `-` is then what the sender of one
/// hears, whether there is somebody to wait for or not.
const WAITING: &str = "
who   to       normal odd  chat groupchat headline error     get
!      =       -      -    -    E         -        -         E
!      x       -      -    -    E         -        -         E
0      =       -      -    -    E         -        -         E
0      x       -      -    -    E         -        -         E
u      =       -      -    -    E         -        -         E
n      =       -      -    -    E         -        -         E
n      x       -      -    -    E         -        -         E
c      =       c      c    c    E         c        -         E
";

fn scene() -> Scene {
    Scene::new("capulet.example").plugin(Roster::default())
}

#[tokio::test(start_paused = true)]
async fn everybody_gets_what_is_theirs() {
    check(scene(), TABLE).await;
}

#[tokio::test(start_paused = true)]
async fn messages_wait_for_nobody_as_for_somebody() {
    check(scene().plugin(OfflineMessages::default()), WAITING).await;
}

/// Plays every cell: one account for each row, and one sender for each column, so that no two
/// cells know of each other.
async fn check(scene: Scene, table: &str) {
    let stage = scene.build().await.unwrap();
    let mut rows = table.lines().filter(|line| !line.starts_with(['#', ' ']) && !line.is_empty());
    let columns: Vec<_> = rows.next().unwrap().split_whitespace().skip(2).collect();
    let mut senders = BTreeMap::new();
    for column in &columns {
        let sender = format!("{column}@capulet.example/orchard");
        stage.account(&sender.parse().unwrap()).await;
        senders.insert(*column, stage.attach(&sender).await);
    }
    let mut wrong = Vec::new();
    for (number, row) in rows.enumerate() {
        let mut cells = row.split_whitespace();
        let (who, to) = (cells.next().unwrap(), cells.next().unwrap());
        let account = format!("juliet{number}@capulet.example");
        let mut sessions = attach(&stage, &account, who).await;
        let address = match to {
            "=" => account,
            resource => format!("{account}/{resource}"),
        };
        let cells: Vec<_> = cells.collect();
        assert_eq!(cells.len(), columns.len(), "{row}");
        for (column, expected) in columns.iter().zip(cells) {
            let (_, template) = COLUMNS.iter().find(|(name, _)| name == column).unwrap();
            let sender = senders.get_mut(column).unwrap();
            sender.send(stanza(template, &address)).await.unwrap();
            stage.settle().await;
            let became = became(sender, &mut sessions).await;
            if became != expected {
                wrong.push(format!("{who} {to} {column}: {expected} expected, {became}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Makes the sessions of a row, and their account if there is to be one.
async fn attach(stage: &Stage, account: &str, who: &str) -> Vec<(char, Attached)> {
    let mut sessions = Vec::new();
    if who != "!" {
        stage.account(&account.parse().unwrap()).await;
    }
    for (letter, presence) in SESSIONS.iter().filter(|(letter, _)| who.contains(*letter)) {
        let mut session = stage.attach(&format!("{account}/{letter}")).await;
        if !presence.is_empty() {
            session.send(read(presence)).await.unwrap();
        }
        heard(&mut session).await;
        sessions.push((*letter, session));
    }
    // Each has seen the others come.
    stage.settle().await;
    for (_, session) in &mut sessions {
        heard(session).await;
    }
    sessions
}

/// A cell as it came about.
async fn became(sender: &mut Attached, sessions: &mut [(char, Attached)]) -> String {
    let mut got = String::new();
    for (letter, session) in sessions {
        match &heard(session).await[..] {
            [] => {}
            [stanza] if stanza.id() == Some("it") => got.push(*letter),
            other => got.push_str(&format!("{letter}{other:?}")),
        }
    }
    let mut letters: Vec<_> = got.chars().collect();
    if letters.iter().all(|letter| letter.is_ascii_lowercase()) {
        letters.sort_unstable();
        got = letters.into_iter().collect();
    }
    for answer in heard(sender).await {
        match answer.reported_error() {
            Some(error) if error.condition().name() == "service-unavailable" => got.push('E'),
            _ => got.push_str(&format!("{answer:?}")),
        }
    }
    if got.is_empty() { "-".to_owned() } else { got }
}

async fn heard(session: &mut Attached) -> Vec<Stanza> {
    let mut heard = Vec::new();
    while session.session().queued() > 0 {
        heard.push(session.receive().await.unwrap());
    }
    heard
}

fn stanza(template: &str, to: &str) -> Stanza {
    let name = template.find([' ', '>', '/']).unwrap();
    read(&format!("{} id='it' to='{to}'{}", &template[..name], &template[name..]))
}

fn read(xml: &str) -> Stanza {
    let name = xml.find([' ', '>', '/']).unwrap();
    let xml = format!("{} xmlns='jabber:client'{}", &xml[..name], &xml[name..]);
    Stanza::read(Element::parse(xml, &Limits::default()).unwrap()).unwrap()
}
