#![doc = include_str!("../README.md")]

mod query;

use std::sync::Arc;

use sestina_core::{
    Assembly, AssemblyError, Plugin, Refusal, Scope, Server, Session, Set, Spec, answer,
};
use sestina_stanza::{Condition, ns};
use sestina_stream::{Feature, View};
use sestina_xml::Element;

pub use self::query::{Bind, Unbind};

/// Lets a client bind several resources on one stream.
#[derive(Clone, Copy, Debug)]
pub struct Multibind {
    /// How many resources one stream can have bound; the default is 8.
    pub resources: usize,
}

impl Default for Multibind {
    fn default() -> Self {
        Self { resources: 8 }
    }
}

impl Plugin for Multibind {
    const NAME: &'static str = "multibind";
    const SPECS: &'static [Spec] = &[Spec::xep(193, "1.0")];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        if self.resources < 2 {
            return Err(to.bad_setting("resources", "at least 2"));
        }
        let several = Arc::new(self);
        to.several_resources();
        to.stream_feature(several.clone());
        // A request of a stream is addressed to nobody, or to the server.
        for scope in [Scope::Own, Scope::Server] {
            to.iq(scope.clone(), answer(&several, Self::bind).hidden())?;
            to.iq(scope, answer(&several, Self::unbind).hidden())?;
        }
        Ok(())
    }
}

impl Multibind {
    async fn bind(&self, ask: Set<Bind>, server: &Server) -> Result<Bind, Refusal> {
        let session = session(ask.origin.session.as_ref())?;
        let wanted = ask.payload.resource.as_deref();
        let bound = server.bind_beside(session, wanted, self.resources).await?;
        Ok(Bind { resource: None, jid: Some(bound.jid().clone()) })
    }

    async fn unbind(&self, ask: Set<Unbind>, server: &Server) -> Result<(), Refusal> {
        let session = session(ask.origin.session.as_ref())?;
        Ok(server.unbind(session, &ask.payload.resource).await?)
    }
}

/// Whose stream it is: whoever asks in another way has none.
fn session(session: Option<&Arc<Session>>) -> Result<&Arc<Session>, Refusal> {
    session.ok_or_else(|| Condition::ServiceUnavailable.into())
}

impl Feature for Multibind {
    /// Beside the binding of the first resource (XEP-0193 §2).
    fn advertise(&self, view: &View<'_>) -> Option<Element> {
        view.is_authenticated().then(|| Element::builder("unbind", ns::BIND).build())
    }
}
