#![doc = include_str!("../README.md")]

mod exchange;
mod keyed;

use sestina_core::{Assembly, AssemblyError, Plugin, Spec};
use sestina_sasl::{Mechanism, Offer, Secret, SecretFamily, Start};

use self::exchange::Exchange;

/// The name of the secrets.
const FAMILY: &str = "cram-md5";

/// Lets clients log in by CRAM-MD5.
#[derive(Clone, Copy, Debug, Default)]
pub struct CramMd5;

impl Plugin for CramMd5 {
    const NAME: &'static str = "cram-md5";
    const SPECS: &'static [Spec] = &[Spec::rfc(2195)];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        to.weak("what is kept for CRAM-MD5 is as good as the password");
        to.secrets(KeyedStates)?;
        to.mechanism(CramOffer);
        Ok(())
    }
}

/// What is kept of passwords.
#[derive(Debug)]
struct KeyedStates;

impl SecretFamily for KeyedStates {
    fn name(&self) -> &str {
        FAMILY
    }

    fn derive(&self, _: &str, _: &str, password: &str) -> Secret {
        keyed::secret(password)
    }
}

/// The mechanism.
#[derive(Debug)]
struct CramOffer;

impl Offer for CramOffer {
    fn name(&self) -> &str {
        "CRAM-MD5"
    }

    fn start(&self, start: Start<'_>) -> Box<dyn Mechanism> {
        Box::new(Exchange::new(start.channel, start.random))
    }
}
