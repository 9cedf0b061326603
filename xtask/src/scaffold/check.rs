//! Whether what the templates make builds, is laid out, and passes its tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{plugin, server};
use crate::flags::Flags;
use crate::program::{Outcome, cargo, line_by_line, quietly, target};
use crate::tally::Tally;

/// A server with these shows that plugins of all kinds get in: with settings, and without.
const CHOSEN: &[&str] = &["offline", "ping", "roster"];

pub(crate) fn run(flags: Flags) -> Outcome {
    flags.finish()?;
    check(&mut Tally::default())
}

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
    tested(&folder, tally)?;
    // Once is enough: of a server this would be everything that it stands on, once more.
    quietly(&mut here(&folder, &["clippy", "--quiet", "--all-targets", "--", "-D", "warnings"]))
}

fn fresh(name: &str) -> Outcome<PathBuf> {
    let folder = target().join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    Ok(folder)
}

fn tested(folder: &Path, tally: &mut Tally) -> Outcome {
    quietly(&mut here(folder, &["fmt", "--check"]))?;
    line_by_line(&mut here(folder, &["test", "--quiet"]), |line| tally.see(line))
}

/// Cargo in the project, building where the workspace is: most of what it needs is there.
fn here(folder: &Path, arguments: &[&str]) -> Command {
    let mut cargo = cargo(arguments);
    cargo.current_dir(folder).env("CARGO_TARGET_DIR", target());
    cargo
}
