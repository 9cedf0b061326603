//! Accounts that come from other servers.

use std::{fs, os::unix::fs::symlink, path::Path, process::Output};

use crate::{
    client::Client,
    daemon::{Daemon, complaint, run, sestinad},
};

fn import(data: &Path, arguments: &[&str], from: &Path) -> Output {
    run(sestinad(data).arg("import").args(arguments).arg(from), "")
}

fn told(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A file below a folder, and the folders to it.
fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) {
    let file = folder.join(name);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, content).unwrap();
}

fn log_in(data: &Path, daemon: &Daemon, name: &str, password: &str) -> Option<Client> {
    let mut client = Client::start_tls(daemon.address("c2s"), &data.join("tls/self-made.crt"));
    client.log_in(name, password, "test").then_some(client)
}

fn xdb(password: &str, rest: &str) -> String {
    format!(
        "<xdb><password xmlns='jabber:iq:auth' xdbns='jabber:iq:auth'>{password}</password>{rest}</xdb>",
    )
}

fn spool() -> tempfile::TempDir {
    let spool = tempfile::tempdir().unwrap();
    let folder = spool.path();
    let list = "<query xmlns='jabber:iq:roster' xdbns='jabber:iq:roster'>\
         <item jid='romeo@localhost' subscription='both' server='yes'><grp>Verona</grp></item></query>";
    let waits = "<foo xmlns='jabber:x:offline' xdbns='jabber:x:offline'>\
         <message from='romeo@localhost/orchard' to='juliet@localhost'><body>Hark</body></message></foo>";
    write(folder, "localhost/juliet.xml", xdb("r0m30", &format!("{list}{waits}")));
    write(folder, "localhost/0a/F1/romeo.xml", xdb("montague", ""));
    let card = b"<vCard xmlns='vcard-temp' xdbns='vcard-temp'><FN>Ang\xe9lica</FN></vCard></xdb>";
    let nurse = xdb("angelica", "");
    let nurse = nurse.strip_suffix("</xdb>").unwrap();
    write(folder, "localhost/nurse.xml", [nurse.as_bytes(), card].concat());
    write(folder, "localhost/global.xdb", "<xdb/>");
    write(folder, "localhost/@montague.example.xml", xdb("x", ""));
    write(folder, "localhost/tybalt.xml", "<xdb>");
    write(folder, "localhost/\u{1b}[2J.xml", xdb("x", ""));
    write(folder, "montague.example/benvolio.xml", xdb("x", ""));
    symlink("/etc/hostname", folder.join("localhost/peter.xml")).unwrap();
    spool
}

#[test]
fn a_spool_of_jabberd_14() {
    let data = tempfile::tempdir().unwrap();
    let (data, spool) = (data.path(), spool());
    let from = ["--from", "jabberd14"];

    let rehearsed = import(data, &[&from[..], &["--dry-run"]].concat(), spool.path());
    let said = told(&rehearsed);
    assert!(!rehearsed.status.success());
    assert!(said.contains("juliet@localhost: would be imported\n"), "{said}");
    assert!(said.contains("dry run: 2 imported, 1 skipped, 0 failed"), "{said}");

    let daemon = Daemon::start(data);
    assert!(log_in(data, &daemon, "juliet", "r0m30").is_none());
    let done = import(data, &from, spool.path());
    let said = told(&done);
    assert!(!done.status.success());
    assert!(complaint(&done).ends_with("4 accounts or files could not be read\n"));
    for line in [
        "juliet@localhost: imported\n",
        "romeo@localhost: imported\n",
        "nurse@localhost: failed: this is no UTF-8, and may be Latin-1\n",
        "tybalt@localhost: failed: this is no XML that can be read: ",
        "\u{fffd}[2J@localhost: failed: this is no address\n",
        "@montague.example@localhost: failed: this is no address\n",
        "benvolio@montague.example: skipped: its domain is not served here\n",
        "localhost/peter.xml: skipped: a link, or no name of an account\n",
        "2 imported, 1 skipped, 0 failed",
    ] {
        assert!(said.contains(line), "{line:?} in {said}");
    }
    assert!(!said.lines().any(|line| line.starts_with("line ")), "{said}");
    assert!(!said.contains("r0m30") && !said.contains("global"), "{said}");

    let mut juliet = log_in(data, &daemon, "juliet", "r0m30").unwrap();
    if cfg!(feature = "roster") {
        juliet.send("<iq type='get' id='list'><query xmlns='jabber:iq:roster'/></iq>");
        juliet
            .expect("<item jid='romeo@localhost' subscription='both'><group>Verona</group></item>");
    }
    if cfg!(feature = "offline") {
        juliet.send("<presence/>");
        juliet.expect("<body>Hark</body>");
    }

    let again = import(data, &[&from[..], &["--latin1"]].concat(), &spool.path().join("localhost"));
    let said = told(&again);
    assert!(said.contains("juliet@localhost: skipped: it exists\n"), "{said}");
    assert!(said.contains("nurse@localhost: imported\n"), "{said}");
    let mut nurse = log_in(data, &daemon, "nurse", "angelica").unwrap();
    if cfg!(feature = "vcard") {
        nurse.send("<iq type='get' id='card'><vCard xmlns='vcard-temp'/></iq>");
        nurse.expect("<FN>Angélica</FN>");
    }
}

