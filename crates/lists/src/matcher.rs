//! A list made ready to be asked: what a stanza costs does not depend on how long it is.

use std::{collections::HashMap, fmt};

use sestina_core::{Contact, Subscription};
use sestina_stanza::Jid;

use crate::{List, Rule, Way, Whom};

type Table = HashMap<Box<str>, Firsts, foldhash::fast::RandomState>;

/// A list of rules, by whom they are about.
#[derive(Default)]
pub struct Matcher {
    jids: Table,
    /// Whether any rule is about a resource at a domain.
    at_domains: bool,
    groups: Table,
    subscriptions: [Firsts; 4],
    anyone: Firsts,
    /// The first rules that only a contact list can tell whether they fit.
    social: Firsts,
    rules: usize,
}

/// The first rule about somebody, for each way of a stanza.
#[derive(Clone, Copy, Default)]
struct Firsts([First; Way::ALL.len()]);

/// A rule's place in the list and what it says; the lowest one counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct First(u32);

impl First {
    const NONE: Self = Self(u32::MAX);

    fn denies(self) -> bool {
        self != Self::NONE && self.0 & 1 == 1
    }
}

impl Default for First {
    fn default() -> Self {
        Self::NONE
    }
}

impl Firsts {
    fn add(&mut self, first: First, rule: &Rule) {
        for way in Way::ALL {
            if rule.stanzas.covers(way) {
                let held = &mut self.0[way as usize];
                *held = first.min(*held);
            }
        }
    }

    fn of(&self, way: Way) -> First {
        self.0[way as usize]
    }
}

/// What a list says before anybody has looked into a contact list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It passes.
    Pass,
    /// It does not.
    Deny,
    /// That depends on the contact.
    Ask,
}

impl Matcher {
    /// Makes a list ready.
    #[must_use]
    pub fn new(list: &List) -> Self {
        let mut matcher = Self { rules: list.rules().len(), ..Self::default() };
        for (place, rule) in (0..u32::MAX / 2).zip(list.rules()) {
            let first = First(place << 1 | u32::from(!rule.allow));
            match &rule.whom {
                Whom::Anyone => matcher.anyone.add(first, rule),
                Whom::Jid(jid) => {
                    matcher.at_domains |= jid.local().is_none() && jid.resource().is_some();
                    matcher.jids.entry(jid.as_str().into()).or_default().add(first, rule);
                }
                Whom::Group(group) => {
                    matcher.groups.entry(group.as_str().into()).or_default().add(first, rule);
                    matcher.social.add(first, rule);
                }
                Whom::Subscription(subscription) => {
                    matcher.subscriptions[*subscription as usize].add(first, rule);
                    matcher.social.add(first, rule);
                }
            }
        }
        matcher
    }

    /// How many rules there are.
    #[must_use]
    pub fn rules(&self) -> usize {
        self.rules
    }

    /// What the rules say that need no contact list to be asked.
    #[must_use]
    pub fn verdict(&self, way: Way, other: &Jid) -> Verdict {
        let first = self.plain(way, other);
        match self.social.of(way) < first {
            true => Verdict::Ask,
            false if first.denies() => Verdict::Deny,
            false => Verdict::Pass,
        }
    }

    /// Whether the rules deny it, as somebody's contact list has the other; `None` where there is no
    /// contact list, and so nobody who is known or unknown to it.
    #[must_use]
    pub fn denies(&self, way: Way, other: &Jid, known: Option<&Known>) -> bool {
        let mut first = self.plain(way, other);
        if let Some(known) = known {
            let (subscription, groups) = match known {
                Known::Contact(contact) => (contact.subscription, &*contact.groups),
                Known::Stranger => (Subscription::None, &[][..]),
            };
            first = first.min(self.subscriptions[subscription as usize].of(way));
            for group in groups {
                if let Some(firsts) = self.groups.get(&**group) {
                    first = first.min(firsts.of(way));
                }
            }
        }
        first.denies()
    }

    /// The full addresses that rules are about.
    pub(crate) fn full(&self) -> impl Iterator<Item = &str> {
        self.jids.keys().map(|jid| &**jid).filter(|jid| jid.contains('/') && jid.contains('@'))
    }

    /// The first of the rules about addresses and about everybody (XEP-0016 §2.1).
    fn plain(&self, way: Way, other: &Jid) -> First {
        let mut first = self.anyone.of(way);
        if self.jids.is_empty() {
            return first;
        }
        let mut see = |jid: &str| {
            if let Some(firsts) = self.jids.get(jid) {
                first = first.min(firsts.of(way));
            }
        };
        see(other.domain());
        if other.local().is_some() {
            see(other.bare_str());
        }
        if let Some(resource) = other.resource() {
            see(other.as_str());
            if self.at_domains && other.local().is_some() {
                see(&format!("{}/{resource}", other.domain()));
            }
        }
        first
    }
}

/// What a contact list knows of somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// A contact.
    Contact(Contact),
    /// Nothing: no subscription, and no group.
    Stranger,
}

