//! Reloading: each class of keys, with somebody logged in the whole time.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
};

use crate::{
    client::Client,
    daemon::{Daemon, add, complaint, printed, run, sestinad},
};

const LISTEN: &str = "listen = { c2s = [\"127.0.0.1:0\"], c2s-tls = [] }\n";

/// A server over a file, and somebody who stays logged in.
struct Stage {
    data: PathBuf,
    file: PathBuf,
    daemon: Daemon,
    romeo: Client,
}

impl Stage {
    fn new(data: &Path) -> Self {
        let file = data.join("sestina.toml");
        fs::write(&file, LISTEN).unwrap();
        let daemon = Daemon::start_as_told(data, &["--config", file.to_str().unwrap()]);
        add(data, "romeo", "montague");
        let mut stage = Self {
            data: data.to_owned(),
            file,
            romeo: log_in(data, daemon.address("c2s")),
            daemon,
        };
        stage.romeo_is_there();
        stage
    }

    /// Writes the file and has the server read it; what is said of it.
    fn reload(&self, listen: &str, rest: &str) -> Result<String, String> {
        fs::write(&self.file, format!("{listen}{rest}")).unwrap();
        let asked = run(sestinad(&self.data).arg("reload"), "");
        if asked.status.success() { Ok(printed(&asked)) } else { Err(complaint(&asked)) }
    }

    #[track_caller]
    fn romeo_is_there(&mut self) {
        self.romeo
            .send("<iq type='get' id='1' to='localhost'><query xmlns='urn:example:none'/></iq>");
        self.romeo.expect("service-unavailable");
        self.romeo.expect("</iq>");
    }
}

fn log_in(data: &Path, at: SocketAddr) -> Client {
    let mut client = Client::start_tls(at, &data.join("tls/self-made.crt"));
    assert!(client.log_in("romeo", "montague", "orchard"));
    client
}

/// Sends a stanza of so many bytes and more.
fn send_much(client: &mut Client, bytes: usize) {
    let much = "x".repeat(bytes);
    client.send(&format!(
        "<iq type='get' id='1' to='localhost'><query xmlns='urn:example:none'>{much}</query></iq>"
    ));
}

#[test]
fn what_is_live_takes_effect_at_once() {
    let data = tempfile::tempdir().unwrap();
    let mut stage = Stage::new(data.path());
    let told = stage
        .reload(LISTEN, "admins = [\"romeo@localhost\"]\n[plugins.version]\nname = \"swan\"\n")
        .unwrap();
    assert!(told.contains("plugins.version.name = \"swan\": takes effect at once"), "{told}");
    assert!(told.contains("admins = [\"romeo@localhost\"]: takes effect at once"), "{told}");
    assert!(told.contains("the certificates were read again"), "{told}");
    stage.romeo.send(
        "<iq type='get' id='2' to='localhost'><query xmlns='jabber:iq:version'/></iq>\
         <iq type='set' id='3' to='localhost'><command xmlns='http://jabber.org/protocol/commands' \
         node='sestina:admin#reload'/></iq>",
    );
    stage.romeo.expect("<name>swan</name>");
    let answered = stage.romeo.read_through("</iq>") + &stage.romeo.read_through("</iq>");
    assert!(answered.contains("no setting has changed"), "{answered}");
    // And back.
    assert!(stage.reload(LISTEN, "").unwrap().contains("plugins.version.name = \"sestina\""));
    stage
        .romeo
        .send("<iq type='get' id='4' to='localhost'><query xmlns='jabber:iq:version'/></iq>");
    stage.romeo.expect("<name>sestina</name>");
    assert!(stage.reload(LISTEN, "").unwrap().contains("no setting has changed"));
}

