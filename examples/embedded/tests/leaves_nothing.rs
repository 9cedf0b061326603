//! Servers come and go in one process, several at a time, and leave nothing behind: no task, no memory,
//! nothing that anybody holds on to.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(unsafe_code, reason = "an allocator that counts is one")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::{
        Arc, Weak,
        atomic::{AtomicIsize, Ordering},
    },
    time::Duration,
};

use sestina::{
    Kind, Plugin, Server, Stanza,
    core::{Assembly, AssemblyError, Guarded, Refusal, ShuttingDown, Spec},
    plugins::{offline::OfflineMessages, roster::Roster},
    sasl::{Hash, MIN_ITERATIONS, Recipe},
    stanza::{MessageType, PresenceType},
    store::Store,
    store_redb,
};
use sestina_testkit::{Client, Received};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Handle,
    sync::oneshot,
    time::{sleep, timeout},
};

/// Servers of each kind.
const ROUNDS: usize = 50;

/// Those after which everything that is there once is there.
const WARM: usize = 10;

/// Bytes that a round may leave on average: less than the smallest part of a server.
const MOST: isize = 512;

static HELD: AtomicIsize = AtomicIsize::new(0);

/// The system's, counting the bytes that are held.
struct Counting;

// SAFETY: every call is the system allocator's own.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size().cast_signed(), Ordering::Relaxed);
        // SAFETY: what holds for the caller holds for us.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size().cast_signed(), Ordering::Relaxed);
        // SAFETY: what holds for the caller holds for us.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Stands everywhere in a server.
struct Witness(Arc<()>);

impl Plugin for Witness {
    const NAME: &'static str = "witness";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        to.sender().guard(&self.0, |_, _, _| Guarded::Pass);
        to.recipient().outcome(&self.0, |_, _, _, _| {});
        to.on(&self.0, async |_: &(), _: &ShuttingDown, _: &sestina::core::Server| {
            Ok::<_, Refusal>(())
        });
        to.provide(self.0)
    }
}

/// A server with a client on a socket and one of this program, and a message that waits.
async fn server(domain: &str, store: Option<Store>) -> (Server, Client, Weak<()>) {
    let witness = Arc::new(());
    let watch = Arc::downgrade(&witness);
    let mut builder = Server::builder(domain)
        .configure(|settings| {
            let recipe = Recipe::default().with_hashes([Hash::Sha256]).unwrap();
            settings.authentication.recipe = recipe.with_iterations(MIN_ITERATIONS).unwrap();
        })
        .plugin(Witness(witness))
        .plugin(OfflineMessages::default())
        .plugin(Roster::default())
        .listen("127.0.0.1:0", Kind::StartTls);
    if let Some(store) = store {
        builder = builder.store(store);
    }
    let server = builder.start().await.unwrap();
    for name in ["juliet", "nurse"] {
        let account = format!("{name}@{domain}").parse().unwrap();
        server.accounts().create(&account, name).await.unwrap();
    }
    let tcp = TcpStream::connect(server.listening()[0].0).await.unwrap();
    let mut client = Client::new(tcp, domain);
    client.login(&format!("juliet@{domain}/balcony").parse().unwrap()).await;
    let mut own = server.attach(format!("romeo@{domain}/orchard").parse().unwrap()).await.unwrap();
    own.send(Stanza::presence(PresenceType::Available).build()).await.unwrap();
    let message = |to: &str| {
        let to = format!("{to}@{domain}").parse().unwrap();
        Stanza::message(MessageType::Chat).to(to).body("Hark!").build()
    };
    own.send(message("nurse")).await.unwrap();
    client.send(format!("<message to='{}'><body>Who is that?</body></message>", own.jid())).await;
    while own.receive().await.unwrap().body().is_none() {}
    own.close().await;
    (server, client, watch)
}

/// The application as it is run, with somebody who comes by.
async fn application() {
    let http = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let xmpp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = xmpp.local_addr().unwrap();
    let (end, ended) = oneshot::channel::<()>();
    let asked_to_end = async { drop(ended.await) };
    let comes_by = async {
        let tcp = TcpStream::connect(address).await.unwrap();
        let mut client = Client::new(tcp, embedded::DOMAIN);
        client.open().await;
        end.send(()).unwrap();
        while !matches!(client.next().await, Received::Close | Received::End) {}
    };
    let (ran, ()) = tokio::join!(embedded::run(http, xmpp, asked_to_end), comes_by);
    ran.unwrap();
}

async fn round(number: usize) {
    let folder = std::env::temp_dir().join(format!("leaves-nothing-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let kept = folder.join("data.redb");
    // Two at a time, one of them with a store on disk, and each ends in both ways.
    let (left, left_client, left_watch) = server("capulet.example", None).await;
    let store = store_redb::open(&kept).unwrap();
    let (right, right_client, right_watch) = server("montague.example", Some(store)).await;
    application().await;
    let (dropped, told) = if number.is_multiple_of(2) { (left, right) } else { (right, left) };
    drop(dropped);
    // Whoever does not go is waited for.
    drop((left_client, right_client));
    told.shut_down().await.unwrap();
    let gone = async {
        while left_watch.strong_count() + right_watch.strong_count() > 0 {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(Duration::from_secs(20), gone).await.expect("somebody holds on to a server");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn fifty_servers_leave_nothing() {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    // Threads that end give back what they hold; here they stay.
    let runtime = runtime
        .worker_threads(2)
        .max_blocking_threads(2)
        .thread_keep_alive(Duration::from_secs(3600))
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let metrics = Handle::current().metrics();
        let tasks = metrics.num_alive_tasks();
        let mut warm = 0;
        for number in 1..=ROUNDS {
            round(number).await;
            let idle = async {
                while metrics.num_alive_tasks() > tasks {
                    sleep(Duration::from_millis(1)).await;
                }
            };
            let idle = timeout(Duration::from_secs(20), idle).await;
            idle.unwrap_or_else(|_| panic!("{} tasks are left", metrics.num_alive_tasks() - tasks));
            if number == WARM {
                warm = HELD.load(Ordering::Relaxed);
            }
        }
        let rounds = (ROUNDS - WARM).cast_signed();
        let left = (HELD.load(Ordering::Relaxed) - warm) / rounds;
        println!("{left} bytes are left of a round");
        assert!(left < MOST, "{left} bytes are left of a round");
    });
}
