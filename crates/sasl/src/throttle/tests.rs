use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const JULIET: &str = "juliet@capulet.example";

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn ip(text: &str) -> Option<IpAddr> {
    Some(text.parse().unwrap())
}

/// Three free failures, then 1 s, 2 s, 4 s, at most 8 s; one forgotten each minute.
fn limits(capacity: usize) -> Limits {
    Limits { free: 3, delay: SECOND, longest: at(8), forget: at(60), pending: 4, capacity }
}

fn throttle(address: Limits, account: Limits) -> Throttle {
    let settings = ThrottleSettings { address, account, ..ThrottleSettings::default() };
    Throttle::new(settings, [1; 32])
}

/// A throttle that counts addresses and lets accounts be.
fn by_address() -> Throttle {
    throttle(limits(64), Limits { free: u32::MAX - 1, pending: u32::MAX, ..limits(64) })
}

fn by_account() -> Throttle {
    throttle(Limits { free: u32::MAX - 1, pending: u32::MAX, ..limits(64) }, limits(64))
}

fn fail(
    throttle: &mut Throttle,
    address: Option<IpAddr>,
    account: &str,
    now: Duration,
) -> Result<(), Throttled> {
    let attempt = throttle.admit(address, account, now)?;
    throttle.settle(attempt, Outcome::Failed, now);
    Ok(())
}

fn retry(after: u64) -> Result<(), Throttled> {
    Err(Throttled { retry_after: at(after) })
}

#[test]
fn delays_double_up_to_the_longest() {
    let mut throttle = by_address();
    let address = ip("192.0.2.1");
    let mut now = at(0);
    for account in ["a", "b", "c", "d"] {
        assert_eq!(fail(&mut throttle, address, account, now), Ok(()));
    }
    for delay in [1, 2, 4, 8, 8] {
        assert_eq!(fail(&mut throttle, address, "e", now), retry(delay));
        now += at(delay) - SECOND / 2;
        assert!(fail(&mut throttle, address, "e", now).is_err());
        now += SECOND / 2;
        assert_eq!(fail(&mut throttle, address, "e", now), Ok(()));
    }
    assert_eq!(fail(&mut throttle, ip("192.0.2.2"), "e", now), Ok(()), "others are not held up");
}

#[test]
fn failures_are_forgotten_one_by_one() {
    let mut throttle = by_address();
    let address = ip("192.0.2.1");
    for _ in 0..4 {
        fail(&mut throttle, address, JULIET, at(0)).unwrap();
    }
    fail(&mut throttle, address, JULIET, at(60)).unwrap();
    assert_eq!(fail(&mut throttle, address, JULIET, at(60)), retry(1));
    for _ in 0..4 {
        fail(&mut throttle, address, JULIET, at(1000)).unwrap();
    }
    assert_eq!(fail(&mut throttle, address, JULIET, at(1000)), retry(1));
}

#[test]
fn accounts_are_counted_wherever_the_guesses_come_from() {
    let mut throttle = by_account();
    for last in 0..4 {
        fail(&mut throttle, Some(IpAddr::from([192, 0, 2, last])), JULIET, at(0)).unwrap();
    }
    assert_eq!(fail(&mut throttle, ip("203.0.113.1"), JULIET, at(0)), retry(1));
    assert_eq!(fail(&mut throttle, None, JULIET, at(0)), retry(1));
    assert_eq!(fail(&mut throttle, None, "romeo@montague.example", at(0)), Ok(()));
}