impl From<Option<Contact>> for Known {
    fn from(contact: Option<Contact>) -> Self {
        contact.map_or(Self::Stranger, Self::Contact)
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Matcher").field("rules", &self.rules).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::Stanzas;

    /// What the specification says: one rule after the other, and the first that fits counts.
    fn walk(list: &List, way: Way, other: &Jid, known: Option<&Known>) -> bool {
        let contact = |fits: &dyn Fn(Subscription, &[Arc<str>]) -> bool| match known {
            None => false,
            Some(Known::Stranger) => fits(Subscription::None, &[]),
            Some(Known::Contact(contact)) => fits(contact.subscription, &contact.groups),
        };
        let fits = |rule: &Rule| {
            rule.stanzas.covers(way)
                && match &rule.whom {
                    Whom::Anyone => true,
                    Whom::Jid(jid) => {
                        jid.domain() == other.domain()
                            && jid.local().is_none_or(|local| Some(local) == other.local())
                            && jid.resource().is_none_or(|it| Some(it) == other.resource())
                    }
                    Whom::Group(group) => {
                        contact(&|_, groups| groups.iter().any(|held| **held == **group))
                    }
                    Whom::Subscription(subscription) => contact(&|held, _| held == *subscription),
                }
        };
        list.rules().iter().find(|rule| fits(rule)).is_some_and(|rule| !rule.allow)
    }

    fn jids() -> impl Strategy<Value = Jid> {
        let part = |parts: &'static [Option<&'static str>]| prop::sample::select(parts);
        (
            part(&[None, Some("romeo"), Some("juliet")]),
            prop::sample::select(&["montague.example", "capulet.example"][..]),
            part(&[None, Some("orchard"), Some("street")]),
        )
            .prop_map(|(local, domain, resource)| Jid::from_parts(local, domain, resource).unwrap())
    }

    fn subscriptions() -> impl Strategy<Value = Subscription> {
        use Subscription::{Both, From, None, To};
        prop::sample::select(&[None, To, From, Both][..])
    }

    fn groups() -> impl Strategy<Value = &'static str> {
        prop::sample::select(&["Friends", "Enemies", "Verona"][..])
    }

    fn whom() -> impl Strategy<Value = Whom> {
        prop_oneof![
            1 => Just(Whom::Anyone),
            6 => jids().prop_map(Whom::Jid),
            2 => groups().prop_map(|group| Whom::Group(group.to_owned())),
            2 => subscriptions().prop_map(Whom::Subscription),
        ]
    }

    fn lists() -> impl Strategy<Value = List> {
        let kinds = prop::collection::vec(prop::sample::select(&Stanzas::KINDS[..]), 0..3);
        let stanzas = kinds.prop_map(|kinds| {
            kinds.into_iter().fold(Stanzas::ALL, |stanzas, (_, kind)| stanzas.and(kind))
        });
        let rule = (any::<bool>(), whom(), stanzas);
        prop::collection::btree_map(any::<u32>(), rule, 0..24).prop_map(|rules| {
            let rules = rules.into_iter();
            let rules =
                rules.map(|(order, (allow, whom, stanzas))| Rule { order, allow, whom, stanzas });
            List::new(rules.rev().collect()).unwrap()
        })
    }

    fn known() -> impl Strategy<Value = Option<Known>> {
        let contact = (subscriptions(), prop::collection::vec(groups(), 0..3)).prop_map(
            |(subscription, groups)| {
                let groups: Vec<Arc<str>> = groups.into_iter().map(Arc::from).collect();
                Known::Contact(Contact::new(subscription, groups))
            },
        );
        prop_oneof![Just(None), Just(Some(Known::Stranger)), contact.prop_map(Some)]
    }

    fn ways() -> impl Strategy<Value = Way> {
        prop::sample::select(&Way::ALL[..])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]

        #[test]
        fn says_what_a_walk_through_the_list_says(
            list in lists(), way in ways(), other in jids(), known in known()
        ) {
            let matcher = Matcher::new(&list);
            let denied = walk(&list, way, &other, known.as_ref());
            prop_assert_eq!(matcher.denies(way, &other, known.as_ref()), denied);
            match matcher.verdict(way, &other) {
                Verdict::Pass => prop_assert!(!denied),
                Verdict::Deny => prop_assert!(denied),
                Verdict::Ask => {}
            }
        }

        #[test]
        fn asks_only_where_a_contact_list_can_make_a_difference(
            list in lists(), way in ways(), other in jids()
        ) {
            let social = list.rules().iter().any(|rule| {
                matches!(rule.whom, Whom::Group(_) | Whom::Subscription(_)) && rule.stanzas.covers(way)
            });
            let asks = Matcher::new(&list).verdict(way, &other) == Verdict::Ask;
            prop_assert!(social || !asks);
        }
    }

    #[test]
    fn an_address_is_meant_in_four_ways() {
        let jid = |jid: &str| Jid::new(jid).unwrap();
        for (blocked, is) in [
            ("romeo@montague.example/orchard", true),
            ("romeo@montague.example", true),
            ("montague.example/orchard", true),
            ("montague.example", true),
            ("romeo@montague.example/street", false),
            ("tybalt@montague.example", false),
            ("montague.example/street", false),
            ("example", false),
        ] {
            let mut list = List::default();
            list.block(&[jid(blocked)]);
            let verdict =
                Matcher::new(&list).verdict(Way::Rest, &jid("romeo@montague.example/orchard"));
            assert_eq!(verdict == Verdict::Deny, is, "{blocked}");
        }
    }
}
