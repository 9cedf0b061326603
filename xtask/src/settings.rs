//! The reference of every setting in the book, which the server prints itself.

use std::fs;

use crate::flags::Flags;
use crate::program::{Failure, Outcome, root};

pub(crate) fn run(flags: Flags) -> Outcome {
    flags.finish()?;
    let printed = std::process::Command::new("cargo")
        .args(["run", "--quiet", "--package", "sestinad", "--", "config", "reference"])
        .current_dir(root())
        .output()?;
    if !printed.status.success() {
        return Err(Failure::new("sestinad does not say what can be set"));
    }
    fs::write(root().join("docs/book/src/settings.md"), printed.stdout)?;
    Ok(())
}
