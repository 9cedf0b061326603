#![doc = include_str!("../README.md")]

mod answer;
mod arrival;
mod body;
mod bounds;
mod routes;
mod site;
mod stream;

pub use self::{
    arrival::Arrival,
    body::{Body, BodyError, BoxError, Content},
    bounds::{Bounds, BoundsError, LEAST_HEAD_BYTES},
    routes::Routes,
    site::Site,
};
