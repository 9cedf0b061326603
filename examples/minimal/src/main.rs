//! The smallest sestina server: two accounts, two users who chat, nothing kept.

use sestina::{Jid, Kind, Server, Stanza, stanza::MessageType};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::builder("localhost").listen("127.0.0.1:0", Kind::StartTls).start().await?;
    for (address, kind) in server.listening() {
        println!("listening on {address} ({kind:?})");
    }
    let (romeo, juliet): (Jid, Jid) = ("romeo@localhost".parse()?, "juliet@localhost".parse()?);
    server.accounts().create(&romeo, "montague").await?;
    server.accounts().create(&juliet, "capulet").await?;

    // Both could as well come over the network, with any client.
    let mut romeo = server.attach(romeo.with_resource("orchard")?).await?;
    let mut juliet = server.attach(juliet.with_resource("balcony")?).await?;

    let say = |to: &Jid, text| Stanza::message(MessageType::Chat).to(to.clone()).body(text).build();
    romeo.send(say(juliet.jid(), "Shall I hear more?")).await?;
    hear(juliet.receive().await?);
    juliet.send(say(romeo.jid(), "Who is that?")).await?;
    hear(romeo.receive().await?);

    romeo.close().await;
    juliet.close().await;
    server.shut_down().await?;
    Ok(())
}

fn hear(message: Stanza) {
    let from = message.from().map(ToString::to_string).unwrap_or_default();
    println!("{from}: {}", message.body().unwrap_or_default());
}
