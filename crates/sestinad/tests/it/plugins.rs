//! Plugins are there when they are built in and enabled, and else leave nothing behind.

use crate::{
    client::Client,
    daemon::{Daemon, add},
};

/// What the server offers before login, and what it says to a ping.
fn offered_and_answered(arguments: &[&str]) -> (String, String) {
    let data = tempfile::tempdir().unwrap();
    let daemon = Daemon::start_with(data.path(), arguments);
    let mut stranger = Client::clear(daemon.address("c2s"));
    stranger.open();
    let offered = stranger.read_through("</stream:features>");
    add(data.path(), "romeo", "montague");
    let trusted = data.path().join("tls/self-made.crt");
    let mut romeo = Client::start_tls(daemon.address("c2s"), &trusted);
    assert!(romeo.log_in("romeo", "montague", "orchard"));
    romeo.send("<iq type='get' id='p' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>");
    romeo.expect("id='p'");
    romeo.send("<iq type='get' id='end' to='localhost'><query xmlns='urn:example:none'/></iq>");
    (offered, romeo.read_through("id='end'"))
}

#[test]
fn the_default_preset_has_every_plugin() {
    let (offered, answered) = offered_and_answered(&[]);
    let registers = offered.contains("http://jabber.org/features/iq-register");
    assert_eq!(registers, cfg!(feature = "register"), "{offered}");
    assert_eq!(!answered.contains("service-unavailable"), cfg!(feature = "ping"), "{answered}");
}

#[test]
fn the_minimal_preset_has_none() {
    let (offered, answered) = offered_and_answered(&["--preset", "minimal"]);
    assert!(!offered.contains("iq-register"), "{offered}");
    assert!(answered.contains("service-unavailable"), "{answered}");
}

#[cfg(feature = "iq-auth")]
#[test]
fn a_client_older_than_xmpp_logs_in() {
    let data = tempfile::tempdir().unwrap();
    let daemon = Daemon::start_with(data.path(), &["--preset", "legacy"]);
    add(data.path(), "romeo", "montague");
    let mut romeo = Client::clear(daemon.address("c2s"));
    romeo.send(
        "<stream:stream to='localhost' xmlns='jabber:client' \
         xmlns:stream='http://etherx.jabber.org/streams'>",
    );
    romeo.send(
        "<iq type='set' id='a'><query xmlns='jabber:iq:auth'><username>romeo</username>\
         <password>montague</password><resource>orchard</resource></query></iq>",
    );
    let answered = romeo.read_through("id='a'");
    assert!(!answered.contains("version='1.0' xml:lang") && !answered.contains("features"));
    romeo.expect("type='result'");
    romeo.send("<message to='romeo@localhost/orchard'><body>Is the day so young?</body></message>");
    romeo.expect("Is the day so young?");
}

#[test]
fn the_legacy_preset_lets_old_clients_in() {
    let (offered, _) = offered_and_answered(&["--preset", "legacy"]);
    let old = offered.contains("http://jabber.org/features/iq-auth");
    assert_eq!(old, cfg!(feature = "iq-auth"), "{offered}");
    let (offered, _) = offered_and_answered(&[]);
    assert!(!offered.contains("http://jabber.org/features/iq-auth"), "{offered}");
}
