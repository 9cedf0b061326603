//! Which mechanisms a server has, and on which connection it offers them.

use std::fmt;
use std::sync::Arc;

use crate::external::ExternalOffer;
use crate::plain::PlainOffer;
use crate::scram::ScramOffer;
use crate::{Channel, Exchange, Failure, Mechanism, Protection, Recipe, ServerSecret};

/// A mechanism that a server can offer.
///
/// The mechanisms of this crate are offers like any other: one from outside is added with
/// [`Mechanisms::with`].
pub trait Offer: fmt::Debug + Send + Sync {
    /// The registered name, as in `SCRAM-SHA-1`.
    fn name(&self) -> &str;

    /// Whether it can work on this connection at all. Whether it may is for [`Policy`] to say.
    fn fits(&self, _channel: &Channel) -> bool {
        true
    }

    /// Whether it hands the password itself, or what is as good, to whoever listens.
    fn reveals_password(&self) -> bool {
        false
    }

    /// Starts an authentication.
    fn start(&self, start: Start<'_>) -> Box<dyn Mechanism>;
}

/// What an authentication starts with.
#[non_exhaustive]
pub struct Start<'a> {
    /// The connection it runs over.
    pub channel: &'a Channel,
    /// Whether a mechanism with channel binding was offered on it, so that a client which says it
    /// saw none has been lied to (RFC 5802 §6).
    pub binding_offered: bool,
    /// Fills a buffer with random bytes.
    pub random: &'a mut dyn FnMut(&mut [u8]),
}

impl fmt::Debug for Start<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Start")
            .field("channel", &self.channel)
            .field("binding_offered", &self.binding_offered)
            .finish_non_exhaustive()
    }
}

/// On which connections mechanisms are offered.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Policy {
    /// Where mechanisms are offered without TLS.
    pub clear: Clear,
    /// Where, of these, are those that reveal the password: `Always` only counts where
    /// [`clear`](Self::clear) is `Always` too.
    pub clear_password: Clear,
}

/// Which connections without TLS are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clear {
    /// None.
    Never,
    /// Those that do not leave this machine.
    #[default]
    Loopback,
    /// Every one.
    Always,
}

impl Clear {
    fn allows(self, protection: Protection) -> bool {
        match protection {
            Protection::Tls => true,
            Protection::Loopback => self != Self::Never,
            Protection::Clear => self == Self::Always,
        }
    }
}

/// The mechanisms of a server, in the order of its preference.
///
/// Immutable once built, and shared by all connections.
///
/// # Examples
///
/// ```
/// use sestina_sasl::{Channel, Failure, Mechanisms, Protection, Recipe, ServerSecret};
///
/// let mechanisms = Mechanisms::standard(&Recipe::default(), ServerSecret::new([7; 32]));
/// let tls = Channel::new("capulet.example", Protection::Tls);
/// let offered: Vec<_> = mechanisms.offered(&tls).collect();
/// assert_eq!(offered, ["SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"]);
///
/// let clear = Channel::new("capulet.example", Protection::Clear);
/// assert_eq!(mechanisms.offered(&clear).count(), 0);
/// let refused = mechanisms.start("PLAIN", &clear, &mut |_| {}).unwrap_err();
/// assert_eq!(refused, Failure::EncryptionRequired);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Mechanisms {
    offers: Vec<Arc<dyn Offer>>,
    policy: Policy,
}

impl Mechanisms {
    /// No mechanisms, to which only chosen ones are added.
    pub fn none() -> Self {
        Self::default()
    }

    /// Every mechanism of this crate that authenticates an account, strongest first: EXTERNAL, a
    /// SCRAM with and without channel binding for each hash function of the recipe, PLAIN.
    pub fn standard(recipe: &Recipe, secret: impl Into<Arc<ServerSecret>>) -> Self {
        let secret = secret.into();
        let scram = |&hash| ScramOffer::new(hash, recipe, Arc::clone(&secret));
        let bound = recipe.hashes().iter().map(scram).map(ScramOffer::bound).collect::<Vec<_>>();
        let unbound = recipe.hashes().iter().map(scram).collect::<Vec<_>>();
        let mechanisms = Self::none().with(ExternalOffer);
        let mechanisms = bound.into_iter().chain(unbound).fold(mechanisms, Self::with);
        mechanisms.with(PlainOffer::new(recipe, secret))
    }

    /// The mechanisms of this crate that can do without verifiers: EXTERNAL, and PLAIN whose passwords
    /// the driver [checks](crate::Query::Password).
    pub fn asking() -> Self {
        Self::none().with(ExternalOffer).with(PlainOffer::asking())
    }

    /// Adds a mechanism as the least preferred, in place of an earlier one of the same name.
    #[must_use]
    pub fn with(mut self, offer: impl Offer + 'static) -> Self {
        self = self.without(offer.name());
        self.offers.push(Arc::new(offer));
        self
    }

    /// Adds all of others as the least preferred, each in place of an earlier one of its name.
    #[must_use]
    pub fn with_all(mut self, others: &Self) -> Self {
        for offer in &others.offers {
            self = self.without(offer.name());
            self.offers.push(Arc::clone(offer));
        }
        self
    }

    /// Adds a mechanism directly before another, or as the least preferred if there is no such.
    #[must_use]
    pub fn with_before(mut self, before: &str, offer: impl Offer + 'static) -> Self {
        self = self.without(offer.name());
        let at = self.offers.iter().position(|known| known.name() == before);
        self.offers.insert(at.unwrap_or(self.offers.len()), Arc::new(offer));
        self
    }

