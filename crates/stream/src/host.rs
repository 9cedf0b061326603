//! What the machine asks of the server it negotiates for.

use std::fmt;
use std::sync::Arc;

use sestina_sasl::{Failure, Mechanisms};
use sestina_stanza::Jid;

use crate::{Connection, Feature, Limits};

/// The assembled server, as far as negotiation needs it.
///
/// Every answer is given at once: what must be looked up or waited for is a
/// [`Question`](crate::Question) instead.
pub trait Host: Send + Sync {
    /// The domain of this name, which is in the form that [`Jid`] gives it; the default domain where
    /// a stream header asks for none.
    ///
    /// `None` ends the stream with `host-unknown` (RFC 6120 §4.9.3.6).
    fn domain(&self, name: Option<&str>) -> Option<Arc<Domain>>;

    /// Fills `buffer` with bytes nobody can guess, for stream ids, nonces and resources.
    fn entropy(&self, buffer: &mut [u8]);

    /// The bounds of one negotiation.
    fn limits(&self) -> Limits {
        Limits::default()
    }

    /// Hears how an authentication ended: for the log, for metrics and for the throttle.
    fn attempted(&self, attempt: &Attempt<'_>) {
        let _ = attempt;
    }
}

/// How one authentication ended.
#[derive(Debug)]
#[non_exhaustive]
pub struct Attempt<'a> {
    /// The connection it was made over.
    pub connection: &'a Connection,
    /// The domain it was made at.
    pub domain: &'a Domain,
    /// The mechanism's name as the client wrote it; it need not be one the server knows.
    pub mechanism: &'a str,
    /// The account whose credentials were asked for, if it came to that.
    pub username: Option<&'a str>,
    /// The bare JID the client goes on as, or what it was told.
    pub outcome: Result<&'a Jid, Failure>,
}

/// Whether a domain speaks TLS on a connection that begins in the clear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsOffer {
    /// No certificate: `<starttls/>` is refused.
    #[default]
    Absent,
    /// The client may.
    Offered,
    /// The client must: nothing else is offered before (RFC 6120 §5.3.1).
    Required,
}

/// One domain that clients can sign in at, and the rules for doing so.
#[derive(Clone)]
#[non_exhaustive]
pub struct Domain {
    /// Its address, a bare domain.
    pub name: Jid,
    /// The mechanisms it knows, and on which connection it offers them.
    pub mechanisms: Arc<Mechanisms>,
    /// Whether it upgrades a connection to TLS.
    pub tls: TlsOffer,
    /// The stream features that plugins contribute, in the order they are advertised.
    pub features: Vec<Arc<dyn Feature>>,
    /// How often a client may fail to authenticate before the stream is closed
    /// (RFC 6120 §6.4.5 wants at least two).
    pub attempts: u8,
    /// Whether a plugin takes streams older than XMPP 1.0, which have no features; without one they
    /// are refused with `unsupported-version`.
    pub legacy_streams: bool,
}

impl Domain {
    /// [`attempts`](Self::attempts) unless set otherwise.
    pub const DEFAULT_ATTEMPTS: u8 = 3;

    /// A domain without TLS, plugins' features or streams older than XMPP 1.0.
    pub fn new(name: Jid, mechanisms: Arc<Mechanisms>) -> Self {
        Self {
            name,
            mechanisms,
            tls: TlsOffer::default(),
            features: Vec::new(),
            attempts: Self::DEFAULT_ATTEMPTS,
            legacy_streams: false,
        }
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Domain")
            .field("name", &self.name)
            .field("mechanisms", &self.mechanisms)
            .field("tls", &self.tls)
            .field("features", &self.features.len())
            .field("attempts", &self.attempts)
            .field("legacy_streams", &self.legacy_streams)
            .finish_non_exhaustive()
    }
}
