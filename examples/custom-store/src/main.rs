//! A server on a store of one's own: whatever is left for juliet waits for the next run.

use custom_store::open;
use sestina::{
    Jid, Server, Stanza,
    core::AccountError,
    plugins::offline::OfflineMessages,
    stanza::{MessageType, PresenceType},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "custom-store-data".to_owned());
    println!("everything is kept in {folder}; run this again to see what was");
    let server = Server::builder("localhost")
        .store(open(&folder)?)
        .plugin(OfflineMessages::default())
        .start()
        .await?;
    let juliet: Jid = "juliet@localhost".parse()?;
    match server.accounts().create(&juliet, "capulet").await {
        Ok(()) => println!("juliet is new here"),
        Err(AccountError::Exists) => read_what_waits(&server, &juliet).await?,
        Err(error) => return Err(error.into()),
    }
    let romeo = server.attach("romeo@localhost/orchard".parse()?).await?;
    let message = Stanza::message(MessageType::Chat).to(juliet).body("Shall I hear more?").build();
    romeo.send(message).await?;
    println!("romeo has left a message for juliet, who is not there");
    romeo.close().await;
    server.shut_down().await?;
    Ok(())
}

/// Has juliet come by, and read what was left for her.
async fn read_what_waits(server: &Server, juliet: &Jid) -> Result<(), Box<dyn std::error::Error>> {
    let mut balcony = server.attach(juliet.with_resource("balcony")?).await?;
    balcony.send(Stanza::presence(PresenceType::Available).build()).await?;
    // Her own presence comes first.
    loop {
        let stanza = balcony.receive().await?;
        if let (Some(from), Some(text)) = (stanza.from(), stanza.body()) {
            println!("{from} said meanwhile: {text}");
            break;
        }
    }
    balcony.close().await;
    Ok(())
}
