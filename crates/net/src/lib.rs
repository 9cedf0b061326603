#![doc = include_str!("../README.md")]

mod bounds;
mod hosts;
mod negotiate;
mod network;
mod open;
mod quota;
mod scratch;
mod tls;
mod transport;

pub use self::{
    bounds::{Bounds, BoundsError},
    network::{AddError, Kind, Network},
    quota::{Crowded, Place, Quota},
    tls::{Identity, Tls, TlsError},
    transport::Io,
};
