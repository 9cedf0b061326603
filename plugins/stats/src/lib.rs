#![doc = include_str!("../README.md")]

mod query;

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sestina_core::{
    Assembly, AssemblyError, Get, Plugin, Refusal, Rewritten, Scope, Server, Spec, Started, answer,
};
use sestina_stanza::{Condition, StanzaError};

pub use self::query::{Failure, Query, Stat};

/// Statistics that one request may ask for.
pub const MOST: usize = 64;

/// Tells statistics: how long the server has been up to everybody, the others to administrators.
#[derive(Clone, Copy, Debug, Default)]
pub struct Statistics;

impl Plugin for Statistics {
    const NAME: &'static str = "stats";
    const SPECS: &'static [Spec] = &[Spec::xep(39, "0.6.0")];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        let counts = Arc::new(Counts::default());
        to.iq(Scope::Server, answer(&counts, Counts::tell))?;
        // A rewriter sees what guards let pass, and each stanza once, however many copies are made.
        to.sender().rewrite(&counts, |counts, _, _| {
            counts.received.fetch_add(1, Ordering::Relaxed);
            Rewritten::Keep
        });
        to.on(&counts, Counts::started);
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Counts {
    /// When the server did.
    started: OnceLock<Duration>,
    /// Stanzas that sessions have sent.
    received: AtomicU64,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Figure {
    Uptime,
    Online,
    Accounts,
    Received,
}

impl Figure {
    const ALL: [Self; 4] = [Self::Uptime, Self::Online, Self::Accounts, Self::Received];

    const fn name(self) -> &'static str {
        match self {
            Self::Uptime => "time/uptime",
            Self::Online => "users/online",
            Self::Accounts => "users/total",
            Self::Received => "bandwidth/packets-in",
        }
    }

    const fn units(self) -> &'static str {
        match self {
            Self::Uptime => "seconds",
            Self::Online | Self::Accounts => "users",
            Self::Received => "packets",
        }
    }

    /// How many there are of whom is for administrators; the uptime is told by other means as well.
    fn is_for(self, administrator: bool) -> bool {
        administrator || self == Self::Uptime
    }
}

impl Counts {
    async fn started(&self, _: &Started, server: &Server) -> Result<(), Refusal> {
        self.started.get_or_init(|| server.elapsed());
        Ok(())
    }

    /// XEP-0039 §3: what there is for whoever asks, or the values of what is named.
    async fn tell(&self, ask: Get<Query>, server: &Server) -> Result<Query, Refusal> {
        let from = ask.origin.from.as_ref();
        let administrator = from.is_some_and(|from| server.is_administrator(from));
        if ask.stats.is_empty() {
            let seen = Figure::ALL.into_iter().filter(|figure| figure.is_for(administrator));
            return Ok(Query { stats: seen.map(|figure| Stat::named(figure.name())).collect() });
        }
        if ask.stats.len() > MOST {
            let error = StanzaError::new(Condition::NotAcceptable);
            return Err(error.with_text("too many statistics at once").into());
        }
        let mut stats: Vec<Stat> = Vec::with_capacity(ask.stats.len());
        for Stat { name, .. } in ask.payload.stats {
            // What is asked for twice is told once.
            if !stats.iter().any(|told| told.name == name) {
                stats.push(self.look(name, administrator, server).await);
            }
        }
        Ok(Query { stats })
    }

    async fn look(&self, name: String, administrator: bool, server: &Server) -> Stat {
        let Some(figure) = Figure::ALL.into_iter().find(|figure| figure.name() == name) else {
            return Stat::failed(name, Failure::NotFound);
        };
        if !figure.is_for(administrator) {
            return Stat::failed(name, Failure::Unauthorized);
        }
        match self.count(figure, server).await {
            Ok(value) => Stat { name, outcome: Some(Ok((figure.units().into(), value))) },
            Err(refusal) => {
                tracing::warn!(%refusal, statistic = name, "not counted");
                Stat::failed(name, Failure::Unavailable)
            }
        }
    }

    async fn count(&self, figure: Figure, server: &Server) -> Result<u64, Refusal> {
        let many = |many: usize| u64::try_from(many).unwrap_or(u64::MAX);
        Ok(match figure {
            Figure::Uptime => {
                let started = self.started.get().copied().unwrap_or_default();
                server.elapsed().saturating_sub(started).as_secs()
            }
            Figure::Online => many(server.online_count()),
            Figure::Accounts => many(server.accounts().list().await?.len()),
            Figure::Received => self.received.load(Ordering::Relaxed),
        })
    }
}
