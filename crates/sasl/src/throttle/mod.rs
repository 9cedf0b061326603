//! A brake on guessing passwords.

mod counter;
mod table;

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use zeroize::Zeroizing;

use self::counter::Counter;
use self::table::{Slot, Table};
use crate::Failure;
use crate::hash::Hash;

pub use self::counter::Limits;

/// Slows down those who guess passwords, by the address they come from and by the account they
/// aim at.
///
/// Ask it when a mechanism first names an account, before anything is looked up or computed, and
/// tell it how the attempt ended. A refused attempt fails with [`Failure::TemporaryAuthFailure`].
///
/// - The first failures are free. Each further one doubles the time until the next attempt is let
///   through, and from time to time a failure is taken back.
/// - IPv6 addresses count by their /64, which is what one subscriber has.
/// - Attempts under way are counted, so guessing in parallel gains little over guessing in turn.
/// - An account that does not exist is braked as any other.
/// - Whoever has lately logged in from an address is not kept out there by guesses from elsewhere.
/// - Memory is bounded and taken once. Where there are more addresses or accounts than room, the
///   one with the fewest failures is forgotten, and the one that takes its place is charged with
///   its failures: nobody can shake off failures by making the table overflow.
///
/// It has no clock: times are durations since any fixed point on the caller's monotonic clock.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use sestina_sasl::{Outcome, Throttle, ThrottleSettings};
///
/// let mut settings = ThrottleSettings::default();
/// settings.account.free = 0;
/// let mut throttle = Throttle::new(settings, [7; 32]);
/// let address = Some("192.0.2.1".parse()?);
///
/// let start = Duration::ZERO;
/// let attempt = throttle.admit(address, "juliet@capulet.example", start)?;
/// throttle.settle(attempt, Outcome::Failed, start);
/// let throttled = throttle.admit(address, "juliet@capulet.example", start).unwrap_err();
/// assert_eq!(throttled.retry_after, Duration::from_secs(1));
/// assert!(throttle.admit(address, "juliet@capulet.example", throttled.retry_after).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Throttle {
    settings: ThrottleSettings,
    key: Zeroizing<[u8; 32]>,
    addresses: Table<Counter>,
    accounts: Table<Counter>,
    /// When an account was last logged into from an address.
    known: Table<Duration>,
}

/// The bounds of a [`Throttle`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ThrottleSettings {
    /// The bounds for each address.
    pub address: Limits,
    /// The bounds for each account.
    pub account: Limits,
    /// After this long, an attempt of which nothing more was heard has failed.
    pub attempt: Duration,
    /// How many pairs of address and account are remembered for a good login.
    pub known: usize,
    /// How long they are remembered.
    pub known_for: Duration,
}

impl Default for ThrottleSettings {
    fn default() -> Self {
        Self {
            address: Limits::default(),
            account: Limits { pending: 16, ..Limits::default() },
            attempt: Duration::from_secs(60),
            known: 8192,
            known_for: Duration::from_secs(30 * 24 * 60 * 60),
        }
    }
}

/// An attempt that was let through, to be handed to [`Throttle::settle`] when it is over.
#[derive(Debug)]
#[must_use]
pub struct Attempt {
    address: Option<u64>,
    /// `None` where the account is not counted, because the pair is known.
    account: Option<u64>,
    pair: Option<u64>,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The password was right.
    Succeeded,
    /// It was wrong, or may have been.
    Failed,
    /// Nobody can have learned anything: the store failed, or the client left before its proof.
    Undecided,
}

/// An attempt that was not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttled {
    /// How long it takes until the next attempt is let through.
    pub retry_after: Duration,
}

impl fmt::Display for Throttled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "too many failed logins: wait for {:?}", self.retry_after)
    }
}

impl std::error::Error for Throttled {}

impl From<Throttled> for Failure {
    fn from(_: Throttled) -> Self {
        Self::TemporaryAuthFailure
    }
}

impl Throttle {
    /// An idle throttle. The key is random, so that nobody can know which addresses and accounts
    /// share a place in its tables.
    pub fn new(settings: ThrottleSettings, key: [u8; 32]) -> Self {
        Self {
            addresses: Table::new(settings.address.capacity),
            accounts: Table::new(settings.account.capacity),
            known: Table::new(settings.known),
            key: Zeroizing::new(key),
            settings,
        }
    }

