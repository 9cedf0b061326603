//! Accounts, made while the server runs.

use crate::{
    client::Client,
    daemon::{Daemon, add, printed, run, sestinad},
};

#[test]
fn two_users_chat() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let daemon = Daemon::start(data);
    assert_eq!(add(data, "romeo@localhost", "montague"), "romeo@localhost was made\n");
    assert_eq!(add(data, "juliet", "capulet"), "juliet@localhost was made\n");
    let trusted = data.join("tls/self-made.crt");
    let mut romeo = Client::start_tls(daemon.address("c2s"), &trusted);
    let mut juliet = Client::direct_tls(daemon.address("c2s-tls"), &trusted);
    assert!(romeo.log_in("romeo", "montague", "orchard"));
    assert!(juliet.log_in("juliet", "capulet", "balcony"));
    romeo.send(
        "<message to='juliet@localhost/balcony' type='chat'><body>Shall I hear more?</body></message>",
    );
    juliet.expect("romeo@localhost/orchard");
    juliet.expect("Shall I hear more?");
    juliet.send(
        "<message to='romeo@localhost/orchard' type='chat'><body>Who is that?</body></message>",
    );
    romeo.expect("Who is that?");
}

#[test]
fn removing_an_account_ends_its_sessions() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let daemon = Daemon::start(data);
    add(data, "romeo", "montague");
    let mut romeo = Client::start_tls(daemon.address("c2s"), &data.join("tls/self-made.crt"));
    assert!(romeo.log_in("romeo", "montague", "orchard"));
    printed(&run(sestinad(data).args(["user", "remove", "romeo"]), ""));
    assert!(romeo.read_to_end().ends_with("</stream:stream>"));
}

#[test]
fn disabling_an_account_ends_its_sessions() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let daemon = Daemon::start(data);
    add(data, "romeo", "montague");
    let mut romeo = Client::start_tls(daemon.address("c2s"), &data.join("tls/self-made.crt"));
    assert!(romeo.log_in("romeo", "montague", "orchard"));
    printed(&run(sestinad(data).args(["user", "disable", "romeo"]), ""));
    let ending = romeo.read_to_end();
    assert!(ending.contains("<not-authorized") && ending.ends_with("</stream:stream>"), "{ending}");
}
