//! Rules, and lists of them (XEP-0016 §2.1).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sestina_core::Subscription;
use sestina_stanza::{Jid, Kind, PresenceType};
use sestina_store::Record;

/// One rule: whom it is about, what it is about, and whether that passes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its place: the first rule that fits, by this number, is the one that counts.
    pub order: u32,
    /// Whether what fits passes.
    pub allow: bool,
    /// Whom it is about.
    pub whom: Whom,
    /// What it is about.
    pub stanzas: Stanzas,
}

/// Whom a rule is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Whom {
    /// Everybody.
    Anyone,
    /// A full address, all resources of a bare one, a resource at a domain, or all of a domain.
    Jid(Jid),
    /// The contacts in a group.
    Group(String),
    /// Those with whom one stands so.
    Subscription(#[serde(with = "standing")] Subscription),
}

/// What a rule is about: some kinds of stanza, or, if none is named, whatever passes either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stanzas(u8);

impl Stanzas {
    /// Whatever passes either way, and all that the kinds do not cover.
    pub const ALL: Self = Self(0);

    /// The kinds that can be named, and what they are called.
    pub const KINDS: [(&'static str, Self); 4] = [
        ("message", Self(1)),
        ("iq", Self(1 << 1)),
        ("presence-in", Self(1 << 2)),
        ("presence-out", Self(1 << 3)),
    ];

    /// These and those of another.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The names of the kinds; none for [`ALL`](Self::ALL).
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::KINDS.into_iter().filter(move |(_, kind)| self.0 & kind.0 != 0).map(|(name, _)| name)
    }

    /// Whether it is about stanzas that go this way.
    #[must_use]
    pub const fn covers(self, way: Way) -> bool {
        match way {
            _ if self.0 == Self::ALL.0 => true,
            Way::Rest => false,
            way => self.0 & (1 << way as u8) != 0,
        }
    }
}

/// What a stanza is to a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A message to the account.
    Message,
    /// A request or an answer to the account.
    Iq,
    /// Presence that the account is shown.
    PresenceIn,
    /// Presence that the account shows.
    PresenceOut,
    /// Everything else, in either direction: also what is said about subscriptions.
    Rest,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Message, Self::Iq, Self::PresenceIn, Self::PresenceOut, Self::Rest];

    /// Of something that comes to an account.
    #[must_use]
    pub const fn incoming(kind: Kind) -> Self {
        match kind {
            Kind::Message(_) => Self::Message,
            Kind::Iq(_) => Self::Iq,
            Kind::Presence(PresenceType::Available | PresenceType::Unavailable) => Self::PresenceIn,
            Kind::Presence(_) => Self::Rest,
        }
    }

    /// Of something that an account sends.
    #[must_use]
    pub const fn outgoing(kind: Kind) -> Self {
        match kind {
            Kind::Presence(PresenceType::Available | PresenceType::Unavailable) => {
                Self::PresenceOut
            }
            _ => Self::Rest,
        }
    }
}

/// A list of rules, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct List(Vec<Rule>);

impl Record for List {
    const VERSION: u8 = 1;
}

impl List {
    /// A list of these rules, unless two of them would have the same place.
    #[must_use]
    pub fn new(mut rules: Vec<Rule>) -> Option<Self> {
        rules.sort_by_key(|rule| rule.order);
        let distinct = rules.windows(2).all(|pair| pair[0].order != pair[1].order);
        distinct.then_some(Self(rules))
    }

    /// The rules in their order.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.0
    }

    /// Bytes of text.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.iter().map(|rule| rule.whom.text().len()).sum()
    }

    /// Who is blocked, as a block list has it: by rules that let nothing of an address pass
    /// (XEP-0191 §4).
    pub fn blocked(&self) -> impl Iterator<Item = &Jid> {
        self.0.iter().filter_map(Rule::blocks)
    }

    /// The part that a block list shows.
    #[must_use]
    pub fn only_blocks(&self) -> Self {
        Self(self.0.iter().filter(|rule| rule.blocks().is_some()).cloned().collect())
    }

    /// Blocks some more, by rules before all that let anything pass. Says whether that changes
    /// anything.
    pub fn block(&mut self, jids: &[Jid]) -> bool {
        let in_front: BTreeSet<Jid> = self.0.iter().map_while(Rule::blocks).cloned().collect();
        let mut seen = BTreeSet::new();
        let fresh: Vec<Jid> = jids
            .iter()
            .filter(|jid| !in_front.contains(*jid) && seen.insert(*jid))
            .cloned()
            .collect();
        if fresh.is_empty() {
            return false;
        }
        self.0.retain(|rule| rule.blocks().is_none_or(|jid| !seen.contains(jid)));
        let at = in_front.len();
        let block =
            |jid| Rule { order: 0, allow: false, whom: Whom::Jid(jid), stanzas: Stanzas::ALL };
        self.0.splice(at..at, fresh.into_iter().map(block));
        self.number();
        true
    }

    /// Blocks some, or all, no more; says whether that changes anything.
    pub fn unblock(&mut self, jids: Option<&[Jid]>) -> bool {
        let before = self.0.len();
        let gone: Option<BTreeSet<&Jid>> = jids.map(|jids| jids.iter().collect());
        let named = |jid: &Jid| gone.as_ref().is_none_or(|gone| gone.contains(jid));
        self.0.retain(|rule| !rule.blocks().is_some_and(named));
        self.0.len() != before
    }

    /// Numbers the rules anew, in the order in which they stand.
    fn number(&mut self) {
        for (order, rule) in (1..).zip(&mut self.0) {
            rule.order = order;
        }
    }
}

