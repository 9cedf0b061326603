//! Runs the example.

use std::process::Command;

#[test]
fn two_users_chat() {
    let output = Command::new(env!("CARGO_BIN_EXE_minimal")).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    let lines: Vec<_> = said.lines().collect();
    assert!(lines[0].starts_with("listening on 127.0.0.1:"), "{said}");
    assert_eq!(
        lines[1..],
        ["romeo@localhost/orchard: Shall I hear more?", "juliet@localhost/balcony: Who is that?"]
    );
}
