//! Every seed of the fuzz targets, on each run of the tests.

use std::fs;
use std::path::Path;

use sestina_stanza::fuzzing;

fn replay(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut seeds = 0;
    for entry in fs::read_dir(&folder).expect("the corpus is in the tree") {
        let path = entry.expect("a readable folder").path();
        let data = fs::read(&path).expect("a readable seed");
        println!("{}", path.display());
        run(&data);
        seeds += 1;
    }
    assert!(seeds >= 10, "{} holds {seeds} seeds", folder.display());
}

#[test]
fn stanza_roundtrip() {
    replay("stanza_roundtrip", fuzzing::stanza_roundtrip);
}

#[test]
fn jid() {
    replay("jid", fuzzing::jid);
}

#[test]
fn data_form() {
    replay("data_form", fuzzing::data_form);
}
