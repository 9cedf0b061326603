//! Names and passwords in the one form they are stored and compared in.

use std::fmt;

use stringprep::tables;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

/// The longest user name in bytes, that of a localpart (RFC 7622 §3.3.1).
pub const MAX_USERNAME: usize = 1023;

/// The longest password in bytes, before and after preparation.
pub const MAX_PASSWORD: usize = 1024;

/// Why a string is no user name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UsernameError {
    /// Nothing is left after preparation.
    Empty,
    /// A character that a localpart cannot have.
    Prohibited,
    /// More than [`MAX_USERNAME`] bytes.
    TooLong,
}

impl fmt::Display for UsernameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the user name is empty",
            Self::Prohibited => "the user name has a character that no localpart can have",
            Self::TooLong => "the user name is longer than 1023 bytes",
        })
    }
}

impl std::error::Error for UsernameError {}

/// Why a string is no password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PasswordError {
    /// Nothing is left after preparation.
    Empty,
    /// A control character.
    Prohibited,
    /// More than [`MAX_PASSWORD`] bytes.
    TooLong,
}

impl fmt::Display for PasswordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the password is empty",
            Self::Prohibited => "the password has a control character",
            Self::TooLong => "the password is longer than 1024 bytes",
        })
    }
}

impl std::error::Error for PasswordError {}

/// Prepares a user name as the localpart of its account.
///
/// Every mechanism asks for accounts by this form, so `Juliet` and `juliet` are one account, and a
/// name that no account could have is refused before a store is asked. The profile is Nodeprep,
/// which prohibits all that SASLprep does.
///
/// # Errors
///
/// Says what is wrong with the name; see [`UsernameError`].
///
/// # Examples
///
/// ```
/// use sestina_sasl::{UsernameError, prepare_username};
///
/// assert_eq!(prepare_username("Juliet").as_deref(), Ok("juliet"));
/// assert_eq!(prepare_username("juliet@capulet.example"), Err(UsernameError::Prohibited));
/// ```
pub fn prepare_username(name: &str) -> Result<String, UsernameError> {
    if name.len() > MAX_USERNAME {
        return Err(UsernameError::TooLong);
    }
    let prepared = stringprep::nodeprep(name).map_err(|_| UsernameError::Prohibited)?;
    match prepared.len() {
        0 => Err(UsernameError::Empty),
        1..=MAX_USERNAME => Ok(prepared.into_owned()),
        _ => Err(UsernameError::TooLong),
    }
}

/// Prepares a password, in the same way when it is set and when it is checked.
///
/// SASLprep (RFC 4013) where it applies. It knows no character younger than Unicode 3.2, so it
/// refuses every emoji, and some mixtures of writing directions; such passwords go through
/// SASLprep's mapping and normalization without its prohibitions, and only control characters
/// stay refused. Clients do the same or send them as they are, which for emoji comes to the same.
///
/// # Errors
///
/// Says what is wrong with the password; see [`PasswordError`].
pub fn prepare_password(password: &str) -> Result<Zeroizing<String>, PasswordError> {
    if password.len() > MAX_PASSWORD {
        return Err(PasswordError::TooLong);
    }
    let prepared = Zeroizing::new(match stringprep::saslprep(password) {
        Ok(prepared) => prepared.into_owned(),
        Err(_) => normalized(password),
    });
    if prepared.chars().any(char::is_control) {
        return Err(PasswordError::Prohibited);
    }
    match prepared.len() {
        0 => Err(PasswordError::Empty),
        1..=MAX_PASSWORD => Ok(prepared),
        _ => Err(PasswordError::TooLong),
    }
}

fn normalized(password: &str) -> String {
    password
        .chars()
        .map(|c| if tables::non_ascii_space_character(c) { ' ' } else { c })
        .filter(|&c| !tables::commonly_mapped_to_nothing(c))
        .nfkc()
        .collect()
}

/// Prepares a domain for comparison.
pub(crate) fn prepare_domain(domain: &str) -> Option<String> {
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    stringprep::nameprep(domain).ok().map(|domain| domain.to_lowercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names() {
        assert_eq!(prepare_username("Ju\u{ad}liet").as_deref(), Ok("juliet"));
        assert_eq!(prepare_username("stra\u{df}e").as_deref(), Ok("strasse"));
        assert_eq!(prepare_username(""), Err(UsernameError::Empty));
        assert_eq!(prepare_username("\u{ad}"), Err(UsernameError::Empty));
        for bad in ["a b", "a@b", "a/b", "a\0b", "a'b", "a\u{a0}b", "\u{1f600}"] {
            assert_eq!(prepare_username(bad), Err(UsernameError::Prohibited), "{bad:?}");
        }
        assert!(prepare_username(&"x".repeat(MAX_USERNAME)).is_ok());
        assert_eq!(prepare_username(&"x".repeat(MAX_USERNAME + 1)), Err(UsernameError::TooLong));
        // One character of three bytes that becomes eighteen characters.
        assert_eq!(prepare_username(&"\u{fdfb}".repeat(341)), Err(UsernameError::Prohibited));
    }

    #[test]
    fn passwords() {
        // RFC 4013 §3.
        assert_eq!(prepare_password("I\u{ad}X").unwrap().as_str(), "IX");
        assert_eq!(prepare_password("user").unwrap().as_str(), "user");
        assert_eq!(prepare_password("USER").unwrap().as_str(), "USER");
        assert_eq!(prepare_password("\u{aa}").unwrap().as_str(), "a");
        assert_eq!(prepare_password("\u{2168}").unwrap().as_str(), "IX");
        assert_eq!(prepare_password("\u{7}"), Err(PasswordError::Prohibited));
        // Refused by SASLprep alone.
        assert_eq!(prepare_password("\u{627}1").unwrap().as_str(), "\u{627}1");
        assert_eq!(prepare_password("\u{1f600} ok").unwrap().as_str(), "\u{1f600} ok");
        assert_eq!(prepare_password("\u{1f600}\u{7f}"), Err(PasswordError::Prohibited));
        assert_eq!(prepare_password(""), Err(PasswordError::Empty));
        assert_eq!(prepare_password("\u{ad}"), Err(PasswordError::Empty));
        assert!(prepare_password(&"x".repeat(MAX_PASSWORD)).is_ok());
        assert_eq!(prepare_password(&"x".repeat(MAX_PASSWORD + 1)), Err(PasswordError::TooLong));
        assert_eq!(prepare_password(&"\u{fdfa}".repeat(300)), Err(PasswordError::TooLong));
    }

    proptest! {
        #[test]
        fn preparation_is_idempotent(text in "\\PC{0,40}") {
            if let Ok(name) = prepare_username(&text) {
                prop_assert_eq!(prepare_username(&name), Ok(name));
            }
            if let Ok(password) = prepare_password(&text) {
                prop_assert_eq!(prepare_password(&password), Ok(password));
            }
        }
    }
}
