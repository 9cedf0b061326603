//! What would become of a message, and which rules that meets.

use sestina_core::Plan;
use sestina_stanza::{Jid, Timestamp};

use crate::rule::{Action, Resource, Rule, Rules, Way, When};

/// What would become of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fate {
    way: Way,
    /// Whether the address that was written to gets it, and nobody else.
    exact: bool,
}

impl Fate {
    /// Nobody gets it.
    pub(crate) const NOWHERE: Self = Self { way: Way::Nowhere, exact: false };
    /// A hosted service gets it.
    pub(crate) const SERVICE: Self = Self { way: Way::Direct, exact: true };

    /// What a plan for a message to this address comes to.
    pub(crate) fn of(plan: &Plan, to: &Jid) -> Self {
        let way = match (plan.targets().is_empty(), plan.is_kept()) {
            (false, _) => Way::Direct,
            (true, true) => Way::Stored,
            (true, false) => Way::Nowhere,
        };
        let exact = match way {
            Way::Direct => plan.targets().iter().all(|session| session.jid() == to),
            // XEP-0079 §3.3.3: what is stored is for the account.
            _ => way == Way::Stored && to.is_bare(),
        };
        Self { way, exact }
    }

    fn meets(self, rule: &Rule, per_hop: bool, now: Timestamp) -> bool {
        match rule.when {
            When::Deliver(way) => way == self.way,
            When::ExpireAt(at) => now >= at,
            // XEP-0079 §3.3.3: only for servers at the ends.
            When::MatchResource(_) if per_hop || self.way == Way::Nowhere => false,
            When::MatchResource(Resource::Any) => self.way == Way::Direct,
            When::MatchResource(Resource::Exact) => self.exact,
            When::MatchResource(Resource::Other) => !self.exact,
        }
    }
}

/// What the rules come to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict<'a> {
    /// Of these the sender is told, and all goes on.
    pub(crate) notices: Vec<&'a Rule>,
    /// This one ends it.
    pub(crate) end: Option<&'a Rule>,
}

/// Goes through the rules in their order until one ends it (XEP-0079 §2.2.3).
pub(crate) fn judge(rules: &Rules, met: impl Fn(&Rule) -> bool) -> Verdict<'_> {
    let mut verdict = Verdict::default();
    for rule in rules.rules.iter().filter(|rule| met(rule)) {
        if rule.action != Action::Notify {
            verdict.end = Some(rule);
            break;
        }
        verdict.notices.push(rule);
    }
    verdict
}

/// The same for what becomes of a message when it comes.
pub(crate) fn arrival(rules: &Rules, fate: Fate, now: Timestamp) -> Verdict<'_> {
    judge(rules, |rule| fate.meets(rule, rules.per_hop, now))
}

/// The same for a message that has waited since then: only the time is another.
pub(crate) fn delivery(rules: &Rules, since: Timestamp, now: Timestamp) -> Verdict<'_> {
    judge(rules, |rule| matches!(rule.when, When::ExpireAt(at) if since < at && at <= now))
}
