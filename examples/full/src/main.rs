//! Runs the server until Ctrl-C.

use std::{error::Error, path::Path};

use full::{DOMAIN, server};
use sestina::{Kind, core::AccountError};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut given = std::env::args().skip(1);
    let folder = given.next().unwrap_or_else(|| "full-data".to_owned());
    let mut address = |usual: &str| given.next().unwrap_or_else(|| usual.to_owned());
    let server = server(Path::new(&folder))?
        .listen(address("127.0.0.1:5222"), Kind::StartTls)
        .listen(address("127.0.0.1:5223"), Kind::DirectTls)
        .start()
        .await?;
    match server.accounts().create(&format!("juliet@{DOMAIN}").parse()?, "capulet").await {
        Ok(()) | Err(AccountError::Exists) => {}
        Err(error) => return Err(error.into()),
    }
    for (address, kind) in server.listening() {
        println!("{DOMAIN} is served on {address} ({kind:?})");
    }
    println!("log in as juliet@{DOMAIN}, password capulet; Ctrl-C ends it");
    tokio::signal::ctrl_c().await?;
    println!("saying goodbye");
    server.shut_down().await?;
    Ok(())
}
