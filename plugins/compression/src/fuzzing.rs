//! Entry points for fuzz targets; not part of the interface.

use flate2::{Decompress, FlushDecompress, Status};

use crate::{Bounds, zlib::Inflate};

/// Decompresses what a client might send. The first two bytes say how much of it comes at once, and
/// how much of it is asked for.
pub fn inflate(data: &[u8]) {
    let [cut, budget, wire @ ..] = data else { return };
    let (cut, budget) = (usize::from(*cut) + 1, (usize::from(*budget) + 1) * 16);
    let bounds = Bounds { burst: 64 << 10, ratio: 50, ..Bounds::default() };
    let mut inflate = Inflate::new(&bounds);
    let (mut held, mut all) = (Vec::new(), Vec::new());
    let mut sound = true;
    'wire: for piece in wire.chunks(cut) {
        held.extend_from_slice(piece);
        while !held.is_empty() {
            let before = all.len();
            let Ok(taken) = inflate.inbound(&held, &mut all, budget) else {
                sound = false;
                break 'wire;
            };
            assert!(all.len() - before <= budget, "no more than was asked for");
            assert!(taken > 0 || all.len() > before, "it goes on");
            held.drain(..taken);
        }
    }
    assert!(all.len() <= bounds.burst + wire.len() * bounds.ratio + budget, "bounded");
    let mut whole = vec![0; all.len() + 1];
    let mut at_once = Decompress::new(true);
    let (mut taken, mut made) = (0, 0);
    while let Ok(Status::Ok) = at_once.decompress(
        wire.get(taken..).unwrap_or(&[]),
        whole.get_mut(made..).unwrap_or(&mut []),
        FlushDecompress::None,
    ) {
        let now =
            [at_once.total_in(), at_once.total_out()].map(|it| usize::try_from(it).unwrap_or(0));
        if now == [taken, made] {
            break;
        }
        [taken, made] = now;
    }
    made = usize::try_from(at_once.total_out()).unwrap_or(0);
    assert!(whole.starts_with(&all), "the same as all at once");
    assert!(!sound || made == all.len(), "and all of it");
}
