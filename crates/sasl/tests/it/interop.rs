//! A client that others wrote.

use sasl::client::Mechanism;
use sasl::client::mechanisms::{Plain, Scram};
use sasl::common::scram::{ScramProvider, Sha1, Sha256};
use sasl::common::{ChannelBinding, Credentials};
use sestina_sasl::{BindingType, Failure, Success};

use crate::server::{EXPORTED, PASSWORD, Reply, Server, bound, tls};

fn log_in<M: Mechanism>(server: &Server, mut client: M) -> Result<Success, Failure> {
    let mut session = server.start(client.name());
    let mut reply = session.begin(Some(&client.initial()));
    loop {
        match reply {
            Reply::Challenge(data) => reply = session.respond(&client.response(&data).unwrap()),
            Reply::Over(Err(failure)) => return Err(failure),
            Reply::Over(Ok(success)) => {
                client.success(success.data.as_deref().unwrap_or_default()).unwrap();
                return Ok(success);
            }
        }
    }
}

fn scram<S: ScramProvider>(password: &str, binding: ChannelBinding) -> Scram<S> {
    let credentials = Credentials::default()
        .with_username("juliet")
        .with_password(password)
        .with_channel_binding(binding);
    Scram::from_credentials(credentials).unwrap()
}

#[test]
fn scram_clients() {
    let server = Server::on(tls());
    for binding in [ChannelBinding::None, ChannelBinding::Unsupported] {
        assert!(log_in(&server, scram::<Sha1>(PASSWORD, binding.clone())).is_ok());
        assert!(log_in(&server, scram::<Sha256>(PASSWORD, binding)).is_ok());
    }
    let wrong = scram::<Sha256>("pencil", ChannelBinding::None);
    assert_eq!(log_in(&server, wrong), Err(Failure::NotAuthorized));
}

#[test]
fn scram_clients_that_bind_the_channel() {
    let server = Server::on(bound());
    let exporter = || ChannelBinding::TlsExporter(EXPORTED.to_vec());
    let success = log_in(&server, scram::<Sha1>(PASSWORD, exporter())).unwrap();
    assert_eq!(success.binding, Some(BindingType::TlsExporter));
    assert!(log_in(&server, scram::<Sha256>(PASSWORD, exporter())).is_ok());
    let elsewhere = ChannelBinding::TlsExporter(b"of another connection".to_vec());
    let failure = log_in(&server, scram::<Sha256>(PASSWORD, elsewhere));
    assert_eq!(failure, Err(Failure::NotAuthorized));
}

#[test]
fn plain_clients() {
    let server = Server::on(tls());
    assert!(log_in(&server, Plain::new("juliet", PASSWORD)).is_ok());
    assert_eq!(log_in(&server, Plain::new("juliet", "pencil")), Err(Failure::NotAuthorized));
}
