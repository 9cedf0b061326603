//! Stopping and reloading.

use std::{fs, path::Path};

use rcgen::{CertificateParams, KeyPair};

use crate::{
    client::Client,
    daemon::{Daemon, add},
};

fn logged_in(daemon: &Daemon, data: &Path) -> Client {
    add(data, "romeo", "montague");
    let mut client = Client::start_tls(daemon.address("c2s"), &data.join("tls/self-made.crt"));
    assert!(client.log_in("romeo", "montague", "orchard"));
    client
}

#[test]
fn stopping_tells_the_clients_and_ends_well() {
    for signal in ["TERM", "INT"] {
        let data = tempfile::tempdir().unwrap();
        let mut daemon = Daemon::start(data.path());
        let mut client = logged_in(&daemon, data.path());
        let mut stranger = Client::clear(daemon.address("c2s"));
        stranger.open();
        stranger.expect("</stream:features>");
        daemon.signal(signal);
        for client in [&mut client, &mut stranger] {
            let farewell = client.read_to_end();
            assert!(farewell.contains("<system-shutdown"), "{farewell}");
            assert!(farewell.ends_with("</stream:stream>"), "{farewell}");
        }
        assert_eq!(daemon.wait().code(), Some(0), "{signal}");
        assert!(!data.path().join("control.sock").exists());
    }
}

/// Writes a certificate and a configuration that names it.
fn certificate(directory: &Path) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    fs::write(directory.join("own.crt"), certificate.pem()).unwrap();
    fs::write(directory.join("own.key"), key.serialize_pem()).unwrap();
}

#[test]
fn a_reload_shows_new_certificates_and_keeps_connections() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path();
    certificate(path);
    let own = path.join("own.crt");
    let config = path.join("sestina.toml");
    let names = |file: &str| path.join(file).display().to_string();
    let tls =
        format!("[tls]\ncertificate = {:?}\nkey = {:?}\n", names("own.crt"), names("own.key"));
    fs::write(&config, "").unwrap();
    let mut daemon = Daemon::start_with(path, &["--config", config.to_str().unwrap()]);
    let mut before = logged_in(&daemon, path);

    fs::write(&config, format!("workers = 1\n{tls}[log]\nlevel = \"debug\"\n")).unwrap();
    daemon.signal("HUP");
    daemon.wait_for("the certificates were reloaded");
    let told: Vec<_> = (0..4).map(|_| daemon.wait_for("key=")).collect();
    let about = |key: &str| told.iter().find(|line| line.contains(&format!("\"{key}\""))).unwrap();
    assert!(about("workers").contains("needs a restart"));
    assert!(about("log.level").contains("reloaded"));
    assert!(about("tls.certificate").contains("reloaded"));

    // The new certificate is shown, on both kinds of listeners; what was open stays.
    Client::direct_tls(daemon.address("c2s-tls"), &own);
    Client::start_tls(daemon.address("c2s"), &own);
    before.send("<iq type='get' id='1' to='localhost'><query xmlns='urn:example:none'/></iq>");
    before.expect("service-unavailable");

    // Another, under the same name.
    certificate(path);
    daemon.signal("HUP");
    daemon.wait_for("the certificates were reloaded");
    Client::direct_tls(daemon.address("c2s-tls"), &own);

    // What cannot be used changes nothing.
    fs::write(path.join("own.key"), "no key").unwrap();
    daemon.signal("HUP");
    assert!(daemon.wait_for("nothing was reloaded").contains("own.key"));
    Client::direct_tls(daemon.address("c2s-tls"), &own);
    fs::write(&config, "workers = \"many\"").unwrap();
    daemon.signal("HUP");
    daemon.wait_for("nothing was reloaded");
    Client::direct_tls(daemon.address("c2s-tls"), &own);
}
