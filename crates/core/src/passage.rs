//! The way of one stanza through the server: guard, rewrite, address, plan, act.
//!
//! A passage runs synchronously and allocates nothing as long as no hook must wait. Where one must,
//! it stops with a future, and [`Passage::finish`] goes on from the same place.

use std::sync::Arc;

use sestina_stanza::{Condition, Invalid, Kind, MessageType, PresenceType, Stanza};
use tracing::Span;

use crate::{
    BoxFuture, Refusal, Seen, Server, Verdict,
    address::{Target, decide},
    assembly::CORE,
    contain::{Joint, Panicked, caught, caught_later},
    directory::Sessions,
    event::PresenceChanged,
    handler::Answered,
    iq::{AnswersFor, IqRequest, Scope},
    pipeline::{Amendment, Guarded, Hooks, Outcome, Planned, Rewritten, Side},
    plan::{Deed, Otherwise, Plan},
    queue::Shared,
    server::{Handed, Offered},
    session::Session,
};

/// One stanza on its way.
pub(crate) struct Passage {
    stanza: Stanza,
    /// The session whose peer sent it; none for what the server or a plugin sends.
    origin: Option<Arc<Session>>,
    step: Step,
    plan: Option<Plan>,
    /// Whether it is one copy of many: its sender has not written it, and hears nothing of it.
    copy: bool,
    /// Whether it has come to the recipient's side: to an account of this server.
    arrived: bool,
    /// Whether its first targets have gone away, and this is the second try.
    again: bool,
    /// Those that did not take it at the first.
    missed: Sessions,
    /// Whether it had been delivered, and was not read; whoever gets a copy has it.
    unread: bool,
}

/// Where a passage stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Guard(Side, usize),
    Rewrite(Side, usize),
    Address,
    Receive,
    Decide,
    Plan(Side, usize),
    Act,
    Done,
}

