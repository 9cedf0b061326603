//! The three kinds of stanza and their types.

use std::fmt;

macro_rules! types {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $wire:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// The type as it is written.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $wire,)* }
            }

            /// The type of this name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($wire => Some(Self::$variant),)* _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

types! {
    /// What a message is for (RFC 6121 §5.2.2).
    MessageType {
        /// Part of a conversation of two.
        Chat = "chat",
        /// An earlier message was refused.
        Error = "error",
        /// Part of a conversation in a room.
        Groupchat = "groupchat",
        /// News, alerts and the like, that expect no answer.
        Headline = "headline",
        /// A single message; also what a type that nobody knows means.
        Normal = "normal",
    }
}

types! {
    /// What a presence says or asks (RFC 6121 §4.7.1).
    PresenceType {
        /// The sender is there; written by leaving the type out.
        Available = "available",
        /// An earlier presence was refused.
        Error = "error",
        /// A server asks for the current presence.
        Probe = "probe",
        /// The sender asks to see the addressee's presence.
        Subscribe = "subscribe",
        /// The sender lets the addressee see their presence.
        Subscribed = "subscribed",
        /// The sender is gone.
        Unavailable = "unavailable",
        /// The sender no longer wants to see the addressee's presence.
        Unsubscribe = "unsubscribe",
        /// The sender no longer lets the addressee see their presence.
        Unsubscribed = "unsubscribed",
    }
}

types! {
    /// Whether an IQ asks or answers (RFC 6120 §8.2.3).
    IqType {
        /// The request was refused.
        Error = "error",
        /// Asks for something.
        Get = "get",
        /// Answers a request.
        Result = "result",
        /// Changes something.
        Set = "set",
    }
}

impl PresenceType {
    /// Whether it is about who may see whom (RFC 6121 §3).
    pub const fn is_subscription(self) -> bool {
        matches!(self, Self::Subscribe | Self::Subscribed | Self::Unsubscribe | Self::Unsubscribed)
    }
}

impl IqType {
    /// Whether it must be answered.
    pub const fn is_request(self) -> bool {
        matches!(self, Self::Get | Self::Set)
    }
}

/// Which stanza it is, with its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Pushed to somebody.
    Message(MessageType),
    /// Published, or about who may see it.
    Presence(PresenceType),
    /// Asked or answered.
    Iq(IqType),
}

impl Kind {
    /// The name of the element.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Message(_) => "message",
            Self::Presence(_) => "presence",
            Self::Iq(_) => "iq",
        }
    }

    /// The type as it is written; none where leaving it out says the same.
    pub const fn type_name(self) -> Option<&'static str> {
        match self {
            Self::Message(MessageType::Normal) | Self::Presence(PresenceType::Available) => None,
            Self::Message(kind) => Some(kind.name()),
            Self::Presence(kind) => Some(kind.name()),
            Self::Iq(kind) => Some(kind.name()),
        }
    }

    /// Whether it reports an error.
    pub const fn is_error(self) -> bool {
        matches!(
            self,
            Self::Message(MessageType::Error)
                | Self::Presence(PresenceType::Error)
                | Self::Iq(IqType::Error)
        )
    }

    /// The kind of an error that answers this one; nothing answers errors and results
    /// (RFC 6120 §8.3.1).
    pub const fn error(self) -> Option<Self> {
        match self {
            Self::Message(MessageType::Error)
            | Self::Presence(PresenceType::Error)
            | Self::Iq(IqType::Error | IqType::Result) => None,
            Self::Message(_) => Some(Self::Message(MessageType::Error)),
            Self::Presence(_) => Some(Self::Presence(PresenceType::Error)),
            Self::Iq(_) => Some(Self::Iq(IqType::Error)),
        }
    }
}

impl From<MessageType> for Kind {
    fn from(kind: MessageType) -> Self {
        Self::Message(kind)
    }
}

impl From<PresenceType> for Kind {
    fn from(kind: PresenceType) -> Self {
        Self::Presence(kind)
    }
}

impl From<IqType> for Kind {
    fn from(kind: IqType) -> Self {
        Self::Iq(kind)
    }
}
