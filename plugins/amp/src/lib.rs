#![doc = include_str!("../README.md")]

mod fate;
mod report;
mod rule;

use std::sync::Arc;

use sestina_core::{
    Amendment, Assembly, AssemblyError, Contacts, Guarded, Identity, Node, Optional, Plan, Planned,
    Plugin, Refusal, Rewritten, Scope, Server, Spec,
};
use sestina_stanza::{Delay, Invalid, Jid, Kind, MessageType, Stanza, Timestamp, ns};
use sestina_stream::{Feature, View};
use sestina_xml::Element;

use self::{
    fate::{Fate, Verdict, arrival, delivery},
    rule::{About, Action, Rule, Rules},
};

/// The most that [`Amp::rules`] can be.
pub const MOST_RULES: usize = 100;

/// Lets senders say when a message may be delivered, and what to do otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Amp {
    /// Rules of one message; the default is 10, and [`MOST_RULES`] is the most.
    pub rules: usize,
}

impl Default for Amp {
    fn default() -> Self {
        Self { rules: 10 }
    }
}

impl Plugin for Amp {
    const NAME: &'static str = "amp";
    const SPECS: &'static [Spec] = &[Spec::xep(79, "1.2")];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        if !(1..=MOST_RULES).contains(&self.rules) {
            return Err(to.bad_setting("rules", format!("1 to {MOST_RULES}")));
        }
        let judge = Judge { most: self.rules, contacts: to.optional() };
        let judge = Arc::new(Bench(Arc::new(judge)));
        to.sender().guard(&judge, Bench::leaving).rewrite(&judge, Bench::left);
        to.recipient().guard(&judge, Bench::arriving).plan(&judge, Bench::plan);
        // Whoever is not let through is not told more; and all must be decided.
        for other in ["lists", "filter", "offline", "vacation"] {
            to.after(other);
        }
        to.stream_feature(Arc::new(Offer));
        // XEP-0079 §2.1.1.
        to.feature(Scope::Server, ns::AMP);
        to.node(Scope::Server, |_, node, _| Ok((node == ns::AMP).then(described)));
        Ok(())
    }
}

/// What can be asked for (XEP-0079 §2.1.1).
fn described() -> Node {
    let actions = Action::ALL.iter().map(|(name, _)| format!("{}?action={name}", ns::AMP));
    let conditions = About::ALL.iter().map(|(name, _)| format!("{}?condition={name}", ns::AMP));
    Node {
        identities: vec![Identity::new("server", "im")],
        features: [ns::AMP.to_owned()].into_iter().chain(actions).chain(conditions).collect(),
        items: Vec::new(),
    }
}

/// Says so in the stream's features (XEP-0079 §8).
struct Offer;

impl Feature for Offer {
    fn advertise(&self, view: &View<'_>) -> Option<Element> {
        view.is_authenticated().then(|| Element::builder("amp", ns::AMP_FEATURE).build())
    }
}

/// What the hooks share.
struct Bench(Arc<Judge>);

struct Judge {
    most: usize,
    contacts: Optional<dyn Contacts>,
}

impl Bench {
    /// Rules must be such that they can be followed (XEP-0079 §2.2.1).
    fn leaving(&self, stanza: &Stanza, _: &Server) -> Guarded {
        let amp = match stanza.kind() {
            Kind::Message(kind) if kind != MessageType::Error => stanza.child("amp", ns::AMP),
            _ => None,
        };
        match amp {
            // Nobody reports but servers.
            Some(amp) if amp.attr("status").is_some() => {
                Guarded::Refuse(Invalid::attribute("status").into())
            }
            Some(amp) => match rule::read(stanza, amp, self.0.most) {
                Ok(_) => Guarded::Pass,
                Err(refusal) => Guarded::Refuse(refusal),
            },
            None => Guarded::Pass,
        }
    }

    /// Says whom the rules are of (XEP-0079 §5.1), and follows them where no account is written to.
    fn left(&self, stanza: &Stanza, server: &Server) -> Rewritten {
        let (Some(amp), Some(from)) = (rule::element(stanza), stanza.from()) else {
            return Rewritten::Keep;
        };
        let to = stanza.to().cloned().unwrap_or_else(|| from.to_bare());
        let marked = Element::builder("amp", ns::AMP)
            .attr("from", from)
            .attr("to", &to)
            .attr_opt("per-hop", amp.attr("per-hop"))
            .children(amp.children());
        let marked = stanza.without_child("amp", ns::AMP).with_child(marked);
        let fate = match (server.serves(to.domain()), server.service(to.domain())) {
            (true, _) if to.local().is_some() => return Rewritten::Replace(Box::new(marked)),
            (false, Some(_)) => Fate::SERVICE,
            // Another server follows them: that of the recipient.
            (false, None) if server.reaches(to.domain()) => {
                return Rewritten::Replace(Box::new(marked));
            }
            _ => Fate::NOWHERE,
        };
        let rules = match rule::read(stanza, amp, self.0.most) {
            Ok(rules) => rules,
            Err(refusal) => return Rewritten::Refuse(refusal),
        };
        let verdict = arrival(&rules, fate, server.now());
        let ends = verdict.end.is_some();
        let reports = report::all(&verdict, stanza, server);
        let server = server.clone();
        Rewritten::Wait(Box::pin(async move {
            report::send(reports, &server).await;
            match ends {
                true => Rewritten::Taken,
                false => Rewritten::Replace(Box::new(marked)),
            }
        }))
    }

