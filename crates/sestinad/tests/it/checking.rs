//! `sestinad check`, over the machine as it is.

use std::{fs, net::TcpListener};

use crate::daemon::{Daemon, add, complaint, printed, run, sestinad};

const LOCAL: [&str; 4] = ["--c2s", "127.0.0.1:0", "--c2s-tls", "127.0.0.1:0"];

#[test]
fn what_is_as_it_should_be_is_good() {
    let data = tempfile::tempdir().unwrap();
    let told = printed(&run(sestinad(&data.path().join("new")).args(LOCAL).arg("check"), ""));
    assert!(told.contains("good     data: "), "{told}");
    assert!(told.contains("\n0 wrong, "), "{told}");
    assert!(!data.path().join("new").exists(), "nothing is made");
}

#[test]
fn a_running_server_is_asked_at_its_ports() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("sestina.toml");
    fs::write(&file, "admins = [\"nurse@localhost\", \"romeo@localhost\"]\n").unwrap();
    let daemon = Daemon::start_with(data.path(), &["--config", file.to_str().unwrap()]);
    add(data.path(), "romeo", "montague");
    let mut check = sestinad(data.path());
    check.args(LOCAL).arg("--config").arg(&file).arg("check");
    let told = printed(&run(&mut check, ""));
    for kind in ["c2s", "c2s-tls"] {
        let address = daemon.address(kind);
        assert!(told.contains(&format!("good     listen.{kind}: {address} answers")), "{told}");
    }
    assert!(told.contains("good     store: the running server has it"), "{told}");
    assert!(told.contains("good     admins: romeo@localhost has an account"), "{told}");
    assert!(told.contains("warning  admins: nurse@localhost has no account"), "{told}");
}

#[test]
fn what_is_wrong_is_told_with_its_mend_and_the_exit_code() {
    let data = tempfile::tempdir().unwrap();
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = held.local_addr().unwrap().to_string();
    let mut check = sestinad(data.path());
    check.args(["--c2s", &taken, "--c2s-tls", "127.0.0.1:0", "check", "--json"]);
    let checked = run(&mut check, "");
    assert_eq!(checked.status.code(), Some(1));
    assert!(complaint(&checked).contains("one thing is wrong"), "{}", complaint(&checked));
    let told: serde_json::Value = serde_json::from_slice(&checked.stdout).unwrap();
    let findings = told["findings"].as_array().unwrap();
    let wrong = findings.iter().find(|it| it["severity"] == "wrong").unwrap();
    assert_eq!(wrong["at"], "listen.c2s");
    assert!(wrong["mend"].as_str().unwrap().contains("another address"), "{wrong}");

    let file = data.path().join("sestina.toml");
    fs::write(&file, "\nworkers = \"many\"\n").unwrap();
    let checked = run(sestinad(data.path()).arg("--config").arg(&file).arg("check"), "");
    assert_eq!(checked.status.code(), Some(1));
    let told = String::from_utf8(checked.stdout).unwrap();
    assert!(told.contains("wrong    workers: expected a whole number"), "{told}");
    assert!(told.contains("change line 2 of "), "{told}");
}
