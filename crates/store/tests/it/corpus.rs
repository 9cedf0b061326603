//! What fuzzing starts from, and what it has found.

use std::{fs, path::Path};

fn replay(target: &str, fuzz: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut replayed = 0;
    for seed in fs::read_dir(corpus).expect("the corpus is in the tree") {
        let seed = seed.and_then(|seed| fs::read(seed.path())).expect("seeds can be read");
        fuzz(&seed);
        replayed += 1;
    }
    assert!(replayed >= 5, "the corpus has its seeds");
}

#[test]
fn models_of_the_corpus_agree() {
    replay("store_model", sestina_store::fuzzing::model);
}

#[test]
fn records_of_the_corpus_are_read_or_refused() {
    replay("stored_records", sestina_store::fuzzing::records);
}
