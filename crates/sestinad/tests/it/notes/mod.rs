//! Five sessions of long ago, each replayed against a server with the preset that is named after it.
//!
//! By itself each is played twice, in writes as they stand and byte by byte. `cargo xtask transcripts`
//! has them cut in more ways, and shown.

mod chopped;
mod house;
mod proofs;
mod rows;

use std::path::PathBuf;

use sestina_testkit::perform;

use self::house::House;

/// The most bytes of a write: no limit, then every boundary between two bytes.
const CUTS: &[usize] = &[usize::MAX, 1];

/// The same when somebody has the time for it: others put boundaries where the first have none, such
/// as within what TLS encrypts at once.
const MORE_CUTS: &[usize] = &[usize::MAX, 1, 2, 3, 5, 7, 16, 61, 250];

fn replay(preset: &str, domain: &str) {
    let how = std::env::var("TRANSCRIPTS").unwrap_or_default();
    let shown = how == "show";
    let cuts = match how.as_str() {
        "show" => &CUTS[..1],
        "cut" => MORE_CUTS,
        _ => CUTS,
    };
    let path = folder().join(preset).with_extension("scs");
    let transcript = std::fs::read_to_string(&path).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for &cut in cuts {
        let house = House::open(preset, domain, cut, shown);
        if let Err(failure) = runtime.block_on(perform(&house, &transcript)) {
            let path = path.display();
            panic!("{path}, in writes of at most {cut} bytes, {failure}");
        }
    }
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/notes"))
}

/// The first note: a server of 2001, and a client from before XMPP 1.0.
#[test]
fn jabberd14() {
    replay("jabberd14", "capulet.example");
}

/// The second: DIGEST-MD5 and a server of the second generation.
#[test]
fn pidgin() {
    replay("pidgin", "capulet.example");
}

/// The third: a client that takes up TLS.
#[test]
fn psi() {
    replay("psi", "montague.example");
}

/// The fourth: a device that makes itself an account.
#[test]
fn rabbit() {
    replay("rabbit", "verona");
}

/// The fifth: how a library sees contact lists.
#[test]
fn perl_roster() {
    replay("perl-roster", "capulet.example");
}
