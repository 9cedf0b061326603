//! How credentials are made from a password.

use std::fmt;

use crate::hash::Hash;
use crate::{Credentials, PasswordError, ScramVerifier, prepare_password};

/// The fewest PBKDF2 iterations new verifiers are made with (RFC 7677 §4).
pub const MIN_ITERATIONS: u32 = 4096;

/// The PBKDF2 iterations new verifiers are made with unless set otherwise.
pub const DEFAULT_ITERATIONS: u32 = 10_000;

/// The most PBKDF2 iterations, for new verifiers and for stored ones: about a second of work.
pub const MAX_ITERATIONS: u32 = 1_000_000;

/// How credentials are made from a password: for which mechanisms, and at what cost.
///
/// # Examples
///
/// ```
/// use sestina_sasl::{Hash, Recipe};
///
/// let recipe = Recipe::default().with_hashes([Hash::Sha256])?;
/// let credentials = recipe.derive("r0m30myr0m30", &[7; 32])?;
/// assert!(credentials.scram(Hash::Sha256).is_some());
/// assert!(credentials.scram(Hash::Sha1).is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Recipe {
    hashes: Vec<Hash>,
    iterations: u32,
}

/// Why a recipe is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecipeError {
    /// The iterations are not between [`MIN_ITERATIONS`] and [`MAX_ITERATIONS`].
    Iterations(u32),
    /// Not a single hash function.
    NoHash,
}

impl fmt::Display for RecipeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Iterations(given) => write!(
                f,
                "{given} iterations asked for, where {MIN_ITERATIONS} to {MAX_ITERATIONS} are allowed"
            ),
            Self::NoHash => f.write_str("no hash function given"),
        }
    }
}

impl std::error::Error for RecipeError {}

impl Recipe {
    /// Sets the hash functions to make SCRAM verifiers for.
    ///
    /// # Errors
    ///
    /// [`RecipeError::NoHash`] if there are none.
    pub fn with_hashes(
        mut self,
        hashes: impl IntoIterator<Item = Hash>,
    ) -> Result<Self, RecipeError> {
        let mut hashes: Vec<_> = hashes.into_iter().collect();
        hashes.sort_unstable_by(|a, b| b.cmp(a));
        hashes.dedup();
        if hashes.is_empty() {
            return Err(RecipeError::NoHash);
        }
        self.hashes = hashes;
        Ok(self)
    }

    /// Sets the PBKDF2 iterations.
    ///
    /// The client computes as many at its first login. Accounts made before keep their number,
    /// which tells them apart from accounts that do not exist until their password is next set.
    ///
    /// # Errors
    ///
    /// [`RecipeError::Iterations`] if they are too few or too many.
    pub fn with_iterations(mut self, iterations: u32) -> Result<Self, RecipeError> {
        if !(MIN_ITERATIONS..=MAX_ITERATIONS).contains(&iterations) {
            return Err(RecipeError::Iterations(iterations));
        }
        self.iterations = iterations;
        Ok(self)
    }

    /// The hash functions, strongest first.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// The PBKDF2 iterations.
    pub fn iterations(&self) -> u32 {
        self.iterations
    }

    pub(crate) fn strongest(&self) -> Hash {
        self.hashes.first().copied().unwrap_or(Hash::Sha256)
    }

    /// Makes the credentials of an account, with salts from 32 random bytes.
    ///
    /// This blocks for milliseconds, once for each hash function: keep it off threads that serve
    /// connections.
    ///
    /// # Errors
    ///
    /// Says why this is no password; see [`prepare_password`].
    pub fn derive(&self, password: &str, seed: &[u8; 32]) -> Result<Credentials, PasswordError> {
        let password = prepare_password(password)?;
        let mut credentials = Credentials::default();
        for &hash in &self.hashes {
            // Verifiers of different strength share no salt, so that work on one is lost on others.
            let salt = hash.hmac(seed, &[b"salt"]).as_bytes()[..ScramVerifier::SALT_LEN].to_vec();
            credentials.insert_scram(ScramVerifier::derive(hash, &password, salt, self.iterations));
        }
        Ok(credentials)
    }
}

impl Default for Recipe {
    /// Every hash function, and [`DEFAULT_ITERATIONS`].
    fn default() -> Self {
        Self { hashes: Hash::STRONGEST_FIRST.to_vec(), iterations: DEFAULT_ITERATIONS }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds() {
        let recipe = Recipe::default;
        assert_eq!(recipe().iterations(), DEFAULT_ITERATIONS);
        for good in [MIN_ITERATIONS, MAX_ITERATIONS] {
            assert_eq!(recipe().with_iterations(good).unwrap().iterations(), good);
        }
        for bad in [0, MIN_ITERATIONS - 1, MAX_ITERATIONS + 1] {
            assert_eq!(recipe().with_iterations(bad).unwrap_err(), RecipeError::Iterations(bad));
        }
        assert_eq!(recipe().with_hashes([]).unwrap_err(), RecipeError::NoHash);
    }

    #[test]
    fn hashes_are_ordered_and_single() {
        let recipe = Recipe::default().with_hashes([Hash::Sha1, Hash::Sha512, Hash::Sha1]).unwrap();
        assert_eq!(recipe.hashes(), [Hash::Sha512, Hash::Sha1]);
        assert_eq!(recipe.strongest(), Hash::Sha512);
    }

    #[test]
    fn salts_differ_by_hash_and_seed() {
        let recipe = Recipe::default().with_iterations(MIN_ITERATIONS).unwrap();
        let first = recipe.derive("pencil", &[1; 32]).unwrap();
        let second = recipe.derive("pencil", &[2; 32]).unwrap();
        let salt =
            |credentials: &Credentials, hash| credentials.scram(hash).unwrap().salt().to_vec();
        assert_ne!(salt(&first, Hash::Sha1), salt(&first, Hash::Sha256));
        assert_ne!(salt(&first, Hash::Sha1), salt(&second, Hash::Sha1));
    }
}
