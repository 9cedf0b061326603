//! Tokens that stand in for a password (XEP-0484).

mod hashed;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use self::hashed::HashedTokenOffer;
use crate::base64::encode_value;
use crate::hash::Hash;
use crate::{BindingType, Channel, Failure, Mechanisms, ServerSecret};

/// The most tokens of one client that an authentication looks at: one in use, one that replaces
/// it, and some that were issued and never arrived.
pub const MAX_TOKENS: usize = 8;

/// Issues the tokens of fast re-authentication (XEP-0484) and has the mechanisms that take them.
///
/// A token is derived from the server's secret and what its [`TokenRecord`] says, so the record is
/// all there is to store, and whoever reads the records can log in with none of them. With the
/// secret, all tokens go.
///
/// The mechanisms are [`Mechanisms`] of their own, because they are not offered among the others
/// but inside `<fast/>`. They ask for [`Query::Tokens`](crate::Query::Tokens).
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use std::time::SystemTime;
///
/// use sestina_sasl::{BindingType, Channel, Protection, ServerSecret, Tokens};
///
/// let tokens = Tokens::new(Arc::new(ServerSecret::new([7; 32])));
/// let channel = Channel::new("capulet.example", Protection::Tls)
///     .with_binding(BindingType::TlsExporter, vec![7; 32]);
/// let offered: Vec<_> = tokens.mechanisms().offered(&channel).collect();
/// assert_eq!(offered, ["HT-SHA-256-EXPR", "HT-SHA-256-NONE"]);
///
/// let now = SystemTime::UNIX_EPOCH;
/// let (token, record) =
///     tokens.issue(&channel, "juliet", "HT-SHA-256-EXPR", now, &mut |id| id.fill(3))?;
/// assert_eq!(token.len(), 44);
/// assert_eq!(record.expires(), now + tokens.lifetime());
/// # Ok::<(), sestina_sasl::Failure>(())
/// ```
#[derive(Clone, Debug)]
pub struct Tokens {
    secret: Arc<ServerSecret>,
    lifetime: Duration,
    mechanisms: Mechanisms,
}

impl Tokens {
    /// How long tokens are valid unless set otherwise: clients that are away for longer log in
    /// with their password.
    pub const DEFAULT_LIFETIME: Duration = Duration::from_secs(21 * 24 * 60 * 60);

    /// Tokens derived from this secret.
    pub fn new(secret: Arc<ServerSecret>) -> Self {
        let bindings = [Some(BindingType::TlsExporter), Some(BindingType::TlsServerEndPoint), None];
        let mechanisms = bindings.into_iter().fold(Mechanisms::none(), |mechanisms, binding| {
            mechanisms.with(HashedTokenOffer::new(binding, Arc::clone(&secret)))
        });
        Self { secret, lifetime: Self::DEFAULT_LIFETIME, mechanisms }
    }

    /// Sets how long tokens are valid.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// How long tokens are valid.
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// The mechanisms that take tokens.
    pub fn mechanisms(&self) -> &Mechanisms {
        &self.mechanisms
    }

    /// Issues a token for use with one mechanism: the text for the client, and the record to store
    /// for its account and user agent (XEP-0484 §3.3).
    ///
    /// # Errors
    ///
    /// [`Failure::InvalidMechanism`] if no mechanism of this name takes tokens.
    pub fn issue(
        &self,
        channel: &Channel,
        username: &str,
        mechanism: &str,
        now: SystemTime,
        random: &mut dyn FnMut(&mut [u8]),
    ) -> Result<(Zeroizing<String>, TokenRecord), Failure> {
        if !self.mechanisms.contains(mechanism) {
            return Err(Failure::InvalidMechanism);
        }
        let mut id = [0; 16];
        random(&mut id);
        let record = TokenRecord {
            id: TokenId(id),
            mechanism: mechanism.to_owned(),
            issued: now,
            expires: now.checked_add(self.lifetime).unwrap_or(now),
            count: 0,
        };
        Ok((text(&self.secret, channel, username, &record), record))
    }
}

/// What is stored of a token, which is nothing secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRecord {
    id: TokenId,
    mechanism: String,
    issued: SystemTime,
    expires: SystemTime,
    count: u32,
}

