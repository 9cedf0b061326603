//! What fails, and with which condition.

use sestina_sasl::{Answer, Failure, Hash, MAX_MESSAGE, MAX_PASSWORD, Standing, Step};

use crate::client::Client;
use crate::server::{EXPORTED, PASSWORD, Server, bound, tls};

fn sha_1() -> Client {
    Client::new(Hash::Sha1)
}

fn failure(client: &Client, server: &Server, mechanism: &str) -> Failure {
    client.log_in(server, mechanism).unwrap_err()
}

#[test]
fn wrong_passwords_and_names() {
    let server = Server::on(tls());
    let wrong = Client { password: "pencil".to_owned(), ..sha_1() };
    assert_eq!(failure(&wrong, &server, "SCRAM-SHA-1"), Failure::NotAuthorized);
    let stranger = Client { username: "tybalt".to_owned(), ..sha_1() };
    assert_eq!(failure(&stranger, &server, "SCRAM-SHA-1"), Failure::NotAuthorized);
    for message in
        ["\0juliet\0pencil", "\0tybalt\0pencil", "\0a b\0x", "\0juliet@capulet.example\0x"]
    {
        assert_eq!(server.play("PLAIN", &[message.as_bytes()]), Err(Failure::NotAuthorized));
    }
}

#[test]
fn accounts_without_the_verifier() {
    let mut server = Server::on(tls());
    server.credentials = Default::default();
    assert_eq!(failure(&sha_1(), &server, "SCRAM-SHA-1"), Failure::NotAuthorized);
    let right = format!("\0juliet\0{PASSWORD}");
    assert_eq!(server.play("PLAIN", &[right.as_bytes()]), Err(Failure::NotAuthorized));
}

#[test]
fn standing_is_told_only_to_who_knows_the_password() {
    for (standing, told) in [
        (Standing::Disabled, Failure::AccountDisabled),
        (Standing::Expired, Failure::CredentialsExpired),
    ] {
        let mut server = Server::on(tls().with_certificate(["juliet@capulet.example"]));
        server.standing = standing;
        assert_eq!(failure(&sha_1(), &server, "SCRAM-SHA-1"), told);
        let wrong = Client { password: "pencil".to_owned(), ..sha_1() };
        assert_eq!(failure(&wrong, &server, "SCRAM-SHA-1"), Failure::NotAuthorized);
        let right = format!("\0juliet\0{PASSWORD}");
        assert_eq!(server.play("PLAIN", &[right.as_bytes()]), Err(told));
        assert_eq!(server.play("PLAIN", &[b"\0juliet\0pencil"]), Err(Failure::NotAuthorized));
        assert_eq!(server.play("EXTERNAL", &[b""]), Err(told));
    }
}

#[test]
fn a_store_that_cannot_say() {
    let mut server = Server::on(tls().with_certificate(["juliet@capulet.example"]));
    server.store_fails = true;
    assert_eq!(failure(&sha_1(), &server, "SCRAM-SHA-1"), Failure::TemporaryAuthFailure);
    assert_eq!(server.play("PLAIN", &[b"\0juliet\0x"]), Err(Failure::TemporaryAuthFailure));
    assert_eq!(server.play("EXTERNAL", &[b""]), Err(Failure::TemporaryAuthFailure));
}

#[test]
fn other_authorization_identities() {
    let server = Server::on(tls().with_certificate(["juliet@capulet.example"]));
    for authzid in
        ["romeo", "romeo@montague.example", "juliet@montague.example", "juliet@capulet.example/x"]
    {
        let client = Client { gs2_header: format!("n,a={authzid},"), ..sha_1() };
        assert_eq!(failure(&client, &server, "SCRAM-SHA-1"), Failure::InvalidAuthzid);
        let plain = format!("{authzid}\0juliet\0{PASSWORD}");
        assert_eq!(server.play("PLAIN", &[plain.as_bytes()]), Err(Failure::InvalidAuthzid));
        let external = server.play("EXTERNAL", &[authzid.as_bytes()]);
        assert_eq!(external, Err(Failure::InvalidAuthzid));
    }
}

