//! A hub for rabbits: devices register themselves, log in, and are told things by this program, which
//! has a session of its own on the server that it runs.
//!
//! Each line of standard input goes to a rabbit, as in `f81edfee27c1 Good morning`. What rabbits say
//! is printed.

use sestina::{
    Jid, Kind, Server, Stanza,
    plugins::{
        cram_md5::CramMd5, digest_md5::DigestMd5, iq_auth::IqAuth, register::Registration,
        roster::Roster,
    },
    stanza::MessageType,
};
use tokio::io::{AsyncBufReadExt, BufReader, stdin};

/// A rabbit knows no name with a dot.
const DOMAIN: &str = "burrow";

/// What this program calls itself.
const KEEPER: &str = "keeper@burrow/hub";

/// Where a rabbit listens when it has nothing else to do.
const IDLE: &str = "idle";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:5222".to_owned());
    let server = Server::builder(DOMAIN)
        .plugin(Registration::default())
        .plugin(CramMd5)
        .plugin(DigestMd5::default())
        .plugin(IqAuth::default())
        .plugin(Roster::default())
        .listen(address, Kind::StartTls)
        .start()
        .await?;
    for (address, _) in server.listening() {
        println!("rabbits are awaited on {address}");
    }
    // The name is taken, and nobody comes in by it: no rabbit can pass for the keeper.
    let keeper: Jid = KEEPER.parse()?;
    server.accounts().create(&keeper.to_bare(), "nobody logs in by this").await?;
    server.accounts().set_disabled(&keeper.to_bare(), true).await?;
    let mut keeper = server.attach(keeper).await?;
    let mut lines = BufReader::new(stdin()).lines();
    loop {
        tokio::select! {
            line = lines.next_line() => match line? {
                Some(line) => match order(&line) {
                    Some(message) => keeper.send(message).await?,
                    None => println!("a rabbit's name and what to tell it are expected"),
                },
                None => break,
            },
            heard = keeper.receive() => print(&heard?),
        }
    }
    keeper.close().await;
    server.shut_down().await?;
    Ok(())
}

/// A line that says which rabbit is to be told what.
fn order(line: &str) -> Option<Stanza> {
    let (rabbit, text) = line.trim().split_once(' ')?;
    let to: Jid = format!("{rabbit}@{DOMAIN}/{IDLE}").parse().ok()?;
    Some(Stanza::message(MessageType::Chat).to(to).body(text).build())
}

fn print(heard: &Stanza) {
    let from = heard.from().map(ToString::to_string).unwrap_or_default();
    match (heard.reported_error(), heard.body()) {
        (Some(_), _) => println!("{from} is not there"),
        (None, Some(text)) => println!("{from}: {text}"),
        (None, None) => {}
    }
}
