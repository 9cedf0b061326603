//! What the core costs: one place of the way, one request, one message from session to session.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
};

use divan::Bencher;
use sestina_core::{
    Assembly, AssemblyError, Get, Guarded, Handling, Outbound, Plugin, Refusal, Scope, Server,
    Session, Settings, Spec, answer,
};
use sestina_stanza::{Invalid, IqType, Jid, MessageType, Payload, Stanza};
use sestina_xml::{Element, ElementRef};
use tokio::runtime::Runtime;

fn main() {
    divan::main();
}

/// Stands `N` times at the recipient's guard, and answers a request.
struct Bystander<const N: usize>;

impl<const N: usize> Plugin for Bystander<N> {
    const NAME: &'static str = "bystander";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        let state = Arc::new(self);
        for _ in 0..N {
            to.recipient().guard(&state, |_, stanza, _| {
                if divan::black_box(stanza.kind()).is_error() {
                    Guarded::Discard
                } else {
                    Guarded::Pass
                }
            });
        }
        to.iq(Scope::Server, answer(&state, Self::pong))
    }
}

impl<const N: usize> Bystander<N> {
    async fn pong(&self, _: Get<Ping>, _: &Server) -> Result<(), Refusal> {
        Ok(())
    }
}

struct Ping;

impl Payload for Ping {
    const NAME: &'static str = "ping";
    const NAMESPACE: &'static str = "urn:xmpp:ping";

    fn read(_: ElementRef<'_>) -> Result<Self, Invalid> {
        Ok(Self)
    }

    fn write(&self) -> Element {
        Self::builder().build()
    }
}

/// Two sessions, the first of which sends.
struct Stage {
    runtime: Runtime,
    server: Server,
    romeo: Arc<Session>,
    juliet: Arc<Session>,
}

fn jid(text: &str) -> Jid {
    text.parse().expect("a valid address")
}

fn stage<const N: usize>() -> Stage {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let (server, romeo, juliet) = runtime.block_on(async {
        let settings = Settings::new(jid("capulet.example"), sestina_store::memory());
        let mut assembly = Assembly::new(settings);
        assembly.plugin(Bystander::<N>).expect("it stands alone");
        let server = assembly.build().await.expect("a whole assembly");
        let session = async |name: &str| {
            let attached = server.attach(jid(name)).await.expect("a free resource");
            let session = attached.session().clone();
            // Ended by whoever drops it, which nobody does here.
            std::mem::forget(attached);
            session
        };
        let romeo = session("romeo@capulet.example/orchard").await;
        let juliet = session("juliet@capulet.example/balcony").await;
        (server, romeo, juliet)
    });
    Stage { runtime, server, romeo, juliet }
}

impl Stage {
    fn send(&self, stanza: Stanza) {
        match self.server.receive(&self.romeo, stanza) {
            Handling::Done => {}
            Handling::Pending(rest) => self.runtime.block_on(rest),
            Handling::Close(error) => panic!("{error}"),
        }
    }
}

fn take(session: &Session) -> usize {
    let mut taken = 0;
    let mut cx = Context::from_waker(Waker::noop());
    while let Poll::Ready(Outbound::Stanzas) = session.poll_outbound(&mut cx, |_| {
        taken += 1;
        true
    }) {}
    taken
}

/// From `receive` to the other session's queue and out of it, past so many guards.
#[divan::bench(consts = [0, 1, 10])]
fn message<const N: usize>(bencher: Bencher<'_, '_>) {
    let stage = stage::<N>();
    let to = stage.juliet.jid().clone();
    let message = || Stanza::message(MessageType::Chat).to(to.clone()).body("Hark!").build();
    bencher.with_inputs(message).bench_local_values(|message| {
        stage.send(message);
        assert_eq!(take(&stage.juliet), 1);
    });
}

/// From `receive` through the handler to the answer in the sender's queue.
#[divan::bench]
fn request(bencher: Bencher<'_, '_>) {
    let stage = stage::<0>();
    let request = || {
        let request = Stanza::iq(IqType::Get, "1").to(jid("capulet.example")).payload(&Ping);
        request.build()
    };
    bencher.with_inputs(request).bench_local_values(|request| {
        stage.send(request);
        assert_eq!(take(&stage.romeo), 1);
    });
}