    /// Removes a mechanism.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.offers.retain(|known| known.name() != name);
        self
    }

    /// Sets on which connections they are offered.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Whether there is a mechanism of this name, on whatever connection.
    pub fn contains(&self, name: &str) -> bool {
        self.offers.iter().any(|offer| offer.name() == name)
    }

    /// The names of the mechanisms offered on a connection, most preferred first.
    pub fn offered<'a>(&'a self, channel: &'a Channel) -> impl Iterator<Item = &'a str> {
        self.offers
            .iter()
            .filter(|offer| offer.fits(channel) && self.allows(&***offer, channel))
            .map(|offer| offer.name())
    }

    /// Starts an authentication, with randomness from the given source.
    ///
    /// # Errors
    ///
    /// [`Failure::EncryptionRequired`] for a mechanism that would be offered if the connection were
    /// encrypted, [`Failure::InvalidMechanism`] for any other that is not.
    pub fn start(
        &self,
        name: &str,
        channel: &Channel,
        random: &mut dyn FnMut(&mut [u8]),
    ) -> Result<Exchange, Failure> {
        let offer = self.offers.iter().find(|offer| offer.name() == name);
        let offer = offer.filter(|offer| offer.fits(channel)).ok_or(Failure::InvalidMechanism)?;
        if !self.allows(&**offer, channel) {
            return Err(Failure::EncryptionRequired);
        }
        let binding_offered = self.offered(channel).any(|name| name.ends_with("-PLUS"));
        let mechanism = offer.start(Start { channel, binding_offered, random });
        Ok(Exchange::new(name, mechanism))
    }

    fn allows(&self, offer: &dyn Offer, channel: &Channel) -> bool {
        let Policy { clear, clear_password } = self.policy;
        let protection = channel.protection();
        clear.allows(protection) && (!offer.reveals_password() || clear_password.allows(protection))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnonymousOffer, BindingType, Hash};

    fn mechanisms() -> Mechanisms {
        Mechanisms::standard(&Recipe::default(), ServerSecret::new([1; 32]))
    }

    fn offered(mechanisms: &Mechanisms, channel: &Channel) -> String {
        mechanisms.offered(channel).collect::<Vec<_>>().join(" ")
    }

    fn clear(clear: Clear, clear_password: Clear) -> Policy {
        Policy { clear, clear_password }
    }

    #[test]
    fn the_channel_decides() {
        let tls = Channel::new("a.example", Protection::Tls);
        let bound = tls.clone().with_binding(BindingType::TlsExporter, vec![1]);
        let known = bound.clone().with_certificate(["juliet@a.example"]);
        let plain = "SCRAM-SHA-512 SCRAM-SHA-256 SCRAM-SHA-1 PLAIN";
        let plus = "SCRAM-SHA-512-PLUS SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS";
        assert_eq!(offered(&mechanisms(), &tls), plain);
        assert_eq!(offered(&mechanisms(), &bound), format!("{plus} {plain}"));
        assert_eq!(offered(&mechanisms(), &known), format!("EXTERNAL {plus} {plain}"));
    }

    #[test]
    fn policy_decides_without_tls() {
        let scram = "SCRAM-SHA-512 SCRAM-SHA-256 SCRAM-SHA-1";
        let all = &format!("{scram} PLAIN");
        for (policy, on_loopback, in_clear) in [
            (Policy::default(), &all[..], ""),
            (clear(Clear::Never, Clear::Always), "", ""),
            (clear(Clear::Always, Clear::Never), scram, scram),
            (clear(Clear::Always, Clear::Loopback), all, scram),
            (clear(Clear::Always, Clear::Always), all, all),
        ] {
            let mechanisms = mechanisms().with_policy(policy);
            let on = |protection| offered(&mechanisms, &Channel::new("a.example", protection));
            assert_eq!(on(Protection::Tls), *all);
            assert_eq!(on(Protection::Loopback), on_loopback);
            assert_eq!(on(Protection::Clear), in_clear);
        }
    }

    #[test]
    fn what_is_not_offered_does_not_start() {
        let start = |channel: &Channel, name: &str| {
            mechanisms().start(name, channel, &mut |_| {}).map(|_| ()).unwrap_err()
        };
        let tls = Channel::new("a.example", Protection::Tls);
        for name in ["SCRAM-SHA-1-PLUS", "EXTERNAL", "ANONYMOUS", "scram-sha-1", ""] {
            assert_eq!(start(&tls, name), Failure::InvalidMechanism, "{name:?}");
        }
        let clear = Channel::new("a.example", Protection::Clear);
        assert_eq!(start(&clear, "SCRAM-SHA-1"), Failure::EncryptionRequired);
        assert_eq!(start(&clear, "GSSAPI"), Failure::InvalidMechanism);
    }

    #[test]
    fn order_is_that_of_assembly() {
        let tls = Channel::new("a.example", Protection::Tls);
        let recipe = Recipe::default().with_hashes([Hash::Sha256]).unwrap();
        let few = Mechanisms::standard(&recipe, ServerSecret::new([1; 32]));
        assert_eq!(offered(&few, &tls), "SCRAM-SHA-256 PLAIN");
        let with = few.clone().with(AnonymousOffer).with(AnonymousOffer);
        assert_eq!(offered(&with, &tls), "SCRAM-SHA-256 PLAIN ANONYMOUS");
        let before = with.with_before("PLAIN", AnonymousOffer);
        assert_eq!(offered(&before, &tls), "SCRAM-SHA-256 ANONYMOUS PLAIN");
        assert_eq!(offered(&before.without("PLAIN"), &tls), "SCRAM-SHA-256 ANONYMOUS");
        assert_eq!(
            offered(&few.with_before("X", AnonymousOffer), &tls),
            "SCRAM-SHA-256 PLAIN ANONYMOUS"
        );
    }
}