/// Of a password there may be nothing but a chain of hashes.
#[cfg(feature = "iq-auth")]
#[test]
fn a_spool_with_chains_of_hashes() {
    let spool = tempfile::tempdir().unwrap();
    let chain = "<xdb><zerok xmlns='jabber:iq:auth:0k' xdbns='jabber:iq:auth:0k'>\
         <hash>1eefcfe3cf842dc24c4877d08e7a3f81c1a603d0</hash><token>3A9516C4</token>\
         <sequence>500</sequence></zerok></xdb>";
    write(spool.path(), "localhost/juliet.xml", chain);
    for (speaks, zerok) in [("true", false), ("false", true)] {
        let data = tempfile::tempdir().unwrap();
        let mut command = sestinad(data.path());
        command.env("SESTINA_PLUGINS_IQ_AUTH_ENABLED", "true");
        command.env("SESTINA_PLUGINS_IQ_AUTH_ZERO_KNOWLEDGE", speaks);
        command.args(["import", "--from", "jabberd14"]).arg(spool.path());
        let said = told(&run(&mut command, ""));
        assert!(
            said.contains("juliet@localhost: of its password there is a chain of hashes"),
            "{said}"
        );
        assert!(said.contains("juliet@localhost: imported"), "{said}");
        assert_eq!(said.contains("<zerok xmlns='jabber:iq:auth:0k'/>"), zerok, "{speaks}: {said}");
    }
}

#[test]
fn what_ejabberd_exports() {
    let data = tempfile::tempdir().unwrap();
    let (data, folder) = (data.path(), tempfile::tempdir().unwrap());
    // What version 23.01 keeps of the password `rose`, encoded twice as it writes that.
    let verifier = "<scram-credentials xmlns='urn:xmpp:pie:0#scram' mechanism='SCRAM-SHA-1'>\
         <iter-count>4096</iter-count><salt>QVc4ejV6QXBhN0ZDM2NFQXZ1a1g3Zz09</salt>\
         <server-key>aDJ4Y1l1TWl3cVU0bmdLVnNkc0ZiaHVHNUZRPQ==</server-key>\
         <stored-key>MjN0T1Q4Z1VlaURvc2M3dlZueHZJVENFYXpjPQ==</stored-key></scram-credentials>";
    let host = format!(
        "<?xml version='1.0' encoding='UTF-8'?>\n<host xmlns='urn:xmpp:pie:0' jid='localhost'>\
         <user name='juliet'>{verifier}<offline-messages>\
         <message from='romeo@localhost/orchard' to='juliet@localhost'><body>Hark</body></message>\
         </offline-messages></user>\
         <user name='romeo' password='thorn'/><user name='tybalt' password='scram:x'/></host>",
    );
    write(folder.path(), "all_localhost.xml", host);
    write(
        folder.path(),
        "all.xml",
        "<server-data xmlns='urn:xmpp:pie:0' xmlns:xi='http://www.w3.org/2001/XInclude'>\
         <xi:include href='all_localhost.xml'/></server-data>",
    );
    let daemon = Daemon::start(data);
    let done = import(data, &["--from", "ejabberd"], folder.path());
    let said = told(&done);
    assert!(said.contains("2 imported, 0 skipped, 0 failed"), "{said}");
    let tybalt = "tybalt@localhost: failed: what its password is checked with cannot be read\n";
    assert!(said.contains(tybalt), "{said}");
    assert!(complaint(&done).ends_with("1 account or file could not be read\n"));
    assert!(log_in(data, &daemon, "romeo", "thorn").is_some());
    let mut juliet = log_in(data, &daemon, "juliet", "rose").unwrap();
    if cfg!(feature = "offline") {
        juliet.send("<presence/>");
        juliet.expect("<body>Hark</body>");
    }
    assert!(log_in(data, &daemon, "tybalt", "scram:x").is_none());

    let one = folder.path().join("all_localhost.xml");
    assert!(told(&import(data, &["--from", "ejabberd"], &one)).contains("it exists"));
}

