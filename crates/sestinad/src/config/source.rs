//! Where settings come from, and which of them wins.

use std::{fs, path::PathBuf};

use super::{Config, Environment, Given, Key, Place, Problem, Problems, file, hosts, keys};

/// A flag that sets a key.
#[derive(Clone, Debug)]
pub(crate) struct Flag {
    pub(crate) name: &'static str,
    pub(crate) key: &'static str,
    pub(crate) values: Vec<String>,
}

/// Everything settings are read from: a file, then the environment, then flags; later ones win.
/// They can be read again, which is what a reload does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    pub(crate) file: Option<PathBuf>,
    pub(crate) environment: Environment,
    pub(crate) flags: Vec<Flag>,
}

impl Sources {
    /// Reads everything: defaults, preset, file, environment, flags.
    pub(crate) fn load(&self) -> Result<Config, Problems> {
        let text = match &self.file {
            None => None,
            Some(path) => match fs::read_to_string(path) {
                Ok(text) => Some((path, text)),
                Err(error) => {
                    let what = format!("cannot be read: {error}");
                    let place = Place::Whole(path.clone());
                    return Err(Problems(vec![Problem { place, key: None, what }]));
                }
            },
        };
        let keys = keys();
        let apply = |config: &mut Config| {
            let mut problems = Vec::new();
            if let Some((path, text)) = &text {
                file::apply(path, text, &keys, config, &mut problems);
            }
            self.apply_environment(&keys, config, &mut problems);
            self.apply_flags(&keys, config, &mut problems);
            problems
        };
        // The preset lies beneath all the others, and any of them may name it: they are read once
        // to learn which it is, and once more over it.
        let mut config = Config::default();
        apply(&mut config);
        config = config.preset.config();
        let mut problems = apply(&mut config);
        if problems.is_empty()
            && let Err((key, what)) = config.check()
        {
            problems.push(self.problem(key, what));
        }
        if let Some((path, text)) = &text {
            config.hosts = hosts::read(path, text, &config, &mut problems);
        }
        if problems.is_empty() { Ok(config) } else { Err(Problems(problems)) }
    }

    /// What is wrong with a key, and where it is set.
    pub(crate) fn problem(&self, key: &str, what: String) -> Problem {
        let flag = self.flags.iter().find(|flag| flag.key == key);
        let variable = keys().iter().find(|it| it.path() == key).map(Key::variable);
        let variable = variable.filter(|name| self.environment.value(name).is_some());
        let place = match (flag, variable, &self.file) {
            (Some(flag), ..) => Place::Flag(flag.name),
            (None, Some(name), _) => Place::Variable(name),
            (None, None, None) => Place::Together,
            (None, None, Some(path)) => {
                let text = fs::read_to_string(path).unwrap_or_default();
                match file::line_of(&text, key) {
                    Some(line) => Place::File(path.clone(), line),
                    None => Place::Whole(path.clone()),
                }
            }
        };
        Problem { place, key: Some(key.to_owned()), what }
    }

    /// What is wrong with a key of a host, and where it is set.
    pub(crate) fn problem_of(&self, host: &Config, key: &str, what: String) -> Problem {
        let place = match &self.file {
            None => Place::Together,
            Some(path) => {
                let text = fs::read_to_string(path).unwrap_or_default();
                match hosts::line_of(&text, host.domain(), key) {
                    Some(line) => Place::File(path.clone(), line),
                    None => Place::Whole(path.clone()),
                }
            }
        };
        Problem { place, key: Some(format!("{}.{key}", hosts::section(host.domain()))), what }
    }

    fn apply_environment(
        &self,
        keys: &[Key<Config>],
        config: &mut Config,
        problems: &mut Vec<Problem>,
    ) {
        for key in keys {
            let name = key.variable();
            let Some(value) = self.environment.value(&name) else { continue };
            if let Err(what) = key.set(config, Given::Text(value)) {
                let key = Some(key.path().to_owned());
                problems.push(Problem { place: Place::Variable(name), key, what });
            }
        }
    }

    fn apply_flags(&self, keys: &[Key<Config>], config: &mut Config, problems: &mut Vec<Problem>) {
        for flag in &self.flags {
            let Some(key) = keys.iter().find(|key| key.path() == flag.key) else { continue };
            if let Err(what) = key.set(config, Given::Texts(&flag.values)) {
                let key = Some(key.path().to_owned());
                problems.push(Problem { place: Place::Flag(flag.name), key, what });
            }
        }
    }

    /// Environment variables that look like settings and are none.
    pub(crate) fn unread_variables(&self) -> Vec<&str> {
        let names: Vec<_> = keys().iter().map(Key::variable).collect();
        self.environment.unread(&names)
    }
}
