//! A hub for many small devices, which are guests of a server with tiny bounds.
//!
//! What devices write to `readings.hub` is printed; each line of standard input goes to all of them.

use std::{sync::Arc, time::Duration};

use sestina::{
    Kind, Plugin, Server, Stanza,
    core::{Assembly, AssemblyError, QueueBounds, Refusal, Spec},
    net,
    plugins::{
        anonymous::{Anonymous, Bounds, Reach},
        ping::Pings,
    },
    stanza::{Condition, MessageType},
    xml::Limits,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader, stdin},
    sync::mpsc,
};

const DOMAIN: &str = "hub";

/// Devices at a time.
const DEVICES: usize = 100_000;

/// The longest stanza of a device, in bytes: the least that RFC 6120 §13.12 allows.
const STANZA: usize = 10_000;

/// What may wait for a device that does not read.
const WAITING: QueueBounds = QueueBounds { stanzas: 8, bytes: 8 * 1024 };

/// Readings that wait to be printed; devices are told to try later while there are as many.
const READINGS: usize = 1024;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:5222".to_owned());
    let (readings, mut read) = mpsc::channel(READINGS);
    let server = Server::builder(DOMAIN)
        .configure(|settings| {
            settings.bounds.queue = WAITING;
            settings.bounds.sessions_per_account = 1;
        })
        .bounds(net::Bounds {
            authenticate: Duration::from_secs(10),
            connections: DEVICES,
            authenticated: Limits { element_bytes: STANZA, ..Limits::unauthenticated() },
            ..net::Bounds::default()
        })
        .plugin(Anonymous {
            reach: Reach::Services,
            bounds: Bounds { guests: DEVICES, per_address: 256 },
            ..Anonymous::default()
        })
        .plugin(Pings)
        .plugin(Readings(readings))
        .listen(address, Kind::StartTls)
        .start()
        .await?;
    for (address, _) in server.listening() {
        println!(
            "{DEVICES} devices are awaited on {address}, with stanzas of {STANZA} bytes, and {} that \
             wait for each",
            WAITING.stanzas
        );
    }
    let empty = memory();
    let mut lines = BufReader::new(stdin()).lines();
    loop {
        tokio::select! {
            line = lines.next_line() => match line?.as_deref().map(str::trim) {
                None => break,
                Some("") => {}
                Some("count") => count(&server, empty),
                Some(order) => tell(&server, order).await,
            },
            Some(reading) = read.recv() => println!("{reading}"),
        }
    }
    server.shut_down().await?;
    Ok(())
}

/// Takes what devices write to `readings.` before the domain.
struct Readings(mpsc::Sender<String>);

impl Plugin for Readings {
    const NAME: &'static str = "readings";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        to.service("readings", &Arc::new(self), Self::take)
    }
}

impl Readings {
    async fn take(&self, stanza: Stanza, _: &sestina::core::Server) -> Result<(), Refusal> {
        let (Some(device), Some(text)) = (stanza.from(), stanza.body()) else { return Ok(()) };
        let reading = format!("{}: {text}", device.local().unwrap_or_default());
        self.0.try_send(reading).map_err(|_| Condition::ResourceConstraint.into())
    }
}

/// Sends an order to every device.
async fn tell(server: &Server, order: &str) {
    for device in server.core().all_sessions() {
        let order = Stanza::message(MessageType::Headline).to(device.jid().clone()).body(order);
        server.core().route(order.build()).await;
    }
}

fn count(server: &Server, empty: Option<u64>) {
    let devices = server.core().session_count();
    match (memory(), empty) {
        (Some(now), Some(empty)) if devices > 0 => {
            println!(
                "{devices} devices, {} bytes each",
                now.saturating_sub(empty) / devices as u64
            );
        }
        _ => println!("{devices} devices"),
    }
}

/// What this process takes of the machine's memory, where Linux says so: pages of 4 KiB.
fn memory() -> Option<u64> {
    let said = std::fs::read_to_string("/proc/self/statm").ok()?;
    said.split(' ').nth(1)?.parse::<u64>().ok().map(|pages| pages * 4096)
}
