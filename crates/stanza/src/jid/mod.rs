//! Addresses: `local@domain/resource`.

mod error;
mod normal;

use std::borrow::{Borrow, Cow};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::num::NonZeroU16;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub use self::error::{JidError, Part};
pub use self::normal::MAX_PART_BYTES;

/// An address in its normal form, shared: a clone copies a pointer.
///
/// Two addresses are equal when their texts are, and a `Jid` hashes and compares as its text, so a
/// map keyed by `Jid` is probed with a `&str` that is known to be normal, such as
/// [`bare_str`](Self::bare_str).
///
/// # Examples
///
/// ```
/// use sestina_stanza::Jid;
///
/// let juliet = Jid::new("Juliet@Capulet.example./😀")?;
/// assert_eq!(juliet.as_str(), "juliet@capulet.example/😀");
/// assert_eq!(juliet.local(), Some("juliet"));
/// assert_eq!(juliet.domain(), "capulet.example");
/// assert_eq!(juliet.bare_str(), "juliet@capulet.example");
/// # Ok::<(), sestina_stanza::JidError>(())
/// ```
#[derive(Clone)]
pub struct Jid {
    text: Arc<str>,
    at: Option<NonZeroU16>,
    slash: Option<NonZeroU16>,
    /// Whether it stands in an attribute as it is, as nearly all do.
    plain: bool,
}

impl Jid {
    /// Reads and normalises an address.
    ///
    /// # Errors
    ///
    /// Says which part is empty, too long, or holds what no address may hold.
    pub fn new(text: &str) -> Result<Self, JidError> {
        // The resource begins at the first slash, the domain after the first at sign before it
        // (RFC 7622 §3.2); a later at sign is then a fault of the domain.
        let (bare, resource) = match text.split_once('/') {
            Some((bare, resource)) => (bare, Some(resource)),
            None => (text, None),
        };
        let (local, domain) = match bare.split_once('@') {
            Some((local, domain)) => (Some(local), domain),
            None => (None, bare),
        };
        let local = local.map(normal::local).transpose()?;
        let domain = normal::domain(domain)?;
        let resource = resource.map(normal::resource).transpose()?;
        Ok(Self::join(Some(text), local.as_deref(), &domain, resource.as_deref()))
    }

    /// Reads an address that is probably `known`, whose clone is then returned.
    ///
    /// A connection that keeps writing to one peer allocates nothing for the repeated address.
    ///
    /// # Errors
    ///
    /// As [`Jid::new`].
    pub fn new_like(text: &str, known: Option<&Self>) -> Result<Self, JidError> {
        match known {
            Some(known) if known.as_str() == text => Ok(known.clone()),
            _ => Self::new(text),
        }
    }

    /// Puts an address together, normalising each part.
    ///
    /// # Errors
    ///
    /// As [`Jid::new`]; a delimiter inside a localpart or domain is forbidden.
    pub fn from_parts(
        local: Option<&str>,
        domain: &str,
        resource: Option<&str>,
    ) -> Result<Self, JidError> {
        let local = local.map(normal::local).transpose()?;
        let domain = normal::domain(domain)?;
        let resource = resource.map(normal::resource).transpose()?;
        Ok(Self::join(None, local.as_deref(), &domain, resource.as_deref()))
    }

    /// Joins normal parts, copying `whole` where it is already what they make.
    fn join(
        whole: Option<&str>,
        local: Option<&str>,
        domain: &str,
        resource: Option<&str>,
    ) -> Self {
        let at = local.map_or(0, str::len);
        let bare = domain.len() + if local.is_some() { at + 1 } else { 0 };
        let length = bare + resource.map_or(0, |resource| resource.len() + 1);
        let offset = |at: usize| u16::try_from(at).ok().and_then(NonZeroU16::new);
        let text = match whole {
            // Nearly every address arrives in its normal form and is copied once.
            Some(whole)
                if whole.len() == length
                    && local.is_none_or(|local| whole.starts_with(local))
                    && whole.get(bare - domain.len()..bare) == Some(domain)
                    && resource.is_none_or(|resource| whole.ends_with(resource)) =>
            {
                Arc::from(whole)
            }
            _ => {
                let mut text = String::with_capacity(length);
                if let Some(local) = local {
                    text.push_str(local);
                    text.push('@');
                }
                text.push_str(domain);
                if let Some(resource) = resource {
                    text.push('/');
                    text.push_str(resource);
                }
                Arc::from(text)
            }
        };
        Self {
            text,
            at: local.and_then(|_| offset(at)),
            slash: resource.and_then(|_| offset(bare)),
            // Neither localparts nor domains may hold what XML escapes.
            plain: resource.is_none_or(is_plain),
        }
    }

    /// Whether it stands in an attribute as it is, in either kind of quotes.
    pub(crate) const fn is_plain(&self) -> bool {
        self.plain
    }

    /// The whole address.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What stands before the at sign: the name of an account, a room, a service's node.
    pub fn local(&self) -> Option<&str> {
        self.text.get(..self.at?.get().into())
    }

