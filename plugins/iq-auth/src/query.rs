//! What goes over the wire.

use std::fmt;

use sestina_stanza::{Invalid, Payload, ns};
use sestina_xml::{Element, ElementRef};
use zeroize::Zeroizing;

/// `<query xmlns='jabber:iq:auth'>`: the fields to fill in, or filled in.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Query {
    /// Who logs in.
    pub username: Option<String>,
    /// The password as it is.
    pub password: Option<Zeroizing<String>>,
    /// A hash of the stream's id and the password.
    pub digest: Option<Zeroizing<String>>,
    /// How often the client hashes for zero-knowledge.
    pub sequence: Option<u32>,
    /// What the client hashes its password with.
    pub token: Option<String>,
    /// What came of hashing so often.
    pub hash: Option<Zeroizing<String>>,
    /// The resource to bind.
    pub resource: Option<String>,
}

impl Payload for Query {
    const NAME: &'static str = "query";
    const NAMESPACE: &'static str = ns::AUTH;

    fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
        let text = |name| element.child_text(name, ns::AUTH).map(|text| text.into_owned());
        let secret = |name| text(name).map(Zeroizing::new);
        Ok(Self {
            username: text("username"),
            password: secret("password"),
            digest: secret("digest"),
            sequence: None,
            token: None,
            hash: secret("hash"),
            resource: text("resource"),
        })
    }

    fn write(&self) -> Element {
        let sequence = self.sequence.map(|sequence| sequence.to_string());
        let fields = [
            ("username", self.username.as_deref()),
            ("password", self.password.as_ref().map(|text| text.as_str())),
            ("digest", self.digest.as_ref().map(|text| text.as_str())),
            ("sequence", sequence.as_deref()),
            ("token", self.token.as_deref()),
            ("hash", self.hash.as_ref().map(|text| text.as_str())),
            ("resource", self.resource.as_deref()),
        ];
        let fields = fields.into_iter().filter_map(|(name, text)| Some((name, text?)));
        fields
            .fold(Self::builder(), |query, (name, text)| {
                query.child_with(name, |field| field.text(text))
            })
            .build()
    }
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query")
            .field("username", &self.username)
            .field("resource", &self.resource)
            .finish_non_exhaustive()
    }
}
