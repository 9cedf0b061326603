//! Command line arguments, taken one by one; what is left over is an error.

use std::str::FromStr;

use crate::program::{Failure, Outcome};

/// The arguments after the command's name.
#[derive(Debug, Default)]
pub(crate) struct Flags {
    left: Vec<String>,
}

impl Flags {
    pub(crate) fn new(arguments: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { left: arguments.into_iter().map(Into::into).collect() }
    }

    /// Takes `name`, which has no value.
    pub(crate) fn switch(&mut self, name: &str) -> bool {
        let found = self.left.iter().position(|argument| argument == name);
        found.map(|at| self.left.remove(at)).is_some()
    }

    /// Takes `name VALUE` or `name=VALUE`.
    ///
    /// # Errors
    /// The value is missing or is not a `T`.
    pub(crate) fn option<T: FromStr>(&mut self, name: &str) -> Result<Option<T>, Failure> {
        let assigned = format!("{name}=");
        let Some(at) = self.left.iter().position(|a| a == name || a.starts_with(&assigned)) else {
            return Ok(None);
        };
        let found = self.left.remove(at);
        let value = match found.strip_prefix(&assigned) {
            Some(value) => value.to_owned(),
            None if at < self.left.len() => self.left.remove(at),
            None => return Err(Failure::new(format!("{name} needs a value"))),
        };
        parse(name, &value).map(Some)
    }

    /// Takes the next argument that is not a flag.
    ///
    /// # Errors
    /// It is not a `T`.
    pub(crate) fn positional<T: FromStr>(&mut self, name: &str) -> Result<Option<T>, Failure> {
        match self.left.iter().position(|argument| !argument.starts_with('-')) {
            Some(at) => parse(name, &self.left.remove(at)).map(Some),
            None => Ok(None),
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// Something was given that the command does not know.
    pub(crate) fn finish(self) -> Outcome {
        match self.left.first() {
            Some(unknown) => Err(Failure::new(format!("unexpected argument {unknown:?}"))),
            None => Ok(()),
        }
    }
}

fn parse<T: FromStr>(name: &str, value: &str) -> Result<T, Failure> {
    value.parse().map_err(|_| Failure::new(format!("{name}: {value:?} is not what it takes")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_switches_options_and_positionals_in_any_order() {
        let mut flags = Flags::new(["--seconds=5", "jid", "--path", "a/b", "--quick"]);
        assert!(flags.switch("--quick"));
        assert!(!flags.switch("--quick"));
        assert_eq!(flags.option::<String>("--path").unwrap().as_deref(), Some("a/b"));
        assert_eq!(flags.option::<u64>("--seconds").unwrap(), Some(5));
        assert_eq!(flags.positional::<String>("target").unwrap().as_deref(), Some("jid"));
        assert_eq!(flags.positional::<String>("target").unwrap(), None);
        flags.finish().unwrap();
    }

    #[test]
    fn says_what_is_wrong() {
        let no_value = Flags::new(["--path"]).option::<String>("--path").unwrap_err();
        assert_eq!(no_value.to_string(), "--path needs a value");
        let no_number = Flags::new(["soon"]).positional::<u64>("seconds").unwrap_err();
        assert_eq!(no_number.to_string(), "seconds: \"soon\" is not what it takes");
        let unknown = Flags::new(["--fast"]).finish().unwrap_err();
        assert_eq!(unknown.to_string(), "unexpected argument \"--fast\"");
    }
}
