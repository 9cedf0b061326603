#![doc = include_str!("../README.md")]

mod depot;
mod drain;
mod portable;
mod spool;
mod worth;

use std::{sync::Arc, time::Duration};

use sestina_core::{Assembly, AssemblyError, BadSetting, Mailbox, Plugin, Scope, Spec};

use self::depot::Depot;

/// Keeps messages for accounts that have nobody there to take them.
#[derive(Clone, Copy, Debug)]
pub struct OfflineMessages {
    /// How long a message waits; the default is 90 days. Afterwards it is dropped.
    pub keep: Duration,
    /// How much of everything.
    pub bounds: Bounds,
}

/// Bounds of what waits for one account.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Messages; the default is 10,000.
    pub messages: usize,
    /// Bytes of all messages; the default is 16 MiB.
    pub bytes: usize,
    /// Messages that are in memory on their way to the store; the default is 256. Whoever sends
    /// more waits.
    pub unwritten: usize,
    /// Bytes of these; the default is 1 MiB.
    pub unwritten_bytes: usize,
}

impl Default for OfflineMessages {
    fn default() -> Self {
        Self { keep: Duration::from_secs(90 * 24 * 60 * 60), bounds: Bounds::default() }
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self { messages: 10_000, bytes: 16 << 20, unwritten: 256, unwritten_bytes: 1 << 20 }
    }
}

impl Plugin for OfflineMessages {
    const NAME: &'static str = "offline";
    const SPECS: &'static [Spec] = &[Spec::xep(160, "1.0.1"), Spec::xep(203, "2.0")];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        let settings = to.live(self, Self::check)?;
        let depot = Arc::new(Depot::new(to.space(), to.optional(), settings));
        to.recipient().rewrite(&depot, Depot::arriving).plan(&depot, Depot::plan);
        to.on(&depot, Depot::presence_changed);
        to.on(&depot, Depot::account_removed);
        to.on(&depot, Depot::shutting_down);
        to.provide::<dyn Mailbox>(depot.clone())?;
        to.portable(&depot)?;
        // XEP-0160 §3.
        to.feature(Scope::Server, "msgoffline");
        Ok(())
    }
}

impl OfflineMessages {
    fn check(&self) -> Result<(), BadSetting> {
        if self.keep.is_zero() {
            return Err(BadSetting::new("keep", "longer than no time"));
        }
        if self.bounds.unwritten == 0 {
            return Err(BadSetting::new("bounds.unwritten", "at least 1"));
        }
        Ok(())
    }
}
