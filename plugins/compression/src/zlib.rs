//! A stream's bytes through zlib (RFC 1950), in both directions.

use flate2::{Compress, Compression as Level, Decompress, FlushCompress, FlushDecompress, Status};
use sestina_stanza::{StreamCondition, StreamError};
use sestina_stream::Transform;

use crate::{Bounds, Permit, failure};

/// How far back a compressed byte can refer.
pub(crate) const WINDOW: usize = 32 << 10;

/// What is set aside for a flush: an empty stored block, and what was left of a byte.
const FLUSH: usize = 64;

/// Both directions of one compressed stream.
pub(crate) struct Zlib {
    deflate: Compress,
    inflate: Inflate,
    _permit: Permit,
}

impl Zlib {
    pub(crate) fn new(level: u8, bounds: &Bounds, permit: Permit) -> Self {
        Self {
            deflate: Compress::new(Level::new(level.into()), true),
            inflate: Inflate::new(bounds),
            _permit: permit,
        }
    }
}

impl Transform for Zlib {
    fn inbound(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
        budget: usize,
    ) -> Result<usize, StreamError> {
        self.inflate.inbound(input, out, budget)
    }

    fn outbound(&mut self, input: &[u8], out: &mut Vec<u8>) {
        deflate(&mut self.deflate, input, out);
    }
}

/// Compresses and flushes, so that the other end can read all of it (XEP-0138 §5).
pub(crate) fn deflate(deflate: &mut Compress, mut input: &[u8], out: &mut Vec<u8>) {
    loop {
        out.reserve(input.len() / 4 + FLUSH);
        let before = deflate.total_in();
        let done = deflate.compress_vec(input, out, FlushCompress::Sync);
        let taken = usize::try_from(deflate.total_in() - before).unwrap_or(usize::MAX);
        input = input.get(taken..).unwrap_or(&[]);
        // With room left, nothing is held back any more.
        let flushed = input.is_empty() && out.len() < out.capacity();
        if flushed || !matches!(done, Ok(Status::Ok)) {
            return;
        }
    }
}

/// What comes from the client, and what it may still make of it.
pub(crate) struct Inflate {
    inflate: Decompress,
    /// Whether the client has said that nothing more will come.
    ended: bool,
    /// Whether the first byte of the next input was taken before.
    owed: bool,
    /// How many bytes may come of nothing.
    allowance: usize,
    ratio: usize,
    burst: usize,
}

impl Inflate {
    pub(crate) fn new(bounds: &Bounds) -> Self {
        Self {
            inflate: Decompress::new(true),
            ended: false,
            owed: false,
            allowance: bounds.burst,
            ratio: bounds.ratio,
            burst: bounds.burst,
        }
    }

    /// Decompresses into `out`, but no more than `budget` bytes at once.
    pub(crate) fn inbound(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
        budget: usize,
    ) -> Result<usize, StreamError> {
        let before = usize::from(std::mem::take(&mut self.owed)).min(input.len());
        let input = input.get(before..).unwrap_or(&[]);
        let start = out.len();
        out.resize(start.saturating_add(budget), 0);
        let result = self.run(input, out.get_mut(start..).unwrap_or(&mut []));
        let (taken, made) = *result.as_ref().unwrap_or(&(0, 0));
        out.truncate(start + made);
        result?;
        self.spend(taken, made)?;
        let taken = before + taken;
        if made == budget && taken == before + input.len() && taken > 0 && !self.ended {
            // There may be more of it where that came from: one byte is taken twice, so that it is
            // asked for.
            self.owed = true;
            return Ok(taken - 1);
        }
        Ok(taken)
    }

    /// How much of the input was taken, and how much of the output was made.
    fn run(&mut self, input: &[u8], out: &mut [u8]) -> Result<(usize, usize), StreamError> {
        let (mut taken, mut made) = (0, 0);
        loop {
            let (rest, room) = (input.get(taken..).unwrap_or(&[]), out.get_mut(made..));
            if self.ended {
                // What comes behind the end is nothing that anybody has announced.
                return if rest.is_empty() { Ok((taken, made)) } else { Err(broken()) };
            }
            let before = (self.inflate.total_in(), self.inflate.total_out());
            let status = self
                .inflate
                .decompress(rest, room.unwrap_or(&mut []), FlushDecompress::None)
                .map_err(|_| broken())?;
            let step = |total: u64, before: u64| usize::try_from(total - before).unwrap_or(0);
            let took = step(self.inflate.total_in(), before.0);
            let gave = step(self.inflate.total_out(), before.1);
            (taken, made) = (taken + took, made + gave);
            self.ended = status == Status::StreamEnd;
            if !self.ended && (took == 0 && gave == 0 || made == out.len()) {
                return Ok((taken, made));
            }
        }
    }

    /// What is sent buys what may be made of it; what was not used up is kept, but not for ever.
    fn spend(&mut self, taken: usize, made: usize) -> Result<(), StreamError> {
        let allowance = self.allowance.saturating_add(taken.saturating_mul(self.ratio));
        let left = allowance.checked_sub(made).ok_or_else(|| {
            StreamError::new(StreamCondition::PolicyViolation)
                .with_text("what was compressed is too large")
        })?;
        self.allowance = left.min(self.burst);
        Ok(())
    }
}