impl TokenRecord {
    /// Which token it is of.
    pub fn id(&self) -> TokenId {
        self.id
    }

    /// The only mechanism that takes it.
    pub fn mechanism(&self) -> &str {
        &self.mechanism
    }

    /// From when on it is not valid any more.
    pub fn expires(&self) -> SystemTime {
        self.expires
    }

    /// Whether more than half of its life is over, so that the client should be given another
    /// (XEP-0484 §3.5).
    pub fn is_due(&self, now: SystemTime) -> bool {
        let life = self.expires.duration_since(self.issued).unwrap_or_default();
        self.issued.checked_add(life / 2).is_none_or(|half| now >= half)
    }

    /// Takes note of the client's own count of uses, which must grow where it is given (XEP-0484
    /// §3.4).
    ///
    /// # Errors
    ///
    /// [`Failure::NotAuthorized`] if it does not: this may be a replay.
    pub fn count_use(&mut self, count: u32) -> Result<(), Failure> {
        if count <= self.count {
            return Err(Failure::NotAuthorized);
        }
        self.count = count;
        Ok(())
    }

    /// Drops what the use of one token invalidates among those of its client: all that expire
    /// earlier (XEP-0484 §3.5).
    pub fn retain_after_use(records: &mut Vec<Self>, used: TokenId) {
        if let Some(expires) = records.iter().find(|record| record.id == used).map(Self::expires) {
            records.retain(|record| record.id == used || record.expires >= expires);
        }
    }
}

/// Which token of an account.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TokenId([u8; 16]);

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenId({:032x})", u128::from_be_bytes(self.0))
    }
}

/// The token itself, as the client has it.
fn text(
    secret: &ServerSecret,
    channel: &Channel,
    username: &str,
    record: &TokenRecord,
) -> Zeroizing<String> {
    let parts = ["token", channel.domain(), username, &record.mechanism].map(str::as_bytes);
    let mac = secret.mac(Hash::Sha256, &[&parts[..], &[&record.id.0[..]]].concat());
    // Room for all of it, so that no part is left behind by growing.
    let mut text = Zeroizing::new(String::with_capacity(64));
    encode_value(mac.as_bytes(), &mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Protection;

    fn issue(id: u8, at: u64) -> TokenRecord {
        let tokens = Tokens::new(Arc::new(ServerSecret::new([1; 32])));
        let channel = Channel::new("capulet.example", Protection::Tls);
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(at);
        let issued =
            tokens.issue(&channel, "juliet", "HT-SHA-256-NONE", now, &mut |bytes| bytes.fill(id));
        issued.unwrap().1
    }

    #[test]
    fn records_survive_storage() {
        let record = issue(7, 1000);
        let bytes = postcard::to_stdvec(&record).unwrap();
        assert_eq!(postcard::from_bytes::<TokenRecord>(&bytes).unwrap(), record);
    }

    #[test]
    fn due_at_half_time() {
        let record = issue(1, 0);
        let half = SystemTime::UNIX_EPOCH + Tokens::DEFAULT_LIFETIME / 2;
        assert!(!record.is_due(half - Duration::from_secs(1)));
        assert!(record.is_due(half));
    }

    #[test]
    fn counts_grow() {
        let mut record = issue(1, 0);
        assert_eq!(record.count_use(0), Err(Failure::NotAuthorized));
        assert_eq!(record.count_use(5), Ok(()));
        assert_eq!(record.count_use(5), Err(Failure::NotAuthorized));
        assert_eq!(record.count_use(6), Ok(()));
    }

    #[test]
    fn use_invalidates_older_tokens() {
        let all = [issue(1, 0), issue(2, 10), issue(3, 20)];
        let after = |used: usize| {
            let mut records = all.to_vec();
            TokenRecord::retain_after_use(&mut records, all[used].id());
            records.len()
        };
        assert_eq!([after(0), after(1), after(2)], [3, 2, 1]);
        let mut records = all[1..].to_vec();
        TokenRecord::retain_after_use(&mut records, all[0].id());
        assert_eq!(records.len(), 2, "an unknown token invalidates nothing");
    }
}
