//! How many connections there may be, in all and from one address.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

use parking_lot::Mutex;

/// Counts connections, and says when there are too many.
///
/// ```
/// use std::sync::Arc;
///
/// use sestina_net::{Crowded, Quota};
///
/// let quota = Arc::new(Quota::new(100, 1));
/// let peer = "192.0.2.7".parse().unwrap();
/// let place = quota.take(peer).unwrap();
/// assert_eq!(quota.take(peer).unwrap_err(), Crowded::Address);
/// drop(place);
/// assert!(quota.take(peer).is_ok());
/// ```
#[derive(Debug)]
pub struct Quota {
    counts: Mutex<Counts>,
}

#[derive(Debug)]
struct Counts {
    connections: usize,
    per_address: usize,
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A place for a connection; given back when dropped.
#[derive(Debug)]
#[must_use = "a place is given back when it is dropped"]
pub struct Place {
    quota: Arc<Quota>,
    address: Option<IpAddr>,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crowded {
    /// Its address has as many as it may have.
    Address,
    /// There are as many as there may be.
    Server,
}

impl Quota {
    /// Room for so many connections, and so many from one address, or one /64 network of IPv6.
    #[must_use]
    pub fn new(connections: usize, per_address: usize) -> Self {
        let by_address = HashMap::new();
        Self { counts: Mutex::new(Counts { connections, per_address, all: 0, by_address }) }
    }

    /// Goes by other numbers from here on; whoever has a place keeps it.
    pub fn set(&self, connections: usize, per_address: usize) {
        let mut counts = self.counts.lock();
        counts.connections = connections;
        counts.per_address = per_address;
    }

    /// Takes a place. Connections of this machine are bounded by the whole alone.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn take(self: &Arc<Self>, peer: IpAddr) -> Result<Place, Crowded> {
        self.take_for((!peer.to_canonical().is_loopback()).then(|| network(peer)))
    }

    /// Takes a place for a connection that no single address answers for, such as one of a proxy.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn take_unnamed(self: &Arc<Self>) -> Result<Place, Crowded> {
        self.take_for(None)
    }

    fn take_for(self: &Arc<Self>, address: Option<IpAddr>) -> Result<Place, Crowded> {
        let mut counts = self.counts.lock();
        if counts.all >= counts.connections {
            return Err(Crowded::Server);
        }
        if let Some(address) = address {
            let most = counts.per_address;
            let count = counts.by_address.entry(address).or_default();
            if *count >= most {
                return Err(Crowded::Address);
            }
            *count += 1;
        }
        counts.all += 1;
        drop(counts);
        Ok(Place { quota: self.clone(), address })
    }

    /// How many places are taken.
    #[must_use]
    pub fn count(&self) -> usize {
        self.counts.lock().all
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.quota.counts.lock();
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

    fn take(quota: &Arc<Quota>, peer: &str) -> Result<Place, Crowded> {
        quota.take(peer.parse().unwrap())
    }

    #[test]
    fn an_address_has_its_bound_and_gets_its_places_back() {
        let quota = Arc::new(Quota::new(10, 2));
        let first = take(&quota, "192.0.2.1").unwrap();
        let _second = take(&quota, "192.0.2.1").unwrap();
        assert_eq!(take(&quota, "192.0.2.1").unwrap_err(), Crowded::Address);
        assert!(take(&quota, "192.0.2.2").is_ok());
        drop(first);
        assert!(take(&quota, "192.0.2.1").is_ok());
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        let quota = Arc::new(Quota::new(10, 1));
        let _first = take(&quota, "2001:db8::1").unwrap();
        assert_eq!(take(&quota, "2001:db8::2").unwrap_err(), Crowded::Address);
        assert!(take(&quota, "2001:db8:0:1::1").is_ok());
    }

    #[test]
    fn this_machine_is_bounded_by_the_server_alone() {
        let quota = Arc::new(Quota::new(3, 1));
        let _held: Vec<_> = (0..3).map(|_| take(&quota, "127.0.0.1").unwrap()).collect();
        assert_eq!(take(&quota, "127.0.0.1").unwrap_err(), Crowded::Server);
        assert_eq!(quota.count(), 3);
    }

    #[test]
    fn this_machine_is_itself_to_a_listener_of_both_families_too() {
        let quota = Arc::new(Quota::new(3, 1));
        let _first = take(&quota, "::ffff:127.0.0.1").unwrap();
        assert!(take(&quota, "::ffff:127.0.0.1").is_ok());
        let _other = take(&quota, "::ffff:192.0.2.1").unwrap();
        assert_eq!(take(&quota, "192.0.2.1").unwrap_err(), Crowded::Address);
    }

    #[test]
    fn whoever_has_no_name_is_bounded_by_the_server_alone() {
        let quota = Arc::new(Quota::new(2, 1));
        let _held: Vec<_> = (0..2).map(|_| quota.take_unnamed().unwrap()).collect();
        assert_eq!(quota.take_unnamed().unwrap_err(), Crowded::Server);
    }
}
