//! What stands for what a client can do, and whether an answer proves it (XEP-0115 §5.4).

use std::{collections::BTreeSet, sync::Arc};

use sestina_sasl::decode_base64;
use sestina_stanza::{DataForm, FORM_TYPE, FieldType, Payload, PresenceType, Stanza, ns};
use sestina_xml::ElementRef;

use crate::Info;

/// The most bytes of `node` and `ver` that are looked at.
const LONGEST: usize = 1024;

/// `<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='…' ver='…'/>`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Advert {
    pub(crate) key: Key,
    node: Box<str>,
    ver: Box<str>,
}

/// What an answer is kept under.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// A hash of the answer: who has the same gives the same answer.
    Proof(Box<str>),
    /// By a function that is not known here, so it holds for one session alone.
    Own(u64, Box<str>),
}

impl Key {
    pub(crate) fn is_proof(&self) -> bool {
        matches!(self, Self::Proof(_))
    }
}

impl Advert {
    /// What a session's presence says, if it says anything that can be asked about. Clients from
    /// before hashes, with `ext`, are left alone.
    pub(crate) fn read(presence: &Stanza, session: u64) -> Option<Self> {
        if presence.kind() != PresenceType::Available.into() {
            return None;
        }
        let caps = presence.child("c", ns::CAPS)?;
        let (hash, node, ver) = (caps.attr("hash")?, caps.attr("node")?, caps.attr("ver")?);
        if node.is_empty() || ver.is_empty() || node.len() + ver.len() > LONGEST {
            return None;
        }
        let key = match hash {
            "sha-1" if decode_base64(ver).is_ok_and(|hash| hash.len() == 20) => {
                Key::Proof(ver.into())
            }
            "sha-1" | "" => return None,
            _ => Key::Own(session, ver.into()),
        };
        Some(Self { key, node: node.into(), ver: ver.into() })
    }

    /// The node that is asked.
    pub(crate) fn asked_as(&self) -> String {
        format!("{}#{}", self.node, self.ver)
    }
}

/// The features that an answer tells, sorted, where it is well-formed, proves what it should, and has
/// no more than `longest` bytes of them.
pub(crate) fn proven(query: ElementRef<'_>, key: &Key, longest: usize) -> Option<Arc<[Box<str>]>> {
    let info = well_formed(query)?;
    if let Key::Proof(ver) = key
        && info.verification() != **ver
    {
        return None;
    }
    let bytes: usize = info.features.iter().map(String::len).sum();
    (bytes <= longest).then(|| info.features.into_iter().map(Box::from).collect())
}

/// An answer without what would make it stand for something else.
fn well_formed(query: ElementRef<'_>) -> Option<Info> {
    let mut info = Info::read(query).ok()?;
    let count = |name| query.children().filter(|it| it.is(name, ns::DISCO_INFO)).count();
    // Each of them once.
    if count("identity") != info.identities.len() || count("feature") != info.features.len() {
        return None;
    }
    let purpose = |form: &DataForm| form.find(FORM_TYPE).cloned();
    // Forms that do not say what they are for, or not to software, do not count.
    info.forms.retain(|form| {
        purpose(form).is_some_and(|it| it.kind == Some(FieldType::Hidden) && !it.values.is_empty())
    });
    let mut purposes = BTreeSet::new();
    for purpose in info.forms.iter().filter_map(purpose) {
        let first = purpose.values.first()?;
        if purpose.values.iter().any(|value| value != first) || !purposes.insert(first.clone()) {
            return None;
        }
    }
    // The parts of what is hashed end with `<`: with one inside, a part could pass for two.
    let identities = info.identities.iter().flat_map(|identity| {
        let named = [&identity.lang, &identity.name].into_iter().flatten();
        [&identity.category, &identity.kind].into_iter().chain(named)
    });
    let fields = info.forms.iter().flat_map(|form| &form.fields);
    let told = fields.flat_map(|field| field.var.iter().chain(&field.values));
    let is_plain = identities.chain(&info.features).chain(told).all(|part| !part.contains('<'));
    is_plain.then_some(info)
}

#[cfg(test)]
mod tests {
    use sestina_xml::{Element, Limits};

    use super::*;

    fn query(content: &str) -> Element {
        let query = format!("<query xmlns='{}'>{content}</query>", ns::DISCO_INFO);
        Element::parse(query, &Limits::default()).expect("well-formed")
    }

    fn form(purpose: &str) -> String {
        format!(
            "<x xmlns='jabber:x:data' type='result'>{purpose}\
             <field var='os'><value>quill</value></field></x>"
        )
    }

    fn purpose(name: &str) -> String {
        format!("<field var='FORM_TYPE' type='hidden'><value>{name}</value></field>")
    }

    const CLIENT: &str = "<identity category='client' type='pc'/>";

    /// Whether an answer is proven by what it would be taken for.
    fn proves_itself(content: &str) -> bool {
        let query = query(content);
        let info = Info::read(query.root()).expect("an answer");
        proven(query.root(), &Key::Proof(info.verification().into()), 100).is_some()
    }

    #[test]
    fn an_answer_proves_what_it_says() {
        let query = query(&format!("{CLIENT}<feature var='urn:b'/><feature var='urn:a'/>"));
        let ver = Info::read(query.root()).expect("an answer").verification();
        let features = proven(query.root(), &Key::Proof(ver.clone().into()), 10).expect("a proof");
        assert_eq!(&*features, ["urn:a".into(), "urn:b".into()]);
        assert!(proven(query.root(), &Key::Proof(ver.into()), 9).is_none(), "too long");
        let other = Key::Proof("QgayPKawpkPSDYmwT/WM94uAlu0=".into());
        assert!(proven(query.root(), &other, 10).is_none(), "another hash");
        assert!(proven(query.root(), &Key::Own(1, "v".into()), 10).is_some());
    }

    #[test]
    fn what_is_ill_formed_proves_nothing() {
        let (f, g) = (form(&purpose("urn:f")), form(&purpose("urn:g")));
        for good in [CLIENT.to_owned(), format!("{CLIENT}{f}{g}")] {
            assert!(proves_itself(&good), "{good}");
        }
        let two = "<field var='FORM_TYPE' type='hidden'><value>a</value><value>b</value></field>";
        for bad in [
            format!("{CLIENT}{CLIENT}"),
            format!("{CLIENT}<feature var='urn:a'/><feature var='urn:a'/>"),
            format!("{CLIENT}{f}{f}"),
            format!("{CLIENT}{}", form(two)),
            format!("{CLIENT}<feature var='urn:a&lt;urn:b'/>"),
            "<identity category='client' type='pc' name='A&lt;B'/>".to_owned(),
        ] {
            assert!(!proves_itself(&bad), "{bad}");
        }
    }

    #[test]
    fn a_form_without_a_hidden_purpose_does_not_count() {
        let plain = query(CLIENT);
        let ver = Info::read(plain.root()).expect("an answer").verification();
        let open = "<field var='FORM_TYPE'><value>urn:f</value></field>";
        for ignored in [form(""), form(open)] {
            let query = query(&format!("{CLIENT}{ignored}"));
            assert!(proven(query.root(), &Key::Proof(ver.clone().into()), 10).is_some());
        }
    }
}
