//! The table against the tables of RFC 6121 Appendix A, written down once more in another form, and
//! against a model of two people.

use std::collections::VecDeque;

use proptest::{collection::vec, prelude::*};

use super::{Act, Heard, Standing, State};

const ACTS: [Act; 4] = [Act::Subscribe, Act::Subscribed, Act::Unsubscribe, Act::Unsubscribed];

/// `state: act → state`, with `!` where it is neither routed nor delivered.
const OUTBOUND: &str = "
    N     subscribe    N+o      N     unsubscribe N     N     subscribed !N       N     unsubscribed !N
    N+o   subscribe    N+o      N+o   unsubscribe N     N+o   subscribed !N+o     N+o   unsubscribed !N+o
    N+i   subscribe    N+o+i    N+i   unsubscribe N+i   N+i   subscribed F        N+i   unsubscribed N
    N+o+i subscribe    N+o+i    N+o+i unsubscribe N+i   N+o+i subscribed F+o      N+o+i unsubscribed N+o
    T     subscribe    T        T     unsubscribe N     T     subscribed !T       T     unsubscribed !T
    T+i   subscribe    T+i      T+i   unsubscribe N+i   T+i   subscribed B        T+i   unsubscribed T
    F     subscribe    F+o      F     unsubscribe F     F     subscribed !F       F     unsubscribed N
    F+o   subscribe    F+o      F+o   unsubscribe F     F+o   subscribed !F+o     F+o   unsubscribed N+o
    B     subscribe    B        B     unsubscribe F     B     subscribed !B       B     unsubscribed T
";
const INBOUND: &str = "
    N     subscribe    N+i      N     unsubscribe !N    N     subscribed !N       N     unsubscribed !N
    N+o   subscribe    N+o+i    N+o   unsubscribe !N+o  N+o   subscribed T        N+o   unsubscribed N
    N+i   subscribe    !N+i     N+i   unsubscribe N     N+i   subscribed !N+i     N+i   unsubscribed !N+i
    N+o+i subscribe    !N+o+i   N+o+i unsubscribe N+o   N+o+i subscribed T+i      N+o+i unsubscribed N+i
    T     subscribe    T+i      T     unsubscribe !T    T     subscribed !T       T     unsubscribed N
    T+i   subscribe    !T+i     T+i   unsubscribe T     T+i   subscribed !T+i     T+i   unsubscribed N+i
    F     subscribe    !F       F     unsubscribe N     F     subscribed !F       F     unsubscribed !F
    F+o   subscribe    !F+o     F+o   unsubscribe N+o   F+o   subscribed B        F+o   unsubscribed F
    B     subscribe    !B       B     unsubscribe T     B     subscribed !B       B     unsubscribed F
";

fn state(text: &str) -> State {
    match text {
        "N" => State::None,
        "N+o" => State::NonePendingOut,
        "N+i" => State::NonePendingIn,
        "N+o+i" => State::NonePendingOutIn,
        "T" => State::To,
        "T+i" => State::ToPendingIn,
        "F" => State::From,
        "F+o" => State::FromPendingOut,
        "B" => State::Both,
        other => panic!("{other}"),
    }
}

fn act(text: &str) -> Act {
    *ACTS.iter().find(|act| act.kind().name() == text).expect(text)
}

/// Every cell of a table: state, act, whether it goes on, state.
fn cells(table: &str) -> Vec<(State, Act, bool, State)> {
    let words: Vec<_> = table.split_whitespace().collect();
    let cells: Vec<_> = words
        .chunks(3)
        .map(|cell| {
            let after = cell[2].trim_start_matches('!');
            (state(cell[0]), act(cell[1]), after == cell[2], state(after))
        })
        .collect();
    assert_eq!(cells.len(), 9 * 4);
    cells
}

#[test]
fn what_the_user_says() {
    for (before, act, route, after) in cells(OUTBOUND) {
        let mut standing = Standing { state: before, approved: false };
        assert_eq!(standing.say(act), route, "{before:?} {act:?}");
        assert_eq!(standing.state, after, "{before:?} {act:?}");
    }
}

#[test]
fn what_the_contact_says() {
    for (before, act, deliver, after) in cells(INBOUND) {
        let mut standing = Standing { state: before, approved: false };
        let heard = standing.hear(act);
        let expected = match (act, deliver) {
            (_, true) => Heard::Deliver,
            (Act::Subscribe, false) if before.is_from() => Heard::Approve,
            (_, false) => Heard::Ignore,
        };
        assert_eq!(heard, expected, "{before:?} {act:?}");
        assert_eq!(standing, Standing { state: after, approved: false }, "{before:?} {act:?}");
    }
}

