//! Fast re-authentication.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hmac::{Hmac, KeyInit, Mac};
use sestina_sasl::{
    BindingType, Channel, Clear, Failure, Identity, MAX_TOKENS, Mechanisms, Policy, Protection,
    ServerSecret, Standing, Success, TokenRecord, Tokens,
};
use sha2::Sha256;

use crate::server::{END_POINT, EXPORTED, Server, bound};

const EXPORTER: &str = "HT-SHA-256-EXPR";
const NONE: &str = "HT-SHA-256-NONE";

fn tokens() -> Tokens {
    Tokens::new(Arc::new(ServerSecret::new([4; 32])))
}

fn issue(id: u8, mechanism: &str) -> (String, TokenRecord) {
    let (token, record) = tokens()
        .issue(&bound(), "juliet", mechanism, SystemTime::UNIX_EPOCH, &mut |bytes| bytes.fill(id))
        .unwrap();
    (token.to_string(), record)
}

fn server(records: &[TokenRecord]) -> Server {
    let mut server = Server::on(bound());
    server.mechanisms = tokens().mechanisms().clone();
    server.records = records.to_vec();
    server
}

fn mac(token: &str, role: &str, data: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(token.as_bytes()).unwrap();
    mac.update(role.as_bytes());
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

fn message(username: &str, token: &str, data: &[u8]) -> Vec<u8> {
    [username.as_bytes(), b"\0", &mac(token, "Initiator", data)].concat()
}

fn log_in(server: &Server, mechanism: &str, token: &str, data: &[u8]) -> Result<Success, Failure> {
    server.play(mechanism, &[&message("juliet", token, data)])
}

#[test]
fn each_mechanism_binds_its_channel() {
    for (mechanism, data, binding) in [
        (EXPORTER, EXPORTED, Some(BindingType::TlsExporter)),
        ("HT-SHA-256-ENDP", END_POINT, Some(BindingType::TlsServerEndPoint)),
        (NONE, b"", None),
    ] {
        let (token, record) = issue(1, mechanism);
        let server = server(std::slice::from_ref(&record));
        let success = log_in(&server, mechanism, &token, data).unwrap();
        assert_eq!(success.identity, Identity::Account("juliet".to_owned()));
        assert_eq!(success.data, Some(mac(&token, "Responder", data)));
        assert_eq!((success.binding, success.token), (binding, Some(record.id())));
        let elsewhere = log_in(&server, mechanism, &token, b"another connection");
        assert_eq!(elsewhere, Err(Failure::NotAuthorized));
    }
}

#[test]
fn names_with_and_without_domain() {
    let (token, record) = issue(1, NONE);
    let server = server(&[record]);
    for (name, result) in [
        ("Juliet", Ok(())),
        ("juliet@capulet.example", Ok(())),
        ("juliet@montague.example", Err(Failure::NotAuthorized)),
        ("romeo", Err(Failure::NotAuthorized)),
        ("", Err(Failure::NotAuthorized)),
    ] {
        let played = server.play(NONE, &[&message(name, &token, b"")]);
        assert_eq!(played.map(|_| ()), result, "{name:?}");
    }
}

#[test]
fn a_token_is_for_one_mechanism() {
    let (token, record) = issue(1, EXPORTER);
    let server = server(&[record]);
    assert_eq!(log_in(&server, NONE, &token, b""), Err(Failure::NotAuthorized));
    assert_eq!(log_in(&server, NONE, &token, EXPORTED), Err(Failure::NotAuthorized));
}

#[test]
fn a_token_is_of_one_server_account_and_record() {
    let (token, record) = issue(1, NONE);
    let (other, _) = issue(2, NONE);
    assert_ne!(token, other);
    assert_eq!(
        log_in(&server(std::slice::from_ref(&record)), NONE, &other, b""),
        Err(Failure::NotAuthorized)
    );
    assert_eq!(log_in(&server(&[]), NONE, &token, b""), Err(Failure::NotAuthorized));
    let mut elsewhere = server(&[record]);
    let secret = Arc::new(ServerSecret::new([5; 32]));
    elsewhere.mechanisms = Tokens::new(secret).mechanisms().clone();
    assert_eq!(log_in(&elsewhere, NONE, &token, b""), Err(Failure::NotAuthorized));
}

#[test]
fn several_tokens_of_a_client() {
    let (token, record) = issue(9, NONE);
    let mut records: Vec<_> = (0..MAX_TOKENS - 1).map(|id| issue(id as u8, NONE).1).collect();
    records.push(record);
    assert!(log_in(&server(&records), NONE, &token, b"").is_ok());
    records.insert(0, issue(200, NONE).1);
    assert_eq!(log_in(&server(&records), NONE, &token, b""), Err(Failure::NotAuthorized));
}

#[test]
fn expiry_and_standing() {
    let (token, record) = issue(1, NONE);
    let mut server = server(std::slice::from_ref(&record));
    server.now = record.expires() - Duration::from_secs(1);
    assert!(log_in(&server, NONE, &token, b"").is_ok());
    server.standing = Standing::Disabled;
    assert_eq!(log_in(&server, NONE, &token, b""), Err(Failure::AccountDisabled));
    assert_eq!(log_in(&server, NONE, "guess", b""), Err(Failure::NotAuthorized));
    server.now = record.expires();
    assert_eq!(log_in(&server, NONE, &token, b""), Err(Failure::CredentialsExpired));
    server.store_fails = true;
    assert_eq!(log_in(&server, NONE, &token, b""), Err(Failure::TemporaryAuthFailure));
}

#[test]
fn malformed_messages() {
    let server = server(&[]);
    for message in [&b""[..], b"juliet", b"juliet\0", b"juliet\0short", b"\xff\0x", &[0; 34]] {
        assert_eq!(server.play(NONE, &[message]), Err(Failure::MalformedRequest), "{message:?}");
    }
}

#[test]
fn offered_where_they_are_safe() {
    let offered = |mechanisms: &Mechanisms, channel: &Channel| {
        mechanisms.offered(channel).collect::<Vec<_>>().join(" ")
    };
    let tokens = tokens();
    assert_eq!(
        offered(tokens.mechanisms(), &bound()),
        "HT-SHA-256-EXPR HT-SHA-256-ENDP HT-SHA-256-NONE"
    );
    let clear = Channel::new("capulet.example", Protection::Clear);
    assert_eq!(offered(tokens.mechanisms(), &clear), "");
    let mut policy = Policy::default();
    policy.clear = Clear::Always;
    assert_eq!(offered(&tokens.mechanisms().clone().with_policy(policy), &clear), "");
    let issued = tokens.issue(&clear, "juliet", "PLAIN", SystemTime::UNIX_EPOCH, &mut |_| {});
    assert_eq!(issued.map(|_| ()), Err(Failure::InvalidMechanism));
}
