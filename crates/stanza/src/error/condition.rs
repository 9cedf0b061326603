//! What can be wrong with a stanza, as a table.

use std::fmt;

use super::ErrorType;

macro_rules! conditions {
    ($($(#[$doc:meta])* $name:ident = $wire:literal, $kind:ident, $code:literal;)*) => {
        /// What was wrong with a stanza (RFC 6120 §8.3.3).
        ///
        /// Each has a type it usually goes with and the number that clients written before XMPP
        /// look for (XEP-0086 §3).
        ///
        /// ```
        /// use sestina_stanza::{Condition, ErrorType};
        ///
        /// assert_eq!(Condition::ItemNotFound.name(), "item-not-found");
        /// assert_eq!(Condition::ItemNotFound.usual_type(), ErrorType::Cancel);
        /// assert_eq!(Condition::ItemNotFound.code(), 404);
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Condition {
            $($(#[$doc])* $name,)*
        }

        impl Condition {
            /// Every condition, in the order of the RFC.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The name of the element that says it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $wire,)* }
            }

            /// The type it usually goes with.
            pub const fn usual_type(self) -> ErrorType {
                match self { $(Self::$name => ErrorType::$kind,)* }
            }

            /// The number that stood for it before XMPP.
            pub const fn code(self) -> u16 {
                match self { $(Self::$name => $code,)* }
            }

            /// The condition of this name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($wire => Some(Self::$name),)* _ => None }
            }
        }
    };
}

conditions! {
    /// The stanza does not follow its schema.
    BadRequest = "bad-request", Modify, 400;
    /// Something of this name or address exists already.
    Conflict = "conflict", Cancel, 409;
    /// Known, but not done here.
    FeatureNotImplemented = "feature-not-implemented", Cancel, 501;
    /// The sender lacks the right.
    Forbidden = "forbidden", Auth, 403;
    /// The addressee can no longer be reached at this address, for good.
    Gone = "gone", Cancel, 302;
    /// The server failed.
    InternalServerError = "internal-server-error", Cancel, 500;
    /// No such address or item.
    ItemNotFound = "item-not-found", Cancel, 404;
    /// An address does not follow RFC 7622.
    JidMalformed = "jid-malformed", Modify, 400;
    /// Understood, but it does not meet the criteria.
    NotAcceptable = "not-acceptable", Modify, 406;
    /// Nobody may do this.
    NotAllowed = "not-allowed", Cancel, 405;
    /// The sender has to authenticate first.
    NotAuthorized = "not-authorized", Auth, 401;
    /// A rule of the service was broken.
    PolicyViolation = "policy-violation", Modify, 405;
    /// The addressee is not there just now.
    RecipientUnavailable = "recipient-unavailable", Wait, 404;
    /// The addressee is elsewhere for the time being.
    Redirect = "redirect", Modify, 302;
    /// The sender has to register first.
    RegistrationRequired = "registration-required", Auth, 407;
    /// No such server.
    RemoteServerNotFound = "remote-server-not-found", Cancel, 404;
    /// The other server does not answer.
    RemoteServerTimeout = "remote-server-timeout", Wait, 504;
    /// Too busy, or a quota is used up.
    ResourceConstraint = "resource-constraint", Wait, 500;
    /// Nobody here does this.
    ServiceUnavailable = "service-unavailable", Cancel, 503;
    /// The sender has to subscribe first.
    SubscriptionRequired = "subscription-required", Auth, 407;
    /// None of the others; the application's own condition says what.
    UndefinedCondition = "undefined-condition", Cancel, 500;
    /// Understood, but it comes at the wrong time.
    UnexpectedRequest = "unexpected-request", Wait, 400;
}

impl Condition {
    /// The condition and type that stand for a number of the time before XMPP (XEP-0086 §4).
    ///
    /// A number the table does not hold is an [`UndefinedCondition`](Self::UndefinedCondition).
    pub const fn from_code(code: u16) -> (Self, ErrorType) {
        match code {
            302 => (Self::Redirect, ErrorType::Modify),
            400 => (Self::BadRequest, ErrorType::Modify),
            401 => (Self::NotAuthorized, ErrorType::Auth),
            // Its condition, payment-required, is no longer one (RFC 6120 Appendix D).
            402 => (Self::NotAuthorized, ErrorType::Auth),
            403 => (Self::Forbidden, ErrorType::Auth),
            404 => (Self::ItemNotFound, ErrorType::Cancel),
            405 => (Self::NotAllowed, ErrorType::Cancel),
            406 => (Self::NotAcceptable, ErrorType::Modify),
            407 => (Self::RegistrationRequired, ErrorType::Auth),
            408 | 504 => (Self::RemoteServerTimeout, ErrorType::Wait),
            409 => (Self::Conflict, ErrorType::Cancel),
            500 => (Self::InternalServerError, ErrorType::Wait),
            501 => (Self::FeatureNotImplemented, ErrorType::Cancel),
            502 => (Self::ServiceUnavailable, ErrorType::Wait),
            503 | 510 => (Self::ServiceUnavailable, ErrorType::Cancel),
            _ => (Self::UndefinedCondition, ErrorType::Cancel),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        assert_eq!(Condition::ALL.len(), 22);
        for &condition in Condition::ALL {
            assert_eq!(Condition::from_name(condition.name()), Some(condition));
        }
        assert_eq!(Condition::from_name("text"), None);
    }

    #[test]
    fn numbers_lead_to_the_condition_they_were_written_for() {
        for &condition in Condition::ALL {
            let (from_code, _) = Condition::from_code(condition.code());
            assert_eq!(from_code.code() / 100, condition.code() / 100, "{condition}");
        }
        for code in [400, 401, 403, 404, 405, 406, 407, 409, 500, 501, 503, 504] {
            assert_eq!(Condition::from_code(code).0.code(), code);
        }
        assert_eq!(Condition::from_code(0), (Condition::UndefinedCondition, ErrorType::Cancel));
    }
}