/// XEP-0138 §2: what came is not what zlib makes.
fn broken() -> StreamError {
    StreamError::new(StreamCondition::UndefinedCondition)
        .with_application(failure("processing-failed"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn compressed(text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        deflate(&mut Compress::new(Level::new(6), true), text, &mut out);
        out
    }

    /// All that comes of some bytes, and the most that came at once.
    fn inflated(inflate: &mut Inflate, mut wire: &[u8], budget: usize) -> (Vec<u8>, usize) {
        let (mut all, mut most) = (Vec::new(), 0);
        while !wire.is_empty() {
            let before = all.len();
            let taken = inflate.inbound(wire, &mut all, budget).unwrap();
            assert!(taken > 0 || all.len() > before);
            most = most.max(all.len() - before);
            wire = &wire[taken..];
        }
        (all, most)
    }

    #[test]
    fn a_small_input_that_stands_for_much_comes_in_portions() {
        let text = vec![b' '; 300_000];
        let wire = compressed(&text);
        assert!(wire.len() < 1_000, "{}", wire.len());
        let (all, most) = inflated(&mut Inflate::new(&Bounds::default()), &wire, 4_096);
        assert_eq!((all.len(), most), (text.len(), 4_096));
    }

    #[test]
    fn what_one_byte_stands_for_is_bounded() {
        let bounds = Bounds { burst: 100_000, ratio: 10, ..Bounds::default() };
        let bomb = compressed(&vec![b' '; 200_000]);
        let mut inflate = Inflate::new(&bounds);
        let (mut wire, mut out) = (&bomb[..], Vec::new());
        let error = loop {
            match inflate.inbound(wire, &mut out, 4_096) {
                Ok(taken) => wire = &wire[taken..],
                Err(error) => break error,
            }
        };
        assert_eq!(error.condition(), StreamCondition::PolicyViolation);
        let most = bounds.burst + bomb.len() * bounds.ratio + 4_096;
        assert!((100_000..=most).contains(&out.len()), "{}", out.len());
        // The same amount, earned.
        let mut random = 1_u32;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            random.to_be_bytes()[0]
        })
        .take(200_000)
        .collect();
        let (all, _) = inflated(&mut Inflate::new(&bounds), &compressed(&noise), 4_096);
        assert_eq!(all, noise);
    }

    #[test]
    fn nonsense_is_told_apart() {
        let mut preset = vec![0x78, 0xbb];
        preset.extend([1; 20]);
        let mut end = Vec::with_capacity(100);
        let mut deflate = Compress::new(Level::new(6), true);
        deflate.compress_vec(b"<a/>", &mut end, FlushCompress::Finish).unwrap();
        let (all, _) = inflated(&mut Inflate::new(&Bounds::default()), &end, 100);
        assert_eq!(all, b"<a/>");
        end.push(0);
        for wire in [&b"<message/>"[..], &preset, &end] {
            let mut out = Vec::new();
            let error = Inflate::new(&Bounds::default()).inbound(wire, &mut out, 100).unwrap_err();
            assert_eq!(error.condition(), StreamCondition::UndefinedCondition);
            let told = error.application().unwrap();
            assert!(told.child("processing-failed", sestina_stanza::ns::COMPRESS).is_some());
        }
    }

    #[test]
    fn each_flush_can_be_read_at_once() {
        let mut deflate = Compress::new(Level::new(6), true);
        let mut inflate = Inflate::new(&Bounds::default());
        for length in (0..3_000).chain([65_535, 65_536, 300_000]) {
            let text = "<presence/>".repeat(length / 11 + 1).into_bytes();
            let text = &text[..length];
            let mut wire = Vec::new();
            super::deflate(&mut deflate, text, &mut wire);
            let (all, _) = inflated(&mut inflate, &wire, 16 << 10);
            assert!(all == text, "{length} bytes");
        }
    }

    proptest! {
        #[test]
        fn what_is_sent_arrives_however_it_is_cut(
            texts in proptest::collection::vec("[<a-c/> ]{0,600}", 1..8),
            cut in 1_usize..200,
            budget in 1_usize..700,
        ) {
            let mut deflate = Compress::new(Level::new(6), true);
            let mut inflate = Inflate::new(&Bounds::default());
            let (mut wire, mut held, mut all) = (Vec::new(), Vec::new(), Vec::new());
            for text in &texts {
                super::deflate(&mut deflate, text.as_bytes(), &mut wire);
            }
            for piece in wire.chunks(cut) {
                held.extend_from_slice(piece);
                while !held.is_empty() {
                    let before = all.len();
                    let taken = inflate.inbound(&held, &mut all, budget).unwrap();
                    prop_assert!(all.len() - before <= budget);
                    prop_assert!(taken > 0 || all.len() > before);
                    held.drain(..taken);
                }
            }
            prop_assert_eq!(all, texts.concat().into_bytes());
        }
    }
}
