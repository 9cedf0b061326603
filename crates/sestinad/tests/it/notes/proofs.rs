//! What old clients work out to show that they know a password.

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha1::Sha1;

/// What a transcript calls by name.
pub(super) fn work_out(what: &str, of: &[&str], domain: &str) -> Option<String> {
    Some(match (what, of) {
        ("plain", [name, password]) => BASE64_STANDARD.encode(format!("\0{name}\0{password}")),
        ("digest", [id, password]) => sha1(&format!("{id}{password}")),
        ("zero-knowledge", [password, token, sequence]) => {
            let first = sha1(&format!("{}{token}", sha1(password)));
            (0..sequence.parse().ok()?).fold(first, |hash, _| sha1(&hash))
        }
        ("cram-md5", [challenge, name, password]) => {
            let mut mac = Hmac::<Md5>::new_from_slice(password.as_bytes()).ok()?;
            mac.update(&BASE64_STANDARD.decode(challenge).ok()?);
            BASE64_STANDARD.encode(format!("{name} {}", hex(&mac.finalize().into_bytes())))
        }
        ("digest-md5", [challenge, name, password]) => {
            let nonce = nonce(challenge)?;
            let response = digest_md5(name, password, domain, &nonce, "AUTHENTICATE:");
            BASE64_STANDARD.encode(format!(
                "username=\"{name}\",realm=\"{domain}\",nonce=\"{nonce}\",cnonce=\"{CNONCE}\",\
                 nc=00000001,qop=auth,maxbuf=4096,digest-uri=\"xmpp/{domain}\",\
                 response={response},charset=utf-8"
            ))
        }
        ("rspauth", [challenge, name, password]) => {
            let proof = digest_md5(name, password, domain, &nonce(challenge)?, ":");
            BASE64_STANDARD.encode(format!("rspauth={proof}"))
        }
        _ => return None,
    })
}

const CNONCE: &str = "dGhlIG9yY2hhcmQgd2FsbA==";

/// RFC 2831 §2.1.2.1, for the first use of a nonce.
fn digest_md5(name: &str, password: &str, domain: &str, nonce: &str, method: &str) -> String {
    let mut session = Md5::digest(format!("{name}:{domain}:{password}")).to_vec();
    session.extend(format!(":{nonce}:{CNONCE}").bytes());
    let session = hex(&Md5::digest(session));
    let service = hex(&Md5::digest(format!("{method}xmpp/{domain}")));
    hex(&Md5::digest(format!("{session}:{nonce}:00000001:{CNONCE}:auth:{service}")))
}

fn nonce(challenge: &str) -> Option<String> {
    let challenge = String::from_utf8(BASE64_STANDARD.decode(challenge).ok()?).ok()?;
    Some(challenge.split_once("nonce=\"")?.1.split_once('"')?.0.to_owned())
}

fn sha1(text: &str) -> String {
    hex(&Sha1::digest(text))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The vectors that the first and the second note bring along.
#[test]
fn proofs_are_as_written_down_long_ago() {
    let proof = |what, of: &[&str]| work_out(what, of, "capulet.example");
    let digest = proof("digest", &["3EE948B0", "Calli0pe"]);
    assert_eq!(digest.as_deref(), Some("48fc78be9ec8f86d8ce1c39c320c97c21d62334d"));
    let hash = proof("zero-knowledge", &["ma", "3A9516C4", "499"]);
    assert_eq!(hash.as_deref(), Some("6a305cff14777c6dbfe7c5da3e6e4b83c986308b"));
    assert_eq!(proof("plain", &["mbed", "mirror"]).as_deref(), Some("AG1iZWQAbWlycm9y"));
    assert_eq!(proof("clairvoyance", &[]), None);
}
