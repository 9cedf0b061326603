//! Buffers of a thread, lent to whichever connection is being polled: ten thousand idle
//! connections hold none.

use std::cell::Cell;

/// Bytes read at once.
pub(crate) const READ: usize = 16 << 10;
/// Bytes gathered before they are written.
pub(crate) const WRITE: usize = 32 << 10;

thread_local! {
    static INPUT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static OUTPUT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Lends the thread's input buffer, [`READ`] bytes long.
pub(crate) fn input<R>(lend: impl FnOnce(&mut [u8]) -> R) -> R {
    // Taken out, not borrowed: whoever calls this within `lend` gets another.
    let mut buffer = INPUT.take();
    buffer.resize(READ, 0);
    let result = lend(&mut buffer);
    INPUT.set(buffer);
    result
}

/// Lends the thread's output buffer, empty.
pub(crate) fn output<R>(lend: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    let mut buffer = OUTPUT.take();
    let result = lend(&mut buffer);
    buffer.clear();
    // What one large stanza made of it is given back.
    buffer.shrink_to(2 * WRITE);
    OUTPUT.set(buffer);
    result
}
