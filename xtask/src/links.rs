//! The links of the Markdown files: does what they point at exist?

use std::fs;
use std::path::{Path, PathBuf};

use crate::program::Outcome;

/// A link that leads nowhere.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    pub(crate) file: PathBuf,
    pub(crate) line: usize,
    pub(crate) link: String,
}

/// Follows the links of every Markdown file below `root`; those to other hosts are left alone.
///
/// # Errors
/// A file or a folder cannot be read.
pub(crate) fn broken(root: &Path) -> Outcome<Vec<Broken>> {
    let mut files = Vec::new();
    find(root, &mut files)?;
    files.sort();
    let mut broken = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file)?;
        let folder = file.parent().unwrap_or(root);
        for (line, link) in links(&text) {
            if !leads_somewhere(folder, &file, link) {
                let file = file.strip_prefix(root).unwrap_or(&file).to_owned();
                broken.push(Broken { file, line, link: link.to_owned() });
            }
        }
    }
    Ok(broken)
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) -> Outcome {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let built = matches!(name.as_ref(), "target" | "node_modules" | "corpus");
        if path.is_dir() && !built && (!name.starts_with('.') || name == ".ci") {
            find(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "md") {
            files.push(path);
        }
    }
    Ok(())
}

/// The targets of the inline links, with their lines counted from one; code is no link.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        for (at, _) in line.match_indices("](") {
            // After an odd number of backticks it is code.
            let is_code = line[..at].matches('`').count() % 2 == 1;
            if let Some((link, _)) = line[at + 2..].split_once(')')
                && !is_code
            {
                found.push((index + 1, link));
            }
        }
    }
    found
}

fn leads_somewhere(folder: &Path, file: &Path, link: &str) -> bool {
    let is_item = link.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | ':'));
    if link.contains("://") || link.starts_with("mailto:") || is_item {
        // Other hosts are not asked, and paths of items are rustdoc's to check.
        return true;
    }
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, a)| (path, Some(a)));
    let target = if path.is_empty() { file.to_owned() } else { folder.join(path) };
    match anchor {
        None => target.exists(),
        Some(anchor) => fs::read_to_string(target)
            .is_ok_and(|text| headings(&text).any(|heading| heading == anchor)),
    }
}

/// The anchors that a page's headings make.
fn headings(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter(|line| line.starts_with('#')).map(|line| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_taken_from_prose_and_not_from_code() {
        let text = "[a](one.md) and [b](two.md#part)\n```text\n[c](no.md)\n```\n`[d](no.md)` [`e`](three.md)";
        assert_eq!(links(text), [(1, "one.md"), (1, "two.md#part"), (5, "three.md")]);
    }

    #[test]
    fn headings_become_anchors() {
        let text = "# What it is\nprose\n## `Store`, and why";
        assert_eq!(headings(text).collect::<Vec<_>>(), ["what-it-is", "store-and-why"]);
    }

    #[test]
    fn a_link_to_nothing_is_found() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let file = root.join("README.md");
        assert!(leads_somewhere(root, &file, "src/main.rs"));
        assert!(leads_somewhere(root, &file, "https://example.org/nothing"));
        assert!(leads_somewhere(root, &file, "crate::Element"));
        assert!(leads_somewhere(root, &file, "Element"));
        assert!(!leads_somewhere(root, &file, "src/nothing.rs"));
        assert!(!leads_somewhere(root, &file, "src/main.rs#no-heading"));
    }
}
