//! Five sessions of long ago, each replayed against a server with the preset that is named after it.
//!
//! By itself each is played twice, in writes as they stand and byte by byte. `cargo xtask transcripts`
//! has every boundary between two bytes cut in a run of its own or with few others, and one shown.

mod chopped;
mod house;
mod proofs;
mod rows;

use std::path::PathBuf;

use sestina_testkit::perform;

use self::{chopped::Cut, house::House};

/// As it stands, and every byte by itself.
const CUTS: [Cut; 2] = [Cut::Nowhere, Cut::Behind { first: 1, every: 1 }];

/// Bytes between two cuts when somebody has the time to have every one of them made: this many runs
/// make each once, with whole pieces around it.
const EVERY: usize = 24;

fn replay(preset: &str, domain: &str) {
    let how = std::env::var("TRANSCRIPTS").unwrap_or_default();
    let shown = how == "show";
    let more = (1..=EVERY).map(|first| Cut::Behind { first, every: EVERY });
    let cuts: Vec<_> = match how.as_str() {
        "show" => vec![Cut::Nowhere],
        "cut" => CUTS.into_iter().chain(more).collect(),
        _ => CUTS.into(),
    };
    let path = folder().join(preset).with_extension("scs");
    let transcript = std::fs::read_to_string(&path).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for cut in cuts {
        let house = House::open(preset, domain, cut, shown);
        if let Err(failure) = runtime.block_on(perform(&house, &transcript)) {
            panic!("{}, {cut}, {failure}", path.display());
        }
        if how == "cut" {
            println!("{preset}: {cut}: as written");
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
