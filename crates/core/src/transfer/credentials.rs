//! What a password is checked with, as XEP-0227 §4.3 has it, and what it does not know.

use sestina_sasl::{Credentials, Hash, ScramVerifier, decode_base64, encode_base64};
use sestina_stanza::{Invalid, Timestamp, ns};
use sestina_xml::Element;

use super::ACCOUNT;

/// `<scram-credentials/>`, one for each verifier.
pub(super) fn write_scram(credentials: &Credentials) -> impl Iterator<Item = Element> + '_ {
    Hash::STRONGEST_FIRST.into_iter().filter_map(|hash| credentials.scram(hash)).map(|verifier| {
        let child = |name, text: String| Element::builder(name, ns::PIE_SCRAM).text(text);
        Element::builder("scram-credentials", ns::PIE_SCRAM)
            .attr("mechanism", mechanism(verifier.hash()))
            .child(child("iter-count", verifier.iterations().to_string()))
            .child(child("salt", encode_base64(verifier.salt())))
            .child(child("server-key", encode_base64(verifier.server_key())))
            .child(child("stored-key", encode_base64(verifier.stored_key())))
            .build()
    })
}

/// Reads `<scram-credentials/>`; nothing where it is for a mechanism that nobody here can do.
pub(super) fn read_scram(element: &Element) -> Result<Option<ScramVerifier>, Invalid> {
    let named = element.attr("mechanism").ok_or_else(|| Invalid::attribute("mechanism"))?;
    let known = Hash::STRONGEST_FIRST.into_iter().find(|hash| mechanism(*hash) == named);
    let Some(hash) = known else { return Ok(None) };
    let iterations: String = only(element, "iter-count")?;
    // XEP-0227 §4.3: neither signs nor leading zeros.
    let plain =
        iterations.bytes().all(|byte| byte.is_ascii_digit()) && !iterations.starts_with('0');
    let iterations = iterations.parse().ok().filter(|_| plain);
    let iterations = iterations.ok_or_else(|| Invalid::child("iter-count"))?;
    let bytes = |name| decode_base64(&only(element, name)?).map_err(|_| Invalid::child(name));
    let (salt, server, stored) = (bytes("salt")?, bytes("server-key")?, bytes("stored-key")?);
    let verifier = ScramVerifier::from_parts(hash, salt, iterations, &stored, &server);
    verifier.map(Some).map_err(|error| Invalid::new(error.to_string()))
}

fn mechanism(hash: Hash) -> String {
    format!("SCRAM-{}", hash.name())
}

fn only(element: &Element, name: &str) -> Result<String, Invalid> {
    let mut children = element.children().filter(|child| child.is(name, ns::PIE_SCRAM));
    match (children.next(), children.next()) {
        (Some(child), None) => Ok(child.text().trim().to_owned()),
        _ => Err(Invalid::child(name)),
    }
}

/// What an account is here, and other servers do not know of.
#[derive(Debug, Default)]
pub(super) struct Particulars {
    pub(super) created: Option<Timestamp>,
    pub(super) disabled: bool,
}

impl Particulars {
    pub(super) const NAME: &str = "account";

    pub(super) fn write(&self) -> Element {
        Element::builder(Self::NAME, ACCOUNT)
            .attr_opt("created", self.created.map(|created| created.to_string()))
            .attr_opt("disabled", self.disabled.then_some("true"))
            .build()
    }

    pub(super) fn read(element: &Element) -> Result<Self, Invalid> {
        let created = element.attr("created").map(str::parse).transpose();
        Ok(Self {
            created: created.map_err(|_| Invalid::attribute("created"))?,
            disabled: match element.attr("disabled") {
                None | Some("false" | "0") => false,
                Some("true" | "1") => true,
                Some(_) => return Err(Invalid::attribute("disabled")),
            },
        })
    }
}
