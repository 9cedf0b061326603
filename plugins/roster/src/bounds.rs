//! How much of everything.

use sestina_core::{Assembly, AssemblyError};
use sestina_store::RECORD_BYTES;

/// Bounds of contact lists and of what is remembered beside them.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Contacts on one list; the default is 1,000.
    pub contacts: usize,
    /// Bytes of text on one list: addresses, names and groups; the default is 512 KiB.
    pub bytes: usize,
    /// Bytes of a contact's name; the default is 1,023.
    pub name: usize,
    /// Groups of one contact; the default is 32.
    pub groups: usize,
    /// Bytes of a group's name; the default is 1,023.
    pub group: usize,
    /// Requests of strangers that an account has not answered yet; the default is 100. Further
    /// ones are dropped.
    pub requests: usize,
    /// Bytes of a request that are kept until it is answered; the default is 4 KiB. Of a longer one
    /// only its sender is kept.
    pub request: usize,
    /// Changes that a client is told one by one when it comes back; the default is 64. If there
    /// were more, or as many contacts were removed since, it gets the whole list.
    pub changes: usize,
    /// Addresses that one session may have sent directed presence to; the default is 500.
    pub directed: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            contacts: 1000,
            bytes: 512 << 10,
            name: 1023,
            groups: 32,
            group: 1023,
            requests: 100,
            request: 4 << 10,
            changes: 64,
            directed: 500,
        }
    }
}

impl Bounds {
    /// Refuses what cannot be kept.
    pub(crate) fn check(&self, to: &Assembly) -> Result<(), AssemblyError> {
        // Each contact takes some bytes beside its text, each removed one an address.
        let entries = self.contacts.saturating_add(self.requests).saturating_mul(24);
        let removed = self.changes.saturating_mul(MOST_ADDRESS_BYTES);
        let stored = self.bytes.saturating_add(entries).saturating_add(removed);
        if stored > RECORD_BYTES {
            let expected = format!("so that a list is stored in {RECORD_BYTES} bytes");
            return Err(to.bad_setting("bounds.bytes", expected));
        }
        if self.name > usize::from(u16::MAX) {
            return Err(to.bad_setting("bounds.name", "at most 65535"));
        }
        if self.request > RECORD_BYTES / 2 {
            return Err(to.bad_setting("bounds.request", "at most half a MiB"));
        }
        Ok(())
    }
}

/// The longest bare JID, and what is stored with it.
const MOST_ADDRESS_BYTES: usize = 2 * sestina_stanza::MAX_PART_BYTES + 16;
