//! Accounts that move to another server, or another store: what is in a `<user/>` of XEP-0227.

mod credentials;
mod export;
mod import;
mod records;

use crate::{Server, accounts::is_cores_own};

pub use self::{
    export::Export,
    import::{Import, ImportError, Taken},
};

/// What an account is here beside its credentials.
const ACCOUNT: &str = "urn:sestina:account:0";
/// Records as they are stored.
const RECORDS: &str = "urn:sestina:records:0";

/// Whether records of this space do not travel: they are the core's, or of those who keep more of a
/// password than it takes to check it, which is theirs to make of the next one.
fn stays_behind(space: &str, server: &Server) -> bool {
    is_cores_own(space) || server.passwords().keepers().contains(&space)
}