#[test]
fn channel_binding_that_does_not_match() {
    let server = Server::on(bound());
    let mechanism = "SCRAM-SHA-1-PLUS";
    for (name, data) in [
        ("tls-exporter", &b"of another connection"[..]),
        ("tls-exporter", b""),
        ("tls-server-end-point", EXPORTED),
        ("tls-unique", EXPORTED),
        ("TLS-EXPORTER", EXPORTED),
    ] {
        let client = Client::bound(Hash::Sha1, name, data);
        assert_eq!(failure(&client, &server, mechanism), Failure::NotAuthorized, "{name}");
    }
    for header in ["n,,", "y,,"] {
        let client = Client { gs2_header: header.to_owned(), ..sha_1() };
        assert_eq!(failure(&client, &server, mechanism), Failure::MalformedRequest, "{header}");
    }
}

#[test]
fn channel_binding_with_a_mechanism_that_has_none() {
    let client = Client::bound(Hash::Sha1, "tls-exporter", EXPORTED);
    assert_eq!(failure(&client, &Server::on(bound()), "SCRAM-SHA-1"), Failure::MalformedRequest);
    let smuggled = Client { binding: EXPORTED.to_vec(), ..sha_1() };
    assert_eq!(failure(&smuggled, &Server::on(bound()), "SCRAM-SHA-1"), Failure::NotAuthorized);
}

#[test]
fn a_list_of_mechanisms_that_somebody_cut_short() {
    let client = Client { gs2_header: "y,,".to_owned(), ..sha_1() };
    assert_eq!(failure(&client, &Server::on(bound()), "SCRAM-SHA-1"), Failure::NotAuthorized);
}

