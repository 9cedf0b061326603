//! What plugins let administrators do, at the machine.

use crate::daemon::{Daemon, complaint, printed, run, sestinad};

#[test]
fn commands_are_run_beside_and_without_a_server() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let command =
        |arguments: &[&str], input: &str| run(sestinad(data).arg("command").args(arguments), input);
    let listed = printed(&command(&["list"], ""));
    assert!(listed.contains("http://jabber.org/protocol/admin#add-user\n    Add a user\n"));
    assert!(listed.contains("accountjid: The address of the account\n"), "{listed}");
    assert!(!listed.contains("#shutdown"), "there is nothing to shut down: {listed}");

    let juliet = "accountjid=juliet@localhost";
    let add = ["run", "add-user", juliet, "--password-stdin"];
    assert_eq!(printed(&command(&add, "rose\n")), "done\n");
    let mut daemon = Daemon::start(data);
    let listed = printed(&command(&["list"], ""));
    assert!(listed.contains("#shutdown"), "{listed}");
    let again = command(&add, "rose\n");
    assert!(complaint(&again).contains("conflict"), "{}", complaint(&again));
    let node = "http://jabber.org/protocol/admin#get-registered-users-list";
    let users = printed(&command(&["run", node], ""));
    assert!(users.contains("juliet@localhost"), "{users}");

    let fails = |arguments: &[&str]| complaint(&command(arguments, ""));
    let explained = fails(&["run", "dance"]);
    assert!(explained.contains("no command dance"), "{explained}");
    let explained = fails(&["run", "add-user", juliet, "password=rose"]);
    assert!(explained.contains("can see"), "{explained}");
    let explained = fails(&["run", "delete-user", "accountjids"]);
    assert!(explained.contains("NAME=VALUE"), "{explained}");
    let explained = fails(&["run", "delete-user"]);
    assert!(explained.contains("accountjids"), "{explained}");
    let explained = fails(&[
        "run",
        "delete-user",
        "accountjids=romeo@localhost",
        "accountjids=juliet@localhost",
    ]);
    assert!(explained.contains("romeo@localhost"), "{explained}");
    assert_eq!(printed(&run(sestinad(data).args(["user", "list"]), "")), "");

    assert_eq!(printed(&command(&["run", "shutdown"], "")), "done\n");
    assert!(daemon.wait().success());
}
