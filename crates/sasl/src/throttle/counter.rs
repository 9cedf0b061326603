//! The failures of one address or account.

use std::time::Duration;

/// The bounds for each address, or for each account.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// The failures without consequence.
    pub free: u32,
    /// How long to wait after the first failure beyond these; doubled by each further one.
    pub delay: Duration,
    /// How long to wait at most.
    pub longest: Duration,
    /// How often one failure is taken back.
    pub forget: Duration,
    /// The attempts under way at once. Only one, when there are more failures than are free.
    pub pending: u32,
    /// How many addresses or accounts are kept count of.
    pub capacity: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            free: 10,
            delay: Duration::from_secs(1),
            longest: Duration::from_secs(15 * 60),
            forget: Duration::from_secs(5 * 60),
            pending: 64,
            capacity: 8192,
        }
    }
}

/// How long to wait when too many attempts are under way.
const PENDING_DELAY: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, Default)]
pub(super) struct Counter {
    failures: u32,
    /// Attempts under way.
    pending: u32,
    /// When the latest of these began.
    begun: Duration,
    /// Up to which period failures have been taken back. Periods are the same for all, so that
    /// whoever takes the place of another neither gains nor loses by the moment.
    period: u64,
    /// Until when no attempt is let through.
    until: Duration,
}

impl Counter {
    /// How little it would be missed; the lowest is the first to go.
    pub(super) fn rank(&self, limits: &Limits, now: Duration) -> u64 {
        u64::from(self.failures.saturating_sub(self.forgotten(limits, now)))
            + u64::from(self.pending)
    }

    /// Takes back the failures whose time has come, and gives up on attempts that were not settled.
    pub(super) fn age(&mut self, limits: &Limits, attempt: Duration, now: Duration) {
        self.failures = self.failures.saturating_sub(self.forgotten(limits, now));
        self.period = self.period.max(period(limits, now));
        if self.pending > 0 && now.saturating_sub(self.begun) >= attempt {
            self.failures = self.failures.saturating_add(self.pending);
            self.pending = 0;
        }
    }

    fn forgotten(&self, limits: &Limits, now: Duration) -> u32 {
        let periods = period(limits, now).saturating_sub(self.period);
        u32::try_from(periods).unwrap_or(u32::MAX)
    }

    /// Goes over to another address or account, which is charged with the failures of the one
    /// before, but does not wait for them.
    pub(super) fn inherit(&mut self) {
        self.failures = self.failures.saturating_add(self.pending);
        self.pending = 0;
        self.until = Duration::ZERO;
    }

    /// How long until an attempt is let through.
    pub(super) fn wait(&self, limits: &Limits, now: Duration) -> Duration {
        let pending = if self.failures > limits.free { 1 } else { limits.pending.max(1) };
        let crowded = if self.pending >= pending { PENDING_DELAY } else { Duration::ZERO };
        self.until.saturating_sub(now).max(crowded)
    }

    pub(super) fn begin(&mut self, now: Duration) {
        self.pending = self.pending.saturating_add(1);
        self.begun = now;
    }

    pub(super) fn release(&mut self) {
        self.pending = self.pending.saturating_sub(1);
    }

    pub(super) fn fail(&mut self, limits: &Limits, now: Duration) {
        self.release();
        self.failures = self.failures.saturating_add(1);
        if let Some(beyond) = self.failures.checked_sub(limits.free.saturating_add(1)) {
            let factor = 1_u32.checked_shl(beyond).unwrap_or(u32::MAX);
            let delay = limits.delay.saturating_mul(factor).min(limits.longest);
            self.until = self.until.max(now.saturating_add(delay));
        }
    }

    #[cfg(test)]
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }
}

/// The number of times that a failure has been taken back since the clock began.
fn period(limits: &Limits, now: Duration) -> u64 {
    let periods = now.as_nanos() / limits.forget.as_nanos().max(1);
    u64::try_from(periods).unwrap_or(u64::MAX)
}
