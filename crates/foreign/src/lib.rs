#![doc = include_str!("../README.md")]

mod account;
mod document;
mod encoding;
#[doc(hidden)]
pub mod fuzzing;
pub mod jabberd14;
mod lua;
mod messages;
pub mod prosody;
mod rewrite;
mod roster;

pub use self::{
    account::{Account, Unreadable},
    document::{Secret, adapt, secret},
    encoding::Encoding,
};
