//! What is published: the crates and plugins, in the order in which they stand on each other.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::flags::Flags;
use crate::metadata::{Package, Workspace};
use crate::program::{Failure, Outcome, capture, cargo, openly, root};

/// What every package holds a copy of, though the tree has one.
const LICENCES: &[&str] = &["LICENSE-APACHE", "LICENSE-MIT"];

/// Rehearses, unless told `--for-real`; builds every package out of what it holds, unless told
/// `--no-verify`.
pub(crate) fn run(mut flags: Flags) -> Outcome {
    let (for_real, unverified) = (flags.switch("--for-real"), flags.switch("--no-verify"));
    flags.finish()?;
    let workspace = Workspace::load()?;
    let published: Vec<_> = workspace.packages.iter().filter(|it| it.published).collect();
    complete(&published)?;
    if for_real && !capture(git().args(["status", "--porcelain"]))?.is_empty() {
        return Err(Failure::new("what is published is what is committed: commit first"));
    }
    let _licences = Licences::lay(&published)?;
    // The licences beside the crates are what git does not know.
    let mut publish = cargo(["publish", "--allow-dirty"]);
    publish.args(published.iter().map(|package| format!("--package={}", package.name)));
    if !for_real {
        publish.arg("--dry-run");
    }
    if unverified {
        publish.arg("--no-verify");
    }
    openly(&mut publish)
}

fn git() -> Command {
    let mut git = Command::new("git");
    git.current_dir(root());
    git
}

/// Whether every package says of itself what a registry shows.
pub(crate) fn complete(published: &[&Package]) -> Outcome {
    let mut lacking = 0;
    for package in published {
        let mut lacks: Vec<_> = package.unsaid.clone();
        if !package.path().join("README.md").exists() {
            lacks.push("README.md".to_owned());
        }
        if !lacks.is_empty() {
            eprintln!("{} lacks {}", package.folder.display(), lacks.join(", "));
            lacking += 1;
        }
    }
    match lacking {
        0 => Ok(()),
        count => Err(Failure::new(format!("{count} packages do not say all about themselves"))),
    }
}

/// Licences that lie beside the crates for as long as this is there.
struct Licences(Vec<PathBuf>);

impl Licences {
    fn lay(published: &[&Package]) -> Outcome<Self> {
        let mut laid = Self(Vec::new());
        for package in published {
            for name in LICENCES {
                let copy = package.path().join(name);
                if !copy.exists() {
                    fs::copy(root().join(name), &copy)?;
                    laid.0.push(copy);
                }
            }
        }
        Ok(laid)
    }
}

impl Drop for Licences {
    fn drop(&mut self) {
        for copy in &self.0 {
            if let Err(error) = fs::remove_file(copy) {
                eprintln!("{} is left: {error}", copy.display());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_says_what_a_registry_shows() {
        let workspace = Workspace::load().unwrap();
        let published: Vec<_> = workspace.packages.iter().filter(|it| it.published).collect();
        let names: Vec<_> = published.iter().map(|package| package.name.as_str()).collect();
        for name in ["sestina", "sestinad", "sestina-testkit", "sestina-roster"] {
            assert!(names.contains(&name), "{name} is not published");
        }
        for name in ["xtask", "minimal", "full", "book"] {
            assert!(!names.contains(&name), "{name} is published");
        }
        complete(&published).unwrap();
    }

    #[test]
    fn licences_lie_beside_a_crate_only_meanwhile() {
        let package = Package { folder: "target/licences".into(), ..Package::default() };
        fs::create_dir_all(package.path()).unwrap();
        let laid = Licences::lay(&[&package]).unwrap();
        let there = || LICENCES.iter().filter(|name| package.path().join(name).exists()).count();
        assert_eq!(there(), 2);
        drop(laid);
        assert_eq!(there(), 0);
    }
}
