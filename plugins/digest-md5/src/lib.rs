#![doc = include_str!("../README.md")]

mod digest;
mod directives;
mod exchange;
mod nonces;

#[doc(hidden)]
pub mod fuzzing;

use std::{fmt, sync::Arc, time::Duration};

use sestina_core::{Assembly, AssemblyError, Clock, Plugin, Spec};
use sestina_sasl::{Mechanism, Offer, Secret, SecretFamily, Start};

use self::{exchange::Exchange, nonces::Nonces};

/// The name of the secrets.
const FAMILY: &str = "digest-md5";

/// Lets clients log in by DIGEST-MD5.
#[derive(Clone, Copy, Debug)]
pub struct DigestMd5 {
    /// How long after a login a client may come again in a single step, by the same nonce; zero for
    /// never. The default is an hour.
    pub keep: Duration,
    /// How many clients may; the default is 4,096.
    pub nonces: usize,
}

impl Default for DigestMd5 {
    fn default() -> Self {
        Self { keep: Duration::from_secs(60 * 60), nonces: 4_096 }
    }
}

impl Plugin for DigestMd5 {
    const NAME: &'static str = "digest-md5";
    const SPECS: &'static [Spec] = &[Spec::rfc(2831)];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        to.weak("what is kept for DIGEST-MD5 is as good as the password");
        to.secrets(Digests)?;
        to.mechanism(DigestOffer::new(to.settings().clock.clone(), self));
        Ok(())
    }
}

/// What is kept of passwords.
#[derive(Debug)]
struct Digests;

impl SecretFamily for Digests {
    fn name(&self) -> &str {
        FAMILY
    }

    fn derive(&self, username: &str, domain: &str, password: &str) -> Secret {
        digest::secret(username, domain, password)
    }
}

/// The mechanism.
struct DigestOffer(Arc<Nonces>);

impl DigestOffer {
    fn new(clock: Arc<dyn Clock>, rules: DigestMd5) -> Self {
        Self(Arc::new(Nonces::new(clock, rules.keep, rules.nonces)))
    }
}

impl Offer for DigestOffer {
    fn name(&self) -> &str {
        "DIGEST-MD5"
    }

    fn start(&self, start: Start<'_>) -> Box<dyn Mechanism> {
        Box::new(Exchange::new(start.channel.clone(), self.0.clone(), start.random))
    }
}

impl fmt::Debug for DigestOffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigestOffer")
    }
}