/// What a passage waits for.
pub(crate) enum Waiting {
    Guarded(BoxFuture<'static, Guarded>),
    Rewritten(BoxFuture<'static, Rewritten>),
    Amended(BoxFuture<'static, Amendment>),
    Left(BoxFuture<'static, Result<(), Refusal>>),
    /// After this, nothing is left to do.
    Rest(BoxFuture<'static, ()>),
}

impl Passage {
    pub(crate) fn new(stanza: Stanza, origin: Option<Arc<Session>>) -> Self {
        let step = Step::Guard(Side::Sender, 0);
        Self {
            stanza,
            origin,
            step,
            plan: None,
            copy: false,
            arrived: false,
            again: false,
            missed: Sessions::new(),
            unread: false,
        }
    }

    /// A passage of one copy out of many that a session's stanza is spread in.
    pub(crate) fn copy(stanza: Stanza, origin: Arc<Session>) -> Self {
        Self { copy: true, ..Self::new(stanza, Some(origin)) }
    }

    /// A passage that begins with the delivery: its stanza has come all the way before.
    pub(crate) fn anew(stanza: Stanza) -> Self {
        Self {
            step: Step::Decide,
            arrived: true,
            again: true,
            unread: true,
            ..Self::new(stanza, None)
        }
    }

    /// Goes as far as it can without waiting.
    ///
    /// A panic on the way is caught here, once for all hooks: the step says whose it was, and with it
    /// the way ends. Nothing is looked at again of what the hook was changing, the plan, but is
    /// dropped with the passage.
    pub(crate) fn run(&mut self, server: &Server) -> Option<Waiting> {
        caught(|| self.advance(server)).unwrap_or_else(|panicked| self.broken(panicked, server))
    }

    fn advance(&mut self, server: &Server) -> Option<Waiting> {
        loop {
            let waiting = match self.step {
                Step::Guard(side, at) => {
                    match self.hooks(side, server).and_then(|hooks| hooks.guards.0.get(at)) {
                        Some(hook) => self.guarded((hook.run)(&self.stanza, server), server),
                        // The stanza was rewritten before it was copied.
                        None if self.copy && side == Side::Sender => self.go(Step::Address),
                        None => self.go(Step::Rewrite(side, 0)),
                    }
                }
                Step::Rewrite(side, at) => {
                    match self.hooks(side, server).and_then(|hooks| hooks.rewrites.0.get(at)) {
                        Some(hook) => self.rewritten((hook.run)(&self.stanza, server), server),
                        None => self.go(match side {
                            Side::Sender => Step::Address,
                            Side::Recipient => Step::Receive,
                        }),
                    }
                }
                Step::Address => self.address(server),
                Step::Receive => self.receive(server),
                Step::Decide => {
                    let (mut targets, otherwise) = decide(&self.stanza, server);
                    if !self.missed.is_empty() {
                        targets.retain(|session| {
                            self.missed.iter().all(|missed| missed.id() != session.id())
                        });
                    }
                    let plan = Plan::new(self.stanza.clone(), targets, otherwise);
                    self.plan = Some(plan.planned_before(self.again));
                    self.go(Step::Plan(Side::Sender, 0))
                }
                Step::Plan(side, at) => self.amend(side, at, server),
                Step::Act => self.act(server),
                Step::Done => return None,
            };
            if waiting.is_some() {
                return waiting;
            }
        }
    }

    /// Waits, and goes on from there to the end.
    pub(crate) async fn finish(mut self, mut waiting: Waiting, server: Server) {
        loop {
            let next = match waiting {
                Waiting::Guarded(guarded) => match caught_later(guarded).await {
                    Ok(guarded) => self.guarded(guarded, &server),
                    Err(panicked) => self.broken(panicked, &server),
                },
                Waiting::Rewritten(rewritten) => match caught_later(rewritten).await {
                    Ok(rewritten) => self.rewritten(rewritten, &server),
                    Err(panicked) => self.broken(panicked, &server),
                },
                Waiting::Amended(amended) => {
                    let plan = &mut self.plan;
                    let amending = async { plan.as_mut().map(amended.await) };
                    match caught_later(amending).await {
                        Ok(_) => self.pass(),
                        Err(panicked) => self.broken(panicked, &server),
                    }
                }
                Waiting::Left(left) => self.left(left.await, &server),
                Waiting::Rest(rest) => return rest.await,
            };
            match next.or_else(|| self.run(&server)) {
                Some(next) => waiting = next,
                None => return,
            }
        }
    }

    /// Somebody has panicked: the stanza goes no further, and its sender is told no. A guard that
    /// cannot tell refuses.
    fn broken(&mut self, panicked: Panicked, server: &Server) -> Option<Waiting> {
        let (joint, by) = self.whose(server);
        let refusal = server.note(by, joint, panicked);
        match self.step {
            // Somebody may have it already.
            Step::Act | Step::Done => self.go(Step::Done),
            _ => self.refuse(refusal, server),
        }
    }

    /// Where it stands, and by whom that is.
    fn whose(&self, server: &Server) -> (Joint, &'static str) {
        let (joint, by) = match self.step {
            Step::Guard(side, at) => (Joint::Guard, server.hooks(side).guards.owner(at)),
            Step::Rewrite(side, at) => (Joint::Rewrite, server.hooks(side).rewrites.owner(at)),
            Step::Plan(side, at) => (Joint::Plan, server.hooks(side).planners.owner(at)),
            _ => (Joint::Route, None),
        };
        (joint, by.unwrap_or(CORE))
    }

    /// It is decided what becomes of it: said once on each way.
    fn decided(&self, verdict: Verdict, server: &Server) {
        server.see(Seen::Decided { kind: self.stanza.kind(), verdict });
    }

    /// What is logged on its way is logged within this.
    pub(crate) fn span(&self) -> Span {
        let stanza = &self.stanza;
        tracing::trace_span!(
            "stanza",
            kind = stanza.kind().name(),
            from = stanza.from().map(tracing::field::display),
            to = stanza.to().map(tracing::field::display),
        )
    }

    /// The hooks of a side, if that side is an account of this server.
    fn hooks<'a>(&self, side: Side, server: &'a Server) -> Option<&'a Hooks> {
        let here = match side {
            Side::Sender => self.origin.is_some(),
            Side::Recipient => self.arrived,
        };
        here.then(|| server.hooks(side))
    }

    fn go(&mut self, step: Step) -> Option<Waiting> {
        self.step = step;
        None
    }

    /// On to the next hook of the same place.
    fn pass(&mut self) -> Option<Waiting> {
        self.step = match self.step {
            Step::Guard(side, at) => Step::Guard(side, at + 1),
            Step::Rewrite(side, at) => Step::Rewrite(side, at + 1),
            Step::Plan(side, at) => Step::Plan(side, at + 1),
            step => step,
        };
        None
    }

    fn guarded(&mut self, guarded: Guarded, server: &Server) -> Option<Waiting> {
        match guarded {
            Guarded::Pass => self.pass(),
            Guarded::Refuse(refusal) => self.refuse(refusal, server),
            Guarded::Discard => self.discard(server),
            Guarded::Wait(later) => Some(Waiting::Guarded(later)),
        }
    }

    fn rewritten(&mut self, rewritten: Rewritten, server: &Server) -> Option<Waiting> {
        match rewritten {
            Rewritten::Keep => self.pass(),
            Rewritten::Replace(stanza) => {
                self.stanza = *stanza;
                self.pass()
            }
            Rewritten::Taken => {
                self.decided(Verdict::Claimed(self.whose(server).1), server);
                self.go(Step::Done)
            }
            Rewritten::Refuse(refusal) => self.refuse(refusal, server),
            Rewritten::Wait(later) => Some(Waiting::Rewritten(later)),
        }
    }

    fn refuse(&mut self, refusal: Refusal, server: &Server) -> Option<Waiting> {
        self.decided(Verdict::Refused(self.whose(server).1), server);
        self.step = Step::Done;
        self.say_no(&refusal, server).map(Waiting::Rest)
    }

    /// Tells the sender no, unless this is but a copy of what they have sent.
    fn say_no(&self, refusal: &Refusal, server: &Server) -> Option<BoxFuture<'static, ()>> {
        self.observe(&Outcome::Refused(refusal), server);
        let error = self.stanza.error(refusal.error()).filter(|_| !self.copy)?;
        server.answer_to(self.origin.as_ref(), error)
    }

    fn discard(&mut self, server: &Server) -> Option<Waiting> {
        self.decided(Verdict::Discarded(self.whose(server).1), server);
        self.observe(&Outcome::Discarded, server);
        self.go(Step::Done)
    }

    fn observe(&self, outcome: &Outcome<'_>, server: &Server) {
        server.observe(&self.stanza, (self.origin.is_some(), self.arrived), outcome);
    }

    /// Looks where the stanza is addressed to.
    fn address(&mut self, server: &Server) -> Option<Waiting> {
        match Target::of(&self.stanza, server) {
            Target::Account => self.arrive(),
            Target::Own => self.own(server),
            Target::Server => match self.stanza.kind() {
                Kind::Iq(_) => self.dispatch(Scope::Server, server),
                _ => self.go(Step::Decide),
            },
            Target::Service(service) => match self.stanza.kind() {
                Kind::Iq(kind) if kind.is_request() => {
                    self.dispatch(Scope::Service(service), server)
                }
                // Whoever answers may be waited for by the service itself.
                _ if self.origin.is_none() && is_answer(self.stanza.kind()) => {
                    self.decided(Verdict::Handled, server);
                    server.give_later(service, self.stanza.clone());
                    self.go(Step::Done)
                }
                _ => {
                    self.decided(Verdict::Handled, server);
                    let given = server.give(service, self.stanza.clone(), self.origin.clone());
                    self.step = Step::Done;
                    given.map(Waiting::Rest)
                }
            },
            Target::Elsewhere => self.leave(server),
        }
    }

    /// On to another server.
    fn leave(&mut self, server: &Server) -> Option<Waiting> {
        match server.hand_on(&self.stanza) {
            Handed::Nowhere => self.refuse(Condition::RemoteServerNotFound.into(), server),
            Handed::Taken(rest) => {
                self.step = Step::Done;
                self.decided(Verdict::HandedOn, server);
                self.observe(&Outcome::HandedOn, server);
                rest.map(Waiting::Rest)
            }
            Handed::Leaving(leaving) => Some(Waiting::Left(leaving)),
        }
    }

    /// It has left, or was not taken.
    fn left(&mut self, left: Result<(), Refusal>, server: &Server) -> Option<Waiting> {
        match left {
            Ok(()) => {
                self.decided(Verdict::HandedOn, server);
                self.observe(&Outcome::HandedOn, server);
                self.go(Step::Done)
            }
            Err(refusal) => self.refuse(refusal, server),
        }
    }

    fn arrive(&mut self) -> Option<Waiting> {
        self.arrived = true;
        self.go(Step::Guard(Side::Recipient, 0))
    }

    /// What a session sends without an address is for its own account.
    fn own(&mut self, server: &Server) -> Option<Waiting> {
        match self.stanza.kind() {
            Kind::Iq(_) => self.dispatch(Scope::Account, server),
            Kind::Message(_) => self.arrive(),
            Kind::Presence(kind) => {
                let Some(session) = self.origin.clone() else { return self.discard(server) };
                if session.has_departed() {
                    return self.discard(server);
                }
                let presence = match kind {
                    PresenceType::Available => match priority(&self.stanza) {
                        Ok(priority) => Some((priority, self.stanza.clone())),
                        Err(invalid) => return self.refuse(invalid.into(), server),
                    },
                    PresenceType::Unavailable => None,
                    PresenceType::Error => return self.discard(server),
                    _ => return self.refuse(Condition::BadRequest.into(), server),
                };
                let available = presence.is_some();
                let before = session.announce(presence);
                self.step = Step::Done;
                self.decided(Verdict::Handled, server);
                if !available && before.is_none() {
                    return None;
                }
                if !server.is_heard::<PresenceChanged>() {
                    return None;
                }
                let initial = available && before.is_none();
                let (server, presence) = (server.clone(), self.stanza.clone());
                Some(Waiting::Rest(Box::pin(async move {
                    server.tell_presence(&session, presence, initial).await;
                })))
            }
        }
    }

    /// The stanza has come to an account of this server.
    fn receive(&mut self, server: &Server) -> Option<Waiting> {
        match self.stanza.kind() {
            Kind::Iq(kind) if self.stanza.to().is_none_or(|to| to.is_bare()) => {
                if kind.is_request() {
                    self.dispatch(Scope::Account, server)
                } else {
                    self.discard(server)
                }
            }
            _ => self.go(Step::Decide),
        }
    }

    /// Hands a request to its handler.
    fn dispatch(&mut self, scope: Scope, server: &Server) -> Option<Waiting> {
        self.step = Step::Done;
        let Kind::Iq(kind) = self.stanza.kind() else { return None };
        if !kind.is_request() {
            // Results and errors of requests that the server never made.
            return self.discard(server);
        }
        let from = self.stanza.from().cloned();
        let to = match (self.stanza.to(), &from) {
            (Some(to), _) => to.clone(),
            (None, Some(from)) => from.to_bare(),
            (None, None) => return None,
        };
        let foreign = scope == Scope::Account
            && from.as_ref().is_none_or(|from| from.bare_str() != to.bare_str());
        let scope = match scope {
            Scope::Account => server.iqs().account_scope(&self.stanza),
            scope => scope,
        };
        if scope == Scope::Own && foreign {
            return self.refuse(server.iqs().refusal(&self.stanza).into(), server);
        }
        self.decided(Verdict::Handled, server);
        let stanza = self.stanza.clone();
        let (server, origin) = (server.clone(), self.origin.clone());
        let request = IqRequest {
            stanza,
            to,
            connection: None,
            gate: None,
            session: origin.clone(),
            server: server.clone(),
            answered: Answered::default(),
        };
        Some(Waiting::Rest(Box::pin(async move {
            // What nobody answers looks the same, whether there is such an account or not.
            let hidden = foreign
                && match server.iqs().answers_for(&scope, &request.stanza) {
                    AnswersFor::Anybody => false,
                    AnswersFor::Accounts => !server.accounts().exists(&request.to).await,
                    AnswersFor::Nobody => true,
                };
            let answer = if hidden {
                request.stanza.error(&Condition::ServiceUnavailable.into())
            } else {
                let Ok(answer) = server.iqs().dispatch(&scope, request).await;
                answer
            };
            if let Some(answer) = answer
                && let Some(rest) = server.answer_to(origin.as_ref(), answer)
            {
                rest.await;
            }
        })))
    }

    fn amend(&mut self, side: Side, at: usize, server: &Server) -> Option<Waiting> {
        let hook = self.hooks(side, server).and_then(|hooks| hooks.planners.0.get(at));
        let (Some(hook), Some(plan)) = (hook, &mut self.plan) else {
            return self.go(match side {
                Side::Sender => Step::Plan(Side::Recipient, 0),
                Side::Recipient => Step::Act,
            });
        };
        match (hook.run)(plan, server) {
            Planned::Done => self.pass(),
            Planned::Wait(later) => Some(Waiting::Amended(later)),
        }
    }

    /// Carries the plan out, once.
    fn act(&mut self, server: &Server) -> Option<Waiting> {
        self.step = Step::Done;
        let mut plan = self.plan.take()?;
        let (mut delivered, mut full) = (0, false);
        let shared = (plan.targets.len() > 1).then(Arc::<Shared>::default);
        for session in &plan.targets {
            match server.offer_shared(session, plan.stanza().clone(), shared.clone()) {
                Offered::Taken => delivered += 1,
                Offered::Full => full = true,
                Offered::Gone => {}
            }
        }
        if shared.is_some_and(Shared::is_lost) {
            // Those who took it have gone since, the last of them without having read it.
            delivered = 0;
        }
        if delivered == 0 && !plan.targets.is_empty() && !full && !self.again {
            // They have gone while this was on its way, or are told to go: decide anew.
            self.again = true;
            self.missed = plan.targets;
            return self.go(Step::Decide);
        }
        if let (true, Otherwise::Bounce(condition)) = (full, &mut plan.otherwise) {
            *condition = Condition::ResourceConstraint;
        }
        let claim = if delivered == 0 { plan.claim } else { None };
        let verdict = match (&claim, plan.otherwise) {
            _ if delivered > 0 => Verdict::Delivered,
            (Some(claim), _) if plan.kept => Verdict::Kept(claim.by),
            (Some(claim), _) => Verdict::Claimed(claim.by),
            (None, Otherwise::Bounce(_)) => Verdict::Refused(CORE),
            (None, Otherwise::Discard) => Verdict::Discarded(CORE),
        };
        self.decided(verdict, server);
        let mut owed = None;
        match &claim {
            Some(claim) => self.observe(&Outcome::Claimed(claim.by), server),
            None if delivered > 0 => self.observe(&Outcome::Delivered(delivered), server),
            None => match plan.otherwise {
                Otherwise::Bounce(condition) => owed = self.say_no(&condition.into(), server),
                Otherwise::Discard => self.observe(&Outcome::Discarded, server),
            },
        }
        if (delivered > 0 || claim.is_some()) && !self.unread {
            for (session, copy) in plan.copies {
                if plan.targets.iter().all(|target| target.id() != session.id()) {
                    server.deliver_copy(&session, copy);
                }
            }
        }
        if claim.is_none() && plan.besides.is_empty() {
            return owed.map(Waiting::Rest);
        }
        let (stanza, server, origin) = (self.stanza.clone(), server.clone(), self.origin.clone());
        let arrived = self.arrived;
        Some(Waiting::Rest(Box::pin(async move {
            if let Some(owed) = owed {
                owed.await;
            }
            for Deed { by, act } in plan.besides {
                let acting = async { act(stanza.clone(), server.clone()).await };
                let done = server.contain_later(by, Joint::Act, acting).await.flatten();
                if let Err(refusal) = done {
                    tracing::warn!(plugin = by, %refusal, "not done beside a delivery");
                }
            }
            let Some(Deed { by, act }) = claim else { return };
            let acting = async { act(stanza.clone(), server.clone()).await };
            let done = server.contain_later(by, Joint::Act, acting).await.flatten();
            if let Err(refusal) = done {
                tracing::debug!(plugin = by, %refusal, "a claimed stanza was refused");
                let sides = (origin.is_some(), arrived);
                server.observe(&stanza, sides, &Outcome::Refused(&refusal));
                if let Some(error) = stanza.error(refusal.error())
                    && let Some(rest) = server.answer_to(origin.as_ref(), error)
                {
                    rest.await;
                }
            }
        })))
    }
}

/// Whether something answers what was sent before.
fn is_answer(kind: Kind) -> bool {
    match kind {
        Kind::Iq(kind) => !kind.is_request(),
        Kind::Message(kind) => kind == MessageType::Error,
        Kind::Presence(kind) => kind == PresenceType::Error,
    }
}

/// The priority of a presence (RFC 6121 §4.7.2.3).
fn priority(presence: &Stanza) -> Result<i8, Invalid> {
    match presence.child_text("priority") {
        None => Ok(0),
        Some(text) => text.trim().parse().map_err(|_| Invalid::child("priority")),
    }
}
