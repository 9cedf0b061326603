//! The suite that every backend passes, and the example as it is run.

use std::{path::Path, process::Command};

sestina_store::conformance!(|folder: &Path| custom_store::open(folder.join("store")));
sestina_store::conformance_on_disk!(|folder: &Path| custom_store::open(folder.join("store")));

#[test]
fn what_was_left_in_one_run_is_read_in_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let run = || {
        let output = Command::new(env!("CARGO_BIN_EXE_custom-store")).arg(folder.path()).output();
        let output = output.unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        said.lines().map(str::to_owned).skip(1).collect::<Vec<_>>()
    };
    let left = "romeo has left a message for juliet, who is not there";
    assert_eq!(run(), ["juliet is new here", left]);
    assert_eq!(run(), ["romeo@localhost/orchard said meanwhile: Shall I hear more?", left]);
}
