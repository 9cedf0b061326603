//! Who plays in these tests: plugins of a few lines, and sessions to watch.

use std::sync::Arc;

use parking_lot::Mutex;
use sestina_core::Attached;
use sestina_stanza::Stanza;
use sestina_testkit::{Scene, Stage};
use sestina_xml::{Element, Limits};

pub(crate) const ROMEO: &str = "romeo@capulet.example/orchard";
pub(crate) const JULIET: &str = "juliet@capulet.example/balcony";

pub(crate) fn scene() -> Scene {
    Scene::new("capulet.example").account("romeo@capulet.example").account("juliet@capulet.example")
}

pub(crate) async fn stage(scene: Scene) -> Stage {
    scene.build().await.unwrap()
}

/// What happened, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn note(&self, what: impl Into<String>) {
        self.0.lock().push(what.into());
    }

    /// Takes what has happened since the last look.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock())
    }
}

/// A plugin that notes down what it sees: `plugin!(Type, "name", |log, to| { … })`.
macro_rules! plugin {
    ($type:ident, $name:literal, $install:expr) => {
        #[derive(Debug, Default)]
        struct $type($crate::cast::Log);

        impl sestina_core::Plugin for $type {
            const NAME: &'static str = $name;
            const SPECS: &'static [sestina_core::Spec] = &[];

            fn install(
                self,
                to: &mut sestina_core::Assembly,
            ) -> Result<(), sestina_core::AssemblyError> {
                type Install = fn(
                    std::sync::Arc<$crate::cast::Log>,
                    &mut sestina_core::Assembly,
                ) -> Result<(), sestina_core::AssemblyError>;
                let install: Install = $install;
                install(std::sync::Arc::new(self.0), to)
            }
        }
    };
}
pub(crate) use plugin;

/// Reads a stanza as a client's stream would have it.
pub(crate) fn stanza(xml: &str) -> Stanza {
    let end = xml.find([' ', '>', '/']).unwrap();
    let xml = format!("{} xmlns='jabber:client'{}", &xml[..end], &xml[end..]);
    Stanza::read(Element::parse(xml, &Limits::default()).unwrap()).unwrap()
}

/// Sends a stanza written as XML.
pub(crate) async fn send(from: &Attached, xml: &str) {
    from.send(stanza(xml)).await.unwrap();
}

/// A stanza as it is written to a stream.
pub(crate) fn text(stanza: &Stanza) -> String {
    let mut out = Vec::new();
    stanza.write(&mut out);
    String::from_utf8(out).unwrap()
}

/// Everything that waits for a session.
pub(crate) async fn heard(session: &mut Attached) -> Vec<Stanza> {
    let mut heard = Vec::new();
    while session.session().queued() > 0 {
        heard.push(session.receive().await.unwrap());
    }
    heard
}

/// What waits for a session, each as `kind id`, and the condition of errors.
pub(crate) async fn gist(session: &mut Attached) -> Vec<String> {
    let gist = |stanza: &Stanza| {
        let id = stanza.id().unwrap_or("-");
        match stanza.reported_error() {
            Some(error) => format!("{id} {}", error.condition().name()),
            None => id.to_owned(),
        }
    };
    heard(session).await.iter().map(gist).collect()
}
