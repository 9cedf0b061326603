//! Whether what the templates make builds, is laid out, and passes its tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{plugin, server};
use crate::program::{Outcome, cargo, line_by_line, quietly, target};
use crate::tally::Tally;

/// A server with these shows that plugins of all kinds get in: with settings, and without.
const CHOSEN: &[&str] = &["offline", "ping", "roster"];

/// Makes one of each, and has it tested.
///
/// # Errors
/// One of them is not as it should be.
pub(crate) fn check(tally: &mut Tally) -> Outcome {
    let folder = fresh("scaffold/my-server")?;
    let known = server::choices()?;
    let chosen: Vec<_> =
        known.into_iter().filter(|choice| CHOSEN.contains(&&*choice.feature)).collect();
    server::make(&folder, &chosen)?;
    tested(&folder, tally)?;
    let folder = fresh("scaffold/two-lines")?;
    plugin::make_outside(&folder, "two-lines")?;
    tested(&folder, tally)
}

fn fresh(name: &str) -> Outcome<PathBuf> {
    let folder = target().join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    Ok(folder)
}

fn tested(folder: &Path, tally: &mut Tally) -> Outcome {
    // Built where the workspace is: most of what they need is there.
    let here = |arguments: &[&str]| -> Command {
        let mut cargo = cargo(arguments);
        cargo.current_dir(folder).env("CARGO_TARGET_DIR", target());
        cargo
    };
    quietly(&mut here(&["fmt", "--check"]))?;
    line_by_line(&mut here(&["test", "--quiet"]), |line| tally.see(line))?;
    quietly(&mut here(&["clippy", "--quiet", "--all-targets", "--", "-D", "warnings"]))
}
