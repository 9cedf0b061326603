//! What the log says, and what it never says.

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{
    client::Client,
    daemon::{Daemon, add},
};

#[test]
fn log_lines_can_be_json() {
    let data = tempfile::tempdir().unwrap();
    let mut daemon = Daemon::start_with(data.path(), &["--log-format", "json"]);
    daemon.signal("TERM");
    let line: serde_json::Value = serde_json::from_str(&daemon.wait_for("shutting down")).unwrap();
    assert_eq!(line["level"], "INFO");
}

#[test]
fn the_log_holds_no_password_and_above_trace_no_body() {
    for level in ["trace", "debug"] {
        let data = tempfile::tempdir().unwrap();
        let path = data.path();
        let mut daemon = Daemon::start_with(path, &["--log-level", level]);
        add(path, "romeo", "montague-secret");
        let trusted = path.join("tls/self-made.crt");
        let mut romeo = Client::start_tls(daemon.address("c2s"), &trusted);
        assert!(romeo.log_in("romeo", "montague-secret", "orchard"));
        romeo.send(
            "<message to='romeo@localhost/orchard' type='chat'><body>a whisper</body></message>",
        );
        romeo.expect("a whisper");
        daemon.signal("TERM");
        let log = daemon.rest_of_log().join("\n");
        assert!(log.contains("an account was created"), "the log was read: {log}");
        assert!(!log.contains("montague-secret"), "{log}");
        assert!(!log.contains(&BASE64_STANDARD.encode("\0romeo\0montague-secret")), "{log}");
        assert!(level == "trace" || !log.contains("a whisper"), "{log}");
    }
}