impl Rule {
    /// Whom it blocks altogether.
    #[must_use]
    pub fn blocks(&self) -> Option<&Jid> {
        match &self.whom {
            Whom::Jid(jid) if !self.allow && self.stanzas == Stanzas::ALL => Some(jid),
            _ => None,
        }
    }
}

impl Whom {
    /// The value that names them; empty for everybody.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Anyone => "",
            Self::Jid(jid) => jid.as_str(),
            Self::Group(group) => group,
            Self::Subscription(subscription) => subscription.name(),
        }
    }
}

/// A subscription as it is stored: by its name.
mod standing {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
    use sestina_core::Subscription;

    pub(super) fn serialize<S: Serializer>(it: &Subscription, to: S) -> Result<S::Ok, S::Error> {
        it.name().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Subscription, D::Error> {
        let name = String::deserialize(from)?;
        Subscription::from_name(&name).ok_or_else(|| D::Error::custom("no subscription"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jid(text: &str) -> Jid {
        Jid::new(text).unwrap()
    }

    fn rule(order: u32, allow: bool, whom: Whom) -> Rule {
        Rule { order, allow, whom, stanzas: Stanzas::ALL }
    }

    fn shown(list: &List) -> Vec<(u32, &str)> {
        list.rules().iter().map(|rule| (rule.order, rule.whom.text())).collect()
    }

    #[test]
    fn a_place_is_taken_once() {
        let rules = |orders: [u32; 2]| orders.map(|order| rule(order, true, Whom::Anyone)).to_vec();
        assert!(List::new(rules([1, 1])).is_none());
        let list = List::new(rules([7, 3])).unwrap();
        assert_eq!(list.rules().iter().map(|rule| rule.order).collect::<Vec<_>>(), [3, 7]);
    }

    #[test]
    fn who_is_blocked_stands_before_whoever_is_let_pass() {
        let mut list = List::new(vec![
            rule(10, false, Whom::Jid(jid("paris@verona.example"))),
            rule(20, true, Whom::Subscription(Subscription::Both)),
            rule(30, false, Whom::Jid(jid("romeo@montague.example"))),
            rule(40, false, Whom::Anyone),
        ])
        .unwrap();
        assert!(!list.block(&[jid("paris@verona.example")]), "is blocked already");
        assert!(list.block(&[jid("romeo@montague.example"), jid("romeo@montague.example")]));
        let all =
            [(1, "paris@verona.example"), (2, "romeo@montague.example"), (3, "both"), (4, "")];
        assert_eq!(shown(&list), all);
        assert_eq!(list.blocked().count(), 2);
        assert_eq!(list.only_blocks().rules().len(), 2);
        assert!(!list.unblock(Some(&[jid("tybalt@capulet.example")])));
        assert!(list.unblock(Some(&[jid("paris@verona.example")])));
        assert!(list.unblock(None));
        assert_eq!(shown(&list), [(3, "both"), (4, "")]);
    }

    #[test]
    fn a_stored_list_is_read_again() {
        let message = Stanzas::KINDS[0].1.and(Stanzas::KINDS[3].1);
        let list = List(vec![
            Rule { stanzas: message, ..rule(1, true, Whom::Jid(jid("a@b.example/c"))) },
            rule(2, false, Whom::Group("Enemies".into())),
            rule(u32::MAX, false, Whom::Subscription(Subscription::None)),
        ]);
        assert_eq!(message.names().collect::<Vec<_>>(), ["message", "presence-out"]);
        assert_eq!(list.bytes(), 13 + 7 + 4);
        let store = sestina_store::memory();
        let lists = store.space("lists").collection::<(), List>("lists");
        let owner = sestina_store::Owner::account("juliet@capulet.example");
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let read = runtime.block_on(async {
            lists.put(&owner, &(), &list).await.unwrap();
            lists.get(&owner, &()).await.unwrap()
        });
        assert_eq!(read, Some(list));
    }
}
