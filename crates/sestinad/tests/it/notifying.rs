//! What a service manager is told.

use std::{os::unix::net::UnixDatagram, path::Path};

use crate::daemon::{Daemon, PATIENCE, printed, run, sestinad};

fn heard(manager: &UnixDatagram) -> String {
    let mut heard = [0; 256];
    let length = manager.recv(&mut heard).unwrap();
    let heard = String::from_utf8_lossy(&heard[..length]).into_owned();
    heard.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_service_manager_hears_when_it_is_ready_reloads_and_stops() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut daemon = start(data.path(), &path);
    assert_eq!(heard(&manager), "READY=1");
    printed(&run(sestinad(data.path()).arg("reload"), ""));
    assert_eq!((heard(&manager), heard(&manager)), ("RELOADING=1".into(), "READY=1".into()));
    daemon.signal("TERM");
    assert_eq!(heard(&manager), "STOPPING=1");
    assert_eq!(daemon.wait().code(), Some(0));
}

fn start(data: &Path, socket: &Path) -> Daemon {
    Daemon::start_notifying(data, socket)
}
