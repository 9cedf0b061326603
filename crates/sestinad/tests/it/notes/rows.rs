//! That nothing which the five notes show is forgotten.

use std::collections::BTreeMap;

use super::folder;

/// How many rows there are of each note.
const ROWS: [(u8, u8); 5] = [(1, 29), (2, 32), (3, 24), (4, 14), (5, 12)];

/// Rows that no transcript here names: where they are tested instead, as a file, or why nowhere.
const ELSEWHERE: &[(&str, &str)] = &[
    ("S1-26", "no federation: contacts elsewhere are not probed"),
    ("S2-22", "plugins/vacation/tests/it/away.scs"),
    ("S3-18", "no personal eventing: no such identity is shown"),
    ("S4-14", "logged by the server, not seen by a client"),
];

#[test]
fn every_row_is_shown_or_has_its_reason() {
    let mut named = BTreeMap::new();
    for entry in folder().read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|it| it == "scs") {
            let text = std::fs::read_to_string(&path).unwrap();
            for comment in text.lines().filter(|line| line.starts_with('#')) {
                let words = comment.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
                for word in words.filter(|word| is_row(word)) {
                    named.insert(word.to_owned(), path.clone());
                }
            }
        }
    }
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let mut rows = 0;
    for (note, count) in ROWS {
        for row in (1..=count).map(|row| format!("S{note}-{row:02}")) {
            let elsewhere = ELSEWHERE.iter().find(|(it, _)| *it == row);
            assert!(named.contains_key(&row) != elsewhere.is_some(), "{row}: {elsewhere:?}");
            if let Some((_, file)) = elsewhere.filter(|(_, it)| it.starts_with("plugins/")) {
                assert!(std::path::Path::new(root).join(file).exists(), "{row}: {file}");
            }
            rows += 1;
        }
    }
    assert_eq!(named.len() + ELSEWHERE.len(), rows, "a row that there is not is named");
}

/// Such as `S1-01`.
fn is_row(word: &str) -> bool {
    let bytes = word.as_bytes();
    bytes.len() == 5
        && bytes[0] == b'S'
        && bytes[2] == b'-'
        && [1, 3, 4].iter().all(|&at| bytes[at].is_ascii_digit())
}