    /// Rules of whoever is not of this server are looked at, too; and what has waited may have waited
    /// too long.
    fn arriving(&self, stanza: &Stanza, server: &Server) -> Guarded {
        let Some(amp) = rule::element(stanza) else { return Guarded::Pass };
        let rules = match rule::read(stanza, amp, self.0.most) {
            Ok(rules) => rules,
            Err(refusal) => return Guarded::Refuse(refusal),
        };
        let Some(since) = waited_since(stanza, server) else { return Guarded::Pass };
        let verdict = delivery(&rules, since, server.now());
        if verdict == Verdict::default() {
            return Guarded::Pass;
        }
        let ends = verdict.end.is_some();
        let reports = report::all(&verdict, stanza, server);
        let (judge, stanza, server) = (self.0.clone(), stanza.clone(), server.clone());
        Guarded::Wait(Box::pin(async move {
            // Who may see presence may have changed since then.
            if !reports.is_empty() && matches!(judge.tells(&stanza).await, Ok(true)) {
                report::send(reports, &server).await;
            }
            if ends { Guarded::Discard } else { Guarded::Pass }
        }))
    }

    /// Everything is decided (XEP-0079 §2.2.2); nothing is done yet.
    fn plan(&self, plan: &mut Plan, server: &Server) -> Planned {
        let Some(amp) = rule::element(plan.stanza()) else { return Planned::Done };
        if plan.is_second() && waited_since(plan.stanza(), server).is_some() {
            // What has waited comes back unread, and had its rules followed when it came.
            return Planned::Done;
        }
        let rules = match rule::read(plan.stanza(), amp, self.0.most) {
            Ok(rules) => rules,
            Err(refusal) => {
                refuse(plan, refusal);
                return Planned::Done;
            }
        };
        let now = server.now();
        if !rules.rules.iter().any(Rule::tells) {
            follow(plan, &rules, now, server);
            return Planned::Done;
        }
        let (judge, stanza, server) = (self.0.clone(), plan.stanza().clone(), server.clone());
        Planned::Wait(Box::pin(async move {
            let tells = judge.tells(&stanza).await;
            let amendment: Amendment = Box::new(move |plan| match tells {
                Ok(true) => follow(plan, &rules, now, &server),
                Ok(false) => refuse(plan, rule::not_for_them(&rules.rules)),
                Err(refusal) => refuse(plan, refusal),
            });
            amendment
        }))
    }
}

impl Judge {
    /// Whether the sender of a message may learn where its recipient is (XEP-0079 §9).
    async fn tells(&self, stanza: &Stanza) -> Result<bool, Refusal> {
        let Some(from) = stanza.from() else { return Ok(false) };
        match (stanza.to(), self.contacts.provider()) {
            (Some(to), Some(contacts)) => contacts.may_see_presence(to, from).await,
            (to, _) => Ok(to.is_none_or(|to| to.same_bare(from))),
        }
    }
}

/// Does what the rules say about a plan.
fn follow(plan: &mut Plan, rules: &Rules, now: Timestamp, server: &Server) {
    let stanza = plan.stanza().clone();
    let Some(to) = stanza.to().cloned().or_else(|| stanza.from().map(Jid::to_bare)) else { return };
    let verdict = arrival(rules, Fate::of(plan, &to), now);
    if verdict.end.is_some() {
        plan.withdraw();
    }
    let reports = report::all(&verdict, &stanza, server);
    if !reports.is_empty() {
        plan.besides(Amp::NAME, async move |_, server| {
            report::send(reports, &server).await;
            Ok(())
        });
    }
}

/// Tells the sender no, whatever would become of the message.
fn refuse(plan: &mut Plan, refusal: Refusal) {
    plan.withdraw();
    plan.claim(Amp::NAME, async move |_, _| Err(refusal));
}

/// Since when a message has waited at this server.
fn waited_since(stanza: &Stanza, server: &Server) -> Option<Timestamp> {
    let ours = |from: &Jid| from.local().is_none() && server.serves(from.domain());
    Delay::all(stanza).find(|delay| delay.from.as_ref().is_some_and(ours)).map(|delay| delay.stamp)
}
