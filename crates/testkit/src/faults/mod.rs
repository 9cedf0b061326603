//! What goes wrong in production, on command.

mod io;
mod store;

pub use self::{
    io::FaultyIo,
    store::{Calls, FaultyBackend, Rule, StoreFaults, faulty_store},
};
