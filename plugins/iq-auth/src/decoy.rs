//! Challenges for accounts that have none, so that nobody learns which accounts there are.

use std::sync::OnceLock;

use hmac::{Hmac, KeyInit, Mac};
use sestina_core::Server;
use sestina_store::{Collection, Owner, Space, StoreError};
use sha1::Sha1;

/// Makes up challenges: the same for the same name, whenever it is asked about.
pub(crate) struct Decoys {
    stored: Collection<(), Vec<u8>>,
    key: OnceLock<Vec<u8>>,
}

impl Decoys {
    pub(crate) fn new(space: &Space) -> Self {
        Self { stored: space.collection("decoys"), key: OnceLock::new() }
    }

    /// Fetches the secret that they are made of, or makes it.
    pub(crate) async fn begin(&self, server: &Server) -> Result<(), StoreError> {
        let mut fresh = [0; 32];
        server.entropy().fill(&mut fresh);
        let server = Owner::server();
        let keep = |held: &mut Option<_>| held.get_or_insert_with(|| fresh.to_vec()).clone();
        let _already = self.key.set(self.stored.update(&server, &(), keep).await?);
        Ok(())
    }

    /// A challenge as an account of this name might have, which nobody can meet.
    pub(crate) fn challenge(&self, name: &str, sequences: u32) -> (u32, String) {
        let key = self.key.get().map_or(&[][..], Vec::as_slice);
        let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes keys of any length");
        mac.update(name.as_bytes());
        let drawn = mac.finalize().into_bytes();
        let number = |at: usize| {
            let bytes = drawn.iter().skip(at).take(4);
            bytes.fold(0_u32, |number, byte| number << 8 | u32::from(*byte))
        };
        // Most accounts have used up little of their chain.
        let used = number(4) % (sequences / 16).max(1);
        (sequences.saturating_sub(1).saturating_sub(used), format!("{:08X}", number(0)))
    }
}
