//! Listeners: over their bounds, and out of file descriptors.

use std::{fs::File, process::Command, time::Duration};

use sestina_net::Bounds;
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};

use crate::client::{HEADER, Stage};

#[tokio::test]
async fn connections_beyond_the_bound_are_told_and_turned_away() {
    let stage = Stage::new(Bounds { connections: 2, ..Bounds::default() }).await;
    let juliet = stage.login("juliet").await;
    let mut romeo = stage.login("romeo").await;
    assert_eq!(stage.network.connections(), 2);
    let turned_away = stage.connect().await.rest().await;
    assert!(turned_away.starts_with("<?xml version='1.0'?><stream:stream "), "{turned_away}");
    assert!(turned_away.contains("<policy-violation"), "{turned_away}");
    assert!(turned_away.ends_with("</stream:stream>"), "{turned_away}");
    // A place that becomes free is taken again.
    drop(juliet);
    while stage.network.connections() == 2 {
        sleep(Duration::from_millis(1)).await;
    }
    stage.login("juliet").await;
    romeo.send("<iq type='get' id='1' to='capulet.example'><q xmlns='q'/></iq>").await;
    romeo.until("</iq>").await;
}

#[tokio::test]
async fn a_listener_goes_and_who_came_by_it_stays() {
    let stage = Stage::new(Bounds::default()).await;
    let mut romeo = stage.login("romeo").await;
    assert!(stage.network.stop_listening(stage.address).await);
    assert!(!stage.network.stop_listening(stage.address).await);
    assert!(TcpStream::connect(stage.address).await.is_err());
    // The address can be taken at once.
    TcpListener::bind(stage.address).await.unwrap();
    romeo.send("<iq type='get' id='1' to='capulet.example'><q xmlns='q'/></iq>").await;
    romeo.until("</iq>").await;
}

#[tokio::test]
async fn other_bounds_go_for_whoever_comes_then() {
    let stage = Stage::new(Bounds::default()).await;
    let mut romeo = stage.login("romeo").await;
    let mut few = Bounds { connections: 2, ..Bounds::default() };
    few.authenticated.element_bytes = 10_000;
    assert!(stage.network.set_bounds("capulet.example", few).unwrap());
    assert!(!stage.network.set_bounds("verona.example", few).unwrap());
    let none = Bounds { connections: 0, ..few };
    assert!(stage.network.set_bounds("capulet.example", none).is_err());
    let mut juliet = stage.login("juliet").await;
    assert!(stage.connect().await.rest().await.contains("<policy-violation"));
    let long = "x".repeat(20_000);
    let long = format!("<iq type='get' id='1' to='capulet.example'><q xmlns='q'>{long}</q></iq>");
    romeo.send(&long).await;
    romeo.until("</iq>").await;
    juliet.send(&long).await;
    assert!(juliet.rest().await.contains("<policy-violation"));
}

/// Set in the process that is short of descriptors.
const SHORT: &str = "SESTINA_TEST_SHORT_OF_DESCRIPTORS";

/// Descriptors that process has: enough to start with.
const DESCRIPTORS: usize = 64;

#[test]
fn a_listener_outlives_a_lack_of_descriptors() {
    if std::env::var_os(SHORT).is_some() {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        return runtime.unwrap().block_on(run_short());
    }
    let test = std::env::current_exe().unwrap();
    let run = format!("ulimit -n {DESCRIPTORS} && exec \"$0\" \"$@\"");
    let shell = Command::new("sh")
        .args(["-c", &run])
        .arg(test)
        .args(["--exact", "listeners::a_listener_outlives_a_lack_of_descriptors", "--nocapture"])
        .env(SHORT, "1")
        .output();
    let Ok(output) = shell else {
        eprintln!("SKIPPED: there is no sh to lower the limit on file descriptors with");
        return;
    };
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("ran out of descriptors"), "{said}");
}

async fn run_short() {
    let stage = Stage::new(Bounds::default()).await;
    let mut romeo = stage.login("romeo").await;
    let mut held = Vec::new();
    let error = loop {
        match File::open("/dev/null") {
            Ok(file) => held.push(file),
            Err(error) => break error,
        }
        assert!(held.len() < DESCRIPTORS, "the limit is not in force");
    };
    println!("ran out of descriptors: {error}");
    // The client's end takes the last one; the system has taken the connection, and the listener
    // cannot.
    drop(held.pop());
    let mut waiting = stage.connect().await;
    waiting.send(HEADER).await;
    // Whoever is in is served, for longer than a listener rests.
    for id in 0..10 {
        let iq = format!("<iq type='get' id='{id}' to='capulet.example'><q xmlns='q'/></iq>");
        romeo.send(&iq).await;
        romeo.until("</iq>").await;
        sleep(Duration::from_millis(30)).await;
    }
    assert_eq!(stage.network.connections(), 1);
    drop(held);
    let served = timeout(Duration::from_secs(30), waiting.until("</stream:features>"));
    served.await.expect("the listener goes on");
    stage.login("juliet").await;
}

#[tokio::test]
async fn a_listener_that_is_shut_down_listens_no_more() {
    let stage = Stage::new(Bounds::default()).await;
    stage.network.shut_down().await;
    // The system may still take the connection; nobody speaks on it.
    if let Ok(mut late) = TcpStream::connect(stage.address).await {
        let mut said = String::new();
        let read = timeout(Duration::from_secs(10), late.read_to_string(&mut said)).await;
        assert!(matches!(read, Ok(Ok(0) | Err(_))), "{said}");
    }
}
