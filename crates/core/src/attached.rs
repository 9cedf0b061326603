//! Sessions of the host program itself, without a socket or a byte of XML.

use std::{
    fmt,
    future::poll_fn,
    sync::Arc,
    task::{Poll, ready},
};

use sestina_stanza::{Jid, Stanza, StanzaError, StreamError};

use crate::{
    Outbound, Server,
    server::{Handling, Whose},
    session::Session,
};

/// A session that the host program carries: it sends stanzas and takes those it is sent.
///
/// Such a session is like any other. It has the bounds of one, is found at its address, and every
/// plugin's hooks see what it sends. Dropped without [`close`](Self::close), it ends all the same,
/// and nobody waits for that.
///
/// ```
/// # use sestina_core::{Assembly, Settings};
/// # use sestina_stanza::{Jid, MessageType, Stanza};
/// # async fn demo() -> Result<(), Box<dyn std::error::Error>> {
/// # let settings = Settings::new("capulet.example".parse()?, sestina_store::memory());
/// # let server = Assembly::new(settings).build().await?;
/// let mut juliet = server.attach("juliet@capulet.example/app".parse()?).await?;
/// let romeo = server.attach("romeo@capulet.example/app".parse()?).await?;
/// romeo.send(Stanza::message(MessageType::Chat).to(juliet.jid().clone()).body("Hark!").build()).await?;
/// assert_eq!(juliet.receive().await?.body().as_deref(), Some("Hark!"));
/// # Ok(())
/// # }
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(demo()).unwrap();
/// ```
pub struct Attached {
    server: Server,
    session: Arc<Session>,
    open: bool,
}

/// The session has ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Ended {
    /// Why, if the server has said so.
    pub error: Option<StreamError>,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.error {
            Some(error) => write!(f, "the session has ended: {error}"),
            None => f.write_str("the session has ended"),
        }
    }
}

impl std::error::Error for Ended {}

impl Server {
    /// Binds a session for the host program. The account need not exist.
    ///
    /// # Errors
    ///
    /// `jid-malformed` where the address is not full or its domain is not served, and what binding
    /// can fail with.
    pub async fn attach(&self, jid: Jid) -> Result<Attached, StanzaError> {
        let session = self.bind_jid(jid, true, Whose::Anybody).await?;
        Ok(Attached { server: self.clone(), session, open: true })
    }
}

impl Attached {
    /// The full JID.
    #[must_use]
    pub fn jid(&self) -> &Jid {
        self.session.jid()
    }

    /// The session.
    #[must_use]
    pub fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// Sends a stanza, and waits until the server has done with it.
    ///
    /// # Errors
    ///
    /// When the session has ended, or the stanza claims to be from somebody else.
    pub async fn send(&self, stanza: Stanza) -> Result<(), Ended> {
        if self.session.is_ending() {
            return Err(Ended { error: self.session.reason() });
        }
        match self.server.receive(&self.session, stanza) {
            Handling::Done => Ok(()),
            Handling::Pending(rest) => {
                rest.await;
                Ok(())
            }
            Handling::Close(error) => Err(Ended { error: Some(error) }),
        }
    }

    /// Waits for the next stanza.
    ///
    /// # Errors
    ///
    /// When the server has ended the session.
    ///
    /// # Cancel safety
    ///
    /// A call that is dropped has taken nothing.
    pub async fn receive(&mut self) -> Result<Stanza, Ended> {
        poll_fn(|cx| {
            let session = &self.session;
            let mut next = None;
            loop {
                // Of what belongs to a stream, there being none, nobody needs to hear.
                match ready!(session.poll_outbound(cx, |item| {
                    next = item.stanza().cloned();
                    next.is_none()
                })) {
                    Outbound::End(error) => return Poll::Ready(Err(Ended { error })),
                    Outbound::Stanzas => session.pass(),
                }
                if let Some(stanza) = next.take() {
                    return Poll::Ready(Ok(stanza));
                }
            }
        })
        .await
    }

    /// Ends the session; what it has not read is routed anew.
    pub async fn close(mut self) {
        self.open = false;
        self.server.close(&self.session).await;
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        if self.open {
            self.server.forget(&self.session);
        }
    }
}

impl fmt::Debug for Attached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Attached").field(&self.session).finish()
    }
}
