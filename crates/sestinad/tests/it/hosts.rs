//! Domains with a server of their own, in one process.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    client::Client,
    daemon::{Daemon, add, complaint, printed, run, sestinad},
};

const LISTEN: &str = "listen = { c2s = [\"127.0.0.1:0\"], c2s-tls = [], web = [] }\n";
const RABBIT: &str = "[host.\"rabbit.example\"]\nplugins.version.name = \"rabbit\"\n";

/// The configuration, which is rewritten.
struct File(PathBuf);

impl File {
    fn new(data: &Path, hosts: &str) -> Self {
        let file = Self(data.join("sestina.toml"));
        file.write(hosts);
        file
    }

    fn write(&self, hosts: &str) {
        let listen = if cfg!(feature = "web") { LISTEN.to_owned() } else { without_web() };
        fs::write(&self.0, format!("{listen}{hosts}")).unwrap();
    }

    fn start(&self, data: &Path) -> Daemon {
        Daemon::start_as_told(data, &["--config", self.0.to_str().unwrap()])
    }

    /// Has the server read it again.
    fn reload(&self, data: &Path, hosts: &str) -> Result<String, String> {
        self.write(hosts);
        let asked = run(sestinad(data).arg("reload"), "");
        if asked.status.success() { Ok(printed(&asked)) } else { Err(complaint(&asked)) }
    }
}

fn without_web() -> String {
    LISTEN.replace(", web = []", "")
}

fn users(data: &Path, config: &File) -> Vec<String> {
    let listed = run(sestinad(data).args(["user", "list", "--config"]).arg(&config.0), "");
    printed(&listed).lines().map(str::to_owned).collect()
}

fn log_in(daemon: &Daemon, data: &Path, name: &str, domain: &str) -> Client {
    let house =
        if domain == "localhost" { data.to_owned() } else { data.join("hosts").join(domain) };
    let trusted = house.join("tls/self-made.crt");
    let mut client = Client::start_tls_at(domain, daemon.address("c2s"), &trusted);
    assert!(client.log_in(name, "swordfish", "x"));
    client
}

