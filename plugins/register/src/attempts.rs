//! A count of attempts by address, within bounds.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

use crate::settings::Rate;

/// Who has tried how often.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    counts: BTreeMap<Ipv6Addr, Count>,
    /// Of all addresses for which there is no room.
    others: Count,
    /// When those whose time is over were last let go.
    swept: Duration,
}

/// What is left to an address: it has this much debt, which time pays off.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    /// When it has none any more.
    clear: Duration,
}

impl Attempts {
    /// Takes note of an attempt; `false` if it is one too many.
    pub(crate) fn admit(&mut self, address: IpAddr, rate: &Rate, now: Duration) -> bool {
        let network = network(address);
        if self.counts.len() >= rate.addresses && !self.counts.contains_key(&network) {
            self.sweep(rate, now);
        }
        let room = self.counts.len() < rate.addresses;
        let count = match self.counts.get_mut(&network) {
            Some(count) => count,
            None if room => self.counts.entry(network).or_default(),
            None => &mut self.others,
        };
        count.admit(rate, now)
    }

    /// Lets go of those whose time is over, at most once in the time of one attempt.
    fn sweep(&mut self, rate: &Rate, now: Duration) {
        if now.saturating_sub(self.swept) >= price(rate) {
            self.counts.retain(|_, count| count.clear > now);
            self.swept = now;
        }
    }
}

impl Count {
    fn admit(&mut self, rate: &Rate, now: Duration) -> bool {
        let clear = self.clear.max(now).saturating_add(price(rate));
        if rate.attempts == 0 || clear.saturating_sub(now) > price(rate) * rate.attempts {
            return false;
        }
        self.clear = clear;
        true
    }
}

/// The time that pays for one attempt.
fn price(rate: &Rate) -> Duration {
    rate.per / rate.attempts.max(1)
}

/// What one subscriber has: an IPv4 address, or the /64 of an IPv6 address.
fn network(address: IpAddr) -> Ipv6Addr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate =
        Rate { attempts: 3, per: Duration::from_secs(30), loopback: true, addresses: 2 };

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn time_gives_back_one_by_one() {
        let mut attempts = Attempts::default();
        let mut admit = |now| attempts.admit(ip("192.0.2.1"), &RATE, at(now));
        assert_eq!([admit(0), admit(0), admit(0), admit(0)], [true, true, true, false]);
        assert_eq!([admit(9), admit(10), admit(10), admit(20)], [false, true, false, true]);
        assert_eq!([admit(99), admit(99), admit(99), admit(99)], [true, true, true, false]);
    }

    #[test]
    fn a_subscriber_is_one() {
        let mut attempts = Attempts::default();
        for host in ["2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::"] {
            assert!(attempts.admit(ip(host), &RATE, at(0)));
        }
        assert!(!attempts.admit(ip("2001:db8::9"), &RATE, at(0)));
        assert!(attempts.admit(ip("2001:db8:0:1::9"), &RATE, at(0)));
        for _ in 0..3 {
            assert!(Attempts::default().admit(ip("::ffff:192.0.2.1"), &RATE, at(0)));
        }
        assert_eq!(network(ip("::ffff:192.0.2.1")), network(ip("192.0.2.1")));
    }

    #[test]
    fn there_is_no_room_for_everybody() {
        let mut attempts = Attempts::default();
        for host in ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5"] {
            assert!(attempts.admit(ip(host), &RATE, at(0)));
        }
        assert_eq!(attempts.counts.len(), 2);
        // Those beyond share one count, and those who are counted keep theirs.
        assert!(!attempts.admit(ip("192.0.2.6"), &RATE, at(0)));
        assert!(attempts.admit(ip("192.0.2.1"), &RATE, at(0)));
        // Who has not come again makes room.
        assert!(attempts.admit(ip("192.0.2.6"), &RATE, at(15)));
        assert!(attempts.counts.contains_key(&network(ip("192.0.2.6"))));
        assert!(!attempts.counts.contains_key(&network(ip("192.0.2.2"))));
    }

    #[test]
    fn none_is_none() {
        let mut attempts = Attempts::default();
        let none = Rate { attempts: 0, ..RATE };
        assert!(!attempts.admit(ip("192.0.2.1"), &none, at(1000)));
    }
}
