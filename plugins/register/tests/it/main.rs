//! Registration as clients see it, and what it leaves behind.

mod details;
mod doors;
mod removal;

use sestina_register::{Bounds, Registration};
use sestina_testkit::{Scene, transcripts};

/// Within narrow bounds.
fn scene() -> Scene {
    let bounds = Bounds { username: 20, shortest_password: 4, password: 32, detail: 16 };
    Scene::new("capulet.example").plugin(Registration { bounds, ..Registration::default() })
}

transcripts! {
    scene:
    changes_a_password,
    makes_an_account,
    refuses_strangers,
    removes_an_account,
    takes_forms,
}

/// What a stranger asks for.
fn wish(id: &str, name: &str) -> String {
    format!(
        "<iq type='set' id='{id}'><query xmlns='jabber:iq:register'>\
         <username>{name}</username><password>{name}</password></query></iq>"
    )
}
