//! New projects from the templates beside this crate.

pub(crate) mod check;
pub(crate) mod plugin;
pub(crate) mod server;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::program::{Failure, Outcome, exists, quietly, root};

/// What stands for what in a template, where it says `{{name}}`.
type Values<'a> = [(&'a str, String)];

/// Writes a template into a folder, and hands back the files.
///
/// # Errors
/// The folder is not empty, or cannot be written to.
fn write(template: &str, folder: &Path, values: &Values<'_>) -> Outcome<Vec<PathBuf>> {
    vacant(folder)?;
    let from = root().join("xtask/templates").join(template);
    let mut written = Vec::new();
    copy(&from, folder, values, &mut written)?;
    format(&written)?;
    Ok(written)
}

fn vacant(folder: &Path) -> Outcome {
    let taken = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_some(),
        Err(_) => folder.exists(),
    };
    if taken {
        return Err(Failure::new(format!("{} is not an empty folder", folder.display())));
    }
    Ok(())
}

fn copy(from: &Path, to: &Path, values: &Values<'_>, written: &mut Vec<PathBuf>) -> Outcome {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let (from, to) = {
            let entry = entry?;
            (entry.path(), to.join(entry.file_name()))
        };
        if from.is_dir() {
            copy(&from, &to, values, written)?;
        } else {
            fs::write(&to, filled(&fs::read_to_string(&from)?, values)?)?;
            written.push(to);
        }
    }
    Ok(())
}

/// The text with values in their places.
///
/// # Errors
/// A place has no value.
fn filled(text: &str, values: &Values<'_>) -> Outcome<String> {
    let text = values.iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{{{name}}}}}"), value)
    });
    match text.split_once("{{").and_then(|(_, rest)| rest.split_once("}}")) {
        Some((name, _)) => Err(Failure::new(format!("nothing stands for {name:?}"))),
        None => Ok(text),
    }
}

/// Lays out what names of other lengths have moved.
fn format(files: &[PathBuf]) -> Outcome {
    let sources = files.iter().filter(|file| file.extension().is_some_and(|it| it == "rs"));
    if exists("rustfmt") {
        quietly(Command::new("rustfmt").args(["--edition", "2024"]).args(sources))?;
    }
    Ok(())
}

/// A name for a package: letters, digits and dashes, as in `door-notes`.
///
/// # Errors
/// It is none.
fn package_name(name: &str) -> Outcome<String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    if begins && name.chars().all(plain) && !name.ends_with('-') && !name.contains("--") {
        return Ok(name.to_owned());
    }
    Err(Failure::new(format!(
        "{name:?} is no name: small letters, digits and dashes are, as in door-notes"
    )))
}

/// `door_notes` of `door-notes`.
fn snake(name: &str) -> String {
    name.replace('-', "_")
}

/// `DoorNotes` of `door-notes`.
fn camel(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str())
    };
    name.split('-').filter_map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::target;

    #[test]
    fn every_place_has_its_value() {
        let values = [("name", "door".to_owned()), ("type", "Door".to_owned())];
        assert_eq!(filled("{{type}} of {{name}} {}", &values).unwrap(), "Door of door {}");
        let missing = filled("{{name}} {{other}}", &values).unwrap_err();
        assert_eq!(missing.to_string(), "nothing stands for \"other\"");
    }

    #[test]
    fn names_are_those_of_packages() {
        for name in ["door", "door-notes", "x2"] {
            assert_eq!(package_name(name).unwrap(), name);
        }
        for name in ["", "Door", "2x", "-x", "x-", "a--b", "a_b", "../x"] {
            assert!(package_name(name).is_err(), "{name:?}");
        }
        assert_eq!(
            (snake("door-notes"), camel("door-notes-2")),
            ("door_notes".into(), "DoorNotes2".into())
        );
    }

    #[test]
    fn a_folder_with_something_in_it_is_left_alone() {
        let folder = target().join("scaffold-taken");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("mine"), "").unwrap();
        let refused = write("server", &folder, &[]).unwrap_err();
        assert!(refused.to_string().ends_with("is not an empty folder"));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(folder).unwrap();
    }
}
