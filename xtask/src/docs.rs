//! The documentation: built without a warning, its samples run, its links followed.

use crate::flags::Flags;
use crate::links;
use crate::plugins;
use crate::program::{Failure, Outcome, cargo, openly, quietly, root};

pub(crate) fn run(mut flags: Flags) -> Outcome {
    let samples = !flags.switch("--no-samples");
    flags.finish()?;
    check()?;
    if samples {
        openly(&mut cargo(["test", "--quiet", "--workspace", "--doc"]))?;
    }
    Ok(())
}

/// Compares the README's table, builds the pages with warnings denied and follows the links of the Markdown files.
pub(crate) fn check() -> Outcome {
    plugins::check()?;
    let mut doc = cargo(["doc", "--quiet", "--workspace", "--no-deps"]);
    quietly(doc.env("RUSTDOCFLAGS", "-D warnings"))?;
    let broken = links::broken(root())?;
    for link in &broken {
        eprintln!("{}:{}: {} leads nowhere", link.file.display(), link.line, link.link);
    }
    match broken.len() {
        0 => Ok(()),
        count => Err(Failure::new(format!("{count} broken links"))),
    }
}
