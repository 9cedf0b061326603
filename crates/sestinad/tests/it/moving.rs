//! Accounts that leave in a file, and come back from one.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use crate::{
    client::Client,
    daemon::{Daemon, ON_DISK, add, complaint, printed, run, sestinad},
};

/// A document with these accounts in it.
fn document(hosts: &str) -> String {
    format!(
        "<?xml version='1.0'?>\n<server-data xmlns='urn:xmpp:pie:0'>\n{hosts}\n</server-data>\n"
    )
}

fn export(data: &Path, store: &str) -> String {
    printed(&run(sestinad(data).args(["export", "--store", store]), ""))
}

fn log_in(daemon: &Daemon, data: &Path, name: &str, password: &str) -> Option<Client> {
    let mut client = Client::start_tls(daemon.address("c2s"), &data.join("tls/self-made.crt"));
    client.log_in(name, password, "test").then_some(client)
}

/// Has something in every place that a client can put it.
fn furnish(client: &mut Client) {
    for (id, query) in [
        (
            "roster",
            "<query xmlns='jabber:iq:roster'><item jid='nurse@localhost' name='Angelica &amp; co'><group>Household</group></item></query>",
        ),
        ("card", "<vCard xmlns='vcard-temp'><FN>Juliet é</FN></vCard>"),
        (
            "private",
            "<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'><url name='Verona'/></storage></query>",
        ),
        ("block", "<block xmlns='urn:xmpp:blocking'><item jid='tybalt@localhost'/></block>"),
    ] {
        client.send(&format!("<iq type='set' id='{id}'>{query}</iq>"));
        // What is not built in is refused, and not among what travels.
        client.read_through(&format!("id='{id}'"));
    }
    // Nothing waits for it yet, and it leaves.
    client.send("<presence/><presence type='unavailable'/></stream:stream>");
    client.read_to_end();
}

#[test]
fn a_server_moves_from_store_to_store_with_all_it_has() {
    let old = tempfile::tempdir().unwrap();
    let old = old.path();
    let first = ON_DISK.first().unwrap();
    let daemon = Daemon::start_with(old, &["--store", first]);
    add(old, "juliet", "r0m30");
    add(old, "romeo", "montague");
    add(old, "nurse", "angelica");
    furnish(&mut log_in(&daemon, old, "juliet", "r0m30").unwrap());
    let mut romeo = log_in(&daemon, old, "romeo", "montague").unwrap();
    romeo.send("<message to='juliet@localhost' type='chat'><body>Good morrow</body></message>");
    romeo.send("<iq type='get' id='done'><nothing xmlns='urn:example:nothing'/></iq>");
    romeo.read_through("id='done'");
    drop(romeo);
    printed(&run(sestinad(old).args(["user", "disable", "nurse"]), ""));

    let kept = old.join("accounts.xml");
    let beside = printed(&run(sestinad(old).args(["export"]).arg(&kept), ""));
    assert_eq!(beside, format!("3 accounts exported to {}\n", kept.display()));
    assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    drop(daemon);
    let written = export(old, first);
    assert_eq!(written.matches("<user name=").count(), 3, "{written}");
    assert_eq!(written.matches("<host jid=").count(), 1, "{written}");
    for (feature, has) in [
        (cfg!(feature = "roster"), "Angelica &amp; co"),
        (cfg!(feature = "vcard"), "Juliet é"),
        (cfg!(feature = "private"), "storage:bookmarks"),
        (cfg!(feature = "offline"), "Good morrow"),
        (cfg!(feature = "last"), "<query xmlns='jabber:iq:last' last='"),
        (cfg!(any(feature = "blocking", feature = "privacy")), "tybalt@localhost"),
    ] {
        assert!(!feature || written.contains(has), "{has} is not in {written}");
    }

    for (number, store) in ON_DISK.iter().enumerate() {
        let new = tempfile::tempdir().unwrap();
        let new = new.path();
        let file = new.join("in.xml");
        fs::write(&file, &written).unwrap();
        let import = |arguments: &[&str]| {
            run(sestinad(new).args(["import", "--store", store]).arg(&file).args(arguments), "")
        };
        let daemon = (number == 0).then(|| Daemon::start_with(new, &["--store", store]));
        let said = printed(&import(&["--dry-run"]));
        assert!(said.ends_with("dry run: 3 imported, 0 skipped, 0 failed\n"), "{said}");
        let said = printed(&import(&[]));
        assert!(said.ends_with("\n3 imported, 0 skipped, 0 failed\n"), "{said}");
        assert!(said.contains("juliet@localhost: imported\n"), "{said}");
        let said = printed(&import(&[]));
        assert!(said.ends_with("\n0 imported, 3 skipped, 0 failed\n"), "{said}");
        assert_eq!(export(new, store), written, "the same document, {store}");
        let said = printed(&import(&["--replace"]));
        assert!(said.ends_with("\n3 imported, 0 skipped, 0 failed\n"), "{said}");
        assert_eq!(export(new, store), written, "the same document, {store}");
        let daemon = daemon.unwrap_or_else(|| Daemon::start_with(new, &["--store", store]));
        assert!(log_in(&daemon, new, "nurse", "angelica").is_none(), "disabled there as well");
        assert!(log_in(&daemon, new, "romeo", "capulet").is_none());
        let mut juliet = log_in(&daemon, new, "juliet", "r0m30").unwrap();
        juliet.send("<presence/>");
        if cfg!(feature = "offline") {
            juliet.expect("Good morrow");
        }
        if cfg!(feature = "roster") {
            juliet.send("<iq type='get' id='list'><query xmlns='jabber:iq:roster'/></iq>");
            juliet.expect("Household");
        }
    }
}

