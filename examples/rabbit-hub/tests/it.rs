//! Runs the example, with a rabbit that was scripted.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Command, Stdio},
    time::Duration,
};

/// What a rabbit sends, and the end of what it waits for.
const SESSION: &[(&str, &str)] = &[
    (HEADER, "</stream:features>"),
    ("<iq type='get' id='1'><query xmlns='jabber:iq:register'/></iq>", "</iq>"),
    (
        "<iq to='burrow' type='set' id='2'>\n\t<query xmlns=\"jabber:iq:register\">\n\t\t\
         <username>f81edfee27c1</username>\n\t\t<password>83279de2ea5c</password>\n\t</query>\n</iq>",
        "id='2' type='result'/>",
    ),
    (
        // \0f81edfee27c1\083279de2ea5c
        "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>\
         AGY4MWVkZmVlMjdjMQA4MzI3OWRlMmVhNWM=</auth>",
        "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",
    ),
    (HEADER, "</stream:features>"),
    (
        "<iq from='f81edfee27c1@burrow' to='burrow' type='set' id='3'>\
         <bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>idle</resource></bind></iq>",
        "<jid>f81edfee27c1@burrow/idle</jid></bind></iq>",
    ),
    (
        "<iq from='f81edfee27c1@burrow/idle' to='burrow' type='set' id='4'>\
         <session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>",
        "/>",
    ),
    (
        "<presence/><message to='keeper@burrow/hub' type='chat'><body>I am awake</body></message>",
        "</presence>|/>",
    ),
];

const HEADER: &str = "<?xml version='1.0' encoding='UTF-8'?><stream:stream to='burrow' \
                      xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' \
                      version='1.0'>";

#[test]
fn a_rabbit_registers_and_is_told_good_morning() {
    let mut hub = Command::new(env!("CARGO_BIN_EXE_rabbit-hub"))
        .arg("127.0.0.1:0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut orders = hub.stdin.take().unwrap();
    let mut said = BufReader::new(hub.stdout.take().unwrap()).lines().map(Result::unwrap);
    let address = said.next().unwrap().replace("rabbits are awaited on ", "");

    let mut rabbit = TcpStream::connect(address).unwrap();
    rabbit.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    for (sent, awaited) in SESSION {
        rabbit.write_all(sent.as_bytes()).unwrap();
        hear(&mut rabbit, awaited);
    }
    assert_eq!(said.next().unwrap(), "f81edfee27c1@burrow/idle: I am awake");

    orders.write_all(b"f81edfee27c1 Good morning\nnobody Hello\n").unwrap();
    let told = hear(&mut rabbit, "</message>");
    assert!(told.contains("from='keeper@burrow/hub'"), "{told}");
    assert!(told.contains("<body>Good morning</body>"), "{told}");
    assert_eq!(said.next().unwrap(), "nobody@burrow/idle is not there");

    // Without orders there is no hub.
    drop(orders);
    assert!(hear(&mut rabbit, "</stream:stream>").contains("system-shutdown"));
    drop(rabbit);
    assert!(hub.wait().unwrap().success());
}

/// Reads until one of the ends has come that are awaited.
fn hear(rabbit: &mut TcpStream, awaited: &str) -> String {
    let mut heard = String::new();
    while !awaited.split('|').any(|end| heard.ends_with(end)) {
        let mut buffer = [0; 4096];
        let read = rabbit.read(&mut buffer).unwrap();
        assert_ne!(read, 0, "the stream ended with {heard:?} before {awaited:?}");
        heard.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
    }
    heard
}
