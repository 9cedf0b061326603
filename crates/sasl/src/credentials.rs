//! What an account's password is checked with.

use std::fmt;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::hash::{Digest, Hash};
use crate::recipe::MAX_ITERATIONS;

/// What an account's password is checked with: one verifier for each family of mechanisms.
///
/// Made by [`Recipe::derive`](crate::Recipe::derive). Whoever reads a SCRAM verifier can neither
/// log in with it nor compute the password from it other than by trying; the memory is wiped when
/// dropped and [`Debug`] prints no secret.
///
/// It serializes so that stores can keep it; which version of the format a record has is theirs to
/// note.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Credentials {
    scram: Vec<ScramVerifier>,
}

impl Credentials {
    /// The verifier for SCRAM with this hash function.
    pub fn scram(&self, hash: Hash) -> Option<&ScramVerifier> {
        self.scram.iter().find(|verifier| verifier.hash == hash)
    }

    /// The verifier with the strongest hash function.
    pub fn strongest(&self) -> Option<&ScramVerifier> {
        self.scram.iter().max_by_key(|verifier| verifier.hash)
    }

    pub(crate) fn into_scram(self, hash: Hash) -> Option<ScramVerifier> {
        self.scram.into_iter().find(|verifier| verifier.hash == hash)
    }

    pub(crate) fn into_strongest(self) -> Option<ScramVerifier> {
        self.scram.into_iter().max_by_key(|verifier| verifier.hash)
    }

    /// Adds a verifier, in place of an earlier one with the same hash function.
    pub fn insert_scram(&mut self, verifier: ScramVerifier) {
        self.scram.retain(|known| known.hash != verifier.hash);
        self.scram.push(verifier);
    }

    /// Whether a password fits: for places where one arrives outside SASL, such as a change of
    /// password that asks for the old one.
    ///
    /// This blocks for milliseconds; see [`ScramVerifier::verify`].
    pub fn verify(&self, password: &str) -> bool {
        self.strongest().is_some_and(|verifier| verifier.verify(password))
    }
}

/// What a password is checked with in SCRAM (RFC 5802 §3): enough to verify a proof, not enough to
/// make one.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct ScramVerifier {
    hash: Hash,
    iterations: u32,
    salt: Vec<u8>,
    stored_key: Digest,
    server_key: Digest,
}

/// Why stored fields make no verifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifierError {
    /// There are none, or more than [`MAX_ITERATIONS`].
    Iterations(u32),
    /// A key is not as long as the hash function's digests.
    KeyLength,
    /// The salt is empty, or longer than [`ScramVerifier::MAX_SALT_LEN`].
    SaltLength(usize),
}

impl fmt::Display for VerifierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Iterations(given) => {
                write!(f, "{given} iterations, where 1 to {MAX_ITERATIONS} are possible")
            }
            Self::KeyLength => {
                f.write_str("a key that is not as long as the hash function's digests")
            }
            Self::SaltLength(given) => write!(
                f,
                "a salt of {given} bytes, where 1 to {} are possible",
                ScramVerifier::MAX_SALT_LEN
            ),
        }
    }
}

impl std::error::Error for VerifierError {}

impl ScramVerifier {
    /// The length in bytes of the salts of new verifiers.
    pub const SALT_LEN: usize = 16;

    /// The longest salt in bytes, for verifiers that another server made.
    pub const MAX_SALT_LEN: usize = 256;

    /// Makes a verifier for an already prepared password.
    pub(crate) fn derive(hash: Hash, password: &str, salt: Vec<u8>, iterations: u32) -> Self {
        let Keys { stored, server } = Keys::derive(hash, password, &salt, iterations);
        Self::assembled(hash, salt, iterations, stored, server)
    }

    pub(crate) fn assembled(
        hash: Hash,
        salt: Vec<u8>,
        iterations: u32,
        stored_key: Digest,
        server_key: Digest,
    ) -> Self {
        Self { hash, iterations, salt, stored_key, server_key }
    }

    /// Takes a verifier that another server made.
    ///
    /// Where its iterations or the length of its salt are not those of this server's own, they tell
    /// the account apart from those that do not exist, until its password is next set.
    ///
    /// # Errors
    ///
    /// Says which field is out of bounds.
    pub fn from_parts(
        hash: Hash,
        salt: Vec<u8>,
        iterations: u32,
        stored_key: &[u8],
        server_key: &[u8],
    ) -> Result<Self, VerifierError> {
        if !(1..=MAX_ITERATIONS).contains(&iterations) {
            return Err(VerifierError::Iterations(iterations));
        }
        if !(1..=Self::MAX_SALT_LEN).contains(&salt.len()) {
            return Err(VerifierError::SaltLength(salt.len()));
        }
        let key = |bytes| Digest::from_bytes(hash, bytes).ok_or(VerifierError::KeyLength);
        Ok(Self {
            hash,
            iterations,
            salt,
            stored_key: key(stored_key)?,
            server_key: key(server_key)?,
        })
    }

    /// The hash function.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// The PBKDF2 iterations.
    pub fn iterations(&self) -> u32 {
        self.iterations
    }

    /// The salt.
    pub fn salt(&self) -> &[u8] {
        &self.salt
    }

    /// `StoredKey` of RFC 5802 §3. Whoever has it and hears a login can log in.
    pub fn stored_key(&self) -> &[u8] {
        self.stored_key.as_bytes()
    }

    /// `ServerKey` of RFC 5802 §3. Whoever has it can pose as the server.
    pub fn server_key(&self) -> &[u8] {
        self.server_key.as_bytes()
    }

