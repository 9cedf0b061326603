//! Entry points for fuzz targets; not part of the interface.

use crate::handshake::{Handshake, Step};

/// Shakes hands as a connection does, reading so much at a time; also says how much was read.
pub(crate) fn shaken(sent: &[u8], cuts: &mut dyn Iterator<Item = usize>) -> (Step, Vec<u8>, usize) {
    let (mut handshake, mut out, mut read) = (Handshake::default(), Vec::new(), 0);
    loop {
        let wants = handshake.wants();
        assert!((1..=262).contains(&wants), "something is read, and never much");
        let most = cuts.next().unwrap_or(1).max(1).min(wants);
        let left = sent.get(read..).unwrap_or(&[]);
        let piece = left.get(..most.min(left.len())).unwrap_or(&[]);
        if piece.is_empty() {
            return (Step::Read, out, read);
        }
        read += piece.len();
        let step = handshake.take(piece, &mut out);
        assert!(out.len() <= 12, "a greeting and a refusal at most");
        if step != Step::Read {
            // What showed that it leads nowhere may be read in one piece with more.
            return (step, out, if step == Step::Over { 0 } else { read });
        }
    }
}

/// What a stranger might send. The first byte says how much of it comes at once.
pub fn handshake(data: &[u8]) {
    let [cut, sent @ ..] = data else { return };
    let whole = shaken(sent, &mut std::iter::repeat(usize::MAX));
    assert_eq!(whole, shaken(sent, &mut std::iter::repeat(usize::from(*cut) + 1)));
}