    /// The server or service.
    pub fn domain(&self) -> &str {
        let bare = self.bare_str();
        match self.at {
            Some(at) => bare.get(usize::from(at.get()) + 1..).unwrap_or(bare),
            None => bare,
        }
    }

    /// What stands after the first slash: a device, an occupant.
    pub fn resource(&self) -> Option<&str> {
        self.text.get(usize::from(self.slash?.get()) + 1..)
    }

    /// The address without its resource, as text.
    pub fn bare_str(&self) -> &str {
        let end = self.slash.map_or(self.text.len(), |slash| slash.get().into());
        self.text.get(..end).unwrap_or(&self.text)
    }

    /// Whether there is no resource.
    pub fn is_bare(&self) -> bool {
        self.slash.is_none()
    }

    /// Whether there is a resource.
    pub fn is_full(&self) -> bool {
        self.slash.is_some()
    }

    /// Whether this is a domain and nothing else: the address of a server or a service.
    pub fn is_domain(&self) -> bool {
        self.at.is_none() && self.slash.is_none()
    }

    /// The address without its resource; a clone where there is none.
    #[must_use]
    pub fn to_bare(&self) -> Self {
        match self.slash {
            None => self.clone(),
            Some(_) => {
                Self { text: Arc::from(self.bare_str()), at: self.at, slash: None, plain: true }
            }
        }
    }

    /// The address of this domain alone.
    #[must_use]
    pub fn to_domain(&self) -> Self {
        if self.is_domain() {
            return self.clone();
        }
        Self { text: Arc::from(self.domain()), at: None, slash: None, plain: true }
    }

    /// The same account with another resource.
    ///
    /// # Errors
    ///
    /// The resource is empty, too long or forbidden.
    pub fn with_resource(&self, resource: &str) -> Result<Self, JidError> {
        let resource = normal::resource(resource)?;
        Ok(Self::join(None, self.local(), self.domain(), Some(&resource)))
    }

    /// Whether both are the same once their resources are left out.
    pub fn same_bare(&self, other: &Self) -> bool {
        self.bare_str() == other.bare_str()
    }
}

/// Whether text stands in an attribute as it is: printable ASCII but for what XML escapes.
pub(crate) fn is_plain(text: &str) -> bool {
    const fn plain(byte: u8) -> bool {
        matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'&' | b'\'' | b'<' | b'>')
    }
    const PLAIN: [bool; 256] = {
        let mut table = [false; 256];
        let mut byte = 0;
        while byte < 256 {
            table[byte] = plain(byte as u8);
            byte += 1;
        }
        table
    };
    text.bytes().all(|byte| PLAIN[usize::from(byte)])
}

impl PartialEq for Jid {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.text, &other.text) || self.text == other.text
    }
}

impl Eq for Jid {}

impl PartialEq<str> for Jid {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Jid {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl PartialOrd for Jid {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Jid {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

// As `str` hashes, because of `Borrow`.
impl Hash for Jid {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Borrow<str> for Jid {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Jid {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Jid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Jid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Jid({})", self.as_str())
    }
}

impl FromStr for Jid {
    type Err = JidError;

    fn from_str(text: &str) -> Result<Self, JidError> {
        Self::new(text)
    }
}

impl TryFrom<&str> for Jid {
    type Error = JidError;

