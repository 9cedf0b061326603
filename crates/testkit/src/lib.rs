#![doc = include_str!("../README.md")]

mod client;
mod escape;
mod faults;
mod scene;
mod stage;
mod transcript;

pub use self::{
    client::{Client, Received},
    faults::{Calls, FaultyBackend, FaultyIo, Rule, StoreFaults, faulty_store},
    scene::Scene,
    stage::{SETTLED, Stage},
    transcript::{Failure, PATIENCE, Venue, perform, play, play_file, scripts_of},
};
