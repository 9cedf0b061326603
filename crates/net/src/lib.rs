#![doc = include_str!("../README.md")]

mod bounds;
mod framing;
mod hosts;
mod line;
mod listeners;
mod negotiate;
mod network;
mod open;
mod quota;
mod scratch;
mod tls;
mod transport;

pub use self::{
    bounds::{Bounds, BoundsError},
    framing::{Framing, Taken},
    listeners::Listeners,
    network::{AddError, Door, Kind, Network},
    quota::{Crowded, Place, Quota},
    tls::{Identity, Tls, TlsError},
    transport::Io,
};