#[test]
fn a_password_is_taken_and_not_kept() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let daemon = Daemon::start(data);
    let file = document(
        "<host jid='localhost'><user name='juliet' password='r0m30&amp;me'/></host>\
         <host jid='capulet.example'><user name='nurse'/></host>",
    );
    let said = printed(&run(sestinad(data).args(["import", "-"]), &file));
    assert_eq!(
        said,
        "line 3: juliet@localhost: imported\n\
         line 3: nurse@capulet.example: skipped: its domain is not served here\n\
         1 imported, 1 skipped, 0 failed\n",
    );
    assert!(log_in(&daemon, data, "juliet", "r0m30&me").is_some());
    let written = printed(&run(sestinad(data).args(["export", "--account", "juliet"]), ""));
    assert!(written.contains("<scram-credentials") && !written.contains("r0m30"), "{written}");
}

#[test]
fn an_account_with_something_wrong_stays_out_and_says_so() {
    let hosts = "<host jid='localhost'>\n<user name='juliet' password='a'/>\n\
        <user name='romeo'>\n<account xmlns='urn:sestina:account:0' disabled='perhaps'/>\n</user>\n\
        <user name='nurse' password='b'/></host>";
    for runs in [true, false] {
        let data = tempfile::tempdir().unwrap();
        let data = data.path();
        let daemon = runs.then(|| Daemon::start(data));
        let output = run(sestinad(data).args(["import", "-"]), &document(hosts));
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains("line 6: romeo@localhost: failed: <account "), "{said}");
        assert!(complaint(&output).contains("2 imported, 0 skipped, 1 failed"));
        let list = printed(&run(sestinad(data).args(["user", "list"]), ""));
        assert_eq!(list, "juliet@localhost\nnurse@localhost\n");
        drop(daemon);
    }
}

#[test]
fn a_file_that_is_none_says_where() {
    let good = "<host jid='localhost'><user name='juliet' password='a'/>";
    for runs in [true, false] {
        let data = tempfile::tempdir().unwrap();
        let data = data.path();
        let daemon = runs.then(|| Daemon::start(data));
        for (file, says) in [
            (String::new(), "so far 0 imported"),
            ("words".to_owned(), "line 1: this is no XML"),
            ("<a/>".to_owned(), "line 1: this is no <server-data"),
            (
                document(
                    "<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='/etc/passwd'/>",
                ),
                "line 3: <xi:include/> is not followed",
            ),
            (document(&format!("{good}\n<user name='romeo'>\n<a></b>")), "line 5: this is no XML"),
            (
                document(&format!("{good}\n<user name='romeo'>\n<a></b>")),
                "within romeo@localhost; so far ",
            ),
            (document(good).replace("</server-data>", ""), "1 skipped"),
        ] {
            let output = run(sestinad(data).args(["import", "-"]), &file);
            assert_eq!(output.status.code(), Some(1), "{file}");
            assert!(complaint(&output).contains(says), "{file}: {}", complaint(&output));
        }
        let list = printed(&run(sestinad(data).args(["user", "list"]), ""));
        assert_eq!(list, "juliet@localhost\n", "the one before what was wrong");
        let nowhere = run(sestinad(data).args(["import", "/nowhere/at.all"]), "");
        assert!(complaint(&nowhere).contains("/nowhere/at.all"));
        drop(daemon);
    }
}

#[test]
fn nothing_is_left_of_an_export_that_fails() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let there = tempfile::tempdir().unwrap();
    let file = there.path().join("accounts.xml");
    fs::write(&file, "before").unwrap();
    let output = run(sestinad(data).args(["export", "--account", "juliet"]).arg(&file), "");
    assert!(complaint(&output).contains("no account juliet@localhost"), "{}", complaint(&output));
    assert_eq!(fs::read_to_string(&file).unwrap(), "before");
    assert_eq!(fs::read_dir(there.path()).unwrap().count(), 1, "nothing lies beside it");
    let output = run(sestinad(data).arg("export").arg(there.path()), "");
    assert!(complaint(&output).contains("no file"), "{}", complaint(&output));
}