#[test]
fn guesses_from_elsewhere_do_not_keep_the_owner_out() {
    let mut throttle = by_account();
    let home = ip("198.51.100.7");
    let attempt = throttle.admit(home, JULIET, at(0)).unwrap();
    throttle.settle(attempt, Outcome::Succeeded, at(0));
    for _ in 0..4 {
        fail(&mut throttle, ip("192.0.2.1"), JULIET, at(1)).unwrap();
    }
    assert!(fail(&mut throttle, ip("192.0.2.1"), JULIET, at(1)).is_err());
    assert!(throttle.admit(home, JULIET, at(1)).is_ok());
    assert!(throttle.admit(home, "romeo@montague.example", at(1)).is_ok());
    let later = ThrottleSettings::default().known_for;
    for _ in 0..4 {
        fail(&mut throttle, ip("192.0.2.1"), JULIET, later).unwrap();
    }
    assert!(throttle.admit(home, JULIET, later).is_err(), "the login is too long ago");
}

#[test]
fn a_login_of_ones_own_takes_no_failure_back() {
    let mut throttle = by_address();
    let address = ip("192.0.2.1");
    for round in 0..4 {
        fail(&mut throttle, address, JULIET, at(round)).unwrap();
        if let Ok(attempt) = throttle.admit(address, "mallory@capulet.example", at(round)) {
            throttle.settle(attempt, Outcome::Succeeded, at(round));
        }
    }
    assert_eq!(fail(&mut throttle, address, JULIET, at(3)), retry(1));
}

#[test]
fn good_logins_cost_nothing() {
    let mut throttle = throttle(limits(64), limits(64));
    for outcome in [Outcome::Succeeded, Outcome::Undecided] {
        for _ in 0..100 {
            let attempt = throttle.admit(ip("192.0.2.1"), JULIET, at(0)).unwrap();
            throttle.settle(attempt, outcome, at(0));
        }
    }
}

#[test]
fn guesses_in_parallel_are_bounded() {
    let mut throttle = by_address();
    let address = ip("192.0.2.1");
    let admit = |throttle: &mut Throttle, now| throttle.admit(address, JULIET, now);
    let attempts: Vec<_> = (0..4).map(|_| admit(&mut throttle, at(0)).unwrap()).collect();
    assert_eq!(admit(&mut throttle, at(0)).unwrap_err().retry_after, SECOND);
    for attempt in attempts {
        throttle.settle(attempt, Outcome::Failed, at(0));
    }
    // Beyond the free failures, only one at a time.
    let _under_way = admit(&mut throttle, at(1)).unwrap();
    assert_eq!(admit(&mut throttle, at(1)).unwrap_err().retry_after, SECOND);
}

#[test]
fn attempts_that_are_never_settled_have_failed() {
    let mut throttle = by_address();
    let address = ip("192.0.2.1");
    for _ in 0..4 {
        let _lost = throttle.admit(address, JULIET, at(0)).unwrap();
    }
    assert!(throttle.admit(address, JULIET, at(59)).is_err());
    let _only = throttle.admit(address, JULIET, at(60)).unwrap();
    assert!(throttle.admit(address, JULIET, at(60)).is_err());
}

#[test]
fn subscribers_are_told_apart() {
    let same = |a: &str, b: &str| network(a.parse().unwrap()) == network(b.parse().unwrap());
    assert!(same("2001:db8::1", "2001:db8::ffff:0:0:2"));
    assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
    assert!(same("::ffff:192.0.2.1", "192.0.2.1"));
    assert!(!same("192.0.2.1", "192.0.2.2"));
}

#[test]
fn overflowing_the_table_shakes_off_nothing() {
    let mut throttle = throttle(limits(8), Limits { free: u32::MAX - 1, ..limits(8) });
    let attacker = ip("192.0.2.1");
    for _ in 0..4 {
        fail(&mut throttle, attacker, JULIET, at(0)).unwrap();
    }
    // These have to fail more often than he did before one of them takes his place.
    for other in 0..=255 {
        fail(&mut throttle, Some(IpAddr::from([203, 0, 113, other])), JULIET, at(0)).ok();
    }
    // He takes the place of one of them in turn: that is worth one attempt, and no free ones.
    fail(&mut throttle, attacker, JULIET, at(0)).ok();
    assert_eq!(fail(&mut throttle, attacker, JULIET, at(0)), retry(8));
}

