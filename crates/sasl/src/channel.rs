//! What the server knows about the connection an authentication runs over.

use std::fmt;

use crate::prepare::{prepare_domain, prepare_username};

/// The connection an authentication runs over, as far as mechanisms care.
///
/// # Examples
///
/// ```
/// use sestina_sasl::{BindingType, Channel, Protection};
///
/// let channel = Channel::new("capulet.example", Protection::Tls)
///     .with_binding(BindingType::TlsExporter, vec![7; 32]);
/// assert!(channel.bindings().contains(BindingType::TlsExporter));
/// ```
#[derive(Clone, Debug)]
pub struct Channel {
    domain: String,
    protection: Protection,
    bindings: ChannelBindings,
    identities: Vec<String>,
}

/// What stands between the connection and an eavesdropper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protection {
    /// Nothing.
    Clear,
    /// The connection does not leave this machine.
    Loopback,
    /// TLS.
    Tls,
}

impl Channel {
    /// A connection on which a client speaks to `domain`.
    pub fn new(domain: impl Into<String>, protection: Protection) -> Self {
        let domain = domain.into();
        Self {
            domain: prepare_domain(&domain).unwrap_or(domain),
            protection,
            bindings: ChannelBindings::default(),
            identities: Vec::new(),
        }
    }

    /// Adds channel-binding data of one type, in place of earlier data of that type.
    #[must_use]
    pub fn with_binding(mut self, binding: BindingType, data: Vec<u8>) -> Self {
        self.bindings.insert(binding, data);
        self
    }

    /// Adds the identities of a client certificate that TLS has verified: bare JIDs, from its
    /// `id-on-xmppAddr` names where it has some (XEP-0178 §2).
    ///
    /// Those at other domains are left out: they mean nothing to this server.
    #[must_use]
    pub fn with_certificate<I>(mut self, jids: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        for jid in jids {
            if let Some(username) = self.local_username(jid.as_ref())
                && !self.identities.contains(&username)
            {
                self.identities.push(username);
            }
        }
        self
    }

    /// The domain that the client speaks to, prepared.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// What stands between the connection and an eavesdropper.
    pub fn protection(&self) -> Protection {
        self.protection
    }

    /// The channel-binding data, for mechanisms and for the list of XEP-0440.
    pub fn bindings(&self) -> &ChannelBindings {
        &self.bindings
    }

    /// The user names at this domain that the client's certificate vouches for, prepared.
    pub fn identities(&self) -> &[String] {
        &self.identities
    }

    /// The prepared user name in a bare JID at this domain.
    pub fn local_username(&self, jid: &str) -> Option<String> {
        let (local, domain) = jid.split_once('@')?;
        (prepare_domain(domain)? == self.domain).then(|| prepare_username(local).ok())?
    }

    /// Whether an authorization identity names the user who authenticates: it is absent, empty,
    /// the bare JID (RFC 6120 §6.3.8) or, as some clients send it, the user name.
    pub fn authorizes(&self, authzid: &str, username: &str) -> bool {
        authzid.is_empty()
            || match self.local_username(authzid) {
                Some(named) => named == username,
                None => prepare_username(authzid).is_ok_and(|named| named == username),
            }
    }
}

/// A kind of data that ties an authentication to its TLS connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BindingType {
    /// Keying material exported from the connection (RFC 9266).
    TlsExporter,
    /// The hash of the server's certificate (RFC 5929 §4).
    TlsServerEndPoint,
}

impl BindingType {
    /// The registered name.
    pub fn name(self) -> &'static str {
        match self {
            Self::TlsExporter => "tls-exporter",
            Self::TlsServerEndPoint => "tls-server-end-point",
        }
    }
}

impl fmt::Display for BindingType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The channel-binding data of one connection.
///
/// Whoever fills it answers for its fitness: `tls-exporter` only from TLS 1.3, or from TLS 1.2 with
/// the extended master secret (RFC 9266 §4.2).
#[derive(Clone, Default)]
pub struct ChannelBindings {
    data: Vec<(BindingType, Vec<u8>)>,
}

impl ChannelBindings {
    /// Adds data of one type, in place of earlier data of that type.
    pub fn insert(&mut self, binding: BindingType, data: Vec<u8>) {
        self.data.retain(|(known, _)| *known != binding);
        self.data.push((binding, data));
    }

    /// Whether there is data of this type.
    pub fn contains(&self, binding: BindingType) -> bool {
        self.data(binding).is_some()
    }

    /// The data of one type.
    pub fn data(&self, binding: BindingType) -> Option<&[u8]> {
        self.data.iter().find(|(known, _)| *known == binding).map(|(_, data)| &data[..])
    }

    /// The type of that name with its data, if the connection has it.
    pub fn named(&self, name: &str) -> Option<(BindingType, &[u8])> {
        self.data
            .iter()
            .find(|(known, _)| known.name() == name)
            .map(|(known, data)| (*known, &data[..]))
    }

    /// The types there are data of: what `<sasl-channel-binding/>` lists (XEP-0440 §2).
    pub fn types(&self) -> impl Iterator<Item = BindingType> {
        self.data.iter().map(|(known, _)| *known)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }
}

impl fmt::Debug for ChannelBindings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.types()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel() -> Channel {
        Channel::new("Capulet.example", Protection::Tls)
    }

    #[test]
    fn authorization_identities() {
        let channel = channel();
        for good in ["", "juliet", "Juliet", "juliet@capulet.example", "JULIET@CAPULET.EXAMPLE."] {
            assert!(channel.authorizes(good, "juliet"), "{good:?}");
        }
        for bad in [
            "romeo",
            "romeo@capulet.example",
            "juliet@montague.example",
            "juliet@capulet.example/balcony",
            "capulet.example",
            "@",
            "juliet@",
            "@capulet.example",
            "juliet@juliet@capulet.example",
        ] {
            assert!(!channel.authorizes(bad, "juliet"), "{bad:?}");
        }
    }

    #[test]
    fn certificates_speak_for_this_domain_only() {
        let channel = channel().with_certificate([
            "Juliet@capulet.example",
            "juliet@capulet.example",
            "juliet@montague.example",
            "capulet.example",
        ]);
        assert_eq!(channel.identities(), ["juliet"]);
    }

    #[test]
    fn one_datum_a_type() {
        let channel = channel()
            .with_binding(BindingType::TlsExporter, vec![1])
            .with_binding(BindingType::TlsServerEndPoint, vec![2])
            .with_binding(BindingType::TlsExporter, vec![3]);
        assert_eq!(channel.bindings().data(BindingType::TlsExporter), Some(&[3][..]));
        assert_eq!(channel.bindings().types().count(), 2);
        assert!(channel.bindings().named("tls-unique").is_none());
        assert_eq!(format!("{:?}", channel.bindings()), "[TlsServerEndPoint, TlsExporter]");
    }
}
