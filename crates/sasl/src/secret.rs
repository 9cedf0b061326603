//! What only the server knows.

use std::fmt;

use zeroize::Zeroize;

use crate::hash::{Digest, Hash};
use crate::{Channel, ScramVerifier};

/// A secret of the server, made once at random and kept.
///
/// The salt shown for an account that does not exist is derived from it, so that such an account
/// has the same salt each time it is asked for, as a real one has. A server that forgets its
/// secret thereby gives away which names changed their salt. [`Tokens`](crate::Tokens) are derived
/// from it as well.
pub struct ServerSecret([u8; Self::LEN]);

impl ServerSecret {
    /// The number of random bytes.
    pub const LEN: usize = 32;

    /// Takes random bytes.
    pub fn new(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The verifier of an account that does not exist. No password fits it.
    pub(crate) fn decoy(
        &self,
        channel: &Channel,
        username: &str,
        hash: Hash,
        iterations: u32,
    ) -> ScramVerifier {
        let derive = |purpose: &str| {
            let parts = [purpose, hash.name(), channel.domain(), username];
            self.mac(hash, &parts.map(str::as_bytes))
        };
        let salt = derive("salt").as_bytes()[..ScramVerifier::SALT_LEN].to_vec();
        ScramVerifier::assembled(hash, salt, iterations, derive("stored key"), derive("server key"))
    }

    /// A MAC over the parts, each told apart from the next by its length.
    pub(crate) fn mac(&self, hash: Hash, parts: &[&[u8]]) -> Digest {
        let lengths: Vec<_> = parts.iter().map(|part| part.len().to_be_bytes()).collect();
        let framed: Vec<_> =
            lengths.iter().zip(parts).flat_map(|(length, part)| [&length[..], part]).collect();
        hash.hmac(&self.0, &framed)
    }
}

impl Drop for ServerSecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for ServerSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerSecret(..)")
    }
}
