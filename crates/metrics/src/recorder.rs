//! The figures themselves, and how what is seen becomes one.

use std::time::Duration;

use prometheus_client::{
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};
use sestina_core::{Observer, Seen, Verdict};
use sestina_stanza::Kind;

use crate::{Snapshot, sharded::Hot};

type Labels<const N: usize> = [(&'static str, &'static str); N];
type Times<const N: usize> = Family<Labels<N>, Histogram, fn() -> Histogram>;

/// What is counted.
#[derive(Debug)]
pub(crate) struct Recorder {
    connections: Family<Labels<1>, Gauge>,
    opened: Family<Labels<1>, Counter>,
    closed: Family<Labels<2>, Counter>,
    handshakes: Histogram,
    handshakes_failed: Counter,
    logins: Family<[(&'static str, String); 2], Counter>,
    put_off: Counter,
    sessions: Gauge,
    begun: Counter,
    ended: Counter,
    received: Kinds,
    queued: Kinds,
    decided: Family<Labels<3>, Hot>,
    /// Those of them that need no look-up.
    delivered: Kinds,
    handled: Kinds,
    requests: Times<1>,
    requests_refused: Family<Labels<1>, Counter>,
    bounds: Family<Labels<1>, Counter>,
    store: Times<1>,
    store_failed: Family<Labels<1>, Counter>,
    panics: Family<Labels<2>, Counter>,
    pub(crate) online: Gauge,
    pub(crate) waiting: Gauge,
    pub(crate) longest: Gauge,
    totals: Totals,
}

/// Sums over all labels, for [`Snapshot`].
#[derive(Debug, Default)]
struct Totals {
    connections: Gauge,
    refused: Hot,
    discarded: Hot,
    logins: Counter,
    logins_failed: Counter,
    requests: Hot,
    /// In microseconds.
    request_time: Hot,
    bounds: Counter,
    commits: Hot,
    /// In microseconds.
    commit_time: Hot,
    panics: Counter,
}

/// One counter for each kind of stanza.
#[derive(Debug)]
struct Kinds([Hot; 3]);

const KINDS: [&str; 3] = ["message", "presence", "iq"];

fn kind(kind: Kind) -> usize {
    match kind {
        Kind::Message(_) => 0,
        Kind::Presence(_) => 1,
        Kind::Iq(_) => 2,
    }
}

impl Kinds {
    /// Takes the counters out of a family, so that none is looked up later.
    fn of<const N: usize>(
        family: &Family<Labels<N>, Hot>,
        labels: impl Fn(&'static str) -> Labels<N>,
    ) -> Self {
        Self(KINDS.map(|name| family.get_or_create_owned(&labels(name))))
    }

    fn count(&self, of: Kind) {
        if let Some(counter) = self.0.get(kind(of)) {
            counter.inc();
        }
    }

    fn totals(&self) -> [u64; 3] {
        self.0.each_ref().map(|counter| counter.get())
    }
}

/// From 10 µs to some 20 s.
fn times() -> Histogram {
    Histogram::new(exponential_buckets(0.000_01, 4.0, 11))
}

impl Recorder {
    /// Registers everything; each figure's name and help are part of the interface.
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let received = Family::<Labels<1>, Hot>::default();
        let queued = Family::<Labels<1>, Hot>::default();
        let decided = Family::<Labels<3>, Hot>::default();
        let by_core = |verdict: Verdict| {
            Kinds::of(&decided, |kind| {
                [("kind", kind), ("verdict", verdict.name()), ("plugin", verdict.by())]
            })
        };
        let these = Self {
            connections: Family::default(),
            opened: Family::default(),
            closed: Family::default(),
            handshakes: times(),
            handshakes_failed: Counter::default(),
            logins: Family::default(),
            put_off: Counter::default(),
            sessions: Gauge::default(),
            begun: Counter::default(),
            ended: Counter::default(),
            received: Kinds::of(&received, |kind| [("kind", kind)]),
            queued: Kinds::of(&queued, |kind| [("kind", kind)]),
            delivered: by_core(Verdict::Delivered),
            handled: by_core(Verdict::Handled),
            decided,
            requests: Family::new_with_constructor(times),
            requests_refused: Family::default(),
            bounds: Family::default(),
            store: Family::new_with_constructor(times),
            store_failed: Family::default(),
            panics: Family::default(),
            online: Gauge::default(),
            waiting: Gauge::default(),
            longest: Gauge::default(),
            totals: Totals::default(),
        };
        macro_rules! register {
            ($($name:literal $(in $unit:ident)?, $help:literal, $metric:expr;)*) => {$(
                register!(@ $name, $help, $metric $(, $unit)?);
            )*};
            (@ $name:literal, $help:literal, $metric:expr) => {
                registry.register($name, $help, $metric.clone());
            };
            (@ $name:literal, $help:literal, $metric:expr, $unit:ident) => {
                registry.register_with_unit($name, $help, Unit::$unit, $metric.clone());
            };
        }
        register! {
            "connections", "Connections that are there", these.connections;
            "connections_opened", "Connections that have come", these.opened;
            "connections_closed", "Connections that have gone, and why", these.closed;
            "tls_handshake" in Seconds, "How long it takes to agree on TLS", these.handshakes;
            "tls_handshakes_failed", "Connections that did not agree on TLS", these.handshakes_failed;
            "logins", "Attempts to log in, by their outcome", these.logins;
            "logins_put_off", "Logins that the brake on guessing put off", these.put_off;
            "sessions", "Sessions that are bound", these.sessions;
            "sessions_begun", "Sessions that were bound", these.begun;
            "sessions_ended", "Sessions that have ended", these.ended;
            "accounts_online", "Accounts with an available session", these.online;
            "stanzas_received", "Stanzas that sessions have sent", received;
            "stanzas_queued", "Stanzas put into the queues of sessions", queued;
            "stanzas_decided", "What became of stanzas, and by whom", these.decided;
            "stanzas_waiting", "Stanzas that wait in the queues of sessions", these.waiting;
            "stanzas_waiting_longest", "Stanzas in the longest queue", these.longest;
            "request" in Seconds, "How long requests take, by whose they are", these.requests;
            "requests_refused", "Requests answered by an error", these.requests_refused;
            "bounds_met", "How often somebody went beyond a bound", these.bounds;
            "store" in Seconds, "How long the store takes; a change until it is durable", these.store;
            "store_failed", "What the store could not do", these.store_failed;
            "panics", "Panics of plugins that the server has lived through", these.panics;
        }
        these
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let Totals { connections, refused, discarded, logins, logins_failed, .. } = &self.totals;
        let there = |gauge: &Gauge| gauge.get().max(0).unsigned_abs();
        let [messages, presences, requests] = self.received.totals();
        let [messages_out, presences_out, answers] = self.queued.totals();
        Snapshot {
            connections: there(connections),
            sessions: there(&self.sessions),
            received: messages + presences + requests,
            messages,
            queued: messages_out + presences_out + answers,
            refused: refused.get(),
            discarded: discarded.get(),
            logins: logins.get(),
            logins_failed: logins_failed.get(),
            logins_put_off: self.put_off.get(),
            requests: self.totals.requests.get(),
            request_time: Duration::from_micros(self.totals.request_time.get()),
            bounds: self.totals.bounds.get(),
            commits: self.totals.commits.get(),
            commit_time: Duration::from_micros(self.totals.commit_time.get()),
            panics: self.totals.panics.get(),
        }
    }

    fn decide(&self, kind_of: Kind, verdict: Verdict) {
        match verdict {
            Verdict::Delivered => return self.delivered.count(kind_of),
            Verdict::Handled => return self.handled.count(kind_of),
            Verdict::Refused(_) => {
                self.totals.refused.inc();
            }
            Verdict::Discarded(_) => {
                self.totals.discarded.inc();
            }
            _ => {}
        }
        let kind = KINDS.get(kind(kind_of)).copied().unwrap_or_default();
        let labels = [("kind", kind), ("verdict", verdict.name()), ("plugin", verdict.by())];
        self.decided.get_or_create(&labels).inc();
    }
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

impl Observer for Recorder {
    fn see(&self, seen: Seen<'_>) {
        let totals = &self.totals;
        match seen {
            Seen::Received(kind) => self.received.count(kind),
            Seen::Queued(kind) => self.queued.count(kind),
            Seen::Decided { kind, verdict } => self.decide(kind, verdict),
            Seen::Requested { plugin, took, refused } => {
                totals.requests.inc();
                totals.request_time.inc_by(micros(took));
                self.requests.get_or_create(&[("plugin", plugin)]).observe(took.as_secs_f64());
                if refused {
                    self.requests_refused.get_or_create(&[("plugin", plugin)]).inc();
                }
            }
            Seen::Stored { operation, took, failed } => {
                let labels = [("operation", operation.name())];
                if operation == sestina_store::Operation::Commit {
                    totals.commits.inc();
                    totals.commit_time.inc_by(micros(took));
                }
                self.store.get_or_create(&labels).observe(took.as_secs_f64());
                if failed {
                    self.store_failed.get_or_create(&labels).inc();
                }
            }
            Seen::Connected { over } => {
                totals.connections.inc();
                self.connections.get_or_create(&[("over", over)]).inc();
                self.opened.get_or_create(&[("over", over)]).inc();
            }
            Seen::Disconnected { over, why } => {
                totals.connections.dec();
                self.connections.get_or_create(&[("over", over)]).dec();
                self.closed.get_or_create(&[("over", over), ("why", why)]).inc();
            }
            Seen::Handshake { took, done } => {
                self.handshakes.observe(took.as_secs_f64());
                if !done {
                    self.handshakes_failed.inc();
                }
            }
            Seen::LoggedIn { mechanism, failure } => {
                if failure.is_none() { &totals.logins } else { &totals.logins_failed }.inc();
                let labels = [
                    ("mechanism", mechanism.to_owned()),
                    ("outcome", failure.unwrap_or("success").to_owned()),
                ];
                self.logins.get_or_create(&labels).inc();
            }
            Seen::PutOff => {
                self.put_off.inc();
            }
            Seen::SessionBegan => {
                self.sessions.inc();
                self.begun.inc();
            }
            Seen::SessionEnded => {
                self.sessions.dec();
                self.ended.inc();
            }
            Seen::Bounded { bound } => {
                totals.bounds.inc();
                self.bounds.get_or_create(&[("bound", bound)]).inc();
            }
            Seen::Panicked { plugin, joint } => {
                totals.panics.inc();
                let labels = [("plugin", plugin), ("place", joint.name())];
                self.panics.get_or_create(&labels).inc();
            }
            // What a later core has to tell.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_things_take_is_summed() {
        let recorder = Recorder::new(&mut Registry::default());
        let took = Duration::from_micros(1_500);
        for _ in 0..2 {
            recorder.see(Seen::Requested { plugin: "ping", took, refused: false });
        }
        for operation in [sestina_store::Operation::Commit, sestina_store::Operation::Get] {
            recorder.see(Seen::Stored { operation, took, failed: false });
        }
        let now = recorder.snapshot();
        assert_eq!((now.requests, now.request_time), (2, took * 2));
        assert_eq!((now.commits, now.commit_time), (1, took));
    }
}
