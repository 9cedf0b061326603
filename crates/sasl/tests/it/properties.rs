//! What holds whatever a client sends, and in whatever order calls come.

use proptest::prelude::*;
use sestina_sasl::{Account, Answer, Failure, Mechanism, Mechanisms, Query, Step, fuzzing};

use crate::server::{CREDENTIALS, PASSWORD, Server, bound};

const NAMES: [&str; 9] = [
    "SCRAM-SHA-1",
    "SCRAM-SHA-256",
    "SCRAM-SHA-512",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-512-PLUS",
    "PLAIN",
    "EXTERNAL",
    "ANONYMOUS",
];

/// Messages that get past the first checks more often than noise does.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::sample::select(vec![
        "n,,",
        "y,,",
        "p=tls-exporter,,",
        "n,a=juliet,",
        "n=",
        "juliet",
        ",r=",
        "client",
        "c=biws",
        ",p=",
        "AAAA",
        "=2C",
        "=3D",
        "=",
        ",",
        "m=x",
        ",e=1",
        "\0",
        "\u{e9}",
        "AwMDAwMDAwMDAwMDAwMDAwMDAwMD",
    ]);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..64),
        prop::collection::vec(pieces, 0..12).prop_map(|pieces| pieces.concat().into_bytes()),
    ]
}

/// A call to an exchange.
#[derive(Clone, Debug)]
enum Call {
    Begin(Option<Vec<u8>>),
    Respond(Vec<u8>),
    Resume(u8),
    Abort,
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        prop::option::of(message()).prop_map(Call::Begin),
        message().prop_map(Call::Respond),
        (0..4_u8).prop_map(Call::Resume),
        Just(Call::Abort),
    ]
}

fn answer(choice: u8) -> Answer {
    match choice {
        0 => Answer::Account(Account::new(CREDENTIALS.clone())),
        1 => Answer::Unknown,
        2 => Answer::Unavailable,
        _ => sestina_sasl::Work::new(|| "not what was asked for").run(),
    }
}

fn mechanisms(server: &Server) -> Mechanisms {
    server.mechanisms.clone().with(sestina_sasl::AnonymousOffer)
}

proptest! {
    #[test]
    fn any_calls_in_any_order(
        name in prop::sample::select(NAMES.to_vec()),
        calls in prop::collection::vec(call(), 1..8),
    ) {
        let server = Server::on(bound().with_certificate(["juliet@capulet.example"]));
        let mut exchange =
            mechanisms(&server).start(name, &server.channel, &mut |nonce| nonce.fill(3)).unwrap();
        for call in calls {
            let was_over = exchange.is_over();
            let step = match call {
                Call::Begin(message) => exchange.begin(message.as_deref()),
                Call::Respond(message) => exchange.respond(&message),
                Call::Resume(choice) => exchange.resume(answer(choice)),
                Call::Abort => Step::Failed(exchange.abort()),
            };
            prop_assert!(!was_over || matches!(step, Step::Failed(_)));
            let proven = matches!(name, "EXTERNAL" | "ANONYMOUS");
            prop_assert!(proven || !matches!(step, Step::Done(_)), "{name} let a stranger in");
            prop_assert_eq!(exchange.is_over(), matches!(step, Step::Done(_) | Step::Failed(_)));
        }
    }

    #[test]
    fn fuzz_target_accepts_anything(
        choice in any::<u8>(),
        messages in prop::collection::vec(message(), 0..4),
    ) {
        fuzzing::scram_server(&[&[choice][..], &messages.join(&b'\n')].concat());
    }
}

proptest! {
    // Each case derives a key twice.
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn exchanges_side_by_side_do_not_meet(turns in prop::collection::vec(0..2_usize, 0..8)) {
        // One client knows the password and one does not, whoever is served first.
        let server = Server::on(bound());
        let messages = [format!("\0juliet\0{PASSWORD}"), "\0juliet\0pencil".to_owned()];
        let start = || Some(server.start("PLAIN").exchange);
        let mut exchanges = [start(), start()];
        let mut pending = [None, None];
        let mut results = [None, None];
        for turn in turns.into_iter().chain([0, 1, 0, 1, 0, 1, 0, 1]) {
            let Some(exchange) = &mut exchanges[turn] else { continue };
            match pending[turn].take() {
                None => pending[turn] = Some(exchange.begin(Some(messages[turn].as_bytes()))),
                Some(Step::Ask(Query::Account { .. })) => pending[turn] = Some(exchange.resume(answer(0))),
                Some(Step::Work(work)) => pending[turn] = Some(exchange.resume(work.run())),
                Some(Step::Done(_)) => (results[turn], exchanges[turn]) = (Some(Ok(())), None),
                Some(Step::Failed(failure)) => {
                    (results[turn], exchanges[turn]) = (Some(Err(failure)), None);
                }
                Some(other) => prop_assert!(false, "{other:?}"),
            }
        }
        prop_assert_eq!(results, [Some(Ok(())), Some(Err(Failure::NotAuthorized))]);
    }
}

/// The trait itself is misused less politely by drivers of other people's mechanisms.
#[test]
fn mechanisms_survive_without_their_exchange() {
    #[derive(Debug)]
    struct Silent;
    impl Mechanism for Silent {
        fn step(&mut self, _: &[u8]) -> Step {
            Step::Challenge(vec![1])
        }
        fn resume(&mut self, _: Answer) -> Step {
            Step::Failed(Failure::Aborted)
        }
    }
    let mut exchange = sestina_sasl::Exchange::new("SILENT", Box::new(Silent));
    assert_eq!(exchange.mechanism(), "SILENT");
    assert!(matches!(exchange.begin(None), Step::Challenge(data) if data.is_empty()));
    assert!(matches!(exchange.respond(b"x"), Step::Challenge(data) if data == [1]));
    assert!(matches!(
        exchange.resume(Answer::Unknown),
        Step::Failed(Failure::TemporaryAuthFailure)
    ));
}