#[test]
fn what_prosody_keeps() {
    let data = tempfile::tempdir().unwrap();
    let (data, folder) = (data.path(), tempfile::tempdir().unwrap());
    // What version 0.12 keeps of the password `rose`; its migrator, run twice, has written it twice.
    let verifier = "<scram-credentials mechanism='SCRAM-SHA-1' xmlns='urn:xmpp:pie:0#scram'>\
         <server-key>1ysoi79BS76QcrZPmiyedK/hCsI=</server-key>\
         <stored-key>Y2Z/J5HAsOcoVV/z+2KrdtjWB8Q=</stored-key><iter-count>10000</iter-count>\
         <salt>MzRlMTU0ZGYtMDgzZi00MDc5LWFhNTctMjdiNjdiYzExOGEy</salt></scram-credentials>";
    let user = |name, within: &str| {
        format!(
            "<server-data xmlns='urn:xmpp:pie:0'><host jid='localhost'><user name='{name}'>\
             {within}</user></host></server-data>",
        )
    };
    let request = "<presence from='paris@verona.example' type='subscribe'/>";
    let juliet = user("juliet", &format!("{verifier}{request}{verifier}{request}"));
    write(folder.path(), "juliet@localhost.xml", juliet);
    write(folder.path(), "romeo@localhost.xml", &user("romeo", verifier)[..300]);
    write(folder.path(), "localhost/accounts/juliet.dat", "return {};");
    let daemon = Daemon::start(data);
    let done = import(data, &["--from", "prosody"], folder.path());
    let said = told(&done);
    assert!(said.contains("juliet@localhost: imported\n"), "{said}");
    assert!(said.contains("1 imported, 0 skipped, 0 failed"), "{said}");
    assert!(said.contains("romeo@localhost.xml: failed: line 1: "), "{said}");
    assert!(!done.status.success());
    let mut juliet = log_in(data, &daemon, "juliet", "rose").unwrap();
    if cfg!(feature = "roster") {
        juliet.send("<presence/>");
        juliet.expect("from='paris@verona.example'");
    }
    assert!(log_in(data, &daemon, "romeo", "rose").is_none());
}

#[test]
fn the_data_folder_of_prosody() {
    let data = tempfile::tempdir().unwrap();
    let (data, folder) = (data.path(), tempfile::tempdir().unwrap());
    let folder = folder.path();
    // What version 0.12 keeps of the password `rose`.
    let hashed = "return {\n\t[\"iteration_count\"] = 10000;\n\t[\"salt\"] = \"34e154df-083f-4079-aa57-27b67bc118a2\";\n\
         \t[\"server_key\"] = \"d72b288bbf414bbe9072b64f9a2c9e74afe10ac2\";\n\
         \t[\"stored_key\"] = \"63667f2791c0b0e728555ff3fb62ab76d8d607c4\";\n};\n";
    write(folder, "localhost/accounts/juliet.dat", hashed);
    write(folder, "localhost/accounts/ro%2emeo.dat", "return { [\"password\"] = \"thorn\"; };");
    write(
        folder,
        "localhost/accounts/tybalt.dat",
        "return { [\"password\"] = os.getenv(\"HOME\"); };",
    );
    symlink("/etc/hostname", folder.join("localhost/accounts/peter.dat")).unwrap();
    write(
        folder,
        "localhost/roster/juliet.dat",
        "return { [\"ro.meo@localhost\"] = { [\"subscription\"] = \"both\"; [\"groups\"] = { [\"Verona\"] = true; }; }; };",
    );
    write(
        folder,
        "localhost/offline/juliet.list",
        "item({ [\"name\"] = \"message\"; [\"attr\"] = { [\"from\"] = \"ro.meo@localhost/orchard\"; }; \
         [1] = { [\"name\"] = \"body\"; [\"attr\"] = {}; [1] = \"Hark\"; }; });\n",
    );
    write(folder, "localhost/muc_log/ball.list", "item({});");
    write(folder, "mantua%2eexample/accounts/balthasar.dat", "return { [\"password\"] = \"b\" };");
    write(folder, "prosody.log", "");
    let daemon = Daemon::start(data);
    let done = import(data, &["--from", "prosody"], folder);
    let said = told(&done);
    for line in [
        "juliet@localhost: imported\n",
        "ro.meo@localhost: imported\n",
        "tybalt@localhost: failed: its accounts cannot be read: line 1 should have a value\n",
        "balthasar@mantua.example: skipped: its domain is not served here\n",
        "localhost: stays behind: muc_log\n",
        "2 imported, 1 skipped, 0 failed",
    ] {
        assert!(said.contains(line), "{line:?} in {said}");
    }
    assert!(!done.status.success() && !said.contains("thorn"), "{said}");
    assert!(log_in(data, &daemon, "ro.meo", "thorn").is_some());
    let mut juliet = log_in(data, &daemon, "juliet", "rose").unwrap();
    if cfg!(feature = "roster") {
        juliet.send("<iq type='get' id='list'><query xmlns='jabber:iq:roster'/></iq>");
        juliet.expect(
            "<item jid='ro.meo@localhost' subscription='both'><group>Verona</group></item>",
        );
    }
    if cfg!(feature = "offline") {
        juliet.send("<presence/>");
        juliet.expect("<body>Hark</body>");
    }
    let again = import(data, &["--from", "prosody"], &folder.join("localhost"));
    assert!(told(&again).contains("juliet@localhost: skipped: it exists"));
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let data = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(data.path());
    for server in ["jabberd14", "ejabberd", "prosody"] {
        let done = import(data.path(), &["--from", server], Path::new("/nonexistent/spool"));
        assert!(!done.status.success());
        let said = complaint(&done) + &told(&done);
        assert!(said.contains("/nonexistent/spool"), "{said}");
    }
    drop(daemon);
}