#[test]
fn a_host_has_its_own_and_comes_and_goes() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let file = File::new(data, RABBIT);
    let mut daemon = file.start(data);
    assert_eq!(add(data, "alice@rabbit.example", "swordfish"), "alice@rabbit.example was made\n");
    assert_eq!(add(data, "romeo", "swordfish"), "romeo@localhost was made\n");
    let elsewhere = run(sestinad(data).args(["user", "remove", "a@verona.example"]), "");
    let told = complaint(&elsewhere);
    assert!(told.contains("not served here, only localhost, rabbit.example"), "{told}");
    assert_eq!(users(data, &file), ["romeo@localhost", "alice@rabbit.example"]);

    let mut romeo = log_in(&daemon, data, "romeo", "localhost");
    let mut alice = log_in(&daemon, data, "alice", "rabbit.example");
    romeo.send("<message to='alice@rabbit.example/x' id='1'><body>Hark!</body></message>");
    alice.expect("from='romeo@localhost/x'");
    alice.send(
        "<iq type='get' id='2' to='rabbit.example'><query xmlns='jabber:iq:version'/></iq>\
         <iq type='get' id='3' to='localhost'><query xmlns='jabber:iq:version'/></iq>",
    );
    alice.expect("<name>rabbit</name>");
    alice.expect("<name>sestina</name>");

    // Another value takes effect for this host alone, and nobody is disconnected.
    let tortoise = RABBIT.replace("\"rabbit\"", "\"tortoise\"");
    let told = file.reload(data, &tortoise).unwrap();
    let expected = "host.\"rabbit.example\".plugins.version.name = \"tortoise\"";
    assert!(told.contains(expected), "{told}");
    alice.send("<iq type='get' id='4' to='rabbit.example'><query xmlns='jabber:iq:version'/></iq>");
    alice.expect("<name>tortoise</name>");

    let told = file.reload(data, "").unwrap();
    assert!(told.contains("host.\"rabbit.example\" = removed: takes effect at once"), "{told}");
    assert!(alice.read_to_end().contains("<host-gone"));
    romeo.send("<message to='alice@rabbit.example' id='5'/>");
    romeo.expect("<remote-server-not-found");
    let mut stranger = Client::clear_at("rabbit.example", daemon.address("c2s"));
    stranger.open();
    assert!(stranger.read_to_end().contains("<host-unknown"));

    // It has kept everything for when it comes again, and others beside it.
    let told = file.reload(data, &format!("{RABBIT}[host.\"hare.example\"]\n")).unwrap();
    assert!(told.contains("host.\"hare.example\" = added: takes effect at once"), "{told}");
    let mut alice = log_in(&daemon, data, "alice", "rabbit.example");
    romeo.send("<message to='alice@rabbit.example/x' id='6'><body>Again</body></message>");
    alice.expect("Again");

    daemon.signal("TERM");
    assert!(daemon.wait().success());
    assert!(alice.read_to_end().contains("<system-shutdown"));
    assert_eq!(users(data, &file), ["romeo@localhost", "alice@rabbit.example"]);
    // Without a server, the right store is found as well.
    let input = "other\n";
    let arguments = ["user", "add", "bob@hare.example", "--password-stdin", "--config"];
    let made = run(sestinad(data).args(arguments).arg(&file.0), input);
    assert_eq!(printed(&made), "bob@hare.example was made\n");
    assert_eq!(users(data, &file).len(), 3);
    let all = data.join("all.xml");
    let exported = run(sestinad(data).arg("export").arg(&all).arg("--config").arg(&file.0), "");
    assert!(printed(&exported).starts_with("3 accounts exported"));
    let again = ["import", "--replace", "--config"];
    let imported = run(sestinad(data).args(again).arg(&file.0).arg(&all), "");
    assert!(printed(&imported).contains("3 imported, 0 skipped, 0 failed"));
}

#[test]
fn a_host_that_cannot_be_takes_nobody_down() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let file = File::new(data, RABBIT);
    let mut daemon = file.start(data);
    add(data, "alice@rabbit.example", "swordfish");
    let mut alice = log_in(&daemon, data, "alice", "rabbit.example");

    // Something is where its data would be.
    fs::write(data.join("hosts/hare.example"), "").unwrap();
    let both = format!("{RABBIT}[host.\"hare.example\"]\n[host.\"tortoise.example\"]\n");
    let told = file.reload(data, &both).unwrap_err();
    assert!(told.contains("host.\"hare.example\": "), "{told}");
    assert!(told.contains("everything else was reloaded"), "{told}");
    assert_eq!(add(data, "bob@tortoise.example", "x"), "bob@tortoise.example was made\n");

    // What is wrong with the file changes nothing, and is named with its line.
    let wrong = format!("{RABBIT}listen.c2s = []\n");
    let told = file.reload(data, &wrong).unwrap_err();
    assert!(told.contains("sestina.toml:4: host.\"rabbit.example\".listen"), "{told}");
    assert_eq!(add(data, "carol@tortoise.example", "x"), "carol@tortoise.example was made\n");
    fs::remove_file(data.join("hosts/hare.example")).unwrap();
    file.reload(data, &both).unwrap();
    assert_eq!(add(data, "dan@hare.example", "x"), "dan@hare.example was made\n");

    alice.send("<iq type='get' id='1' to='rabbit.example'><query xmlns='jabber:iq:version'/></iq>");
    alice.expect("<name>rabbit</name>");
    daemon.signal("TERM");
    assert!(daemon.wait().success());

    // At the start, all of them are there or none.
    fs::remove_dir_all(data.join("hosts/hare.example")).unwrap();
    fs::write(data.join("hosts/hare.example"), "").unwrap();
    let refused = run(sestinad(data).arg("--config").arg(&file.0), "");
    assert!(!refused.status.success());
    assert!(complaint(&refused).contains("host.\"hare.example\": "), "{}", complaint(&refused));
}
