//! Where a request comes from, and what protects it on its way.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use http::HeaderMap;
use sestina_sasl::Protection;
use sestina_stream::Connection;

/// How a request came: from where, and how well protected.
///
/// A [`Site`](crate::Site) adds it to each request's extensions. A host program that serves the
/// services of this crate in a way of its own adds one, too; without any a request counts as one
/// from nowhere and in the clear, over which nobody can log in unless the server lets everybody.
///
/// ```
/// use sestina_web::Arrival;
///
/// let peer = "192.0.2.7:40123".parse().unwrap();
/// let request = http::Request::get("/xmpp-websocket").extension(Arrival::over_tls(peer));
/// ```
#[derive(Clone, Debug)]
pub struct Arrival(Arc<Connection>);

impl Arrival {
    /// On a connection of which all that matters is known.
    #[must_use]
    pub fn on(connection: Connection) -> Self {
        Self(Arc::new(connection))
    }

    /// In the clear. What comes from this machine is as safe as what stays on it.
    #[must_use]
    pub fn in_the_clear(peer: SocketAddr) -> Self {
        let loopback = peer.ip().to_canonical().is_loopback();
        let protection = if loopback { Protection::Loopback } else { Protection::Clear };
        Self::on(Connection::new(protection).with_peer(peer))
    }

    /// Over TLS that ends before the server, so that no login is tied to it.
    #[must_use]
    pub fn over_tls(peer: SocketAddr) -> Self {
        Self::on(Connection::new(Protection::Tls).with_peer(peer))
    }

    /// The connection it came on.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.0
    }

    /// Where it comes from, as far as that is known.
    #[must_use]
    pub fn peer(&self) -> Option<SocketAddr> {
        self.0.peer()
    }

    /// Whether TLS protects it.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.0.is_secure()
    }

    /// What is known of a request, or that nothing is.
    pub(crate) fn of(extensions: &http::Extensions) -> Self {
        let known = extensions.get::<Self>().cloned();
        known.unwrap_or_else(|| Self::on(Connection::new(Protection::Clear)))
    }

    /// The same request as a proxy's headers tell of it, if a proxy is trusted to.
    ///
    /// Of the addresses in `X-Forwarded-For` the last counts that is no trusted proxy's: those
    /// before it are what the peer itself has said. What claims to have been forwarded and was not
    /// by a trusted proxy has not begun on this machine, wherever its connection comes from.
    pub(crate) fn forwarded(self, headers: &HeaderMap, proxies: &[IpAddr]) -> Self {
        let Some(peer) = self.peer() else { return self };
        let trusted = |ip: IpAddr| proxies.contains(&ip.to_canonical());
        let says_so = FORWARDED.iter().any(|name| headers.contains_key(*name));
        if !trusted(peer.ip()) {
            if says_so && self.connection().protection() == Protection::Loopback {
                return Self::on(Connection::new(Protection::Clear).with_peer(peer));
            }
            return self;
        }
        let values = headers.get_all("x-forwarded-for").iter();
        let hops =
            values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
        let hops: Vec<_> = hops.map(str::trim).collect();
        // The first that is no address hides whatever is before it.
        let mut client = peer;
        for hop in hops.iter().rev() {
            let Some(address) = address(hop) else { break };
            client = address;
            if !trusted(address.ip()) {
                break;
            }
        }
        let scheme = headers.get_all("x-forwarded-proto").iter().next_back();
        let secure = scheme.and_then(|value| value.to_str().ok()).is_some_and(|value| {
            let last = value.rsplit(',').next().unwrap_or_default();
            last.trim().eq_ignore_ascii_case("https") || last.trim().eq_ignore_ascii_case("wss")
        });
        if secure {
            Self::over_tls(client)
        } else {
            Self::on(Connection::new(Protection::Clear).with_peer(client))
        }
    }
}

/// What proxies put on a request, by which one can tell that there was one.
const FORWARDED: [&str; 4] = ["forwarded", "x-forwarded-for", "x-forwarded-proto", "x-real-ip"];

/// An address, with or without its port and brackets.
fn address(text: &str) -> Option<SocketAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    match bare.parse::<IpAddr>() {
        Ok(ip) => Some(SocketAddr::new(ip, 0)),
        Err(_) => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(peer: &str, headers: &[(&'static str, &str)], is: (Protection, &str)) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let proxies = ["127.0.0.1", "2001:db8::9"].map(|ip| ip.parse().unwrap());
        let came = Arrival::in_the_clear(peer.parse().unwrap()).forwarded(&map, &proxies);
        let found = (came.connection().protection(), came.peer().unwrap().ip().to_string());
        assert_eq!(found, (is.0, is.1.to_owned()));
    }

    #[test]
    fn a_trusted_proxy_speaks_for_its_client() {
        let tls = ("x-forwarded-proto", "https");
        let proxy = "127.0.0.1:9";
        check(proxy, &[("x-forwarded-for", "192.0.2.7"), tls], (Protection::Tls, "192.0.2.7"));
        check(proxy, &[("x-forwarded-for", "192.0.2.7")], (Protection::Clear, "192.0.2.7"));
        check(proxy, &[tls], (Protection::Tls, "127.0.0.1"));
        check(proxy, &[], (Protection::Clear, "127.0.0.1"));
        check(
            "[2001:db8::9]:1",
            &[("x-forwarded-for", "[2001:db8::7]:80"), tls],
            (Protection::Tls, "2001:db8::7"),
        );
    }

    #[test]
    fn what_the_client_says_of_itself_does_not_count() {
        let tls = ("x-forwarded-proto", "https");
        for hops in ["203.0.113.1, 192.0.2.7", "nonsense, 192.0.2.7", "192.0.2.7, 127.0.0.1"] {
            check("127.0.0.1:9", &[("x-forwarded-for", hops), tls], (Protection::Tls, "192.0.2.7"));
        }
        let twice = [("x-forwarded-for", "203.0.113.1"), ("x-forwarded-for", "192.0.2.7")];
        check("127.0.0.1:9", &twice, (Protection::Clear, "192.0.2.7"));
        let schemes = [("x-forwarded-for", "192.0.2.7"), ("x-forwarded-proto", "https, http")];
        check("127.0.0.1:9", &schemes, (Protection::Clear, "192.0.2.7"));
    }

    #[test]
    fn a_stranger_is_not_believed() {
        let lies = [("x-forwarded-for", "203.0.113.1"), ("x-forwarded-proto", "https")];
        check("192.0.2.7:9", &lies, (Protection::Clear, "192.0.2.7"));
    }

    #[test]
    fn what_was_forwarded_from_this_machine_did_not_begin_on_it() {
        check("[::1]:9", &[], (Protection::Loopback, "::1"));
        check("[::1]:9", &[("x-real-ip", "192.0.2.7")], (Protection::Clear, "::1"));
        check("[::1]:9", &[("forwarded", "for=192.0.2.7")], (Protection::Clear, "::1"));
    }
}
