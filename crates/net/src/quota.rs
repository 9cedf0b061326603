//! How many connections there may be, in all and from one address.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

use parking_lot::Mutex;

use crate::bounds::Bounds;

/// Counts connections.
#[derive(Debug, Default)]
pub(crate) struct Quota(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A place taken; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    quota: Arc<Quota>,
    address: Option<IpAddr>,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crowded {
    Address,
    Server,
}

impl Quota {
    pub(crate) fn take(self: &Arc<Self>, peer: IpAddr, bounds: &Bounds) -> Result<Place, Crowded> {
        let address = (!peer.to_canonical().is_loopback()).then(|| network(peer));
        let mut counts = self.0.lock();
        if counts.all >= bounds.connections {
            return Err(Crowded::Server);
        }
        if let Some(address) = address {
            let count = counts.by_address.entry(address).or_default();
            if *count >= bounds.per_address {
                return Err(Crowded::Address);
            }
            *count += 1;
        }
        counts.all += 1;
        drop(counts);
        Ok(Place { quota: self.clone(), address })
    }

    pub(crate) fn count(&self) -> usize {
        self.0.lock().all
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.quota.0.lock();
        counts.all = counts.all.saturating_sub(1);
        let Some(address) = self.address else { return };
        if let Some(count) = counts.by_address.get_mut(&address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.by_address.remove(&address);
            }
        }
    }
}

/// Whoever has one address of an IPv6 network has 2⁶⁴ of them.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(peer) => {
            let [a, b, c, d, ..] = peer.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        peer => peer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(connections: usize, per_address: usize) -> Bounds {
        Bounds { connections, per_address, ..Bounds::default() }
    }

    fn take(quota: &Arc<Quota>, peer: &str, bounds: &Bounds) -> Result<Place, Crowded> {
        quota.take(peer.parse().unwrap(), bounds)
    }

    #[test]
    fn an_address_has_its_bound_and_gets_its_places_back() {
        let (quota, bounds) = (Arc::new(Quota::default()), bounds(10, 2));
        let first = take(&quota, "192.0.2.1", &bounds).unwrap();
        let _second = take(&quota, "192.0.2.1", &bounds).unwrap();
        assert_eq!(take(&quota, "192.0.2.1", &bounds).unwrap_err(), Crowded::Address);
        assert!(take(&quota, "192.0.2.2", &bounds).is_ok());
        drop(first);
        assert!(take(&quota, "192.0.2.1", &bounds).is_ok());
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        let (quota, bounds) = (Arc::new(Quota::default()), bounds(10, 1));
        let _first = take(&quota, "2001:db8::1", &bounds).unwrap();
        assert_eq!(take(&quota, "2001:db8::2", &bounds).unwrap_err(), Crowded::Address);
        assert!(take(&quota, "2001:db8:0:1::1", &bounds).is_ok());
    }

    #[test]
    fn this_machine_is_bounded_by_the_server_alone() {
        let (quota, bounds) = (Arc::new(Quota::default()), bounds(3, 1));
        let _held: Vec<_> = (0..3).map(|_| take(&quota, "127.0.0.1", &bounds).unwrap()).collect();
        assert_eq!(take(&quota, "127.0.0.1", &bounds).unwrap_err(), Crowded::Server);
        assert_eq!(quota.count(), 3);
    }

    #[test]
    fn this_machine_is_itself_to_a_listener_of_both_families_too() {
        let (quota, bounds) = (Arc::new(Quota::default()), bounds(3, 1));
        let _first = take(&quota, "::ffff:127.0.0.1", &bounds).unwrap();
        assert!(take(&quota, "::ffff:127.0.0.1", &bounds).is_ok());
        let _other = take(&quota, "::ffff:192.0.2.1", &bounds).unwrap();
        assert_eq!(take(&quota, "192.0.2.1", &bounds).unwrap_err(), Crowded::Address);
    }
}
