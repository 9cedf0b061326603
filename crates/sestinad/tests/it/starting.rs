//! Starts that fail, and what they say.

use std::{net::TcpListener, process::Output};

use crate::daemon::{Daemon, ON_DISK, complaint, run, sestinad};

fn failed(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", complaint(output));
    complaint(output)
}

#[test]
fn a_port_that_is_taken_is_named_with_the_mend() {
    let data = tempfile::tempdir().unwrap();
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = held.local_addr().unwrap().to_string();
    let told = failed(&run(sestinad(data.path()).args(["--c2s", &address]), ""));
    assert!(told.contains(&address) && told.contains("--c2s"), "{told}");
}

#[test]
fn a_data_directory_has_one_server() {
    for store in [ON_DISK, &["memory"]].concat() {
        let data = tempfile::tempdir().unwrap();
        let with = ["--store", store];
        let _first = Daemon::start_with(data.path(), &with);
        let listen = ["--c2s", "127.0.0.1:0", "--c2s-tls", "127.0.0.1:0"];
        let told = failed(&run(sestinad(data.path()).args(with).args(listen), ""));
        assert!(told.contains("in use"), "{store}: {told}");
    }
}

#[test]
fn an_address_that_the_machine_lacks_is_left_out() {
    let data = tempfile::tempdir().unwrap();
    // From the range for documentation.
    let mut daemon = Daemon::start_with(data.path(), &["--c2s", "[2001:db8::1]:0"]);
    daemon.signal("TERM");
    assert_eq!(daemon.wait().code(), Some(0));
}

#[test]
fn what_is_weak_stays_on_this_machine_unless_that_was_said() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("sestinad.toml");
    let check = |listen: &str, authentication: &str| {
        let text = format!(
            "preset = \"legacy\"\n[listen]\nc2s = [{listen:?}]\n[authentication]\n{authentication}\n"
        );
        std::fs::write(&file, text).unwrap();
        let file = file.to_str().unwrap();
        run(sestinad(data.path()).args(["config", "check", file]), "")
    };
    let everywhere = "0.0.0.0:5222";
    for (listen, authentication) in [
        ("127.0.0.1:5222", ""),
        (everywhere, "require-tls = true"),
        (everywhere, "weak-without-tls = true"),
    ] {
        let output = check(listen, authentication);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{listen} {authentication}: {}",
            complaint(&output)
        );
    }
    let output = check(everywhere, "");
    if cfg!(feature = "iq-auth") {
        let told = failed(&output);
        assert!(told.contains(everywhere) && told.contains("iq-auth"), "{told}");
        assert!(told.contains("authentication.weak-without-tls"), "{told}");
    }
}
