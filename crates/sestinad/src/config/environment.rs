//! Settings in environment variables.

use std::env;

/// The variables whose names begin with `SESTINA_`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment(Vec<(String, String)>);

/// Variables that are no keys: flags of their own.
const OTHERS: [&str; 2] = ["SESTINA_CONFIG", "SESTINA_PRESET"];

impl Environment {
    /// Those of this process.
    pub(crate) fn of_process() -> Self {
        let variables = env::vars_os().filter_map(|(name, value)| {
            let name = name.into_string().ok()?;
            name.starts_with("SESTINA_").then(|| (name, value.to_string_lossy().into_owned()))
        });
        Self(variables.collect())
    }

    #[cfg(test)]
    pub(crate) fn of(variables: &[(&str, &str)]) -> Self {
        Self(variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
    }

    /// The value of a variable.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(held, _)| held == name).map(|(_, value)| value.as_str())
    }

    /// Variables that no key reads. They are no error, since container engines set variables of
    /// their own by the names of services.
    pub(crate) fn unread(&self, read: &[String]) -> Vec<&str> {
        let names = self.0.iter().map(|(name, _)| name.as_str());
        let is_read = |name: &str| OTHERS.contains(&name) || read.iter().any(|it| it == name);
        let mut unread: Vec<_> = names.filter(|name| !is_read(name)).collect();
        unread.sort_unstable();
        unread
    }
}
