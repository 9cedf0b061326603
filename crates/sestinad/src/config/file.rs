//! Settings in a TOML file.

use std::{ops::Range, path::Path};

use toml::de::{DeTable, DeValue};

use super::{Config, Given, Key, Place, Problem, hosts};

/// Reads a file's text into a configuration; every problem in it is noted.
pub(crate) fn apply(
    path: &Path,
    text: &str,
    keys: &[Key<Config>],
    config: &mut Config,
    problems: &mut Vec<Problem>,
) {
    let mut reading =
        Reading { path, text, keys, config, problems, prefix: String::new(), elsewhere: &[] };
    match DeTable::parse(text) {
        Ok(table) => reading.table("", table.get_ref()),
        Err(error) => {
            let at = error.span().unwrap_or_default();
            reading.note(&at, None, error.message().to_owned());
        }
    }
}

/// The line on which a key is set, if it is.
pub(crate) fn line_of(text: &str, key: &str) -> Option<usize> {
    let table = DeTable::parse(text).ok()?;
    find(table.get_ref(), key).map(|at| line_at(text, at))
}

/// Where a key stands in a table, if it does.
pub(super) fn find(mut table: &DeTable<'_>, key: &str) -> Option<usize> {
    let (section, name) = key.rsplit_once('.').map_or((None, key), |(it, name)| (Some(it), name));
    for part in section.into_iter().flat_map(|section| section.split('.')) {
        let (_, inner) = table.iter().find(|(name, _)| name.get_ref() == part)?;
        table = inner.get_ref().as_table()?;
    }
    let (name, _) = table.iter().find(|(it, _)| it.get_ref() == name)?;
    Some(name.span().start)
}

pub(super) fn line_at(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

pub(super) struct Reading<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
    pub(super) keys: &'a [Key<Config>],
    pub(super) config: &'a mut Config,
    pub(super) problems: &'a mut Vec<Problem>,
    /// What stands before each key where somebody is told of it.
    pub(super) prefix: String,
    /// Keys that cannot be set here, but above.
    pub(super) elsewhere: &'a [String],
}

impl Reading<'_> {
    pub(super) fn table(&mut self, within: &str, table: &DeTable<'_>) {
        // In the order of the file, not of the alphabet.
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(name, _)| name.span().start);
        for (name, value) in entries {
            let path = match within {
                "" => name.get_ref().clone().into_owned(),
                within => format!("{within}.{}", name.get_ref()),
            };
            if path == hosts::SECTION && self.prefix.is_empty() {
                // Each of them is read over what all of this comes to.
                continue;
            }
            if let Some(key) = self.keys.iter().find(|key| key.path() == path) {
                let value_at = value.span();
                if let Err(what) = key.set(self.config, Given::Toml(value.get_ref())) {
                    self.note(&value_at, Some(path), what);
                }
            } else if self.is_section(&path) {
                match value.get_ref() {
                    DeValue::Table(inner) => self.table(&path, inner),
                    _ => self.note(&value.span(), Some(path), "expected a table".to_owned()),
                }
            } else {
                let what = self.unknown(&path);
                self.note(&name.span(), Some(path), what);
            }
        }
    }

    fn is_section(&self, path: &str) -> bool {
        let holds = |key: &Key<Config>| {
            key.path().strip_prefix(path).is_some_and(|rest| rest.starts_with('.'))
        };
        // A binary without plugins has none there.
        path == "plugins" || self.keys.iter().any(holds)
    }

    /// What to say of a key that is none: the nearest that is one, if any is near.
    fn unknown(&self, path: &str) -> String {
        let is_part = |key: &String| key.strip_prefix(path).is_some_and(|it| it.starts_with('.'));
        if self.elsewhere.iter().any(|key| key == path || is_part(key)) {
            return format!("is the same for all hosts: set {path} outside of [host]");
        }
        let sections = self.keys.iter().flat_map(|key| {
            key.path().match_indices('.').map(|(at, _)| key.path().get(..at).unwrap_or_default())
        });
        let known = self.keys.iter().map(Key::path).chain(sections);
        let nearest = known
            .map(|known| (strsim::damerau_levenshtein(path, known), known))
            .filter(|(distance, known)| distance * 3 <= known.len())
            .min();
        match nearest {
            Some((_, known)) => format!("unknown key; did you mean {known}?"),
            None if path.starts_with("plugins.") => {
                "this binary was built without such a plugin".to_owned()
            }
            None => "unknown key; `sestinad config default` lists those there are".to_owned(),
        }
    }

    fn note(&mut self, at: &Range<usize>, key: Option<String>, what: String) {
        let place = Place::File(self.path.to_owned(), line_at(self.text, at.start));
        let key = key.map(|key| format!("{}{key}", self.prefix));
        self.problems.push(Problem { place, key, what });
    }
}
