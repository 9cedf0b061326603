//! The judge beside a slower one that reads rules as they are written.

use proptest::{collection::vec, option, prelude::*, sample::select};
use sestina_core::{Contact, Subscription};
use sestina_stanza::{Condition as Cause, Jid, MessageType};
use sestina_xml::{Element, Limits};

use super::*;
use crate::rule::{Allowed, rules};

/// A rule as it is written: names and texts.
#[derive(Clone, Debug)]
struct Written {
    conditions: Vec<(&'static str, &'static str)>,
    reply: Option<&'static str>,
    error: Option<&'static str>,
    settype: Option<&'static str>,
    forward: Vec<&'static str>,
    offline: bool,
    goes_on: bool,
}

/// What comes, as a client would see it.
#[derive(Clone, Debug)]
struct Came {
    /// The namespace of a request; else it is a message.
    ns: Option<&'static str>,
    kind: &'static str,
    from: &'static str,
    resource: Option<&'static str>,
    subject: Option<&'static str>,
    body: Option<&'static str>,
    unavailable: bool,
    show: Option<&'static str>,
    group: Option<Option<&'static str>>,
}

const ADDRESSES: [&str; 3] =
    ["romeo@montague.example/a", "romeo@montague.example", "tybalt@b.example"];
const RESOURCES: [&str; 3] = ["Balcony", "balcony", "chamber"];
const TEXTS: [&str; 3] = ["Hark", "hARK", "Ho"];
const KINDS: [&str; 5] = ["normal", "chat", "headline", "groupchat", "error"];
const SHOWS: [&str; 3] = ["", "away", "dnd"];
const GROUPS: [&str; 2] = ["Friends", "Foes"];
const SPACES: [&str; 2] = ["urn:example:a", "urn:example:b"];

fn written() -> impl Strategy<Value = Written> {
    let condition = prop_oneof![
        Just(("unavailable", "")),
        Just(("roster", "")),
        select(&ADDRESSES).prop_map(|it| ("from", it)),
        select(&RESOURCES).prop_map(|it| ("resource", it)),
        select(&TEXTS).prop_map(|it| ("subject", it)),
        select(&TEXTS).prop_map(|it| ("body", it)),
        select(&SHOWS).prop_map(|it| ("show", it)),
        select(&KINDS).prop_map(|it| ("type", it)),
        select(&GROUPS).prop_map(|it| ("group", it)),
        select(&SPACES).prop_map(|it| ("ns", it)),
    ];
    (
        vec(condition, 0..4),
        option::of(select(&TEXTS)),
        option::of(select(&["403", "404"])),
        option::of(select(&KINDS[..4])),
        vec(select(&ADDRESSES), 0..3),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(conditions, reply, error, settype, forward, offline, goes_on)| {
            let mut rule = Written { conditions, reply, error, settype, forward, offline, goes_on };
            if rule.conditions.iter().any(|(name, _)| *name == "ns") {
                // What is about requests can do nothing that is for messages.
                rule = Written {
                    reply: None,
                    settype: None,
                    forward: Vec::new(),
                    offline: false,
                    ..rule
                };
            }
            rule
        })
}

fn came() -> impl Strategy<Value = Came> {
    let one = (
        option::of(select(&SPACES)),
        select(&KINDS),
        select(&ADDRESSES),
        option::of(select(&RESOURCES)),
        option::of(select(&TEXTS)),
        option::of(select(&TEXTS)),
        any::<bool>(),
        option::of(select(&SHOWS)),
        option::of(option::of(select(&GROUPS))),
    );
    one.prop_map(|(ns, kind, from, resource, subject, body, unavailable, show, group)| Came {
        ns,
        kind,
        from,
        resource,
        subject,
        body,
        unavailable,
        show,
        group,
    })
}

impl Written {
    fn xml(&self) -> String {
        let mut xml = "<rule>".to_owned();
        // Actions first: the order does not matter.
        xml += &self.reply.map_or(String::new(), |text| format!("<reply>{text}</reply>"));
        xml += &self.error.map_or(String::new(), |code| format!("<error code='{code}'/>"));
        xml += &self.settype.map_or(String::new(), |it| format!("<settype>{it}</settype>"));
        for to in &self.forward {
            xml += &format!("<forward>{to}</forward>");
        }
        xml += if self.offline { "<offline/>" } else { "" };
        xml += if self.goes_on { "<continue/>" } else { "" };
        for (name, text) in &self.conditions {
            xml += &format!("<{name}>{text}</{name}>");
        }
        xml + "</rule>"
    }
}

