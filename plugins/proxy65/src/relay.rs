//! Carries what two connections say to each other.

use std::{
    io,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use sestina_core::Duplex;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split},
    time::{Instant, sleep, sleep_until},
};

/// Bytes that wait in each direction.
const BUFFER: usize = 8 << 10;

/// Carries bytes in both directions until both have said all, one is gone, or neither has said
/// anything for so long; hands back how many there were.
pub(crate) async fn relay(
    first: Box<dyn Duplex>,
    second: Box<dyn Duplex>,
    rate: usize,
    idle: Duration,
) -> u64 {
    let ((first_in, first_out), (second_in, second_out)) = (split(first), split(second));
    let carried = Carried::default();
    let both = async {
        tokio::try_join!(
            carry(first_in, second_out, rate, &carried),
            carry(second_in, first_out, rate, &carried)
        )
    };
    tokio::select! {
        // Who goes without a word has nothing more to say, either.
        _gone_or_done = both => {}
        () = silence(&carried, idle) => {}
    }
    carried.0.load(Ordering::Relaxed)
}

/// Bytes that were taken from one, and once more when the other has taken them.
#[derive(Default)]
struct Carried(AtomicU64, AtomicU64);

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    rate: usize,
    carried: &Carried,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    let mut free = Instant::now();
    loop {
        let n = from.read(&mut buffer).await?;
        if n == 0 {
            return to.shutdown().await;
        }
        carried.0.fetch_add(n as u64, Ordering::Relaxed);
        to.write_all(buffer.get(..n).unwrap_or(&[])).await?;
        to.flush().await?;
        carried.1.fetch_add(n as u64, Ordering::Relaxed);
        if let Some(took) = (n * 1_000_000).checked_div(rate) {
            let took = u64::try_from(took).unwrap_or(u64::MAX);
            free = free.max(Instant::now()) + Duration::from_micros(took);
            sleep_until(free).await;
        }
    }
}

/// Ends when nothing has moved for so long.
async fn silence(carried: &Carried, idle: Duration) {
    let seen = || (carried.0.load(Ordering::Relaxed), carried.1.load(Ordering::Relaxed));
    // Looked at four times in that while, so that it takes a quarter longer at most.
    let (mut last, mut quiet) = (seen(), 0);
    while quiet < 4 {
        sleep(idle / 4).await;
        let now = seen();
        quiet = if now == last { quiet + 1 } else { 0 };
        last = now;
    }
}