    /// Whether a password fits. This blocks for milliseconds, as many iterations take.
    pub fn verify(&self, password: &str) -> bool {
        crate::prepare_password(password).is_ok_and(|password| self.verify_prepared(&password))
    }

    pub(crate) fn verify_prepared(&self, password: &str) -> bool {
        let keys = Keys::derive(self.hash, password, &self.salt, self.iterations);
        keys.stored.ct_eq(&self.stored_key).into()
    }

    /// Whether `proof` is that of a client which knows the password (RFC 5802 §3).
    pub(crate) fn verify_proof(&self, auth_message: &[&[u8]], proof: &[u8]) -> bool {
        let Some(proof) = Digest::from_bytes(self.hash, proof) else { return false };
        let client_key = self.hash.hmac(self.stored_key.as_bytes(), auth_message).xor(&proof);
        self.hash.digest(client_key.as_bytes()).ct_eq(&self.stored_key).into()
    }

    /// The proof that the server knows the verifier.
    pub(crate) fn server_signature(&self, auth_message: &[&[u8]]) -> Digest {
        self.hash.hmac(self.server_key.as_bytes(), auth_message)
    }
}

impl fmt::Debug for ScramVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScramVerifier")
            .field("hash", &self.hash)
            .field("iterations", &self.iterations)
            .finish_non_exhaustive()
    }
}

struct Keys {
    stored: Digest,
    server: Digest,
}

impl Keys {
    fn derive(hash: Hash, password: &str, salt: &[u8], iterations: u32) -> Self {
        let salted = hash.pbkdf2(password.as_bytes(), salt, iterations);
        let client = hash.hmac(salted.as_bytes(), &[b"Client Key"]);
        Self {
            stored: hash.digest(client.as_bytes()),
            server: hash.hmac(salted.as_bytes(), &[b"Server Key"]),
        }
    }
}

/// A verifier as it is serialized.
#[derive(Serialize, Deserialize)]
struct Stored {
    hash: Hash,
    iterations: u32,
    salt: Vec<u8>,
    stored_key: Zeroizing<Vec<u8>>,
    server_key: Zeroizing<Vec<u8>>,
}

impl From<ScramVerifier> for Stored {
    fn from(verifier: ScramVerifier) -> Self {
        Self {
            hash: verifier.hash,
            iterations: verifier.iterations,
            stored_key: Zeroizing::new(verifier.stored_key.as_bytes().to_vec()),
            server_key: Zeroizing::new(verifier.server_key.as_bytes().to_vec()),
            salt: verifier.salt,
        }
    }
}

impl TryFrom<Stored> for ScramVerifier {
    type Error = VerifierError;

    fn try_from(stored: Stored) -> Result<Self, VerifierError> {
        let Stored { hash, iterations, salt, stored_key, server_key } = stored;
        Self::from_parts(hash, salt, iterations, &stored_key, &server_key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Recipe;

    fn credentials() -> Credentials {
        let recipe = Recipe::default().with_iterations(4096).unwrap();
        recipe.derive("pencil", &[9; 32]).unwrap()
    }

    #[test]
    fn verifies() {
        let credentials = credentials();
        assert_eq!(credentials.strongest().map(ScramVerifier::hash), Some(Hash::Sha512));
        assert!(credentials.verify("pencil"));
        assert!(!credentials.verify("pencils"));
        assert!(!credentials.verify(""));
        assert!(!Credentials::default().verify("pencil"));
        for hash in Hash::STRONGEST_FIRST {
            assert!(credentials.scram(hash).unwrap().verify("pencil"));
            assert!(!credentials.scram(hash).unwrap().verify("Pencil"));
        }
    }

    #[test]
    fn survives_storage() {
        let bytes = postcard::to_stdvec(&credentials()).unwrap();
        let back: Credentials = postcard::from_bytes(&bytes).unwrap();
        assert!(back.verify("pencil"));
        let text = serde_json::to_string(&credentials()).unwrap();
        assert!(serde_json::from_str::<Credentials>(&text).unwrap().verify("pencil"));
    }

    #[test]
    fn damaged_storage_is_an_error() {
        let bytes = postcard::to_stdvec(&credentials()).unwrap();
        for end in 0..bytes.len() {
            assert!(postcard::from_bytes::<Credentials>(&bytes[..end]).is_err());
        }
        let check = |salt: usize, iterations, stored: usize, server: usize| {
            ScramVerifier::from_parts(
                Hash::Sha1,
                vec![1; salt],
                iterations,
                &vec![2; stored],
                &vec![3; server],
            )
            .err()
        };
        assert_eq!(check(16, 1, 20, 20), None);
        assert_eq!(check(256, MAX_ITERATIONS, 20, 20), None);
        assert_eq!(check(0, 1, 20, 20), Some(VerifierError::SaltLength(0)));
        assert_eq!(check(257, 1, 20, 20), Some(VerifierError::SaltLength(257)));
        assert_eq!(check(16, 0, 20, 20), Some(VerifierError::Iterations(0)));
        let above = MAX_ITERATIONS + 1;
        assert_eq!(check(16, above, 20, 20), Some(VerifierError::Iterations(above)));
        assert_eq!(check(16, 1, 32, 20), Some(VerifierError::KeyLength));
        assert_eq!(check(16, 1, 20, 0), Some(VerifierError::KeyLength));
    }

    #[test]
    fn debug_prints_no_secret() {
        let text = format!("{:?}", credentials());
        assert_eq!(text.matches("ScramVerifier").count(), 3);
        for leak in ["[", "pencil", "key", "salt"] {
            let body = text.replace("[ScramVerifier", "");
            assert!(!body.contains(leak), "{leak:?} in {text}");
        }
    }
}
