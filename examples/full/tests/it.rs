//! Puts everything together, and logs in by TLS.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{fs, net::SocketAddr, path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use sestina::{Kind, Server};
use sestina_testkit::Client;
use tokio::net::TcpStream;

async fn start(folder: &Path) -> (Server, SocketAddr) {
    let server = full::server(folder).unwrap().listen("127.0.0.1:0", Kind::DirectTls);
    let server = server.start().await.unwrap();
    let (address, _) = server.listening()[0];
    (server, address)
}

/// Logs in as a client that trusts the certificate in the folder.
async fn log_in(folder: &Path, address: SocketAddr) -> Client {
    let mut roots = RootCertStore::empty();
    let certificate = fs::read(folder.join("server.crt")).unwrap();
    roots.add(CertificateDer::from_pem_slice(&certificate).unwrap()).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let name = ServerName::try_from(full::DOMAIN).unwrap();
    let tcp = TcpStream::connect(address).await.unwrap();
    let mut client = Client::new(connector.connect(name, tcp).await.unwrap(), full::DOMAIN);
    client.open().await;
    client.authenticate("juliet", "capulet").await;
    client.open().await;
    client.bind(Some("balcony")).await;
    client
}

#[tokio::test]
async fn it_starts_twice_over_what_it_has_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (server, address) = start(folder.path()).await;
    let juliet = "juliet@localhost".parse().unwrap();
    server.accounts().create(&juliet, "capulet").await.unwrap();
    let mut client = log_in(folder.path(), address).await;
    client.send("<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>").await;
    assert_eq!(client.receive().await.attr("type"), Some("result"));
    server.shut_down().await.unwrap();

    let (server, address) = start(folder.path()).await;
    assert!(server.core().is_administrator(&juliet));
    log_in(folder.path(), address).await;
    server.shut_down().await.unwrap();
}

/// What the ready-made server has from the start is here as well.
#[tokio::test]
async fn every_usual_plugin_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let (server, _) = start(folder.path()).await;
    let here: Vec<_> = server.core().plugins().iter().map(|plugin| plugin.name).collect();
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/sestinad/src/plugins.rs");
    let table = fs::read_to_string(table).unwrap();
    let usual = table.lines().filter_map(|line| line.trim().strip_prefix("Usual \""));
    let usual: Vec<_> = usual.filter_map(|rest| Some(rest.split_once('"')?.0)).collect();
    assert!(usual.len() > 10, "{usual:?}");
    for name in usual {
        assert!(here.contains(&name), "{name} is missing");
    }
    server.shut_down().await.unwrap();
}