    /// Goes on by other bounds, but for how many are kept count of: that memory is taken once.
    pub fn set_settings(&mut self, settings: ThrottleSettings) {
        let Limits { capacity, .. } = self.settings.address;
        let address = Limits { capacity, ..settings.address };
        let Limits { capacity, .. } = self.settings.account;
        let account = Limits { capacity, ..settings.account };
        self.settings =
            ThrottleSettings { address, account, known: self.settings.known, ..settings };
    }

    /// Lets an attempt through, or says how long to wait.
    ///
    /// The account is a bare JID, prepared. The address is that of the client, not of a proxy
    /// before the server; in-process clients have none.
    ///
    /// # Errors
    ///
    /// [`Throttled`] if there were too many failures, or too many attempts are under way.
    pub fn admit(
        &mut self,
        address: Option<IpAddr>,
        account: &str,
        now: Duration,
    ) -> Result<Attempt, Throttled> {
        let address = address.map(network);
        let account_tag = self.tag("account", account.as_bytes());
        let address_tag = address.map(|octets| self.tag("address", &octets));
        let pair_tag =
            address.map(|octets| self.tag("pair", &[&octets, account.as_bytes()].concat()));
        let known = pair_tag
            .and_then(|tag| self.known.find(tag))
            .is_some_and(|at| now.saturating_sub(*at) < self.settings.known_for);
        let attempt = Attempt {
            address: address_tag,
            account: (!known).then_some(account_tag),
            pair: pair_tag,
        };

        // Both are asked before either is charged.
        let Self { settings, addresses, accounts, .. } = self;
        let counted = [
            (addresses, attempt.address, &settings.address),
            (accounts, attempt.account, &settings.account),
        ];
        let mut wait = Duration::ZERO;
        let mut charge = Vec::with_capacity(counted.len());
        for (table, tag, limits) in counted {
            let Some(tag) = tag else { continue };
            let counter = counter(table, tag, limits, settings.attempt, now);
            wait = wait.max(counter.wait(limits, now));
            charge.push(counter);
        }
        if !wait.is_zero() {
            return Err(Throttled { retry_after: wait });
        }
        for counter in charge {
            counter.begin(now);
        }
        Ok(attempt)
    }

    /// Takes note of how an attempt ended.
    pub fn settle(&mut self, attempt: Attempt, outcome: Outcome, now: Duration) {
        let Self { settings, addresses, accounts, known, .. } = self;
        for (table, tag, limits) in [
            (addresses, attempt.address, &settings.address),
            (accounts, attempt.account, &settings.account),
        ] {
            let Some(tag) = tag else { continue };
            if outcome == Outcome::Failed {
                counter(table, tag, limits, settings.attempt, now).fail(limits, now);
            } else if let Some(counter) = table.find(tag) {
                counter.release();
            }
        }
        if let (Outcome::Succeeded, Some(tag)) = (outcome, attempt.pair) {
            *known
                .claim(tag, |at| u64::try_from(at.as_millis()).unwrap_or(u64::MAX))
                .into_entry() = now;
        }
    }

    fn tag(&self, kind: &str, of: &[u8]) -> u64 {
        let mac = Hash::Sha256.hmac(&*self.key, &[kind.as_bytes(), of]);
        mac.as_bytes().iter().take(8).fold(0, |tag, byte| tag << 8 | u64::from(*byte))
    }
}

/// The counter of one address or account, brought up to date.
fn counter<'a>(
    table: &'a mut Table<Counter>,
    tag: u64,
    limits: &Limits,
    attempt: Duration,
    now: Duration,
) -> &'a mut Counter {
    match table.claim(tag, |counter| counter.rank(limits, now)) {
        Slot::Own(counter) => {
            counter.age(limits, attempt, now);
            counter
        }
        Slot::Evicted(counter) => {
            counter.age(limits, attempt, now);
            counter.inherit();
            counter
        }
    }
}

/// What one subscriber has: an IPv4 address, or the /64 of an IPv6 address.
fn network(address: IpAddr) -> [u8; 16] {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).octets(),
    }
}

#[cfg(test)]
mod tests;
