//! Requests that belong to streams but reach a server as stanzas, once a resource is bound.

use sestina_stanza::{Condition, IqType, ns};
use sestina_xml::Element;
use tower::service_fn;

use crate::{
    IqHandler, IqRequest, Refusal, Scope, assembly::CORE, error::AssemblyError, iq::IqTable,
};

/// Answers the session request of old clients, and refuses to bind twice unless a plugin answers that.
pub(crate) fn install(iqs: &mut IqTable, several: bool) -> Result<(), AssemblyError> {
    // RFC 3921 §3, which RFC 6121 made a formality.
    let session =
        IqHandler::service(IqType::Set, "session", ns::SESSION, service_fn(accept)).hidden();
    // RFC 6120 §7: one resource a stream.
    let bind = IqHandler::service(IqType::Set, "bind", ns::BIND, service_fn(refuse)).hidden();
    // For one's own account only: nobody learns from it who else has one.
    for scope in [Scope::Own, Scope::Server] {
        iqs.claim(CORE, scope.clone(), session.clone())?;
        if !several {
            iqs.claim(CORE, scope, bind.clone())?;
        }
    }
    Ok(())
}

async fn accept(_: IqRequest) -> Result<Option<Element>, Refusal> {
    Ok(None)
}

async fn refuse(_: IqRequest) -> Result<Option<Element>, Refusal> {
    Err(Condition::NotAllowed.into())
}
