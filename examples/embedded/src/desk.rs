//! The application's address, where people write to it.

use std::{collections::VecDeque, sync::Arc};

use parking_lot::Mutex;
use sestina::{
    Plugin, Stanza,
    core::{Assembly, AssemblyError, Refusal, Server, Spec},
    stanza::MessageType,
};

/// How many messages lie on the desk; the oldest make room.
const MOST: usize = 100;

/// Takes what is written to `desk.` before the domain; every clone is of the same.
#[derive(Clone, Debug, Default)]
pub struct Desk(Arc<Mutex<VecDeque<String>>>);

impl Plugin for Desk {
    const NAME: &'static str = "desk";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        to.service("desk", &Arc::new(self), Self::take)
    }
}

impl Desk {
    async fn take(&self, stanza: Stanza, server: &Server) -> Result<(), Refusal> {
        let (Some(from), Some(to)) = (stanza.from(), stanza.to()) else { return Ok(()) };
        let Some(text) = stanza.body().filter(|_| stanza.reported_error().is_none()) else {
            return Ok(());
        };
        {
            let mut desk = self.0.lock();
            desk.truncate(MOST - 1);
            desk.push_front(format!("{}: {text}", from.to_bare()));
        }
        let thanks = Stanza::message(MessageType::Chat).from(to.clone()).to(from.clone());
        server.route(thanks.body("It lies on the desk.").build()).await;
        Ok(())
    }

    /// What was written, the latest first.
    #[must_use]
    pub fn read(&self) -> Vec<String> {
        self.0.lock().iter().cloned().collect()
    }
}
