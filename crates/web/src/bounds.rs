//! Bounds of a site.

use std::{fmt, time::Duration};

/// How long, how many, how much: what those who reach a site can make it hold and do.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// From the connection, or the last answer on it, to the end of a request's head; the default
    /// is 20 s. So long is a connection kept that asks for nothing, too.
    pub head: Duration,
    /// From there to the end of the request's body; the default is 30 s.
    pub body: Duration,
    /// How long a peer may leave unread what is written to it; the default is 60 s.
    pub stalled: Duration,
    /// How long a shutdown waits for answers that are on their way; the default is 3 s.
    pub closing: Duration,
    /// Bytes of a request's head; the default is 16,384, and no less than 8,192 is enforced.
    pub head_bytes: usize,
    /// Headers of a request; the default is 64.
    pub headers: usize,
    /// Bytes of a request's body; the default is 1 MiB.
    pub body_bytes: usize,
    /// Connections in all; the default is 10,000.
    pub connections: usize,
    /// Connections from one address, or one /64 network of IPv6; the default is 256. Those from
    /// this machine and from trusted proxies are not counted.
    pub per_address: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(20),
            body: Duration::from_secs(30),
            stalled: Duration::from_secs(60),
            closing: Duration::from_secs(3),
            head_bytes: 16 << 10,
            headers: 64,
            body_bytes: 1 << 20,
            connections: 10_000,
            per_address: 256,
        }
    }
}

/// The smallest head that a request can be bounded to.
pub const LEAST_HEAD_BYTES: usize = 8_192;

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

impl Bounds {
    /// Looks whether anything can be served within them.
    ///
    /// # Errors
    ///
    /// For the first that is zero, too small, or a time of more than a year.
    pub fn check(&self) -> Result<(), BoundsError> {
        const LONGEST: Duration = Duration::from_secs(365 * 86_400);
        for (name, time) in [("head", self.head), ("body", self.body), ("stalled", self.stalled)] {
            if time.is_zero() || time > LONGEST {
                let expected = "more than no time, and at most a year";
                return Err(BoundsError { name, expected });
            }
        }
        for (name, count) in [
            ("headers", self.headers),
            ("connections", self.connections),
            ("per_address", self.per_address),
        ] {
            if count == 0 {
                return Err(BoundsError { name, expected: "at least 1" });
            }
        }
        if self.head_bytes < LEAST_HEAD_BYTES {
            return Err(BoundsError { name: "head_bytes", expected: "at least 8192" });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_kept_is_named() {
        let is = Bounds::default();
        assert_eq!(is.check(), Ok(()));
        for (bounds, name) in [
            (Bounds { head: Duration::ZERO, ..is }, "head"),
            (Bounds { body: Duration::MAX, ..is }, "body"),
            (Bounds { stalled: Duration::ZERO, ..is }, "stalled"),
            (Bounds { headers: 0, ..is }, "headers"),
            (Bounds { head_bytes: 1_000, ..is }, "head_bytes"),
            (Bounds { connections: 0, ..is }, "connections"),
            (Bounds { per_address: 0, ..is }, "per_address"),
        ] {
            let error = bounds.check().unwrap_err();
            assert_eq!(error.name, name);
            assert!(error.to_string().starts_with(&format!("bounds.{name} must be ")), "{error}");
        }
    }
}
