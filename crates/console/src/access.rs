//! Who may use a console.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use axum::http::{HeaderMap, Uri, header::HOST};

/// Who may use a console, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    /// Whether whoever sits at the machine has to log in; by default they do.
    pub loopback: Loopback,
    /// Take passwords from other machines without TLS; off by default.
    pub clear: bool,
    /// How many may be logged in at a time; the default is 64. One more ends the login that has been
    /// idle for longest.
    pub logins: usize,
    /// A login that is not used ends after this; the default is half an hour.
    pub idle: Duration,
    /// Every login ends after this; the default is 12 hours.
    pub longest: Duration,
    /// Bytes of a request's body; the default is 64 KiB.
    pub body: usize,
}

impl Default for Access {
    fn default() -> Self {
        Self {
            loopback: Loopback::default(),
            clear: false,
            logins: 64,
            idle: Duration::from_secs(30 * 60),
            longest: Duration::from_secs(12 * 60 * 60),
            body: 64 << 10,
        }
    }
}

/// Whether whoever sits at the machine has to log in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Loopback {
    /// They log in like everybody.
    #[default]
    Login,
    /// Everybody who has an account on this machine may do everything.
    Trusted,
}

/// Where a request comes from: an extension that whoever serves the console adds to each.
///
/// Without it a request comes from nowhere and in the clear, and nobody can log in by it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Peer {
    /// The address at the other end, as far as it is known.
    pub address: Option<SocketAddr>,
    /// Whether TLS protects it.
    pub secure: bool,
}

impl Peer {
    pub(crate) fn ip(&self) -> Option<IpAddr> {
        self.address.map(|address| address.ip().to_canonical())
    }

    fn is_loopback(&self) -> bool {
        self.ip().is_some_and(|ip| ip.is_loopback())
    }
}

impl Access {
    /// Whether a request comes from whoever sits at the machine, and that is enough.
    ///
    /// The address alone does not say so: a page from elsewhere may have had its name point here
    /// (then the host is another), and a proxy may stand between (then it says so).
    pub(crate) fn trusts(&self, peer: Peer, headers: &HeaderMap, uri: &Uri) -> bool {
        self.loopback == Loopback::Trusted
            && peer.is_loopback()
            && !is_forwarded(headers)
            && host(headers, uri).is_some_and(is_loopback_name)
    }

    /// Whether a password may come this way.
    pub(crate) fn takes_passwords(&self, peer: Peer, headers: &HeaderMap) -> bool {
        let stays_here = peer.is_loopback() && !is_forwarded(headers);
        peer.secure || stays_here || (self.clear && peer.address.is_some())
    }
}

/// The host that a request is for, with its port.
pub(crate) fn host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    let mut named = headers.get_all(HOST).iter();
    match (named.next(), named.next()) {
        (Some(host), None) => host.to_str().ok(),
        (None, None) => uri.authority().map(|authority| authority.as_str()),
        _ => None,
    }
}

/// Whether a host, perhaps with a port, is this machine by a name that cannot point elsewhere.
fn is_loopback_name(host: &str) -> bool {
    if let Some(literal) = host.strip_prefix('[') {
        let inner = literal.split_once(']').map(|(inner, _)| inner);
        return inner.is_some_and(is_loopback_address);
    }
    let name = host.split_once(':').map_or(host, |(name, _)| name);
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost") || is_loopback_address(&name)
}

fn is_loopback_address(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// Whether somebody between says so.
fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| {
        let name = name.as_str();
        name.starts_with("x-forwarded") || matches!(name, "forwarded" | "via" | "x-real-ip")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(peer: &str, headers: &[(&'static str, &str)], trusted: bool) {
        let access = Access { loopback: Loopback::Trusted, ..Access::default() };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let peer = Peer { address: Some(peer.parse().unwrap()), secure: false };
        let uri = Uri::from_static("/");
        assert_eq!(access.trusts(peer, &map, &uri), trusted, "{headers:?}");
        assert!(!Access::default().trusts(peer, &map, &uri));
    }

    #[test]
    fn only_who_sits_at_the_machine_is_trusted() {
        for host in ["localhost", "LOCALHOST.:5281", "127.0.0.1:5281", "[::1]:5281", "a.localhost"]
        {
            check("127.0.0.1:9", &[("host", host)], true);
        }
        check("[::ffff:127.0.0.1]:9", &[("host", "localhost")], true);
        check("192.0.2.7:9", &[("host", "localhost")], false);
        for host in ["capulet.example", "localhost.capulet.example", "192.0.2.7", "[::1", ""] {
            check("127.0.0.1:9", &[("host", host)], false);
        }
        check("127.0.0.1:9", &[], false);
        check("127.0.0.1:9", &[("host", "localhost"), ("host", "localhost")], false);
        for name in ["forwarded", "via", "x-real-ip", "x-forwarded-for", "x-forwarded-host"] {
            check("127.0.0.1:9", &[("host", "localhost"), (name, "x")], false);
        }
    }

    #[test]
    fn a_password_takes_tls_or_stays_on_the_machine() {
        let peer = |address: &str, secure| Peer { address: Some(address.parse().unwrap()), secure };
        let (none, mut forwarded) = (HeaderMap::new(), HeaderMap::new());
        forwarded.insert("via", "1.1 proxy".parse().unwrap());
        let strict = Access::default();
        assert!(strict.takes_passwords(peer("127.0.0.1:9", false), &none));
        assert!(!strict.takes_passwords(peer("127.0.0.1:9", false), &forwarded));
        assert!(strict.takes_passwords(peer("192.0.2.7:9", true), &none));
        assert!(!strict.takes_passwords(peer("192.0.2.7:9", false), &none));
        let lax = Access { clear: true, ..strict };
        assert!(lax.takes_passwords(peer("192.0.2.7:9", false), &none));
        assert!(!lax.takes_passwords(Peer::default(), &none));
    }
}
