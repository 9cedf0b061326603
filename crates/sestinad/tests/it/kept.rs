//! Accounts that are kept on disk, whatever becomes of the server.

use std::path::Path;

use crate::{
    client::Client,
    daemon::{Daemon, ON_DISK, add, complaint, printed, run, sestinad},
};

fn list(data: &Path) -> String {
    printed(&run(sestinad(data).args(["user", "list"]), ""))
}

fn can_log_in(daemon: &Daemon, data: &Path, name: &str, password: &str) -> bool {
    let trusted = data.join("tls/self-made.crt");
    Client::start_tls(daemon.address("c2s"), &trusted).log_in(name, password, "test")
}

#[test]
fn accounts_are_the_same_beside_and_without_a_server() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    add(data, "romeo", "montague");
    let daemon = Daemon::start(data);
    add(data, "juliet", "capulet");
    assert_eq!(list(data), "juliet@localhost\nromeo@localhost\n");
    assert!(can_log_in(&daemon, data, "romeo", "montague"));
    assert!(!can_log_in(&daemon, data, "romeo", "capulet"));

    let change = ["user", "passwd", "romeo", "--password-stdin"];
    printed(&run(sestinad(data).args(change), "another\n"));
    assert!(!can_log_in(&daemon, data, "romeo", "montague"));
    assert!(can_log_in(&daemon, data, "romeo", "another"));

    let user = |what| printed(&run(sestinad(data).args(["user", what, "romeo"]), ""));
    assert_eq!(user("disable"), "romeo@localhost cannot log in\n");
    assert_eq!(list(data), "juliet@localhost\nromeo@localhost (disabled)\n");
    assert!(!can_log_in(&daemon, data, "romeo", "another"));
    assert_eq!(user("enable"), "romeo@localhost can log in\n");
    assert!(can_log_in(&daemon, data, "romeo", "another"));

    printed(&run(sestinad(data).args(["user", "remove", "juliet"]), ""));
    assert!(!can_log_in(&daemon, data, "juliet", "capulet"));
    drop(daemon);
    assert_eq!(list(data), "romeo@localhost\n");
    assert_eq!(user("disable"), "romeo@localhost cannot log in\n");
    let daemon = Daemon::start(data);
    assert!(!can_log_in(&daemon, data, "romeo", "another"));
}

#[test]
fn accounts_survive_a_server_that_is_killed() {
    for store in ON_DISK {
        let data = tempfile::tempdir().unwrap();
        let data = data.path();
        let with = ["--store", store];
        let mut daemon = Daemon::start_with(data, &with);
        for number in 0..5 {
            add(data, &format!("user{number}"), "secret");
        }
        daemon.signal("KILL");
        daemon.wait();
        let daemon = Daemon::start_with(data, &with);
        assert_eq!(list(data).lines().count(), 5, "{store}");
        assert!(can_log_in(&daemon, data, "user4", "secret"), "{store}");
    }
}

#[test]
fn what_cannot_be_done_is_explained() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let fails = |arguments: &[&str], input: &str| {
        let output = run(sestinad(data).args(["user"]).args(arguments), input);
        assert_eq!(output.status.code(), Some(1));
        complaint(&output)
    };
    add(data, "romeo", "montague");
    let explained = fails(&["add", "romeo", "--password-stdin"], "x\n");
    assert!(explained.contains("exists already"), "{explained}");
    let explained = fails(&["disable", "juliet"], "");
    assert!(explained.contains("no account juliet"), "{explained}");
    let explained = fails(&["remove", "juliet"], "");
    assert!(explained.contains("no account juliet"), "{explained}");
    let explained = fails(&["add", "romeo@capulet.example", "--password-stdin"], "x\n");
    assert!(explained.contains("only localhost"), "{explained}");
    let explained = fails(&["add", "romeo@localhost/orchard", "--password-stdin"], "x\n");
    assert!(explained.contains("session"), "{explained}");
    let explained = fails(&["add", "juliet"], "");
    assert!(explained.contains("--password-stdin"), "{explained}");
    let explained = fails(&["add", "juliet", "--store", "memory", "--password-stdin"], "x\n");
    assert!(explained.contains("no server runs"), "{explained}");
}
