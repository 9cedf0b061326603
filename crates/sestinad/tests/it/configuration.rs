//! `sestinad config`.

use std::fs;

use crate::daemon::{complaint, printed, run, sestinad};

#[test]
fn the_documented_file_is_good_and_starts_from_the_defaults() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("sestina.toml");
    let text = printed(&run(sestinad(data.path()).args(["config", "default"]), ""));
    fs::write(&file, &text).unwrap();
    let checked = run(sestinad(data.path()).args(["config", "check"]).arg(&file), "");
    assert!(printed(&checked).ends_with("sestina.toml: good\n"));
}

#[test]
fn a_wrong_file_is_told_line_by_line() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("sestina.toml");
    fs::write(&file, "workers = 2\n[connection]\nidel = \"5m\"\nstalled = 60\n").unwrap();
    let checked = run(sestinad(data.path()).args(["config", "check"]).arg(&file), "");
    assert_eq!(checked.status.code(), Some(1));
    let told = complaint(&checked);
    assert!(
        told.contains(
            "sestina.toml:3: connection.idel: unknown key; did you mean connection.idle?"
        )
    );
    assert!(told.contains("sestina.toml:4: connection.stalled: expected a duration"));
}

#[cfg(feature = "redb")]
#[test]
fn variables_set_what_flags_do_not() {
    let data = tempfile::tempdir().unwrap();
    let mut command = sestinad(data.path());
    command.args(["user", "list"]).env("SESTINA_STORE", "paper");
    assert!(complaint(&run(&mut command, "")).contains("SESTINA_STORE: expected \"redb\""));
    command.args(["--store", "redb"]);
    // A wrong variable is wrong even where a flag wins over it.
    assert!(!run(&mut command, "").status.success());
    command.env("SESTINA_STORE", "memory");
    printed(&run(&mut command, ""));
}

#[test]
fn it_knows_its_version() {
    let data = tempfile::tempdir().unwrap();
    let version = printed(&run(sestinad(data.path()).arg("--version"), ""));
    assert_eq!(version, format!("sestinad {}\n", env!("CARGO_PKG_VERSION")));
}

#[cfg(feature = "register")]
#[test]
fn what_a_plugin_refuses_is_told_before_the_start() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("sestina.toml");
    let wrong = "plugins.register.bounds = { password = 8, shortest-password = 9 }";
    fs::write(&file, wrong).unwrap();
    let checked = run(sestinad(data.path()).args(["config", "check"]).arg(&file), "");
    assert_eq!(checked.status.code(), Some(1));
    let told = "sestina.toml:1: plugins.register.bounds.shortest-password: expected no more";
    assert!(complaint(&checked).contains(told), "{}", complaint(&checked));
}