#[test]
fn an_approval_is_kept_where_nothing_was_asked() {
    for code in 0..9 {
        let before = State::from_code(code).unwrap();
        let mut standing = Standing { state: before, approved: false };
        standing.say(Act::Subscribed);
        let early = !before.is_asked() && !before.is_from();
        assert_eq!(standing.approved, early, "{before:?}");
        if !early {
            continue;
        }
        let mut asked = standing;
        assert_eq!(asked.hear(Act::Subscribe), Heard::Approve, "{before:?}");
        assert!(asked.state.is_from() && !asked.approved, "{before:?}");
        assert_eq!(asked.state.is_to(), before.is_to());
        assert_eq!(asked.state.is_asking(), before.is_asking());
        assert!(!standing.say(Act::Unsubscribed), "{before:?}");
        assert_eq!(standing, Standing { state: before, approved: false });
    }
}

#[test]
fn numbers_lead_back() {
    for code in 0..9 {
        assert_eq!(State::from_code(code).map(State::code), Some(code));
    }
    assert_eq!(State::from_code(9), None);
}

/// Two servers, and what is on its way between them.
#[derive(Default)]
struct World {
    standings: [Standing; 2],
    wires: [VecDeque<Act>; 2],
}

impl World {
    fn say(&mut self, who: usize, act: Act) {
        if self.standings[who].say(act) {
            self.wires[1 - who].push_back(act);
        }
    }

    /// Something arrives at `who`, if anything is on its way there.
    fn arrive(&mut self, who: usize) -> bool {
        let Some(act) = self.wires[who].pop_front() else { return false };
        if self.standings[who].hear(act) == Heard::Approve {
            self.wires[1 - who].push_back(Act::Subscribed);
        }
        true
    }

    fn settle(&mut self) {
        while self.arrive(0) || self.arrive(1) {}
    }

    /// What a probe mends (RFC 6121 §4.3.2): whoever may not see the other is told so.
    fn probe(&mut self, who: usize) {
        if self.standings[who].state.is_to() && !self.standings[1 - who].state.is_from() {
            self.standings[who].hear(Act::Unsubscribed);
        }
    }
}

/// What is true of one person's view of another, as people think of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct View {
    sees: bool,
    asks: bool,
    welcome: bool,
}

impl View {
    fn act(views: &mut [Self; 2], who: usize, act: Act) {
        match act {
            Act::Subscribe => {
                let view = &mut views[who];
                if view.welcome {
                    *view = Self { sees: true, ..Self::default() };
                } else if !view.sees {
                    view.asks = true;
                }
            }
            Act::Unsubscribe => {
                let view = &mut views[who];
                (view.sees, view.asks) = (false, false);
            }
            Act::Subscribed => {
                let view = &mut views[1 - who];
                if view.asks {
                    *view = Self { sees: true, ..Self::default() };
                } else if !view.sees {
                    view.welcome = true;
                }
            }
            Act::Unsubscribed => views[1 - who] = Self::default(),
        }
    }
}

fn acts() -> impl Strategy<Value = Vec<(usize, Act)>> {
    vec((0..2_usize, prop::sample::select(&ACTS)), 0..40)
}

proptest! {
    /// As long as everything arrives before anybody acts again, both servers agree with each other
    /// and with what people think.
    #[test]
    fn two_servers_agree(acts in acts()) {
        let mut world = World::default();
        let mut views = [View::default(); 2];
        for (who, act) in acts {
            world.say(who, act);
            world.settle();
            View::act(&mut views, who, act);
            for (who, view) in views.iter().enumerate() {
                let (own, other) = (world.standings[who], world.standings[1 - who]);
                prop_assert_eq!(own.state.is_to(), view.sees);
                prop_assert_eq!(other.state.is_from(), view.sees);
                prop_assert_eq!(own.state.is_asking(), view.asks);
                prop_assert_eq!(other.state.is_asked(), view.asks);
                prop_assert_eq!(other.approved, view.welcome);
            }
        }
    }

    /// Where acts cross on their way, somebody may believe to see whom they do not; the next probe
    /// mends that, and nobody ever sees whom they have not asked for.
    #[test]
    fn what_crosses_is_mended(acts in acts(), arrivals in vec(0..4_usize, 0..120)) {
        let mut world = World::default();
        let mut acts = acts.into_iter();
        for arrival in arrivals {
            if arrival < 2 {
                world.arrive(arrival);
            } else if let Some((who, act)) = acts.next() {
                world.say(who, act);
            }
        }
        world.settle();
        for who in 0..2 {
            world.probe(who);
            let (own, other) = (world.standings[who], world.standings[1 - who]);
            prop_assert!(!own.state.is_to() || other.state.is_from());
        }
    }
}
