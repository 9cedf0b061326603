//! What requests and answers look like (XEP-0124, XEP-0206).

use bytes::Bytes;
use sestina_stanza::ns;
use sestina_xml::{Element, Limits, TagWriter, XML_NAMESPACE};

const BOSH: &str = "http://jabber.org/protocol/httpbind";
const XBOSH: &str = "urn:xmpp:xbosh";

/// A request: what its `<body/>` says.
#[derive(Debug)]
pub(crate) struct Ask {
    body: Element,
    pub(crate) rid: u64,
}

impl Ask {
    /// Reads a request; none where it is not one.
    pub(crate) fn read(bytes: &[u8], limits: &Limits) -> Option<Self> {
        let body = Element::parse(bytes, limits).ok().filter(|body| body.is("body", BOSH))?;
        let rid = body.attr("rid")?.parse().ok()?;
        Some(Self { body, rid })
    }

    pub(crate) fn attr(&self, name: &str) -> Option<&str> {
        self.body.attr(name)
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.attr(name)?.trim().parse().ok()
    }

    pub(crate) fn lang(&self) -> Option<&str> {
        self.body.attr_ns("lang", XML_NAMESPACE)
    }

    pub(crate) fn restarts(&self) -> bool {
        matches!(self.body.attr_ns("restart", XBOSH), Some("true" | "1"))
    }

    pub(crate) fn ends(&self) -> bool {
        self.attr("type") == Some("terminate")
    }

    /// Whether it asks for nothing but an answer.
    pub(crate) fn is_empty(&self) -> bool {
        self.body.children().next().is_none() && !self.restarts()
    }

    /// Whether it is one that may be made beyond what may be made at a time.
    pub(crate) fn parts(&self) -> bool {
        self.ends() || self.attr("pause").is_some()
    }

    /// The opening of a stream that it stands for.
    pub(crate) fn opening(&self, to: &str, from: Option<&str>, lang: Option<&str>) -> Vec<u8> {
        let mut open = Vec::new();
        let mut tag = TagWriter::open(&mut open, "open");
        tag.declare("", ns::FRAMING).attr("to", to).attr_opt("from", from);
        // XEP-0206 §4; the version is of XMPP, and who leaves it out has no other.
        tag.attr("version", self.body.attr_ns("version", XBOSH).unwrap_or("1.0"));
        tag.attr_opt("xml:lang", lang);
        tag.finish_empty();
        open
    }

    /// The messages within it, each a document of its own.
    pub(crate) fn messages(&self) -> impl Iterator<Item = Vec<u8>> {
        self.body.children().map(|child| {
            let mut message = Vec::new();
            child.to_element().write_to(&mut message, "");
            message
        })
    }
}

/// Why a session ends (XEP-0124 §17.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    BadRequest,
    HostUnknown,
    ImproperAddressing,
    ItemNotFound,
    PolicyViolation,
    RemoteConnectionFailed,
    RemoteStreamError,
}

impl Condition {
    fn name(self) -> &'static str {
        match self {
            Self::BadRequest => "bad-request",
            Self::HostUnknown => "host-unknown",
            Self::ImproperAddressing => "improper-addressing",
            Self::ItemNotFound => "item-not-found",
            Self::PolicyViolation => "policy-violation",
            Self::RemoteConnectionFailed => "remote-connection-failed",
            Self::RemoteStreamError => "remote-stream-error",
        }
    }
}

/// What a session's first answer says beside (XEP-0124 §7.2, XEP-0206 §5).
#[derive(Debug, Default)]
pub(crate) struct Welcome {
    pub(crate) attributes: Vec<(&'static str, String)>,
}

/// An answer.
pub(crate) fn answer(welcome: Option<&Welcome>, messages: &[Bytes]) -> Bytes {
    write(welcome, None, messages)
}

/// The last answer of a session, with the reason if there is one to be told.
pub(crate) fn terminate(condition: Option<Condition>, messages: &[Bytes]) -> Bytes {
    write(None, Some(("terminate", condition)), messages)
}

/// What a request is told in whose stead another waits (XEP-0124 §17.3).
pub(crate) fn recoverable() -> Bytes {
    write(None, Some(("error", None)), &[])
}

fn write(
    welcome: Option<&Welcome>,
    kind: Option<(&str, Option<Condition>)>,
    messages: &[Bytes],
) -> Bytes {
    let mut out = Vec::with_capacity(128 + messages.iter().map(Bytes::len).sum::<usize>());
    let mut tag = TagWriter::open(&mut out, "body");
    tag.declare("", BOSH);
    if messages.iter().any(|message| message.starts_with(b"<stream:")) {
        tag.declare("stream", ns::STREAM);
    }
    if let Some((kind, condition)) = kind {
        tag.attr("type", kind).attr_opt("condition", condition.map(Condition::name));
    }
    if let Some(welcome) = welcome {
        tag.declare("xmpp", XBOSH).attr("xmpp:version", "1.0").attr("xmpp:restartlogic", "true");
        for (name, value) in &welcome.attributes {
            tag.attr(name, value);
        }
    }
    if messages.is_empty() {
        tag.finish_empty();
    } else {
        tag.finish();
        messages.iter().for_each(|message| out.extend_from_slice(message));
        out.extend_from_slice(b"</body>");
    }
    out.into()
}
