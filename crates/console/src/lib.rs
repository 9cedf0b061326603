#![doc = include_str!("../README.md")]

mod access;
mod answers;
mod api;
mod console;
mod figures;
mod form;
mod gate;
mod logins;
mod openapi;
mod origin;
mod pages;
mod problem;
mod report;

/// What the console is, and what comes with its requests.
pub use axum::{Router, http::Extensions};

pub use self::{
    access::{Access, Loopback, Peer},
    console::Console,
    figures::{Figure, Figures, Kind},
};
