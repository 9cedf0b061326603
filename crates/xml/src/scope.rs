//! What a stream header declares for the elements within the stream.

use std::sync::{Arc, LazyLock};

/// The namespace that `xml:` always stands for.
pub const XML_NAMESPACE: &str = "http://www.w3.org/XML/1998/namespace";

/// The namespace of namespace declarations themselves, which nothing may declare.
pub(crate) const XMLNS_NAMESPACE: &str = "http://www.w3.org/2000/xmlns/";

/// The most prefixes of a stream header that elements can inherit.
pub(crate) const MAX_PREFIXES: usize = 64;

/// Namespaces in scope between the elements of a stream, shared by all of them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    /// The root's name as written, which its end tag repeats.
    pub(crate) root: Box<str>,
    /// What no prefix stands for.
    pub(crate) default: Box<str>,
    /// What each prefix stands for.
    pub(crate) prefixes: Box<[(Box<str>, Box<str>)]>,
}

impl Scope {
    /// Shares the scope that nearly every client's stream has, so that it costs an idle stream nothing.
    pub(crate) fn share(self) -> Arc<Self> {
        static USUAL: LazyLock<Arc<Scope>> = LazyLock::new(|| {
            Arc::new(Scope {
                root: "stream:stream".into(),
                default: "jabber:client".into(),
                prefixes: [("stream".into(), "http://etherx.jabber.org/streams".into())].into(),
            })
        });
        if self == **USUAL { Arc::clone(&USUAL) } else { Arc::new(self) }
    }

    pub(crate) fn prefix(&self, index: usize) -> Option<(&str, &str)> {
        self.prefixes.get(index).map(|(prefix, uri)| (&**prefix, &**uri))
    }
}
