//! A connection as an observer sees it: that it came, and why it went.

use sestina_core::{Seen, Server};

/// A connection, from when it comes until it goes.
#[derive(Debug)]
pub(crate) struct Line {
    server: Server,
    pub(crate) over: &'static str,
    pub(crate) why: &'static str,
}

impl Line {
    pub(crate) fn new(server: Server, over: &'static str) -> Self {
        server.see(Seen::Connected { over });
        // Unless somebody knows better: whoever aborts a task tells it nothing.
        Self { server, over, why: "closed" }
    }

    pub(crate) fn ends(mut self, why: &'static str) {
        self.why = why;
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.server.see(Seen::Disconnected { over: self.over, why: self.why });
    }
}
