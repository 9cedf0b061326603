//! What is said beside a stamp. How messages that wait say it is in the tests of the facade.

use std::sync::{Arc, Mutex};

use sestina_core::{Assembly, AssemblyError, Optional, Plugin, Spec, Stamps};
use sestina_delay_legacy::LegacyDelay;
use sestina_stanza::{Delay, Timestamp};
use sestina_testkit::Scene;

/// Hands out what it is given.
struct Porter(Arc<Mutex<Option<Optional<dyn Stamps>>>>);

impl Plugin for Porter {
    const NAME: &'static str = "porter";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        *self.0.lock().expect("nobody has failed") = Some(to.optional());
        Ok(())
    }
}

async fn beside(scene: Scene, delay: &Delay) -> Option<String> {
    let stamps = Arc::default();
    let _stage = scene.plugin(Porter(Arc::clone(&stamps))).build().await.expect("a server");
    let stamps = stamps.lock().expect("nobody has failed").clone().expect("an installed plugin");
    stamps.provider().map(|it| it.beside(delay).to_string())
}

#[tokio::test(start_paused = true)]
async fn s1_23_the_same_moment_in_whole_seconds() {
    let domain = "capulet.example".parse().expect("a domain");
    let delay = Delay::at(Timestamp::from_unix(982_247_074, 999_000_000)).by(domain);
    let scene = || Scene::new("capulet.example");
    assert_eq!(
        beside(scene().plugin(LegacyDelay), &delay).await.as_deref(),
        Some("<x xmlns='jabber:x:delay' from='capulet.example' stamp='20010215T14:24:34'/>"),
    );
    assert_eq!(beside(scene(), &delay).await, None);
}
