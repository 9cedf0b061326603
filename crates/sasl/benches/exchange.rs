//! What an authentication costs the server.

#![allow(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::hint::black_box;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use divan::Bencher;
use hmac::{Hmac, KeyInit, Mac};
use sestina_sasl::{
    Account, Answer, Channel, Credentials, Failure, Mechanisms, Protection, Recipe, ServerSecret,
    Step,
};
use sha1::{Digest, Sha1};

const FIRST: &str = "n,,n=juliet,r=fyko+d2lbbFgONRv9qkxdawL";

fn main() {
    divan::main();
}

struct Fixture {
    mechanisms: Mechanisms,
    channel: Channel,
    credentials: Credentials,
}

impl Fixture {
    fn new() -> Self {
        let recipe = Recipe::default();
        Self {
            mechanisms: Mechanisms::standard(&recipe, ServerSecret::new([1; 32])),
            channel: Channel::new("capulet.example", Protection::Tls),
            credentials: recipe.derive("pencil", &[2; 32]).unwrap(),
        }
    }

    fn exchange(&self, answer: Answer, last: Option<&str>) -> (Vec<u8>, Option<Step>) {
        let fill = &mut |nonce: &mut [u8]| nonce.fill(3);
        let mut exchange = self.mechanisms.start("SCRAM-SHA-1", &self.channel, fill).unwrap();
        let Step::Ask(_) = exchange.begin(Some(FIRST.as_bytes())) else { panic!("asks") };
        let Step::Challenge(challenge) = exchange.resume(answer) else { panic!("challenges") };
        let done = last.map(|last| exchange.respond(last.as_bytes()));
        (challenge, done)
    }

    fn account(&self) -> Answer {
        Answer::Account(Account::new(self.credentials.clone()))
    }

    /// The client's final message, which is the same in every run.
    fn last(&self) -> String {
        let challenge = String::from_utf8(self.exchange(self.account(), None).0).unwrap();
        let fields: Vec<_> = challenge.split(',').collect();
        let salt = BASE64.decode(&fields[1][2..]).unwrap();
        let mut salted = [0; 20];
        pbkdf2::pbkdf2_hmac::<Sha1>(b"pencil", &salt, fields[2][2..].parse().unwrap(), &mut salted);
        let without_proof = format!("c=biws,{}", fields[0]);
        let signed = format!("{},{challenge},{without_proof}", &FIRST[3..]);
        let client_key = mac(&salted, b"Client Key");
        let signature = mac(&Sha1::digest(&client_key), signed.as_bytes());
        let proof: Vec<_> = client_key.iter().zip(&signature).map(|(a, b)| a ^ b).collect();
        format!("{without_proof},p={}", BASE64.encode(proof))
    }
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).unwrap();
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

/// A whole SCRAM-SHA-1 login, from the name of the mechanism to the server's signature.
#[divan::bench]
fn scram_sha_1(bencher: Bencher<'_, '_>) {
    let fixture = Fixture::new();
    let last = fixture.last();
    bencher.with_inputs(|| fixture.account()).bench_values(|account| {
        let (_, done) = fixture.exchange(account, Some(black_box(&last)));
        assert!(matches!(done, Some(Step::Done(_))));
    });
}

/// The same with a wrong password.
#[divan::bench]
fn scram_sha_1_wrong_password(bencher: Bencher<'_, '_>) {
    let fixture = Fixture::new();
    let last = fixture.last();
    let (without_proof, proof) = last.rsplit_once(",p=").unwrap();
    let last = format!("{without_proof},p=AAAA{}", &proof[4..]);
    bencher.with_inputs(|| fixture.account()).bench_values(|account| {
        let (_, done) = fixture.exchange(account, Some(black_box(&last)));
        assert!(matches!(done, Some(Step::Failed(Failure::NotAuthorized))));
    });
}

/// The same for an account that does not exist: it should cost as much.
#[divan::bench]
fn scram_sha_1_unknown(bencher: Bencher<'_, '_>) {
    let fixture = Fixture::new();
    let last = fixture.last();
    bencher.with_inputs(|| Answer::Unknown).bench_values(|unknown| {
        let (_, done) = fixture.exchange(unknown, Some(black_box(&last)));
        assert!(matches!(done, Some(Step::Failed(Failure::NotAuthorized))));
    });
}

/// Checking a password against the strongest verifier, which is done off the I/O threads.
#[divan::bench]
fn plain_work(bencher: Bencher<'_, '_>) {
    let fixture = Fixture::new();
    bencher.bench(|| assert!(fixture.credentials.verify(black_box("pencil"))));
}
