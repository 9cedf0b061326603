//! Rules as clients write them, and what becomes of what comes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod behind;
mod neighbours;

use sestina_filter::Filter;
use sestina_testkit::{Scene, transcripts};

use self::neighbours::{Cellar, Friends};

/// Within narrow bounds, beside somebody who knows contacts and somebody who keeps messages.
fn scene() -> Scene {
    with(narrow())
}

fn narrow() -> Filter {
    Filter { rules: 4, bytes: 900, forwards: 2, hops: 2, ..Filter::default() }
}

fn with(filter: Filter) -> Scene {
    Scene::new("capulet.example").plugin(filter).plugin(Friends).plugin(Cellar::default())
}

transcripts! {
    scene:
    acts,
    asks,
    defects,
    errors,
    exchange,
    loops,
    mixed,
    requests,
}