#[test]
fn a_header_that_changes_underway() {
    let server = Server::on(tls());
    let mut session = server.start("SCRAM-SHA-1");
    let challenge = session.begin(Some(b"n,,n=juliet,r=client")).challenge();
    let nonce = String::from_utf8(challenge).unwrap();
    let nonce = nonce.split(',').next().unwrap();
    // `eSws` is the header `y,,`.
    let last = format!("c=eSws,{nonce},p=AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    assert_eq!(session.respond(last.as_bytes()).result(), Err(Failure::NotAuthorized));
}

#[test]
fn nonces_that_are_not_echoed() {
    let server = Server::on(tls());
    for nonce in ["client", "clientAwMDAwMDAwMDAwMDAwMDAwMDAwM", "x"] {
        let client = Client { final_nonce: Some(nonce.to_owned()), ..sha_1() };
        assert_eq!(failure(&client, &server, "SCRAM-SHA-1"), Failure::NotAuthorized, "{nonce}");
    }
}

#[test]
fn demanded_extensions() {
    let server = Server::on(tls());
    let client = Client { extensions: ",m=must".to_owned(), ..sha_1() };
    assert_eq!(failure(&client, &server, "SCRAM-SHA-1"), Failure::MalformedRequest);
    let client = Client { final_extensions: ",m=must".to_owned(), ..sha_1() };
    assert_eq!(failure(&client, &server, "SCRAM-SHA-1"), Failure::MalformedRequest);
}

#[test]
fn malformed_messages() {
    let server = Server::on(tls());
    for message in [&b""[..], b"n,,", b"\xff", b"n,,n=x,r=y,n=z"] {
        assert_eq!(server.play("SCRAM-SHA-1", &[message]), Err(Failure::MalformedRequest));
    }
    for message in [&b""[..], b"c=biws,r=x", b"c=biws,r=x,p=!", b"c=biws,r=x,p=AAA", b"\xff"] {
        let played = server.play("SCRAM-SHA-1", &[b"n,,n=juliet,r=x", message]);
        assert_eq!(played, Err(Failure::MalformedRequest), "{message:?}");
    }
    for message in [
        &b""[..],
        b"juliet",
        b"\0",
        b"\0\0",
        b"juliet\0x",
        b"\0juliet\0",
        b"\0\0x",
        b"\0juliet\0x\0",
        b"\0juliet\0x\0y",
        b"\0juliet\0\xff",
    ] {
        let played = server.play("PLAIN", &[message]);
        assert_eq!(played, Err(Failure::MalformedRequest), "{message:?}");
    }
    let two = tls().with_certificate(["nurse@capulet.example", "juliet@capulet.example"]);
    assert_eq!(Server::on(two).play("EXTERNAL", &[b""]), Err(Failure::InvalidAuthzid));
    let one = tls().with_certificate(["nurse@capulet.example"]);
    assert_eq!(Server::on(one.clone()).play("EXTERNAL", &[b""]), Err(Failure::NotAuthorized));
    assert_eq!(Server::on(one).play("EXTERNAL", &[b"\xff"]), Err(Failure::MalformedRequest));
}

#[test]
fn proofs_of_the_wrong_length() {
    let server = Server::on(tls());
    let mut session = server.start("SCRAM-SHA-1");
    let challenge = session.begin(Some(b"n,,n=juliet,r=client")).challenge();
    let nonce = String::from_utf8(challenge).unwrap();
    let last = format!("c=biws,{},p=AAAA", nonce.split(',').next().unwrap());
    assert_eq!(session.respond(last.as_bytes()).result(), Err(Failure::NotAuthorized));
}

#[test]
fn messages_beyond_the_bound() {
    let server = Server::on(tls());
    let message = |len: usize| format!("n,,n=juliet,r=x,e={}", "x".repeat(len - 18)).into_bytes();
    server.start("SCRAM-SHA-1").begin(Some(&message(MAX_MESSAGE))).challenge();
    let above = message(MAX_MESSAGE + 1);
    assert_eq!(server.play("SCRAM-SHA-1", &[&above]), Err(Failure::MalformedRequest));
    let mut session = server.start("SCRAM-SHA-1");
    session.begin(None).challenge();
    assert_eq!(session.respond(&above).result(), Err(Failure::MalformedRequest));
    let password = format!("\0juliet\0{}", "x".repeat(MAX_PASSWORD + 1));
    assert_eq!(server.play("PLAIN", &[password.as_bytes()]), Err(Failure::NotAuthorized));
}

#[test]
fn calls_out_of_turn_end_the_exchange() {
    let failed =
        |step: Step, with: Failure| matches!(step, Step::Failed(failure) if failure == with);
    let server = Server::on(tls());
    let start = || server.start("SCRAM-SHA-1").exchange;
    let first = &b"n,,n=juliet,r=x"[..];

    let mut exchange = start();
    assert!(failed(exchange.respond(first), Failure::MalformedRequest));
    assert!(exchange.is_over());

    let mut exchange = start();
    assert!(failed(exchange.resume(Answer::Unknown), Failure::TemporaryAuthFailure));
    assert!(failed(exchange.begin(Some(first)), Failure::MalformedRequest));

    // The client does not wait for its challenge.
    let mut exchange = start();
    assert!(matches!(exchange.begin(Some(first)), Step::Ask(_)));
    assert!(!exchange.awaits_client());
    assert!(failed(exchange.respond(b"c=biws"), Failure::MalformedRequest));
    assert!(failed(exchange.resume(Answer::Unknown), Failure::TemporaryAuthFailure));

    let mut exchange = start();
    assert!(matches!(exchange.begin(None), Step::Challenge(_)));
    assert!(exchange.awaits_client());
    assert_eq!(exchange.abort(), Failure::Aborted);
    assert!(failed(exchange.respond(first), Failure::MalformedRequest));
}