    fn try_from(text: &str) -> Result<Self, JidError> {
        Self::new(text)
    }
}

impl Serialize for Jid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Jid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::new(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn jid(text: &str) -> Jid {
        Jid::new(text).expect(text)
    }

    #[test]
    fn takes_apart() {
        let cases = [
            ("capulet.example", None, "capulet.example", None),
            ("localhost", None, "localhost", None),
            ("127.0.0.1", None, "127.0.0.1", None),
            ("juliet@capulet.example", Some("juliet"), "capulet.example", None),
            ("a@b/c", Some("a"), "b", Some("c")),
            ("b/c@d/e", None, "b", Some("c@d/e")),
            ("a@b/ ", Some("a"), "b", Some(" ")),
            ("foo%bar@b", Some("foo%bar"), "b", None),
            ("πλάτων@b/πλ", Some("πλάτων"), "b", Some("πλ")),
            ("xn--fsq.example", None, "xn--fsq.example", None),
            ("a@[::1]/c", Some("a"), "[::1]", Some("c")),
        ];
        for (text, local, domain, resource) in cases {
            let jid = jid(text);
            assert_eq!(jid.as_str(), text);
            assert_eq!((jid.local(), jid.domain(), jid.resource()), (local, domain, resource));
            assert_eq!(Jid::from_parts(local, domain, resource), Ok(jid));
        }
    }

    #[test]
    fn normalises() {
        let cases = [
            ("Juliet@Capulet.EXAMPLE/Balcony", "juliet@capulet.example/Balcony"),
            ("juliet@capulet.example.", "juliet@capulet.example"),
            ("juliet@capulet.example./x", "juliet@capulet.example/x"),
            ("straße@b", "strasse@b"),
            ("a@[0:0:0:0:0:0:0:1]", "a@[::1]"),
            ("a@BÜCHER.example", "a@bücher.example"),
            ("a@b/\u{2460}", "a@b/1"),
        ];
        for (text, normal) in cases {
            assert_eq!(jid(text).as_str(), normal);
        }
    }

    #[test]
    fn newer_letters_pass_in_a_resource_only() {
        for resource in ["😀", "ẞ", "phone 📱", "\u{1f9d1}\u{200d}\u{1f680}"] {
            let full = Jid::from_parts(Some("a"), "b", Some(resource));
            match resource {
                // A joiner outside its context is refused by both rules.
                "\u{1f9d1}\u{200d}\u{1f680}" => {
                    assert!(full.is_err() || full == Ok(jid("a@b/\u{1f9d1}\u{1f680}")));
                }
                _ => assert_eq!(full.expect(resource).resource(), Some(resource)),
            }
        }
        assert_eq!(Jid::new("😀@b"), Err(JidError::Forbidden(Part::Local)));
    }

    #[test]
    fn refuses() {
        use JidError::{Empty, Forbidden, TooLong};
        use Part::{Domain, Local, Resource};
        let long = "a".repeat(MAX_PART_BYTES + 1);
        let cases = [
            ("", Empty(Domain)),
            ("@", Empty(Local)),
            ("@b", Empty(Local)),
            ("a@", Empty(Domain)),
            ("a@/c", Empty(Domain)),
            ("a@.", Empty(Domain)),
            ("/c", Empty(Domain)),
            ("a@b/", Empty(Resource)),
            ("a@b@c", Forbidden(Domain)),
            ("a b@c", Forbidden(Local)),
            ("a'b@c", Forbidden(Local)),
            ("bobeal \\';delete from users;@c", Forbidden(Local)),
            ("a@b c", Forbidden(Domain)),
            ("a@-b", Forbidden(Domain)),
            ("a@b..c", Forbidden(Domain)),
            ("a@b..", Forbidden(Domain)),
            ("a@b&c", Forbidden(Domain)),
            ("a@b'c", Forbidden(Domain)),
            ("a@b\"é", Forbidden(Domain)),
            ("a@b%41", Forbidden(Domain)),
            ("a@[::1", Forbidden(Domain)),
            ("a@[x]", Forbidden(Domain)),
            ("a@b/\u{0}", Forbidden(Resource)),
            ("a@b/\n", Forbidden(Resource)),
            ("a@b/\u{fffe}", Forbidden(Resource)),
            (&format!("{long}@b"), TooLong(Local)),
            (&format!("a@b/{long}"), TooLong(Resource)),
            (&format!("a@b/{}", "é".repeat(600)), TooLong(Resource)),
        ];
        for (text, error) in cases {
            assert_eq!(Jid::new(text), Err(error), "{text:?}");
        }
        assert!(Jid::new(&format!("a@{long}")).is_err());
        let longest = "a".repeat(MAX_PART_BYTES);
        let full = jid(&format!("{longest}@b/{longest}"));
        assert_eq!(full.resource(), Some(longest.as_str()));
    }

    #[test]
    fn shares_and_compares() {
        let full = jid("juliet@capulet.example/balcony");
        let bare = full.to_bare();
        assert!(full.is_full() && bare.is_bare() && !bare.is_domain());
        assert_eq!(bare, "juliet@capulet.example");
        assert!(Arc::ptr_eq(&bare.text, &bare.to_bare().text));
        assert_eq!(bare.with_resource("balcony"), Ok(full.clone()));
        assert_eq!(full.with_resource("orchard").expect("plain"), "juliet@capulet.example/orchard");
        assert!(full.to_domain().is_domain());
        assert!(full.same_bare(&bare));
        let again = Jid::new_like(full.as_str(), Some(&full)).expect("known");
        assert!(Arc::ptr_eq(&again.text, &full.text));
        assert_eq!(size_of::<Jid>(), 24);
        assert_eq!(size_of::<Option<Jid>>(), 24);
        let map = HashMap::from([(bare, 1)]);
        assert_eq!(map.get(full.bare_str()), Some(&1));
    }

    #[test]
    fn what_xml_escapes_is_known() {
        for (text, plain) in [
            ("a@b", true),
            ("é@b", true),
            ("a@b/c d", true),
            ("a@b/it's", false),
            ("a@b/\"", false),
            ("a@b/&", false),
            ("a@b/<", false),
            ("a@b/>", false),
            ("a@b/é", false),
        ] {
            assert_eq!(jid(text).is_plain(), plain, "{text}");
            assert!(jid(text).to_bare().is_plain());
        }
    }

    #[test]
    fn serialises_as_text() {
        let full = jid("juliet@capulet.example/balcony");
        let text = serde_json::to_string(&full).expect("text");
        assert_eq!(text, "\"juliet@capulet.example/balcony\"");
        assert_eq!(serde_json::from_str::<Jid>(&text).expect("address"), full);
        assert!(serde_json::from_str::<Jid>("\"a@\"").is_err());
    }
}
