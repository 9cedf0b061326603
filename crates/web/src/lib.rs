#![doc = include_str!("../README.md")]

mod answer;
mod arrival;
mod body;
mod bosh;
mod bounds;
mod host_meta;
mod origin;
mod routes;
mod site;
mod stream;
mod websocket;

pub use self::{
    arrival::Arrival,
    body::{Body, BodyError, BoxError, Content},
    bosh::{Bosh, BoshBounds},
    bounds::{Bounds, BoundsError, LEAST_HEAD_BYTES},
    host_meta::HostMeta,
    origin::{Origin, OriginError, Origins},
    routes::Routes,
    site::Site,
    websocket::WebSocket,
};
