//! Logging in as clients did before SASL.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod client;
mod methods;
mod records;
mod streams;

use sestina_core::Conflict;
use sestina_iq_auth::IqAuth;
use sestina_testkit::{Scene, transcripts};

/// Every method is spoken.
fn all() -> IqAuth {
    IqAuth { digest: true, zero_knowledge: true, ..IqAuth::default() }
}

fn with(auth: IqAuth) -> Scene {
    Scene::new("capulet.example").plugin(auth)
}

fn scene() -> Scene {
    with(all())
}

fn strict() -> Scene {
    scene().settings(|settings| settings.conflict = Conflict::Refuse)
}

transcripts! {
    strict:
    s1_03_strange_names,
    s1_04_lists_the_fields,
    s1_05_logs_in_with_a_password,
    s1_05_minds_conflicts,
    s1_08_refuses_a_record,
    s1_29_reuses_ids,
}
