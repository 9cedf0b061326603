//! Entry points for fuzz targets; not part of the interface.

use crate::{
    Account, Answer, BindingType, Channel, Credentials, Failure, Hash, Mechanisms, Protection,
    Recipe, ScramVerifier, ServerSecret, Step,
};

/// Plays a client against a SCRAM server. The first byte picks the mechanism and what the store
/// says, and the rest are messages, each ended by a line feed.
pub fn scram_server(data: &[u8]) {
    let Some((&choice, script)) = data.split_first() else { return };
    let channel = Channel::new("a.example", Protection::Tls)
        .with_binding(BindingType::TlsExporter, b"exported".to_vec());
    let mechanisms = Mechanisms::standard(&Recipe::default(), ServerSecret::new([0; 32]));
    let names: Vec<_> = mechanisms.offered(&channel).collect();
    let name = names[usize::from(choice) % names.len()];
    let Ok(mut exchange) = mechanisms.start(name, &channel, &mut |nonce| nonce.fill(b'x')) else {
        unreachable!("what is offered starts");
    };
    let mut messages = script.split(|byte| *byte == b'\n');
    let mut step = exchange.begin(messages.next());
    loop {
        step = match step {
            Step::Challenge(_) => match messages.next() {
                Some(message) => exchange.respond(message),
                None => return,
            },
            Step::Ask(_) => exchange.resume(match choice & 0x80 {
                0 => Answer::Unknown,
                _ => Answer::Account(Account::new(unmatched())),
            }),
            // Derivation is not what is being tested, and would slow it down a thousand times.
            Step::Work(_) => exchange.resume(Answer::Unavailable),
            Step::Done(success) => unreachable!("nobody knows the password: {success:?}"),
            Step::Failed(_) => {
                assert!(matches!(exchange.respond(b""), Step::Failed(Failure::MalformedRequest)));
                return;
            }
        };
    }
}

/// Verifiers that no password fits.
fn unmatched() -> Credentials {
    let mut credentials = Credentials::default();
    for hash in Hash::STRONGEST_FIRST {
        let key = vec![0; hash.digest_len()];
        let verifier = ScramVerifier::from_parts(hash, b"salt".to_vec(), 4096, &key, &key);
        credentials.insert_scram(verifier.expect("every field is in bounds"));
    }
    credentials
}
