//! Contacts and presence as clients see them, and what they leave behind.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bounds;
mod capability;
mod crowd;
mod faults;
mod features;
mod moving;
mod removal;
mod wishes;

use sestina_roster::{Bounds, Roster};
use sestina_testkit::{Scene, transcripts};

/// Within narrow bounds.
fn scene() -> Scene {
    let bounds = Bounds {
        contacts: 5,
        bytes: 4 << 10,
        name: 20,
        groups: 3,
        group: 20,
        requests: 2,
        request: 300,
        changes: 8,
        directed: 3,
    };
    Scene::new("capulet.example").plugin(Roster { bounds })
}

transcripts! {
    scene:
    approving_early,
    becoming_contacts,
    directed,
    elsewhere,
    list,
    parting,
    presence,
    removing_a_contact,
    requests_wait,
    versions,
}
