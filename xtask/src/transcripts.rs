//! Sessions of long ago, replayed against the real server over real sockets and shown.
//!
//! They are tests of `sestinad`: a transcript for each in [`FOLDER`], named after the preset that it is
//! played with. What runs here and not with the other tests is a cut at every boundary between two
//! bytes of what is sent, each in one of a few runs.

use std::process::{Command, Stdio};

use crate::flags::Flags;
use crate::program::{Failure, Outcome, cargo, openly, quietly, root};

const FOLDER: &str = "crates/sestinad/tests/it/notes";

pub(crate) fn run(mut flags: Flags) -> Outcome {
    let only = flags.positional::<String>("transcript")?;
    flags.finish()?;
    let mut shown = cuts(only.as_deref())?;
    // The servers' logs would stand between the lines.
    if openly(shown.arg("--nocapture").stderr(Stdio::null())).is_err() {
        // They say what has gone wrong.
        return check(only.as_deref());
    }
    for name in chosen(only.as_deref())? {
        println!("== {name}, as `sestinad --preset {name}` answers");
        // The server's log would stand between the lines; what goes wrong was found before.
        let shown = ["--exact", &test(&name), "--nocapture"];
        openly(tests("show").args(shown).stderr(Stdio::null()))?;
    }
    Ok(())
}

/// Replays all of them at a time, or `only` that one, cut in every way.
pub(crate) fn check(only: Option<&str>) -> Outcome {
    quietly(&mut cuts(only)?)
}

/// The tests that replay them cut, each run a line.
fn cuts(only: Option<&str>) -> Outcome<Command> {
    let names: Vec<_> = chosen(only)?.iter().map(|name| test(name)).collect();
    // They mostly wait.
    let threads = format!("--test-threads={}", names.len());
    let mut tests = tests("cut");
    tests.args(["--exact", &threads]).args(names);
    Ok(tests)
}

/// The tests of `sestinad`, and what those that are transcripts are to do.
fn tests(how: &str) -> Command {
    let mut tests = cargo(["test", "--quiet", "--package=sestinad", "--test=it", "--"]);
    tests.env("TRANSCRIPTS", how);
    tests
}

/// The test that plays a transcript.
fn test(name: &str) -> String {
    format!("notes::{}", name.replace('-', "_"))
}

fn chosen(only: Option<&str>) -> Outcome<Vec<String>> {
    let mut names = Vec::new();
    for entry in root().join(FOLDER).read_dir()? {
        let name = entry?.file_name();
        let name = name.to_str().and_then(|name| name.strip_suffix(".scs"));
        names.extend(name.map(str::to_owned));
    }
    names.sort_unstable();
    names.retain(|name| only.is_none_or(|only| only == name));
    if names.is_empty() { Err(Failure::new("there is no such transcript")) } else { Ok(names) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_five_and_each_can_be_chosen() {
        let all = chosen(None).unwrap();
        assert_eq!(all, ["jabberd14", "perl-roster", "pidgin", "psi", "rabbit"]);
        assert_eq!(chosen(Some("psi")).unwrap(), ["psi"]);
        assert!(chosen(Some("zebra")).is_err());
    }
}
