//! MD5 under a key, begun and kept before it is needed (RFC 2195 §3).

use md5::{Digest, Md5, block_api::compress};
use sestina_sasl::Secret;
use zeroize::{Zeroize, Zeroizing};

/// The bytes that MD5 takes at a time.
const BLOCK: usize = 64;

/// What MD5 begins with (RFC 1321 §3.3).
const INIT: State = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

type State = [u32; 4];

/// Both states of MD5 once each has taken the password: enough to answer any challenge, and not the
/// password itself.
pub(crate) fn secret(password: &str) -> Secret {
    let mut key = Zeroizing::new([0; BLOCK]);
    let digest;
    let short = if password.len() > BLOCK {
        digest = Md5::digest(password);
        &digest[..]
    } else {
        password.as_bytes()
    };
    key.iter_mut().zip(short).for_each(|(byte, of)| *byte = *of);
    let mut secret = Zeroizing::new(Vec::with_capacity(32));
    for pad in [0x36, 0x5c] {
        let block = Zeroizing::new(key.map(|byte| byte ^ pad));
        let mut state = INIT;
        compress(&mut state, &[*block]);
        secret.extend(state.iter().flat_map(|word| word.to_le_bytes()));
        state.zeroize();
    }
    secret.into()
}

/// The answer to a challenge, of the password that this was kept of.
pub(crate) fn answer(kept: &[u8; 32], challenge: &[u8]) -> [u8; 16] {
    let (inner, outer) = kept.split_at(16);
    digest(state(outer), &digest(state(inner), challenge))
}

fn state(kept: &[u8]) -> State {
    let mut state = [0; 4];
    for (word, bytes) in state.iter_mut().zip(kept.chunks_exact(4)) {
        *word = bytes.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte));
    }
    state
}

/// The digest of a message before which one block was taken.
fn digest(mut state: State, message: &[u8]) -> [u8; 16] {
    let bits = (BLOCK as u64 + message.len() as u64).wrapping_mul(8);
    let mut padded = message.to_vec();
    padded.push(0x80);
    padded.resize((padded.len() + 8).next_multiple_of(BLOCK) - 8, 0);
    padded.extend(bits.to_le_bytes());
    for block in padded.as_chunks::<BLOCK>().0 {
        compress(&mut state, &[*block]);
    }
    let mut digest = [0; 16];
    for (bytes, word) in digest.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    digest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answered(password: &str, challenge: &[u8]) -> String {
        let kept: [u8; 32] = secret(password).as_bytes().try_into().unwrap();
        answer(&kept, challenge).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// RFC 2195 §2 and RFC 2202 §2.
    #[test]
    fn the_examples_of_the_specifications() {
        let challenge = b"<1896.697170952@postoffice.reston.mci.net>";
        assert_eq!(answered("tanstaaftanstaaf", challenge), "b913a602c7eda7a495b4e6e7334d3890");
        let asked = b"what do ya want for nothing?";
        assert_eq!(answered("Jefe", asked), "750c783e6ab0b503eaa86e310a5db738");
    }

    proptest! {
        #[test]
        fn like_hmac(password in "\\PC{0,120}", challenge in "\\PC{0,200}") {
            let mut key = password.clone().into_bytes();
            if key.len() > BLOCK {
                key = Md5::digest(&key).to_vec();
            }
            key.resize(BLOCK, 0);
            let pad = |pad: u8| key.iter().map(|byte| byte ^ pad).collect::<Vec<_>>();
            let inner = Md5::digest([&pad(0x36)[..], challenge.as_bytes()].concat());
            let outer = Md5::digest([&pad(0x5c)[..], &inner[..]].concat());
            let expected: String = outer.iter().map(|byte| format!("{byte:02x}")).collect();
            prop_assert_eq!(answered(&password, challenge.as_bytes()), expected);
        }
    }
}
