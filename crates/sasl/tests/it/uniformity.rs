//! An account that does not exist looks like one that does.

use sestina_sasl::{Hash, Mechanisms, Recipe, ServerSecret};

use crate::server::{Server, recipe, tls};

/// What a client without the password gets to see, and what the server does for it.
fn observe(server: &Server, username: &str) -> (Vec<usize>, Vec<&'static str>) {
    let mut session = server.start("SCRAM-SHA-256");
    let first = format!("n,,n={username},r=client");
    let challenge = String::from_utf8(session.begin(Some(first.as_bytes())).challenge()).unwrap();
    let shape = challenge.split(',').map(str::len).collect();
    assert!(challenge.ends_with(",i=4096"));
    let nonce = challenge.split(',').next().unwrap();
    let last = format!("c=biws,{nonce},p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    let failure = session.respond(last.as_bytes()).result().unwrap_err();
    assert_eq!(failure.condition(), "not-authorized");
    (shape, session.log)
}

fn challenge(server: &Server, mechanism: &str, username: &str) -> Vec<u8> {
    let first = format!("n,,n={username},r=client");
    server.start(mechanism).begin(Some(first.as_bytes())).challenge()
}

#[test]
fn scram_takes_the_same_steps() {
    let server = Server::on(tls());
    let known = observe(&server, "juliet");
    assert_eq!(known.1, ["ask", "challenge", "failed"]);
    assert_eq!(observe(&server, "tybalt"), known);
    let mut without = server.clone();
    without.credentials =
        recipe().with_hashes([Hash::Sha1]).unwrap().derive("x", &[1; 32]).unwrap();
    assert_eq!(observe(&without, "juliet"), known);
}

#[test]
fn plain_takes_the_same_steps() {
    let server = Server::on(tls());
    for username in ["juliet", "tybalt"] {
        let mut session = server.start("PLAIN");
        let message = format!("\0{username}\0pencil");
        let failure = session.begin(Some(message.as_bytes())).result().unwrap_err();
        assert_eq!(failure.condition(), "not-authorized");
        assert_eq!(session.log, ["ask", "work", "failed"]);
    }
}

#[test]
fn salts_stay_the_same_and_depend_on_everything_else() {
    let server = Server::on(tls());
    let salt = |mechanism, username| challenge(&server, mechanism, username);
    let tybalt = salt("SCRAM-SHA-256", "tybalt");
    assert_eq!(salt("SCRAM-SHA-256", "tybalt"), tybalt);
    // A real name has one salt however it is written, so an invented one must too.
    assert_eq!(salt("SCRAM-SHA-256", "Tybalt"), tybalt);
    assert_ne!(salt("SCRAM-SHA-256", "paris"), tybalt);
    assert_ne!(salt("SCRAM-SHA-1", "tybalt"), tybalt);
    let mut other = server.clone();
    other.mechanisms = Mechanisms::standard(&recipe(), ServerSecret::new([2; 32]));
    assert_ne!(challenge(&other, "SCRAM-SHA-256", "tybalt"), tybalt);
    let restarted = Server::on(tls());
    assert_eq!(challenge(&restarted, "SCRAM-SHA-256", "tybalt"), tybalt);
}

#[test]
fn the_recipe_shows_in_accounts_that_do_not_exist() {
    let mut server = Server::on(tls());
    server.mechanisms = Mechanisms::standard(&Recipe::default(), ServerSecret::new([2; 32]));
    assert!(challenge(&server, "SCRAM-SHA-1", "tybalt").ends_with(b",i=10000"));
}
