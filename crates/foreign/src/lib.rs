#![doc = include_str!("../README.md")]

mod account;
mod document;
mod encoding;
pub mod jabberd14;
mod messages;
mod rewrite;
mod roster;

pub use self::{
    account::{Account, Unreadable},
    document::{Secret, adapt, secret},
    encoding::Encoding,
};
