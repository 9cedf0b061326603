//! How many guests there are, and from where.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

use parking_lot::Mutex;

use crate::Bounds;

/// The rooms that there are for guests.
pub(crate) struct Rooms {
    bounds: Bounds,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    /// As many entries as guests at most.
    by_network: HashMap<IpAddr, usize>,
}

/// A room, which is free again when this is dropped.
pub(crate) struct Room {
    taken: Arc<Mutex<Taken>>,
    network: Option<IpAddr>,
}

impl Rooms {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self { bounds, taken: Arc::default() }
    }

    /// Takes a room for a guest who comes from there, if one is free.
    pub(crate) fn take(&self, from: Option<IpAddr>) -> Option<Room> {
        let network = from.and_then(network);
        let mut taken = self.taken.lock();
        if taken.all >= self.bounds.guests {
            return None;
        }
        if let Some(network) = network {
            let count = taken.by_network.entry(network).or_default();
            if *count >= self.bounds.per_address {
                return None;
            }
            *count += 1;
        }
        taken.all += 1;
        Some(Room { taken: self.taken.clone(), network })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut taken = self.taken.lock();
        taken.all = taken.all.saturating_sub(1);
        if let Some(network) = self.network
            && let Some(count) = taken.by_network.get_mut(&network)
        {
            *count -= 1;
            if *count == 0 {
                taken.by_network.remove(&network);
            }
        }
    }
}

/// An address, or the /64 network of IPv6 that one subscriber has; none for this machine.
fn network(address: IpAddr) -> Option<IpAddr> {
    match address.to_canonical() {
        it if it.is_loopback() => None,
        IpAddr::V4(address) => Some(address.into()),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Some(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_are_counted_in_all_and_by_network() {
        let rooms = Rooms::new(Bounds { guests: 4, per_address: 2 });
        let take = |from: &str| rooms.take(Some(from.parse().unwrap()));
        let one = take("2001:db8::1").unwrap();
        let two = take("2001:db8::2").unwrap();
        assert!(take("2001:db8::3").is_none());
        let three = take("::ffff:192.0.2.7").unwrap();
        let four = take("192.0.2.7").unwrap();
        drop((one, two));
        assert!(take("192.0.2.7").is_none());
        let here: Vec<_> = (0..2).map(|_| take("127.0.0.1").unwrap()).collect();
        assert!(rooms.take(None).is_none());
        drop((three, four, here));
        let taken = rooms.taken.lock();
        assert!(taken.all == 0 && taken.by_network.is_empty());
    }
}
