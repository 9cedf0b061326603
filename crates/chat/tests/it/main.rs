//! The modules that need no browser, under Node.js. What needs one is in `interop/browser`.

use std::process::Command;

#[test]
fn the_modules_do_what_they_say() {
    let folder = env!("CARGO_MANIFEST_DIR");
    let mut files: Vec<_> = std::fs::read_dir(format!("{folder}/tests/js"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty());
    let ran = Command::new("node").arg("--test").args(files).current_dir(folder).output();
    let Ok(output) = ran else {
        eprintln!(
            "SKIPPED: node is not on this machine, so the modules of the page were not tested"
        );
        return;
    };
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
}
