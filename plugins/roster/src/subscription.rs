//! Who sees whose presence: the nine states of RFC 6121 Appendix A, and what leads from one to
//! another. Nothing here knows of stanzas, rosters or time.

use sestina_core::Subscription;
use sestina_stanza::PresenceType;

/// What one says to another about seeing presence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// May I see yours?
    Subscribe,
    /// You may see mine.
    Subscribed,
    /// I do not want to see yours any more.
    Unsubscribe,
    /// You may not see mine, or no longer.
    Unsubscribed,
}

/// How a user stands with a contact (RFC 6121 Appendix A.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum State {
    /// Neither sees the other, and neither has asked.
    #[default]
    None,
    /// The user has asked.
    NonePendingOut,
    /// The contact has asked.
    NonePendingIn,
    /// Both have asked.
    NonePendingOutIn,
    /// The user sees the contact.
    To,
    /// The user sees the contact, who has asked.
    ToPendingIn,
    /// The contact sees the user.
    From,
    /// The contact sees the user, who has asked.
    FromPendingOut,
    /// Each sees the other.
    Both,
}

/// What follows from an act: whether it goes on to whom it is meant for, and the state after it.
type Step = (bool, State);

/// One row for each state: what follows where the user acts (RFC 6121 Appendix A.2), and where the
/// contact does (Appendix A.3), in the order of [`Act`].
///
/// `true` is "route" for the user's acts and "deliver" for the contact's.
#[rustfmt::skip]
const TABLE: [(State, [Step; 4], [Step; 4]); 9] = {
    use State::{
        Both, From, FromPendingOut, None, NonePendingIn, NonePendingOut, NonePendingOutIn, To,
        ToPendingIn,
    };
    [
        (None,
            [(true, NonePendingOut), (false, None), (true, None), (false, None)],
            [(true, NonePendingIn), (false, None), (false, None), (false, None)]),
        (NonePendingOut,
            [(true, NonePendingOut), (false, NonePendingOut), (true, None), (false, NonePendingOut)],
            [(true, NonePendingOutIn), (true, To), (false, NonePendingOut), (true, None)]),
        (NonePendingIn,
            [(true, NonePendingOutIn), (true, From), (true, NonePendingIn), (true, None)],
            [(false, NonePendingIn), (false, NonePendingIn), (true, None), (false, NonePendingIn)]),
        (NonePendingOutIn,
            [(true, NonePendingOutIn), (true, FromPendingOut), (true, NonePendingIn), (true, NonePendingOut)],
            [(false, NonePendingOutIn), (true, ToPendingIn), (true, NonePendingOut), (true, NonePendingIn)]),
        (To,
            [(true, To), (false, To), (true, None), (false, To)],
            [(true, ToPendingIn), (false, To), (false, To), (true, None)]),
        (ToPendingIn,
            [(true, ToPendingIn), (true, Both), (true, NonePendingIn), (true, To)],
            [(false, ToPendingIn), (false, ToPendingIn), (true, To), (true, NonePendingIn)]),
        (From,
            [(true, FromPendingOut), (false, From), (true, From), (true, None)],
            [(false, From), (false, From), (true, None), (false, From)]),
        (FromPendingOut,
            [(true, FromPendingOut), (false, FromPendingOut), (true, From), (true, NonePendingOut)],
            [(false, FromPendingOut), (true, Both), (true, NonePendingOut), (true, From)]),
        (Both,
            [(true, Both), (false, Both), (true, From), (true, To)],
            [(false, Both), (false, Both), (true, To), (true, From)]),
    ]
};

/// A state, and whether the user has let the contact see their presence before being asked
/// (RFC 6121 §3.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) state: State,
    pub(crate) approved: bool,
}

/// What becomes of an act of the contact's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The user's clients are told.
    Deliver,
    /// Nobody is told: it says nothing new.
    Ignore,
    /// The server answers a request in the user's name, who has approved it already.
    Approve,
}

impl Standing {
    /// The user says something to the contact; says whether the contact's server is to hear it.
    pub(crate) fn say(&mut self, act: Act) -> bool {
        let (route, next) = self.state.row().1[act as usize];
        match act {
            // RFC 6121 §3.4.2: an answer to what has not been asked yet is kept for then.
            Act::Subscribed => self.approved = !route && !next.is_from(),
            Act::Unsubscribed => self.approved = false,
            Act::Subscribe | Act::Unsubscribe => {}
        }
        self.state = next;
        route
    }

    /// The contact says something to the user.
    pub(crate) fn hear(&mut self, act: Act) -> Heard {
        let (deliver, next) = self.state.row().2[act as usize];
        match act {
            // RFC 6121 §3.1.3: whoever sees the user already, and asks again, is told again.
            Act::Subscribe if self.state.is_from() => Heard::Approve,
            // RFC 6121 §3.4.3.
            Act::Subscribe if self.approved => {
                self.approved = false;
                self.state = next.granted();
                Heard::Approve
            }
            _ => {
                self.state = next;
                if deliver { Heard::Deliver } else { Heard::Ignore }
            }
        }
    }
}

impl State {
    const fn row(self) -> &'static (Self, [Step; 4], [Step; 4]) {
        &TABLE[self as usize]
    }

    /// A pending request of the contact's, granted.
    const fn granted(self) -> Self {
        self.row().1[Act::Subscribed as usize].1
    }

    /// Whether the user sees the contact.
    pub(crate) const fn is_to(self) -> bool {
        matches!(self, Self::To | Self::ToPendingIn | Self::Both)
    }

    /// Whether the contact sees the user.
    pub(crate) const fn is_from(self) -> bool {
        matches!(self, Self::From | Self::FromPendingOut | Self::Both)
    }

    /// Whether the user has asked.
    pub(crate) const fn is_asking(self) -> bool {
        matches!(self, Self::NonePendingOut | Self::NonePendingOutIn | Self::FromPendingOut)
    }

    /// Whether the contact has asked.
    pub(crate) const fn is_asked(self) -> bool {
        matches!(self, Self::NonePendingIn | Self::NonePendingOutIn | Self::ToPendingIn)
    }

    /// As the roster says it, where who has asked stands apart.
    pub(crate) const fn subscription(self) -> Subscription {
        match (self.is_to(), self.is_from()) {
            (false, false) => Subscription::None,
            (true, false) => Subscription::To,
            (false, true) => Subscription::From,
            (true, true) => Subscription::Both,
        }
    }

    /// The number that stands for it in the store.
    pub(crate) const fn code(self) -> u8 {
        self as u8
    }

    /// The state that a number stands for.
    pub(crate) fn from_code(code: u8) -> Option<Self> {
        TABLE.get(usize::from(code)).map(|row| row.0)
    }
}

impl Act {
    /// The act that a presence is, if it is about subscriptions.
    pub(crate) const fn of(kind: PresenceType) -> Option<Self> {
        match kind {
            PresenceType::Subscribe => Some(Self::Subscribe),
            PresenceType::Subscribed => Some(Self::Subscribed),
            PresenceType::Unsubscribe => Some(Self::Unsubscribe),
            PresenceType::Unsubscribed => Some(Self::Unsubscribed),
            _ => None,
        }
    }

    /// The presence that says it.
    pub(crate) const fn kind(self) -> PresenceType {
        match self {
            Self::Subscribe => PresenceType::Subscribe,
            Self::Subscribed => PresenceType::Subscribed,
            Self::Unsubscribe => PresenceType::Unsubscribe,
            Self::Unsubscribed => PresenceType::Unsubscribed,
        }
    }
}

#[cfg(test)]
#[path = "subscription_tests.rs"]
mod tests;
