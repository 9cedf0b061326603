//! What the book says of settings and commands is so.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::daemon::{complaint, printed, run, sestinad};

/// The code blocks of the book in one language, with the chapter that each stands in.
fn blocks(language: &str) -> Vec<(PathBuf, String)> {
    let chapters = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/book/src");
    let mut found = Vec::new();
    for chapter in fs::read_dir(chapters).unwrap() {
        let chapter = chapter.unwrap().path();
        if chapter.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let text = fs::read_to_string(&chapter).unwrap();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let Some(fence) = line.trim_start().strip_prefix("```") else { continue };
            let block: Vec<_> =
                lines.by_ref().take_while(|line| !line.trim_start().starts_with("```")).collect();
            if fence == language {
                found.push((chapter.clone(), block.join("\n")));
            }
        }
    }
    assert!(!found.is_empty(), "the book shows nothing in {language}");
    found
}

#[test]
fn its_settings_are_settings() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("sestina.toml");
    let settings = blocks("toml").into_iter().filter(|(_, text)| !text.contains("[dependencies]"));
    let mut checked = 0;
    for (chapter, text) in settings {
        fs::write(&file, &text).unwrap();
        let said = run(sestinad(data.path()).args(["config", "check"]).arg(&file), "");
        let good = said.status.success();
        assert!(good, "{}: {}\n{text}", chapter.display(), complaint(&said));
        checked += 1;
    }
    assert!(checked > 1, "the book shows no settings");
}

#[test]
fn its_commands_are_commands() {
    let data = tempfile::tempdir().unwrap();
    let commands = blocks("sh").into_iter().flat_map(|(chapter, text)| {
        let lines: Vec<_> = text.lines().map(|line| (chapter.clone(), line.to_owned())).collect();
        lines
    });
    let mut checked = 0;
    for (chapter, line) in commands {
        let line = line.split('#').next().unwrap_or_default().trim();
        let Some(words) = line
            .strip_prefix("sestinad ")
            .or_else(|| line.strip_prefix("cargo run --release -- "))
            .map(|rest| rest.split_whitespace().collect::<Vec<_>>())
        else {
            continue;
        };
        let said = run(sestinad(data.path()).args(&words).arg("--help"), "");
        assert!(said.status.success(), "{}: {line}: {}", chapter.display(), complaint(&said));
        assert!(printed(&said).contains("Usage"), "{line}");
        checked += 1;
    }
    assert!(checked > 2, "the book shows no commands");
}
