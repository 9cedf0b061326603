//! What a stanza costs to check, by the length of the list; and what a list costs to make ready.
//!
//! `cargo bench -p sestina-lists`

use divan::{Bencher, black_box};
use sestina_lists::{List, Matcher, Way};
use sestina_stanza::Jid;

const RULES: [usize; 3] = [1, 100, 10_000];

fn main() {
    divan::main();
}

fn list(rules: usize) -> List {
    let jid = |number| Jid::new(&format!("stranger{number}@verona.example")).expect("an address");
    let mut list = List::default();
    list.block(&(0..rules).map(jid).collect::<Vec<_>>());
    list
}

/// Somebody of whom the list says nothing, who is looked up in every way.
#[divan::bench(args = RULES)]
fn passes(bencher: Bencher<'_, '_>, rules: usize) {
    let matcher = Matcher::new(&list(rules));
    let romeo = Jid::new("romeo@montague.example/orchard").expect("an address");
    bencher.bench(|| matcher.verdict(black_box(Way::Message), black_box(&romeo)));
}

/// Whoever stands last on the list.
#[divan::bench(args = RULES)]
fn is_denied(bencher: Bencher<'_, '_>, rules: usize) {
    let matcher = Matcher::new(&list(rules));
    let last = format!("stranger{}@verona.example/street", rules - 1);
    let last = Jid::new(&last).expect("an address");
    bencher.bench(|| matcher.verdict(black_box(Way::Message), black_box(&last)));
}

#[divan::bench(args = RULES)]
fn is_made_ready(bencher: Bencher<'_, '_>, rules: usize) {
    let list = list(rules);
    bencher.bench(|| Matcher::new(black_box(&list)));
}
