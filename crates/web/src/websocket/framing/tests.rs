use proptest::prelude::*;
use tokio_tungstenite::tungstenite::protocol::frame::{
    Frame as Theirs, FrameHeader,
    coding::{Control, Data, OpCode},
};

use super::*;

const MOST: usize = 70_000;

/// Everything that comes of the bytes, cut into pieces.
fn take(bytes: &[u8], piece: usize) -> (Vec<Result<Vec<u8>, u16>>, Vec<u8>) {
    let (mut framing, mut message) = (WebSocketFraming::default(), Vec::new());
    let (mut taken, mut answers) = (Vec::new(), Vec::new());
    for mut input in bytes.chunks(piece.max(1)) {
        loop {
            match framing.take(&mut input, &mut message, MOST) {
                Ok(Taken::More) => break,
                Ok(Taken::Message) => taken.push(Ok(std::mem::take(&mut message))),
                Ok(Taken::Closed) => {
                    framing.answer(&mut answers);
                    return (taken, answers);
                }
                Err(_) => {
                    taken.push(Err(framing.code.unwrap()));
                    return (taken, answers);
                }
            }
            assert!(message.len() <= MOST);
        }
        framing.answer(&mut answers);
    }
    (taken, answers)
}

fn frame(payload: &[u8], code: OpCode, last: bool, mask: [u8; 4]) -> Vec<u8> {
    let header =
        FrameHeader { is_final: last, opcode: code, mask: Some(mask), ..FrameHeader::default() };
    let mut bytes = Vec::new();
    Theirs::from_payload(header, payload.to_vec().into()).format(&mut bytes).unwrap();
    bytes
}

fn text(payload: &[u8]) -> Vec<u8> {
    frame(payload, OpCode::Data(Data::Text), true, [1, 2, 3, 4])
}

#[track_caller]
fn fails(bytes: &[u8], code: u16) {
    for piece in [1, 3, usize::MAX] {
        assert_eq!(take(bytes, piece).0.last(), Some(&Err(code)), "in pieces of {piece}");
    }
}

proptest! {
    #[test]
    fn frames_of_another_library_are_read(
        sizes in prop::collection::vec(prop_oneof![0..200_usize, 65_500..65_600_usize], 1..5),
        cuts in 1..5_usize,
        mask in any::<[u8; 4]>(),
        piece in 1..70_000_usize,
    ) {
        let mut bytes = Vec::new();
        let messages: Vec<Vec<u8>> =
            sizes.iter().map(|len| (0..*len).map(|at| b'a' + (at % 23) as u8).collect()).collect();
        for message in &messages {
            let part = message.len().div_ceil(cuts).max(1);
            let mut parts: Vec<_> = message.chunks(part).collect();
            if parts.is_empty() {
                parts.push(&[]);
            }
            for (at, part) in parts.iter().enumerate() {
                let code = if at == 0 { Data::Text } else { Data::Continue };
                bytes.extend(frame(part, OpCode::Data(code), at + 1 == parts.len(), mask));
                bytes.extend(frame(b"?", OpCode::Control(Control::Ping), true, mask));
                bytes.extend(frame(b"!", OpCode::Control(Control::Pong), true, mask));
            }
        }
        let (taken, answers) = take(&bytes, piece);
        prop_assert_eq!(taken, messages.into_iter().map(Ok).collect::<Vec<_>>());
        prop_assert!(!answers.is_empty() && answers.chunks(3).all(|pong| pong == b"\x8a\x01?"));
    }

    #[test]
    fn whatever_comes_is_taken_the_same_however_it_is_cut(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        piece in 1..20_usize,
    ) {
        prop_assert_eq!(take(&bytes, piece).0, take(&bytes, usize::MAX).0);
    }

    #[test]
    fn another_library_reads_what_is_sealed(len in prop_oneof![0..200_usize, 65_500..65_600_usize]) {
        let mut out = b"before".to_vec();
        out.resize(6 + len, b'x');
        WebSocketFraming::default().seal(&mut out, 6);
        let mut rest = std::io::Cursor::new(&out[6..]);
        let (header, size) = FrameHeader::parse(&mut rest).unwrap().unwrap();
        prop_assert!(header.is_final && header.mask.is_none());
        prop_assert_eq!(header.opcode, OpCode::Data(Data::Text));
        prop_assert_eq!(size, len as u64);
        prop_assert_eq!(out.len() - 6 - rest.position() as usize, len);
    }
}

#[test]
fn what_a_peer_must_not_do_has_a_code() {
    fails(b"\x81\x01x", 1_002); // Not masked.
    fails(b"\xc1\x81....", 1_002); // By an extension.
    fails(b"\x83\x80....", 1_002); // Of no kind.
    fails(&frame(b"x", OpCode::Data(Data::Binary), true, [0; 4]), 1_003);
    fails(&frame(b"x", OpCode::Data(Data::Continue), true, [0; 4]), 1_002);
    let begun = frame(b"x", OpCode::Data(Data::Text), false, [0; 4]);
    fails(&[begun, text(b"y")].concat(), 1_002);
    fails(&frame(b"x", OpCode::Control(Control::Ping), false, [0; 4]), 1_002);
    fails(&frame(&[b'x'; 126], OpCode::Control(Control::Ping), true, [0; 4]), 1_002);
    fails(b"\x81\xfe\x00\x05....", 1_002); // A length longer than it need be.
    fails(b"\x81\xff\x00\x00\x00\x00\x00\x00\xff\xff....", 1_002);
    fails(b"\x81\xff\xff\x00\x00\x00\x00\x01\x00\x00....", 1_002);
    fails(&text(&vec![b'x'; MOST + 1]), 1_009);
    let half = vec![b'x'; MOST / 2 + 1];
    let first = frame(&half, OpCode::Data(Data::Text), false, [0; 4]);
    fails(&[first, frame(&half, OpCode::Data(Data::Continue), true, [0; 4])].concat(), 1_009);
    for close in [&b"x"[..], b"\x03\xe7", b"\x03\xed", b"\x03\xe8\xff"] {
        fails(&frame(close, OpCode::Control(Control::Close), true, [7; 4]), 1_002);
    }
}

#[test]
fn a_close_is_answered_once_and_with_its_own_code() {
    for (said, answered) in [(&b""[..], b"\x88\x02\x03\xe8"), (b"\x03\xe9bye", b"\x88\x02\x03\xe9")]
    {
        let close = frame(said, OpCode::Control(Control::Close), true, [7; 4]);
        let (taken, answers) = take(&[close, text(b"too late")].concat(), 2);
        assert_eq!((taken, answers), (vec![], answered.to_vec()));
    }
    let (mut framing, mut out) = (WebSocketFraming::default(), Vec::new());
    framing.close(&mut out);
    framing.close(&mut out);
    assert_eq!(out, b"\x88\x02\x03\xe8");
}
