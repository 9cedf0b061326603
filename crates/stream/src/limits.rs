//! The bounds of a negotiation.

/// Bounds on what a client can make the server do before it has bound a resource.
///
/// Those of bytes on the wire are the parser's ([`sestina_xml::Limits`]); how often a client may
/// fail to authenticate is the domain's ([`Domain::attempts`](crate::Domain::attempts)), and how
/// long it may take is the driver's; a SASL message is bounded by [`sestina_sasl::MAX_MESSAGE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Elements of one negotiation, whatever becomes of them; one more is a `policy-violation`.
    pub elements: u16,
    /// Bytes of each text in `<user-agent/>`, which is cut there (XEP-0388 §2.3).
    pub user_agent_bytes: usize,
    /// Bytes of the `<tag/>` that begins a resource; a longer one is left out (XEP-0386 §3.2).
    pub tag_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { elements: 100, user_agent_bytes: 256, tag_bytes: 128 }
    }
}
