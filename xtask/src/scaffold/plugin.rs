//! `new-plugin`: a plugin that stores something and is tested, to be made another.

use std::fs;
use std::path::{Path, PathBuf};

use super::{camel, package_name, snake, write};
use crate::flags::Flags;
use crate::program::{Failure, Outcome, root};

pub(crate) fn run(mut flags: Flags) -> Outcome {
    let path = flags.option::<PathBuf>("--path")?;
    let name = flags.positional::<String>("name")?;
    flags.finish()?;
    let name = name.ok_or_else(|| Failure::new("which? `cargo xtask new-plugin door-notes`"))?;
    let name = package_name(name.strip_prefix("sestina-").unwrap_or(&name))?;
    match path {
        Some(path) => {
            make_outside(&std::env::current_dir()?.join(&path), &name)?;
            println!(
                "a plugin is in {path}; sestina is taken from {sestina}, where it lies\n\n  \
                 cd {path}\n  cargo test\n\n{GUIDE}",
                path = path.display(),
                sestina = root().display(),
            );
        }
        None => {
            make_inside(&name)?;
            println!(
                "a plugin is in plugins/{name}\n\n  cargo test -p sestina-{name}\n\n{GUIDE}\n\n\
                 To make it part of the servers:\n\
                 - a line of [workspace.dependencies] in Cargo.toml\n\
                 - a feature in crates/sestina/Cargo.toml, a module in crates/sestina/src/plugins.rs\n\
                 - a feature in crates/sestinad/Cargo.toml, a row in crates/sestinad/src/plugins.rs\n\
                 - cargo xtask plugins, which writes the table of README.md, and a line in CHANGELOG.md\n\
                 - cargo xtask features {name}, which shows that they do without it as well"
            );
        }
    }
    Ok(())
}

/// Where to go on.
const GUIDE: &str = "What is there keeps a line of text for each account; docs/book/src/first-plugin.md says what \
                     else a plugin can do.";

fn make_inside(name: &str) -> Outcome {
    let folder = root().join("plugins").join(name);
    write("plugin", &folder, &values(name, &format!("sestina-{name}")))?;
    fs::remove_file(folder.join("Cargo.outside.toml"))?;
    Ok(())
}

/// Writes a plugin that is a project of its own.
///
/// # Errors
/// The folder is not empty, or cannot be written to.
pub(super) fn make_outside(folder: &Path, name: &str) -> Outcome {
    write("plugin", folder, &values(name, name))?;
    fs::rename(folder.join("Cargo.outside.toml"), folder.join("Cargo.toml"))?;
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock"))?;
    Ok(())
}

fn values(name: &str, package: &str) -> [(&'static str, String); 5] {
    [
        ("name", name.to_owned()),
        ("package", package.to_owned()),
        ("crate", snake(package)),
        ("type", camel(name)),
        ("sestina", root().display().to_string()),
    ]
}
