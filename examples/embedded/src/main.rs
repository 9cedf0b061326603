//! Opens the sockets and runs the application.

use std::error::Error;

use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut addresses = std::env::args().skip(1);
    let mut address = |usual: &str| addresses.next().unwrap_or_else(|| usual.to_owned());
    let http = TcpListener::bind(address("127.0.0.1:8080")).await?;
    let xmpp = TcpListener::bind(address("127.0.0.1:5222")).await?;
    let web = http.local_addr()?;
    println!("the web is on {web}, XMPP on {}; Ctrl-C ends both", xmpp.local_addr()?);
    println!("to begin with: curl -X PUT {web}/users/juliet -d capulet");
    let asked_to_end = async {
        // Where no signal can be waited for, it ends when the process does.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    embedded::run(http, xmpp, asked_to_end).await
}