#[test]
fn times_and_limits_at_their_ends() {
    let zero = Limits { forget: Duration::ZERO, free: 0, longest: Duration::MAX, ..limits(0) };
    let mut throttle = throttle(zero.clone(), Limits { free: u32::MAX - 1, ..zero });
    for now in [at(5), at(0), at(u64::MAX / 4), at(1)] {
        fail(&mut throttle, ip("::1"), JULIET, now).ok();
    }
}

/// What a throttle without bounds on memory would hold against one address.
#[derive(Default)]
struct Model {
    failures: u32,
    minute: u64,
    until: Duration,
}

impl Model {
    fn age(&mut self, now: Duration) {
        let minute = now.as_secs() / 60;
        for _ in self.minute..minute {
            self.failures = self.failures.saturating_sub(1);
        }
        self.minute = minute;
    }

    fn fail(&mut self, now: Duration) -> Result<(), Throttled> {
        self.age(now);
        if now < self.until {
            return Err(Throttled { retry_after: self.until - now });
        }
        self.failures += 1;
        if self.failures > 3 {
            self.until = now + at(1 << (self.failures - 4).min(3));
        }
        Ok(())
    }
}

fn guesses() -> impl Strategy<Value = Vec<(u8, u64)>> {
    prop::collection::vec((0..12_u8, prop_oneof![Just(0), 0..4_u64, 0..90_u64]), 1..120)
}

#[test]
fn other_bounds_go_on_counting() {
    let mut throttle = by_address();
    let peer = ip("192.0.2.1");
    for _ in 0..3 {
        fail(&mut throttle, peer, JULIET, at(0)).unwrap();
    }
    let mut settings = throttle.settings.clone();
    settings.address.free = 5;
    settings.address.capacity = 1;
    settings.known = 0;
    throttle.set_settings(settings);
    // Two more are free; what was counted stays counted, and the room for it is as it was.
    for _ in 0..2 {
        fail(&mut throttle, peer, JULIET, at(0)).unwrap();
    }
    fail(&mut throttle, peer, JULIET, at(0)).unwrap();
    assert!(fail(&mut throttle, peer, JULIET, at(0)).is_err());
    assert_eq!(throttle.settings.address.capacity, 64);
    assert_eq!(throttle.settings.known, ThrottleSettings::default().known);
}

proptest! {
    #[test]
    fn with_room_for_all_it_is_the_model(guesses in guesses()) {
        // So many sets that twelve addresses cannot fill one.
        let mut throttle = throttle(
            limits(1024),
            Limits { free: u32::MAX - 1, pending: u32::MAX, ..limits(8) },
        );
        let mut model: HashMap<u8, Model> = HashMap::new();
        let mut now = Duration::ZERO;
        for (address, pause) in guesses {
            now += at(pause);
            let expected = model.entry(address).or_default().fail(now);
            let got = fail(&mut throttle, Some(IpAddr::from([192, 0, 2, address])), JULIET, now);
            prop_assert_eq!(got, expected);
        }
    }

    #[test]
    fn without_room_it_never_counts_too_few(guesses in guesses()) {
        let mut throttle = throttle(
            limits(1),
            Limits { free: u32::MAX - 1, pending: u32::MAX, ..limits(8) },
        );
        let mut exact: HashMap<u8, Model> = HashMap::new();
        let mut now = Duration::ZERO;
        for (address, pause) in guesses {
            now += at(pause);
            let ip = IpAddr::from([192, 0, 2, address]);
            let exact = exact.entry(address).or_default();
            exact.age(now);
            if fail(&mut throttle, Some(ip), JULIET, now).is_ok() {
                exact.failures += 1;
                let tag = throttle.tag("address", &network(ip));
                let counted = throttle.addresses.find(tag).unwrap().failures();
                prop_assert!(counted >= exact.failures, "{} < {}", counted, exact.failures);
            }
        }
    }
}
