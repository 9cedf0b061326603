//! The plugin guide shows this plugin as it is.

use std::{fs, path::Path};

/// Each block of code that follows a line with a file's name alone, such as `src/lib.rs`.
fn blocks(guide: &str) -> Vec<(String, String)> {
    let mut lines = guide.lines();
    let (mut found, mut named) = (Vec::new(), None);
    while let Some(line) = lines.next() {
        if line.starts_with("```") {
            let block: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            if let Some(file) = named.take() {
                found.push((file, block.join("\n")));
            }
        } else if !line.is_empty() {
            let name = line.strip_prefix('`').and_then(|rest| rest.strip_suffix("`:"));
            named = name.map(str::to_owned);
        }
    }
    found
}

#[test]
fn the_guide_shows_what_is_here() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = fs::read_to_string(here.join("../../docs/book/src/first-plugin.md")).unwrap();
    let blocks = blocks(&guide);
    let shown: Vec<_> = blocks.iter().map(|(file, _)| file.as_str()).collect();
    for file in ["src/note.rs", "src/lib.rs", "tests/it/leaves_notes.scs", "tests/it/main.rs"] {
        assert!(shown.contains(&file), "{file} is not shown");
    }
    for (file, block) in &blocks {
        let text = fs::read_to_string(here.join(file)).unwrap();
        assert!(text.contains(block.as_str()), "{file} does not hold:\n{block}");
    }
}