#[test]
fn what_is_for_new_sessions_leaves_others_as_they_are() {
    let data = tempfile::tempdir().unwrap();
    let mut stage = Stage::new(data.path());
    let told =
        stage.reload(LISTEN, "stanza.bytes = 10000\nauthentication.require-tls = true\n").unwrap();
    assert!(told.contains("stanza.bytes = 10000: takes effect for new sessions"), "{told}");
    let mut stranger = Client::clear(stage.daemon.address("c2s"));
    stranger.open();
    assert!(stranger.read_through("</stream:features>").contains("<required/>"));
    send_much(&mut stage.romeo, 20_000);
    stage.romeo.expect("service-unavailable");
    stage.romeo.expect("</iq>");
    let mut other =
        Client::start_tls(stage.daemon.address("c2s"), &data.path().join("tls/self-made.crt"));
    assert!(other.log_in("romeo", "montague", "street"));
    send_much(&mut other, 20_000);
    assert!(other.read_to_end().contains("policy-violation"));
    stage.romeo_is_there();
}

#[test]
fn listeners_come_and_go_and_their_sessions_stay() {
    let data = tempfile::tempdir().unwrap();
    let mut stage = Stage::new(data.path());
    let first = stage.daemon.address("c2s");
    let both = "listen = { c2s = [\"127.0.0.1:0\", \"127.0.0.2:0\"], c2s-tls = [] }\n";
    stage.reload(both, "").unwrap();
    assert_eq!(stage.daemon.address("c2s"), first, "what stays is not opened anew");
    let other = "listen = { c2s = [\"127.0.0.2:0\"], c2s-tls = [] }\n";
    stage.reload(other, "").unwrap();
    let second = stage.daemon.address("c2s");
    assert!(second.ip().to_string() == "127.0.0.2", "{second}");
    assert!(TcpStream::connect(first).is_err(), "{first} is closed");
    stage.romeo_is_there();
    drop(log_in(data.path(), second));
    // All of a machine's addresses at a port of which one is listened on.
    let port = second.port();
    let all = format!("listen = {{ c2s = [\"0.0.0.0:{port}\"], c2s-tls = [] }}\n");
    stage.reload(&all, "").unwrap();
    assert_eq!(stage.daemon.address("c2s"), format!("0.0.0.0:{port}").parse().unwrap());
    // What somebody else has, nobody gets.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let theirs =
        format!("listen = {{ c2s = [\"{}\"], c2s-tls = [] }}\n", taken.local_addr().unwrap());
    let told = stage.reload(&theirs, "stanza.bytes = 10000\n").unwrap_err();
    assert!(told.contains("something listens there already"), "{told}");
    assert_eq!(stage.daemon.address("c2s").port(), port);
    drop(log_in(data.path(), format!("127.0.0.1:{port}").parse().unwrap()));
}

#[test]
fn what_needs_a_restart_is_told_and_left_as_it_is() {
    let data = tempfile::tempdir().unwrap();
    let mut stage = Stage::new(data.path());
    let rest = "workers = 1\ndomains = [\"localhost\", \"capulet.example\"]\n[plugins.version]\nenabled = false\n";
    for _ in 0..2 {
        let told = stage.reload(LISTEN, rest).unwrap();
        assert!(told.contains("workers = 1: needs a restart"), "{told}");
        assert!(told.contains("plugins.version.enabled = false: needs a restart"), "{told}");
        assert!(told.contains("domains = "), "{told}");
    }
    stage
        .romeo
        .send("<iq type='get' id='4' to='localhost'><query xmlns='jabber:iq:version'/></iq>");
    stage.romeo.expect("<name>sestina</name>");
}

#[test]
fn a_bad_file_changes_nothing_and_is_told_by_line_and_key() {
    let data = tempfile::tempdir().unwrap();
    let mut stage = Stage::new(data.path());
    for (bad, told) in [
        ("stanza.bytes = 1\n", ":2: stanza.bytes: 1 is too little"),
        ("[log]\nlevel = \"loud,,=\"\n", "log.level"),
        ("[plugins.version]\nname = \"\"\n", ":3: plugins.version.name: expected the name"),
        ("[tls]\nkey = \"a\"\n", "tls.certificate"),
    ] {
        let refused = stage.reload(LISTEN, bad).unwrap_err();
        assert!(refused.contains(told), "{bad}: {refused}");
        // The server says the same of itself.
        stage.daemon.signal("HUP");
        let line = stage.daemon.wait_for("nothing was reloaded");
        assert!(line.contains("configuration is wrong") || line.contains("log.level"), "{line}");
        stage.romeo_is_there();
    }
}
