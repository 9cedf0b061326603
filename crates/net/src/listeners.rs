//! The tasks that accept connections, each at its address.

use std::{fmt, net::SocketAddr};

use parking_lot::Mutex;
use tokio::task::JoinHandle;

/// Tasks that accept connections, each at its address. Dropped, they accept no more.
#[derive(Default)]
pub struct Listeners(Mutex<Vec<(SocketAddr, JoinHandle<()>)>>);

impl Listeners {
    /// Runs a task that has a listening socket, until it is stopped.
    pub fn add(&self, address: SocketAddr, task: impl Future<Output = ()> + Send + 'static) {
        self.0.lock().push((address, tokio::spawn(task)));
    }

    /// Stops what accepts at an address; says whether anything did. The address can be taken by others
    /// once this has returned.
    pub async fn stop(&self, address: SocketAddr) -> bool {
        let stopped: Vec<_> = {
            let mut all = self.0.lock();
            let (stopped, kept) =
                std::mem::take(&mut *all).into_iter().partition(|(it, _)| *it == address);
            *all = kept;
            stopped
        };
        let any = !stopped.is_empty();
        for (_, task) in stopped {
            task.abort();
            // Its socket is closed with it.
            let _aborted = task.await;
        }
        any
    }

    /// Stops all of them.
    pub fn stop_all(&self) {
        for (_, task) in self.0.lock().drain(..) {
            task.abort();
        }
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        self.stop_all();
    }
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.lock().iter().map(|(address, _)| *address)).finish()
    }
}
