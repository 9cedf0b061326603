//! What succeeds.

use sestina_sasl::{BindingType, Hash, Identity, Success};

use crate::client::Client;
use crate::server::{END_POINT, EXPORTED, PASSWORD, Server, bound, tls};

const HASHES: [Hash; 3] = [Hash::Sha1, Hash::Sha256, Hash::Sha512];

fn is_juliet(success: &Success) -> bool {
    success.identity == Identity::Account("juliet".to_owned())
}

#[test]
fn scram() {
    let server = Server::on(tls());
    for hash in HASHES {
        let success = Client::new(hash).log_in(&server, &format!("SCRAM-{hash}")).unwrap();
        assert!(is_juliet(&success));
        assert_eq!(success.binding, None);
    }
}

#[test]
fn scram_plus() {
    let server = Server::on(bound());
    for hash in HASHES {
        for (binding, data) in
            [(BindingType::TlsExporter, EXPORTED), (BindingType::TlsServerEndPoint, END_POINT)]
        {
            let client = Client::bound(hash, binding.name(), data);
            let success = client.log_in(&server, &format!("SCRAM-{hash}-PLUS")).unwrap();
            assert!(is_juliet(&success));
            assert_eq!(success.binding, Some(binding));
        }
    }
}

#[test]
fn scram_without_binding_where_it_is_offered() {
    let success = Client::new(Hash::Sha1).log_in(&Server::on(bound()), "SCRAM-SHA-1").unwrap();
    assert_eq!(success.binding, None);
}

#[test]
fn scram_with_a_client_that_could_bind_where_none_is_offered() {
    let client = Client { gs2_header: "y,,".to_owned(), ..Client::new(Hash::Sha256) };
    assert!(client.log_in(&Server::on(tls()), "SCRAM-SHA-256").is_ok());
}

#[test]
fn names_and_authorization_identities() {
    let server = Server::on(tls());
    for (gs2_header, username) in [
        ("n,,", "Juliet"),
        ("n,,", "ju\u{ad}liet"),
        ("n,a=juliet@capulet.example,", "juliet"),
        ("n,a=Juliet@Capulet.Example,", "JULIET"),
        ("n,a=juliet,", "juliet"),
    ] {
        let client = Client {
            gs2_header: gs2_header.to_owned(),
            username: username.to_owned(),
            ..Client::new(Hash::Sha1)
        };
        assert!(
            is_juliet(&client.log_in(&server, "SCRAM-SHA-1").unwrap()),
            "{gs2_header}{username}"
        );
    }
}

#[test]
fn optional_extensions_are_passed_over() {
    let client = Client {
        extensions: ",x=unknown".to_owned(),
        final_extensions: ",y=unknown".to_owned(),
        ..Client::new(Hash::Sha512)
    };
    assert!(client.log_in(&Server::on(tls()), "SCRAM-SHA-512").is_ok());
}

#[test]
fn without_an_initial_response_the_client_is_asked_for_it() {
    let server = Server::on(tls());
    for mechanism in ["SCRAM-SHA-1", "PLAIN"] {
        assert_eq!(server.start(mechanism).begin(None).challenge(), b"");
    }
    let mut session = server.start("PLAIN");
    session.begin(None).challenge();
    assert!(session.respond(b"\0juliet\0r0m30myr0m30").result().is_ok());
}

#[test]
fn plain() {
    let server = Server::on(tls());
    for start in ["", "juliet", "juliet@capulet.example"] {
        let message = format!("{start}\0juliet\0{PASSWORD}");
        let success = server.play("PLAIN", &[message.as_bytes()]).unwrap();
        assert!(is_juliet(&success));
        assert_eq!(success.data, None);
    }
}

#[test]
fn plain_with_whatever_verifier_there_is() {
    for hash in HASHES {
        let mut server = Server::on(tls());
        let recipe = crate::server::recipe().with_hashes([hash]).unwrap();
        server.credentials = recipe.derive("\u{1f511} key", &[8; 32]).unwrap();
        assert!(server.play("PLAIN", &["\0juliet\0\u{1f511}\u{a0}key".as_bytes()]).is_ok());
        assert!(server.play("PLAIN", &[b"\0juliet\0key"]).is_err());
    }
}

#[test]
fn external() {
    let one = Server::on(tls().with_certificate(["juliet@capulet.example"]));
    for authzid in ["", "juliet", "Juliet@capulet.example"] {
        assert!(is_juliet(&one.play("EXTERNAL", &[authzid.as_bytes()]).unwrap()), "{authzid:?}");
    }
    let two = tls().with_certificate(["nurse@capulet.example", "juliet@capulet.example"]);
    assert!(is_juliet(&Server::on(two).play("EXTERNAL", &[b"juliet@capulet.example"]).unwrap()));
}

#[test]
fn anonymous() {
    let mut server = Server::on(tls());
    server.mechanisms = server.mechanisms.with(sestina_sasl::AnonymousOffer);
    let longest = "\u{e9}".repeat(255);
    for trace in ["", "sirhc", &longest] {
        let success = server.play("ANONYMOUS", &[trace.as_bytes()]).unwrap();
        assert_eq!(success.identity, Identity::Anonymous);
    }
    for bad in [&b"\xff"[..], b"a\0", "x".repeat(256).as_bytes()] {
        assert!(server.play("ANONYMOUS", &[bad]).is_err());
    }
}
