//! The seeds of the fuzz target, replayed.

use std::fs;
use std::path::Path;

#[test]
fn scram_server() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/scram_server");
    let mut replayed = 0;
    for seed in fs::read_dir(corpus).unwrap() {
        sestina_sasl::fuzzing::scram_server(&fs::read(seed.unwrap().path()).unwrap());
        replayed += 1;
    }
    assert!(replayed >= 10, "the corpus is in the tree");
}
