//! Passwords on their way from the operator: never an argument, never printed.

use std::{
    fmt,
    io::{self, BufRead, IsTerminal},
};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// A password in the clear; it does not show itself, and is wiped when dropped.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Password(Zeroizing<String>);

/// The longest line that is read as a password.
const LINE_BYTES: u64 = 4_096;

impl Password {
    /// Takes what was typed.
    pub(crate) fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The password itself.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// Reads the first line of standard input.
    pub(crate) fn from_stdin() -> Result<Self, Failure> {
        Self::from_line(io::stdin().lock())
    }

    fn from_line(input: impl BufRead) -> Result<Self, Failure> {
        let mut line = Zeroizing::new(String::new());
        let read = input.take(LINE_BYTES + 1).read_line(&mut line);
        read.map_err(|error| Failure::because("no password on standard input", error))?;
        let password = line.trim_end_matches(['\n', '\r']);
        match password.len() as u64 {
            0 => Err("no password on standard input".to_owned().into()),
            bytes if bytes > LINE_BYTES => {
                Err(format!("a password has at most {LINE_BYTES} bytes").into())
            }
            _ => Ok(Self(Zeroizing::new(password.to_owned()))),
        }
    }

    /// Asks at the terminal, twice and without echo.
    pub(crate) fn ask(account: &str) -> Result<Self, Failure> {
        if !io::stdin().is_terminal() {
            let hint = "no terminal to ask for a password: pipe it in with --password-stdin";
            return Err(hint.to_owned().into());
        }
        let ask = |prompt: String| {
            let read = rpassword::prompt_password(prompt);
            read.map(Zeroizing::new).map_err(|error| Failure::because("no password", error))
        };
        let first = ask(format!("Password for {account}: "))?;
        if *first != *ask("The same again: ".to_owned())? {
            return Err("the passwords differ; nothing was changed".to_owned().into());
        }
        Ok(Self(first))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(input: &str) -> Option<String> {
        Password::from_line(input.as_bytes()).ok().map(|password| password.reveal().to_owned())
    }

    #[test]
    fn the_first_line_is_the_password_whatever_ends_it() {
        for input in ["pass word", "pass word\n", "pass word\r\n", "pass word\nmore\n"] {
            assert_eq!(line(input).as_deref(), Some("pass word"));
        }
        assert_eq!(line(" a ").as_deref(), Some(" a "), "spaces belong to it");
    }

    #[test]
    fn nothing_and_too_much_are_no_password() {
        assert_eq!(line(""), None);
        assert_eq!(line("\n"), None);
        assert_eq!(line(&"x".repeat(4_097)), None);
        assert!(line(&"x".repeat(4_096)).is_some());
    }

    #[test]
    fn a_password_does_not_show_itself() {
        let password = Password::from_line("secret".as_bytes()).unwrap();
        assert!(!format!("{password:?}").contains("secret"));
    }
}
