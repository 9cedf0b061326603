//! Time and randomness, passed in so that a whole server runs in a simulation.

use std::{fmt, time::Duration};

use sestina_stanza::Timestamp;

/// Tells the time.
///
/// Timers are the runtime's own: under a paused tokio clock they are virtual, and a [`Clock`]
/// made by [`simulated`] follows them.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time of day.
    fn now(&self) -> Timestamp;
    /// What has passed since this clock was made; never goes back.
    fn elapsed(&self) -> Duration;
}

/// Fills buffers with unpredictable bytes.
pub trait Entropy: fmt::Debug + Send + Sync + 'static {
    /// Fills the whole of `buffer`.
    fn fill(&self, buffer: &mut [u8]);
}

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock {
    start: std::time::Instant,
}

impl SystemClock {
    /// A clock whose elapsed time starts now.
    #[allow(clippy::disallowed_methods, reason = "this is the clock that others take")]
    #[must_use]
    pub fn new() -> Self {
        Self { start: std::time::Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the clock that others take")]
    fn now(&self) -> Timestamp {
        let since =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_unix(since.as_secs().cast_signed(), since.subsec_nanos())
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

/// A clock that starts at `start` and follows the runtime's timers, virtual ones included.
///
/// # Panics
///
/// Outside a tokio runtime.
#[must_use]
pub fn simulated(start: Timestamp) -> impl Clock {
    Simulated { start, from: tokio::time::Instant::now() }
}

#[derive(Debug)]
struct Simulated {
    start: Timestamp,
    from: tokio::time::Instant,
}

impl Clock for Simulated {
    fn now(&self) -> Timestamp {
        self.start.plus(self.elapsed())
    }

    fn elapsed(&self) -> Duration {
        self.from.elapsed()
    }
}

/// The operating system's source of randomness.
#[derive(Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        // Without randomness no stream id or nonce is safe, and there is no way to go on.
        getrandom::fill(buffer).expect("the operating system has a source of randomness");
    }
}

/// A reproducible sequence, for simulations only: whoever knows the seed knows every nonce.
#[derive(Debug)]
pub struct SeededEntropy(parking_lot::Mutex<u64>);

impl SeededEntropy {
    /// The sequence that `seed` starts.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(parking_lot::Mutex::new(seed))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        let mut state = self.0.lock();
        for chunk in buffer.chunks_mut(8) {
            // SplitMix64.
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = *state;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            word ^= word >> 31;
            chunk.copy_from_slice(&word.to_le_bytes()[..chunk.len()]);
        }
    }
}
