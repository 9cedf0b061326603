//! Bounds of connections.

use std::{fmt, time::Duration};

use sestina_xml::Limits;

/// How long, how many, how much.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// From the first byte, or the connection, to a bound resource; the default is 30 s.
    pub authenticate: Duration,
    /// After so long without a byte from the peer the stream is closed with `connection-timeout`.
    /// Off by default: a client has every right to be quiet.
    pub idle: Option<Duration>,
    /// After so long without a byte to the peer a space is sent (RFC 6120 §4.6.1), so that the
    /// loss of a connection is noticed; the default is 5 min.
    pub keepalive: Option<Duration>,
    /// How long a peer may leave unread what is written to it; the default is 60 s.
    pub stalled: Duration,
    /// How long a stanza may take to be handled, during which its sender is not read from; then the
    /// stream is closed with `internal-server-error`. The default is 2 min.
    pub handling: Duration,
    /// How long the peer has to close its side of a stream; the default is 3 s.
    pub closing: Duration,
    /// Connections in all; the default is 100,000.
    pub connections: usize,
    /// Connections from one address, or one /64 network of IPv6; the default is 256. Those from
    /// this machine are not counted.
    pub per_address: usize,
    /// What a stream may send before it has authenticated.
    pub unauthenticated: Limits,
    /// What a stream may send once it has bound a resource.
    pub authenticated: Limits,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            authenticate: Duration::from_secs(30),
            idle: None,
            keepalive: Some(Duration::from_secs(300)),
            stalled: Duration::from_secs(60),
            handling: Duration::from_secs(120),
            closing: Duration::from_secs(3),
            connections: 100_000,
            per_address: 256,
            unauthenticated: Limits::unauthenticated(),
            authenticated: Limits::default(),
        }
    }
}

/// A bound with which nothing could be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BoundsError {
    /// The field of [`Bounds`].
    pub name: &'static str,
    /// What it must be.
    pub expected: &'static str,
}

impl fmt::Display for BoundsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bounds.{} must be {}", self.name, self.expected)
    }
}

impl std::error::Error for BoundsError {}

/// Longer than anybody waits, and short enough to be added to any point in time.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Bounds {
    /// Looks whether anything can be served within them.
    ///
    /// # Errors
    ///
    /// For the first that is zero, or a time of more than a year.
    pub fn check(&self) -> Result<(), BoundsError> {
        let times = [
            ("authenticate", Some(self.authenticate)),
            ("idle", self.idle),
            ("keepalive", self.keepalive),
            ("stalled", Some(self.stalled)),
            ("handling", Some(self.handling)),
            // A goodbye that nobody waits for is one, too.
            ("closing", Some(self.closing.max(Duration::from_nanos(1)))),
        ];
        for (name, time) in times {
            if time.is_some_and(|time| time.is_zero() || time > LONGEST) {
                return Err(BoundsError {
                    name,
                    expected: "more than no time, and at most a year",
                });
            }
        }
        for (name, count) in [("connections", self.connections), ("per_address", self.per_address)]
        {
            if count == 0 {
                return Err(BoundsError { name, expected: "at least 1" });
            }
        }
        Ok(())
    }

    /// How often a bound connection looks at its clock: often enough for the tightest bound.
    pub(crate) fn tick(&self) -> Duration {
        let times = [self.idle, self.keepalive, Some(self.stalled), Some(self.handling)];
        let tightest = times.into_iter().flatten().min();
        (tightest.unwrap_or(self.stalled) / 4).max(Duration::from_millis(10))
    }

    /// How many ticks make a duration.
    pub(crate) fn ticks(&self, duration: Duration) -> u32 {
        let ticks = duration.as_nanos().div_ceil(self.tick().as_nanos().max(1));
        u32::try_from(ticks).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_can_be_kept() {
        assert_eq!(Bounds::default().check(), Ok(()));
    }

    #[test]
    fn what_cannot_be_kept_is_named() {
        let (none, long) = (Duration::ZERO, LONGEST + Duration::from_secs(1));
        let is = Bounds::default();
        for (bounds, name) in [
            (Bounds { authenticate: none, ..is }, "authenticate"),
            (Bounds { authenticate: long, ..is }, "authenticate"),
            (Bounds { idle: Some(none), ..is }, "idle"),
            (Bounds { keepalive: Some(none), ..is }, "keepalive"),
            (Bounds { stalled: none, ..is }, "stalled"),
            (Bounds { handling: none, ..is }, "handling"),
            (Bounds { closing: Duration::MAX, ..is }, "closing"),
            (Bounds { connections: 0, ..is }, "connections"),
            (Bounds { per_address: 0, ..is }, "per_address"),
        ] {
            let error = bounds.check().unwrap_err();
            assert_eq!(error.name, name);
            assert!(error.to_string().starts_with(&format!("bounds.{name} must be ")), "{error}");
        }
    }
}
