//! The conditions a failed authentication can name.

use std::fmt;

/// Why an authentication failed: the SASL error conditions of RFC 6120 §6.5.
///
/// A value for the wire. It says no more than the peer may know: an unknown account and a wrong
/// password are both [`NotAuthorized`](Self::NotAuthorized).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Failure {
    /// The client gave up with `<abort/>` (RFC 6120 §6.5.1).
    Aborted,
    /// The password was right, but the account has been disabled (RFC 6120 §6.5.2).
    AccountDisabled,
    /// The password was right, but is no longer accepted (RFC 6120 §6.5.3).
    CredentialsExpired,
    /// The mechanism is not offered without encryption (RFC 6120 §6.5.4).
    EncryptionRequired,
    /// The data was not Base64 (RFC 6120 §6.5.5).
    IncorrectEncoding,
    /// The client may not act as the identity it asked for (RFC 6120 §6.5.6).
    InvalidAuthzid,
    /// The mechanism is not offered (RFC 6120 §6.5.7).
    InvalidMechanism,
    /// The message breaks the rules of the mechanism (RFC 6120 §6.5.8).
    MalformedRequest,
    /// The mechanism is weaker than policy allows for this account (RFC 6120 §6.5.9).
    MechanismTooWeak,
    /// The credentials are wrong, or there is no such account (RFC 6120 §6.5.10).
    NotAuthorized,
    /// The server could not check the credentials now (RFC 6120 §6.5.11).
    TemporaryAuthFailure,
}

impl Failure {
    /// Every condition, in the order of RFC 6120 §6.5.
    pub const ALL: [Self; 11] = [
        Self::Aborted,
        Self::AccountDisabled,
        Self::CredentialsExpired,
        Self::EncryptionRequired,
        Self::IncorrectEncoding,
        Self::InvalidAuthzid,
        Self::InvalidMechanism,
        Self::MalformedRequest,
        Self::MechanismTooWeak,
        Self::NotAuthorized,
        Self::TemporaryAuthFailure,
    ];

    /// The name of the element that stands for this condition inside `<failure/>`.
    pub fn condition(self) -> &'static str {
        match self {
            Self::Aborted => "aborted",
            Self::AccountDisabled => "account-disabled",
            Self::CredentialsExpired => "credentials-expired",
            Self::EncryptionRequired => "encryption-required",
            Self::IncorrectEncoding => "incorrect-encoding",
            Self::InvalidAuthzid => "invalid-authzid",
            Self::InvalidMechanism => "invalid-mechanism",
            Self::MalformedRequest => "malformed-request",
            Self::MechanismTooWeak => "mechanism-too-weak",
            Self::NotAuthorized => "not-authorized",
            Self::TemporaryAuthFailure => "temporary-auth-failure",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.condition())
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_distinct() {
        for (i, a) in Failure::ALL.iter().enumerate() {
            for b in &Failure::ALL[i + 1..] {
                assert_ne!(a.condition(), b.condition());
            }
        }
    }
}
