//! Who may do what, and how much of it.

use std::time::Duration;

use sestina_stream::Connection;

/// Who may make an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Open {
    /// Nobody: the host program makes accounts.
    Nobody,
    /// Peers on this machine. Behind a proxy on this machine that is everybody.
    #[default]
    Loopback,
    /// Whoever connects over TLS, or without it where the server takes passwords in the clear.
    Everybody,
}

impl Open {
    /// Whether whoever is at the other end of a connection may.
    pub(crate) fn admits(self, connection: &Connection, clear: bool) -> bool {
        match self {
            Self::Nobody => false,
            Self::Loopback => is_local(connection),
            Self::Everybody => clear || connection.is_secure() || is_local(connection),
        }
    }
}

/// Whether the peer is on this machine, or in this process.
pub(crate) fn is_local(connection: &Connection) -> bool {
    connection.peer().is_none_or(|peer| peer.ip().to_canonical().is_loopback())
}

macro_rules! details {
    ($($(#[$doc:meta])* $name:ident = $var:literal, $label:literal;)*) => {
        /// Something to ask for beside name and password (XEP-0077 §14.1).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Detail {
            $($(#[$doc])* $name,)*
        }

        impl Detail {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The name on the wire.
            #[must_use]
            pub const fn var(self) -> &'static str {
                match self { $(Self::$name => $var,)* }
            }

            /// What it is called, for people.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)* }
            }

            /// The detail of this name.
            #[must_use]
            pub fn from_var(var: &str) -> Option<Self> {
                match var { $($var => Some(Self::$name),)* _ => None }
            }
        }
    };
}

details! {
    /// A street and number.
    Address = "address", "Street";
    /// A town.
    City = "city", "City";
    /// A date, of birth for example.
    Date = "date", "Date";
    /// An address for mail.
    Email = "email", "Email address";
    /// A given name.
    First = "first", "Given name";
    /// A family name.
    Last = "last", "Family name";
    /// A full name.
    Name = "name", "Full name";
    /// A familiar name.
    Nick = "nick", "Nickname";
    /// A telephone number.
    Phone = "phone", "Telephone number";
    /// A region.
    State = "state", "Region";
    /// A web page.
    Url = "url", "Web page";
    /// A postal code.
    Zip = "zip", "Postal code";
}

/// How large things may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of a user name; the default is 128, and no more than 1,023 is an address.
    pub username: usize,
    /// The fewest characters of a password; the default is 1.
    pub shortest_password: usize,
    /// Bytes of a password; the default is 1,024, which is also the most.
    pub password: usize,
    /// Bytes of each detail; the default is 256.
    pub detail: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { username: 128, shortest_password: 1, password: 1024, detail: 256 }
    }
}

/// How often accounts may be asked for from one address, or one /64 of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// So many times, whether with success or not; the default is 10.
    pub attempts: u32,
    /// In so much time; the default is an hour.
    pub per: Duration,
    /// Whether peers on this machine are counted as well; by default they are not.
    pub loopback: bool,
    /// How many addresses are kept count of; the default is 8,192. Those beyond share one count.
    pub addresses: usize,
}

impl Default for Rate {
    fn default() -> Self {
        Self { attempts: 10, per: Duration::from_secs(60 * 60), loopback: false, addresses: 8192 }
    }
}

#[cfg(test)]
mod tests {
    use sestina_sasl::Protection;

    use super::*;

    #[test]
    fn who_is_admitted() {
        let at = |protection, peer: &str| {
            Connection::new(protection).with_peer(peer.parse().expect("an address"))
        };
        let here = at(Protection::Loopback, "127.0.0.1:1");
        let mapped = at(Protection::Loopback, "[::ffff:127.0.0.1]:1");
        let clear = at(Protection::Clear, "192.0.2.1:1");
        let tls = at(Protection::Tls, "192.0.2.1:1");
        let within = Connection::in_process();
        for (open, admitted) in [
            (Open::Nobody, [false; 5]),
            (Open::Loopback, [true, true, false, false, true]),
            (Open::Everybody, [true, true, false, true, true]),
        ] {
            let found = [&here, &mapped, &clear, &tls, &within].map(|it| open.admits(it, false));
            assert_eq!(found, admitted, "{open:?}");
        }
        assert!(Open::Everybody.admits(&clear, true));
        assert!(!Open::Loopback.admits(&clear, true));
    }

    #[test]
    fn details_are_found_by_their_names() {
        for &detail in Detail::ALL {
            assert_eq!(Detail::from_var(detail.var()), Some(detail));
        }
        assert_eq!(Detail::from_var("password"), None);
    }
}
