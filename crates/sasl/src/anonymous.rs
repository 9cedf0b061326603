//! The ANONYMOUS mechanism (RFC 4505, XEP-0175).

use crate::{Answer, Failure, Mechanism, Offer, Start, Step, Success};

/// The longest trace information in characters (RFC 4505 §2).
const MAX_TRACE: usize = 255;

/// Offers ANONYMOUS: the client goes on as a guest.
///
/// The trace information is checked and then dropped: what a stranger says of itself is no use to
/// a server, and a burden to keep.
#[derive(Clone, Copy, Debug)]
pub struct AnonymousOffer;

impl Offer for AnonymousOffer {
    fn name(&self) -> &str {
        "ANONYMOUS"
    }

    fn start(&self, _: Start<'_>) -> Box<dyn Mechanism> {
        Box::new(Anonymous)
    }
}

struct Anonymous;

impl Mechanism for Anonymous {
    /// Whoever says nothing of itself is a guest at once, as XEP-0175 §3 has it: libraries take a
    /// challenge for a mistake.
    fn begin(&mut self, initial: Option<&[u8]>) -> Step {
        self.step(initial.unwrap_or_default())
    }

    fn step(&mut self, message: &[u8]) -> Step {
        match std::str::from_utf8(message) {
            Ok(trace) if trace.chars().count() <= MAX_TRACE && !trace.contains('\0') => {
                Step::Done(Success::anonymous())
            }
            _ => Step::Failed(Failure::MalformedRequest),
        }
    }

    fn resume(&mut self, _: Answer) -> Step {
        Step::Failed(Failure::TemporaryAuthFailure)
    }
}
