//! Messages through a pipe within this process: each behind its length.

use sestina_net::{Framing, Taken};
use sestina_stanza::{StreamCondition, StreamError};

/// The bytes of a length.
const LENGTH: usize = 4;

/// The server's end.
#[derive(Debug, Default)]
pub(crate) struct Pipe {
    length: Vec<u8>,
    /// What is still to come of the message, once that is known.
    left: Option<usize>,
}

/// Puts a length before everything from `start` on.
pub(crate) fn seal(out: &mut Vec<u8>, start: usize) {
    let length = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
    drop(out.splice(start..start, length.to_be_bytes()));
}

/// Takes a whole message from the front of `bytes`.
pub(crate) fn unseal(bytes: &mut bytes::BytesMut) -> Option<bytes::Bytes> {
    let (length, rest) = bytes.split_first_chunk::<LENGTH>()?;
    let length = u32::from_be_bytes(*length) as usize;
    if rest.len() < length {
        return None;
    }
    let _length = bytes.split_to(LENGTH);
    Some(bytes.split_to(length).freeze())
}

impl Framing for Pipe {
    fn take(
        &mut self,
        input: &mut &[u8],
        message: &mut Vec<u8>,
        most: usize,
    ) -> Result<Taken, StreamError> {
        loop {
            if let Some(left) = self.left {
                let (taken, rest) = input.split_at(left.min(input.len()));
                message.extend_from_slice(taken);
                *input = rest;
                self.left = Some(left - taken.len()).filter(|left| *left > 0);
                return Ok(if self.left.is_none() { Taken::Message } else { Taken::More });
            }
            let Some((byte, rest)) = input.split_first() else { return Ok(Taken::More) };
            self.length.push(*byte);
            *input = rest;
            if let Ok(length) = <[u8; LENGTH]>::try_from(self.length.as_slice()) {
                self.length.clear();
                let length = u32::from_be_bytes(length) as usize;
                if length > most {
                    let error = StreamError::new(StreamCondition::PolicyViolation);
                    return Err(error.with_text("the message is too large"));
                }
                self.left = Some(length);
            }
        }
    }

    fn seal(&mut self, out: &mut Vec<u8>, start: usize) {
        seal(out, start);
    }

    // The session itself sees to whether its client is there.
    fn ping(&mut self, _: &mut Vec<u8>) {}

    fn answer(&mut self, _: &mut Vec<u8>) {}

    fn close(&mut self, _: &mut Vec<u8>) {}
}
