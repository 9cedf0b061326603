//! Runs the hub, with many devices.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::Stdio;

use sestina_testkit::Client;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::Command,
};

/// Devices that come.
const DEVICES: u64 = 400;

/// Bytes that each may take of the hub's memory, in a build that is not optimised.
const MOST: u64 = 12 * 1024;

async fn log_in(address: &str) -> Client {
    let mut device = Client::new(TcpStream::connect(address).await.unwrap(), "hub");
    device.open().await;
    device
        .send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'>=</auth>")
        .await;
    assert_eq!(device.receive().await.root().name(), "success");
    device.open().await;
    device.bind(None).await;
    device
}

#[tokio::test]
async fn many_devices_talk_to_a_small_hub() {
    let mut hub = Command::new(env!("CARGO_BIN_EXE_iot-hub"))
        .arg("127.0.0.1:0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut orders = hub.stdin.take().unwrap();
    let mut said = BufReader::new(hub.stdout.take().unwrap()).lines();
    let first = said.next_line().await.unwrap().unwrap();
    let (_, rest) = first.split_once(" on ").unwrap();
    let address = rest.split_once(',').unwrap().0;

    let mut devices = Vec::new();
    for _ in 0..DEVICES {
        devices.push(log_in(address).await);
    }
    orders.write_all(b"count\n").await.unwrap();
    let count = said.next_line().await.unwrap().unwrap();
    println!("{count}");
    let (devices_said, each) = count.split_once(" devices, ").unwrap();
    assert_eq!(devices_said, DEVICES.to_string());
    let each: u64 = each.strip_suffix(" bytes each").unwrap().parse().unwrap();
    assert!(each < MOST, "{count}");

    // The hub hears a device, and every device the hub.
    let [first, second, ..] = &mut devices[..] else { unreachable!() };
    let name = first.jid().unwrap().local().unwrap().to_owned();
    first.send("<message to='readings.hub'><body>21.5</body></message>").await;
    assert_eq!(said.next_line().await.unwrap().unwrap(), format!("{name}: 21.5"));
    orders.write_all(b"off\n").await.unwrap();
    for device in [&mut *first, &mut *second] {
        let order = device.receive().await;
        assert_eq!(order.child("body", "jabber:client").unwrap().text(), "off");
    }

    // Devices reach nobody else, and say little.
    let other = second.jid().unwrap().clone();
    first.send(format!("<message to='{other}'><body>psst</body></message>")).await;
    let refused = first.receive().await;
    assert_eq!(refused.attr("type"), Some("error"));
    let long = "x".repeat(10_000);
    first.send(format!("<message to='readings.hub'><body>{long}</body></message>")).await;
    let end = first.receive().await;
    assert!(end.child("policy-violation", "urn:ietf:params:xml:ns:xmpp-streams").is_some());

    // Without orders there is no hub.
    drop(orders);
    drop(devices);
    assert!(hub.wait().await.unwrap().success());
}
