//! What a user of the crate sees.

mod build;
mod limits;
mod payload;
mod stream;
