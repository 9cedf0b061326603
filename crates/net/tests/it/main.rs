//! The network from outside: in virtual time where time matters, over sockets where they do.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod client;

mod bad_input;
mod goodbye;
mod hosts;
mod limits;
mod listeners;
mod login;
mod logins;
mod patience;
mod tls;
