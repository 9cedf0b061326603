//! Entry points for fuzz targets; not part of the interface.

use std::{sync::Arc, time::Duration};

use sestina_core::SystemClock;
use sestina_sasl::{Answer, Channel, Failure, Mechanisms, Policy, Protection, Standing, Step};

use crate::{DigestMd5, DigestOffer, digest};

/// Plays a client. The first byte says what the store says, and the rest are messages, each ended by a
/// line feed; `NONCE` in them stands for the nonce of the challenge.
pub fn digest_md5(data: &[u8]) {
    let Some((&choice, script)) = data.split_first() else { return };
    let rules = DigestMd5 { keep: Duration::from_secs(60), nonces: 2 };
    let offer = DigestOffer::new(Arc::new(SystemClock::new()), rules);
    let mechanisms = Mechanisms::none().with(offer).with_policy(Policy::default());
    let channel = Channel::new("a.example", Protection::Tls);
    let nonce = "eHh4eHh4eHh4eHh4eHh4eHh4";
    let mut messages = script.split(|byte| *byte == b'\n').map(|message| {
        String::from_utf8(message.to_vec())
            .map_or_else(|_| message.to_vec(), |text| text.replace("NONCE", nonce).into_bytes())
    });
    // The second time, what was known the first time is known.
    for _ in 0..2 {
        let Ok(mut exchange) =
            mechanisms.start("DIGEST-MD5", &channel, &mut |nonce| nonce.fill(b'x'))
        else {
            unreachable!("what is offered starts");
        };
        let mut step = match messages.next() {
            Some(message) => exchange.begin(Some(&message)),
            None => return,
        };
        loop {
            step = match step {
                Step::Challenge(_) => match messages.next() {
                    Some(message) => exchange.respond(&message),
                    None => return,
                },
                Step::Ask(_) => exchange.resume(match choice & 3 {
                    0 => Answer::Unknown,
                    1 => Answer::Unavailable,
                    _ => Answer::Secret {
                        secret: digest::secret("juliet", "a.example", "pencil"),
                        standing: Standing::Good,
                    },
                }),
                Step::Work(_) => unreachable!("it has none"),
                Step::Done(success) => {
                    assert!(choice & 2 != 0, "nobody knows the password: {success:?}");
                    break;
                }
                Step::Failed(_) => {
                    let after = exchange.respond(b"");
                    assert!(matches!(after, Step::Failed(Failure::MalformedRequest)));
                    break;
                }
            };
        }
    }
}
