//! The proxy for bytestreams: a port of its own beside those for clients.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use sha1::{Digest, Sha1};

use crate::{
    client::Client,
    daemon::{Daemon, PATIENCE, add, complaint, run, sestinad},
};

fn configured(data: &std::path::Path, more: &str) -> String {
    let file = data.join("proxy.toml");
    let text = format!("[plugins.proxy65]\nenabled = true\nlisten = [\"127.0.0.1:0\"]\n{more}");
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn two_clients_meet_at_the_proxy() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let file = configured(data, "host = \"127.0.0.1\"\n");
    let mut daemon = Daemon::start_with(data, &["--config", &file]);
    add(data, "romeo", "montague");
    let trusted = data.join("tls/self-made.crt");
    let mut romeo = Client::start_tls(daemon.address("c2s"), &trusted);
    assert!(romeo.log_in("romeo", "montague", "orchard"));
    let space = "http://jabber.org/protocol/bytestreams";
    romeo
        .send(&format!("<iq type='get' id='1' to='proxy.localhost'><query xmlns='{space}'/></iq>"));
    let at = daemon.address("proxy65");
    romeo.expect(&format!(
        "<streamhost jid='proxy.localhost' host='127.0.0.1' port='{}'/>",
        at.port()
    ));

    let hash = Sha1::digest("s1romeo@localhost/orchardjuliet@localhost/balcony");
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut both: Vec<_> = std::iter::repeat_with(|| {
        let mut tcp = TcpStream::connect(at).unwrap();
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        tcp.write_all(&[5, 1, 0]).unwrap();
        tcp.write_all(&[&[5, 1, 0, 3, 40], hash.as_bytes(), &[0, 0]].concat()).unwrap();
        let mut told = [0; 49];
        tcp.read_exact(&mut told).unwrap();
        assert_eq!(told[..4], [5, 0, 5, 0]);
        tcp
    })
    .take(2)
    .collect();
    romeo.send(&format!(
        "<iq type='set' id='2' to='proxy.localhost'><query xmlns='{space}' sid='s1'>\
         <activate>juliet@localhost/balcony</activate></query></iq>"
    ));
    romeo.expect("id='2'");
    both[0].write_all(b"Hark").unwrap();
    let mut heard = [0; 4];
    both[1].read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"Hark");
    // It is cut off when the server goes.
    daemon.signal("TERM");
    assert_eq!(daemon.wait().code(), Some(0));
    assert!(matches!(both[1].read(&mut heard), Ok(0) | Err(_)));
}

#[test]
fn a_port_that_is_taken_is_named_by_its_key() {
    let data = tempfile::tempdir().unwrap();
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = held.local_addr().unwrap().to_string();
    let file = configured(data.path(), "").replace("127.0.0.1:0", &taken);
    let text = std::fs::read_to_string(&file).unwrap().replace("127.0.0.1:0", &taken);
    std::fs::write(&file, text).unwrap();
    let listen = ["--config", &file, "--c2s", "127.0.0.1:0", "--c2s-tls", "127.0.0.1:0"];
    let web = if cfg!(feature = "web") { &["--web", "127.0.0.1:0"][..] } else { &[] };
    let output = run(sestinad(data.path()).args(listen).args(web), "");
    assert_eq!(output.status.code(), Some(1));
    let told = complaint(&output);
    assert!(told.contains(&taken) && told.contains("plugins.proxy65.listen"), "{told}");
}
