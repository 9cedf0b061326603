#![doc = include_str!("../README.md")]

pub mod fuzzing;
mod intake;
mod reader;
mod write;

pub use self::{
    intake::{Intake, Note, Options, Sums, Verdict},
    reader::{Limits, Part, ReadError, Reader, User, Wrong},
    write::Writer,
};
