//! Logs in as clients do, and ends the server as its owner does.

use std::{collections::BTreeMap, net::SocketAddr};

use {{crate}}::{Config, start};
use sestina_testkit::Client;
use tokio::net::TcpStream;

fn config() -> Config {
    let accounts = [("juliet", "capulet"), ("romeo", "montague")];
    Config {
        domain: "localhost".to_owned(),
        listen: "127.0.0.1:0".to_owned(),
        accounts: BTreeMap::from(accounts.map(|(name, password)| (name.into(), password.into()))),
        ..Config::default()
    }
}

async fn log_in(address: SocketAddr, name: &str, password: &str, resource: &str) -> Client {
    let mut client = Client::new(TcpStream::connect(address).await.unwrap(), "localhost");
    client.open().await;
    client.authenticate(name, password).await;
    client.open().await;
    client.bind(Some(resource)).await;
    client
}

#[tokio::test]
async fn what_juliet_says_reaches_romeo() {
    let server = start(&config()).await.unwrap();
    let (address, _) = server.listening()[0];
    let mut juliet = log_in(address, "juliet", "capulet", "balcony").await;
    let mut romeo = log_in(address, "romeo", "montague", "orchard").await;
    juliet
        .send("<message to='romeo@localhost/orchard' type='chat'><body>Hark!</body></message>")
        .await;
    let heard = romeo.receive().await;
    assert_eq!(heard.attr("from"), Some("juliet@localhost/balcony"));
    assert_eq!(heard.child("body", "jabber:client").unwrap().text(), "Hark!");
    server.shut_down().await.unwrap();
}

#[tokio::test]
async fn the_configuration_is_one() {
    let text = include_str!("../server.toml");
    let config: Config = toml::from_str(text).unwrap();
    assert_eq!(config.domain, "localhost");
    assert!(toml::from_str::<Config>("domian = 'localhost'").is_err());
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it_with_a_goodbye() {
    use std::{
        fs,
        io::{BufRead, BufReader},
        process::{Command, Stdio},
    };

    let folder = std::env::temp_dir().join(format!("{{name}}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let config = folder.join("server.toml");
    fs::write(&config, "domain = 'localhost'\nlisten = '127.0.0.1:0'\ndata = 'data.redb'\n").unwrap();
    let mut server = Command::new(env!("CARGO_BIN_EXE_{{name}}"))
        .arg(&config)
        .current_dir(&folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(server.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(said.next().unwrap().starts_with("localhost is served on 127.0.0.1:"));
    assert!(Command::new("kill").args(["-INT", &server.id().to_string()]).status().unwrap().success());
    assert_eq!(said.next().as_deref(), Some("saying goodbye"));
    assert!(server.wait().unwrap().success());
    assert!(folder.join("data.redb").is_file());
    fs::remove_dir_all(folder).unwrap();
}