impl Came {
    fn facts(&self) -> Facts {
        let lower = |text: Option<&str>| text.map(str::to_lowercase).into_iter().collect();
        let group = |group: Option<&str>| group.map(Into::into).into_iter().collect::<Vec<_>>();
        Facts {
            what: match self.ns {
                Some(ns) => What::Request { ns: ns.to_owned() },
                None => What::Message {
                    kind: MessageType::from_name(self.kind).unwrap(),
                    subjects: lower(self.subject),
                    bodies: lower(self.body),
                },
            },
            from: Some(Jid::new(self.from).unwrap().to_bare()),
            resource: self.resource.map(str::to_lowercase),
            unavailable: self.unavailable,
            shows: self.show.map(str::to_owned).into_iter().collect(),
            contact: self.group.map(|it| Contact::new(Subscription::Both, group(it))),
        }
    }

    /// Whether one condition holds, while the message is of type `kind`.
    fn fits(&self, name: &str, text: &str, kind: &str) -> bool {
        let bare = |jid: &str| jid.split('/').next().unwrap().to_owned();
        let same = |one: Option<&str>| one.is_some_and(|one| one.eq_ignore_ascii_case(text));
        let message = self.ns.is_none();
        match name {
            "unavailable" => self.unavailable,
            "roster" => self.group.is_some(),
            "from" => bare(self.from) == bare(text),
            "resource" => same(self.resource),
            "subject" => message && same(self.subject),
            "body" => message && same(self.body),
            "show" => self.show == Some(text),
            "type" => message && kind == text,
            "group" => self.group == Some(Some(text)),
            _ => self.ns == Some(text),
        }
    }

    fn judged(&self, rules: &[Written], actionless: Actionless) -> Judged {
        let mut judged = Judged { kind: self.kind, goes_on: true, ..Judged::default() };
        for rule in rules {
            let acts = rule.reply.is_some()
                || rule.settype.is_some()
                || !rule.forward.is_empty()
                || rule.offline;
            let drops = !acts && rule.error.is_none() && !rule.goes_on;
            let request = self.ns.is_some();
            let concerns = match (request, judged.kind) {
                (true, _) => drops || rule.error.is_some(),
                (false, "error") => drops,
                (false, _) => true,
            };
            if !concerns {
                continue;
            }
            let mut holds = true;
            for (name, _) in &rule.conditions {
                let alike = rule.conditions.iter().filter(|(other, _)| other == name);
                holds &= alike.into_iter().any(|(_, text)| self.fits(name, text, judged.kind));
            }
            if !holds {
                continue;
            }
            judged.error = judged.error.or(rule.error);
            if !request {
                judged.reply = judged.reply.or(rule.reply);
                judged.kind = rule.settype.unwrap_or(judged.kind);
                for to in &rule.forward {
                    if !judged.forwards.iter().any(|(known, _)| known == to) {
                        judged.forwards.push((to, judged.kind));
                    }
                }
                if rule.offline && judged.offline.is_none() {
                    judged.offline = Some(judged.kind);
                }
            }
            if rule.goes_on && !(request && judged.error.is_some()) {
                continue;
            }
            let only_retyped = rule.reply.is_none()
                && rule.error.is_none()
                && rule.forward.is_empty()
                && !rule.offline
                && rule.settype.is_some();
            judged.goes_on = only_retyped || (drops && actionless == Actionless::Pass);
            break;
        }
        judged
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Judged {
    reply: Option<&'static str>,
    error: Option<&'static str>,
    forwards: Vec<(&'static str, &'static str)>,
    offline: Option<&'static str>,
    kind: &'static str,
    goes_on: bool,
}

proptest! {
    #[test]
    fn both_judges_agree(
        written in vec(written(), 0..5),
        came in came(),
        pass in any::<bool>(),
    ) {
        let actionless = if pass { Actionless::Pass } else { Actionless::Drop };
        let xml: String = written.iter().map(Written::xml).collect();
        let query = format!("<query xmlns='jabber:iq:filter'>{xml}</query>");
        let query = Element::parse(query, &Limits::default()).unwrap();
        let read: Vec<Rule> =
            rules(query.root(), &Allowed::everything()).collect::<Result<_, _>>().unwrap();
        let verdict = judge(&read, &came.facts(), actionless);
        let judged = came.judged(&written, actionless);
        let code = verdict.error.map(|error| match error.condition() {
            Cause::Forbidden => "403",
            _ => "404",
        });
        let forwards: Vec<_> =
            verdict.forwards.iter().map(|(to, kind)| (to.as_str(), kind.name())).collect();
        prop_assert_eq!(verdict.reply, judged.reply);
        prop_assert_eq!(code, judged.error);
        prop_assert_eq!(forwards, judged.forwards);
        prop_assert_eq!(verdict.offline.map(MessageType::name), judged.offline);
        prop_assert_eq!(verdict.goes_on, judged.goes_on);
        if came.ns.is_none() {
            prop_assert_eq!(verdict.kind.map(MessageType::name), Some(judged.kind));
        }
    }
}
