//! What it costs to be watched: one message from session to session, with figures and without.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
};

use divan::Bencher;
use sestina_core::{Assembly, Handling, Outbound, Server, Session, Settings};
use sestina_metrics::Metrics;
use sestina_stanza::{Jid, MessageType, Stanza};
use tokio::runtime::Runtime;

fn main() {
    divan::main();
}

fn jid(text: &str) -> Jid {
    text.parse().expect("a valid address")
}

/// Two sessions of a server.
fn stage(metrics: Option<&Metrics>) -> (Runtime, Server, [Arc<Session>; 2]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let mut settings = Settings::new(jid("capulet.example"), sestina_store::memory());
    settings.observer = metrics.map(Metrics::observer);
    let (server, sessions) = runtime.block_on(async {
        let server = Assembly::new(settings).build().await.expect("a whole assembly");
        let mut sessions = Vec::new();
        for name in ["romeo@capulet.example/orchard", "juliet@capulet.example/balcony"] {
            let attached = server.attach(jid(name)).await.expect("a free resource");
            sessions.push(attached.session().clone());
            // Ended by whoever drops it, which nobody does here.
            std::mem::forget(attached);
        }
        (server, sessions)
    });
    (runtime, server, sessions.try_into().expect("two sessions"))
}

#[divan::bench(args = [false, true])]
fn message(bencher: Bencher<'_, '_>, watched: bool) {
    let metrics = Metrics::new();
    let (_runtime, server, [romeo, juliet]) = stage(watched.then_some(&metrics));
    let to = juliet.jid().clone();
    let message = || Stanza::message(MessageType::Chat).to(to.clone()).body("Hark!").build();
    bencher.with_inputs(message).bench_local_values(|message| {
        assert!(matches!(server.receive(&romeo, message), Handling::Done));
        let mut cx = Context::from_waker(Waker::noop());
        while let Poll::Ready(Outbound::Stanzas) = juliet.poll_outbound(&mut cx, |_| true) {}
    });
}
