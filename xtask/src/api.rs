//! The public interface of each library, written down in `api/`, so that a change shows what it changes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::flags::Flags;
use crate::metadata::{Package, Workspace};
use crate::program::{Failure, Outcome, capture, cargo, openly, quietly, root, target};

/// Makes lines of what rustdoc says; it has to know the form of this compiler's rustdoc.
const TOOL: (&str, &str) = ("cargo-public-api", "0.52.0");

/// Writes the interfaces down, or with `--check` says how they differ from what is written.
pub(crate) fn run(mut flags: Flags) -> Outcome {
    let check = flags.switch("--check");
    let only = flags.positional::<String>("crate")?;
    flags.finish()?;
    let workspace = Workspace::load()?;
    let wanted = |name: &str| {
        only.as_deref()
            .is_none_or(|only| name == only || name.strip_prefix("sestina-") == Some(only))
    };
    let libraries: Vec<_> = workspace
        .packages
        .iter()
        .filter(|it| it.published && it.path().join("src/lib.rs").exists() && wanted(&it.name))
        .collect();
    if libraries.is_empty() {
        return Err(Failure::new(format!("there is no library {:?}", only.unwrap_or_default())));
    }
    let tool = tool()?;
    describe(&libraries)?;
    let folder = root().join("api");
    fs::create_dir_all(&folder)?;
    let mut differ = Vec::new();
    for library in libraries {
        let file = folder.join(format!("{}.txt", library.name));
        let text = interface(&tool, library)?;
        if !check {
            fs::write(&file, text)?;
        } else if let Some(difference) =
            difference(&fs::read_to_string(&file).unwrap_or_default(), &text)
        {
            println!("{}:\n{difference}", library.name);
            differ.push(library.name.clone());
        }
    }
    if differ.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{} are not as written: cargo xtask api writes them",
        differ.join(", ")
    )))
}

/// The tool, installed below the target folder where it is not.
fn tool() -> Outcome<PathBuf> {
    let (name, version) = TOOL;
    let folder = target().join("tools");
    let tool = folder.join("bin").join(name);
    if !tool.exists() {
        let version = format!("--version={version}");
        let mut install = cargo(["install", name, &version, "--locked", "--root"]);
        // Apart, so that a clean-up of one does not end the other.
        openly(install.arg(&folder).env("CARGO_TARGET_DIR", folder.join("build")))?;
    }
    Ok(tool)
}

/// Has rustdoc say what the libraries offer, in the form that it has for programs.
fn describe(libraries: &[&Package]) -> Outcome {
    let mut doc = cargo(["doc", "--quiet", "--no-deps", "--lib"]);
    doc.args(libraries.iter().map(|library| format!("--package={}", library.name)));
    // Not settled yet, so that a released compiler gives it out only when asked like this.
    doc.env("RUSTC_BOOTSTRAP", "1");
    quietly(doc.env("RUSTDOCFLAGS", "-Zunstable-options --output-format=json --cap-lints=allow"))
}

/// One line for each item, without what follows from others.
fn interface(tool: &Path, library: &Package) -> Outcome<String> {
    let said = target().join("doc").join(format!("{}.json", library.name.replace('-', "_")));
    let mut list = Command::new(tool);
    list.args(["public-api", "-sss", "--color=never", "--rustdoc-json"]).arg(said);
    capture(&mut list)
}

/// The lines that are gone and those that are new, if there are any.
fn difference(written: &str, now: &str) -> Option<String> {
    let only_in = |one: &str, other: &str, mark: char| {
        let other: std::collections::HashSet<_> = other.lines().collect();
        let lines = one.lines().filter(|line| !other.contains(line));
        lines.map(|line| format!("{mark} {line}\n")).collect::<String>()
    };
    let difference = only_in(written, now, '-') + &only_in(now, written, '+');
    (!difference.is_empty()).then_some(difference)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_and_what_is_new_is_told() {
        assert_eq!(difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(difference("a\nb\n", "b\nc\n").as_deref(), Some("- a\n+ c\n"));
        assert_eq!(difference("", "a\n").as_deref(), Some("+ a\n"));
    }
}
