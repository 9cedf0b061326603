//! What other servers write where XEP-0227 says something else.

use std::{borrow::Cow, fmt};

use sestina_sasl::decode_base64;
use sestina_stanza::{Jid, ns};
use sestina_xml::Element;
use zeroize::Zeroizing;

use crate::{Account, Unreadable, messages, rewrite::Rewrite, roster};

/// What stands in the `password` of a `<user/>`.
pub enum Secret {
    /// The password.
    Plain(Zeroizing<String>),
    /// What it is checked with, as `<scram-credentials/>`.
    Verifier(Element),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain(…)",
            Self::Verifier(_) => "Verifier(…)",
        })
    }
}

/// Reads a `password`, which from ejabberd before 21.12 may be
/// `scram:stored-key,server-key,salt,iterations`, with the hash in front if it is not SHA-1.
///
/// # Errors
///
/// When it begins like that and does not go on so.
pub fn secret(password: &str) -> Result<Secret, Unreadable> {
    let Some(parts) = password.strip_prefix("scram:") else {
        return Ok(Secret::Plain(Zeroizing::new(password.to_owned())));
    };
    let parts: Vec<_> = parts.split(',').collect();
    let (hash, [stored, server, salt, iterations]) = match parts[..] {
        [a, b, c, d] => ("SHA-1", [a, b, c, d]),
        ["sha256", a, b, c, d] => ("SHA-256", [a, b, c, d]),
        ["sha512", a, b, c, d] => ("SHA-512", [a, b, c, d]),
        _ => return Err(Unreadable::Secret),
    };
    let verifier = verifier(&format!("SCRAM-{hash}"), [iterations, salt, server, stored]);
    Ok(Secret::Verifier(once_encoded(verifier)))
}

const FIELDS: [&str; 4] = ["iter-count", "salt", "server-key", "stored-key"];

pub(crate) fn verifier(mechanism: &str, values: [&str; 4]) -> Element {
    let fields = FIELDS.iter().zip(values);
    let fields = fields.map(|(name, text)| Element::builder(name, ns::PIE_SCRAM).text(text));
    let verifier = Element::builder("scram-credentials", ns::PIE_SCRAM);
    verifier.attr("mechanism", mechanism).children(fields).build()
}

/// The verifier itself where it was encoded twice: ejabberd 23.01 writes it so. That is plain from
/// the length of a hash, which is neither that of its Base64.
fn once_encoded(element: Element) -> Element {
    decoded(&element).unwrap_or(element)
}

fn decoded(element: &Element) -> Option<Element> {
    let mechanism = element.attr("mechanism")?;
    let bytes = match mechanism {
        "SCRAM-SHA-1" => 20,
        "SCRAM-SHA-256" => 32,
        "SCRAM-SHA-512" => 64,
        _ => return None,
    };
    let [iterations, salt, server, stored] =
        FIELDS.map(|name| element.root().child_text(name, ns::PIE_SCRAM));
    let inner = |text: Option<Cow<'_, str>>| {
        let text = String::from_utf8(decode_base64(text?.trim()).ok()?).ok()?;
        decode_base64(&text).ok().map(|bytes| (text, bytes.len()))
    };
    let (stored, hash) = inner(stored)?;
    let ((server, _), (salt, _)) = (inner(server)?, inner(salt)?);
    let values = [&iterations?, salt.as_str(), server.as_str(), stored.as_str()];
    (hash == bytes).then(|| verifier(mechanism, values))
}

/// Puts an element of a `<user/>` as XEP-0227 has it: with requests and messages that forget to say
/// what namespace they are in, and lists of contacts that say more than they should.
///
/// # Errors
///
/// When nothing can be made of it.
pub fn adapt(of: &Jid, element: &Element) -> Result<Account, Unreadable> {
    let mut account = Account::default();
    match (element.name(), element.namespace()) {
        ("query", ns::ROSTER) => roster::take(of, element.root(), &mut account),
        ("offline-messages", ns::PIE) => {
            messages::take(of, element.children(), &mut account);
        }
        ("presence", ns::PIE) => {
            let ours = Rewrite { namespaces: &[(ns::PIE, ns::CLIENT)], ..Rewrite::default() };
            account.elements.push(ours.of(element.root())?);
        }
        ("scram-credentials", ns::PIE_SCRAM) => {
            account.elements.push(once_encoded(element.clone()));
        }
        _ => account.elements.push(element.clone()),
    }
    Ok(account)
}
