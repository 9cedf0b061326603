//! Two users on tokio-xmpp: STARTTLS and direct TLS, a talk both ways, a wrong password.

use std::error::Error;
use std::time::Duration;

use futures::StreamExt;
use sasl::common::Credentials;
use tokio::time::timeout;
use tokio_xmpp::connect::{
    DirectTlsServerConnector, DnsConfig, ServerConnector, StartTlsServerConnector,
};
use tokio_xmpp::error::AuthError;
use tokio_xmpp::jid::{BareJid, Jid};
use tokio_xmpp::minidom::Element;
use tokio_xmpp::parsers::message::{Lang, Message, MessageType};
use tokio_xmpp::parsers::ns;
use tokio_xmpp::parsers::presence::Presence;
use tokio_xmpp::parsers::sasl::DefinedCondition as SaslCondition;
use tokio_xmpp::parsers::stanza_error::DefinedCondition;
use tokio_xmpp::xmlstream::Timeouts;
use tokio_xmpp::{Client, Event, IqRequest, IqResponse, Stanza, client_login};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Every wait ends after this time, with an error.
const LIMIT: Duration = Duration::from_secs(15);

/// What tends to be lost on the way.
const BODY: &str = "O <Romeo> & 'Romeo' \"\u{2764}\u{fe0f}\"\n\twherefore ]]> art thou";

/// What every login needs, from the environment.
struct Settings {
    romeo: BareJid,
    juliet: BareJid,
    password: String,
    domain: Jid,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let domain = setting("XMPP_DOMAIN")?;
    let users = setting("XMPP_USERS")?;
    let (romeo, juliet) = users.split_once(' ').ok_or("XMPP_USERS holds no two names")?;
    let settings = Settings {
        romeo: format!("{romeo}@{domain}").parse()?,
        juliet: format!("{juliet}@{domain}").parse()?,
        password: setting("XMPP_PASSWORD")?,
        domain: domain.parse()?,
    };
    let starttls = StartTlsServerConnector(address("XMPP_PORT")?);
    check("STARTTLS", &settings, starttls).await?;
    let tls = DirectTlsServerConnector(address("XMPP_TLS_PORT")?);
    check("TLS", &settings, tls).await
}

async fn check<C: ServerConnector>(name: &str, settings: &Settings, connector: C) -> Outcome {
    let mechanism = refused(settings, connector.clone()).await?;
    talk(settings, connector).await?;
    println!("tokio-xmpp: {mechanism} over {name}: ok");
    Ok(())
}

/// Offers a wrong password, and returns the mechanism that was used.
async fn refused<C: ServerConnector>(settings: &Settings, connector: C) -> Outcome<&'static str> {
    let romeo = settings.romeo.clone().into();
    let (stream, binding) = connector.connect(&romeo, ns::JABBER_CLIENT, Timeouts::tight()).await?;
    let (features, stream) = stream.recv_features().await?;
    // The library's own order; it takes SCRAM without the suffix only where nothing can be bound.
    let used = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "PLAIN"]
        .into_iter()
        .find(|name| features.sasl_mechanisms.contains(*name))
        .ok_or("no mechanism that the library has")?;
    let credentials = Credentials::default()
        .with_username(settings.romeo.node().ok_or("the user has no name")?.as_str())
        .with_password(format!("not {}", settings.password))
        .with_channel_binding(binding);
    match timeout(LIMIT, client_login(stream, features.sasl_mechanisms, credentials)).await? {
        Err(tokio_xmpp::Error::Auth(AuthError::Fail(SaslCondition::NotAuthorized))) => Ok(used),
        Err(other) => Err(format!("a wrong password led to {other}").into()),
        Ok(_) => Err("a wrong password was not refused".into()),
    }
}

async fn talk<C: ServerConnector>(settings: &Settings, connector: C) -> Outcome {
    let mut romeo = login(settings, &settings.romeo, connector.clone()).await?;
    let mut juliet = login(settings, &settings.juliet, connector).await?;
    juliet.send_stanza(Presence::available().into()).await?;
    // The answer says that the presence before it was handled.
    asks_the_server(settings, &mut juliet).await?;

    let romeo_is: Jid = romeo.bound_jid().ok_or("romeo is not bound")?.clone().into();
    let juliet_is: Jid = juliet.bound_jid().ok_or("juliet is not bound")?.clone().into();
    romeo.send_stanza(chat(settings.juliet.clone().into(), BODY)).await?;
    receives(&mut juliet, BODY, &romeo_is).await?;
    juliet.send_stanza(chat(romeo_is, "Ay me!")).await?;
    receives(&mut romeo, "Ay me!", &juliet_is).await?;

    timeout(LIMIT, romeo.send_end()).await??;
    timeout(LIMIT, juliet.send_end()).await??;
    Ok(())
}

async fn login<C: ServerConnector>(
    settings: &Settings,
    user: &BareJid,
    connector: C,
) -> Outcome<Client> {
    let password = settings.password.clone();
    let mut client =
        Client::new_with_connector(user.clone(), password, connector, Timeouts::tight());
    match timeout(LIMIT, client.next()).await? {
        Some(Event::Online { .. }) => Ok(client),
        other => Err(format!("{user} is not online but {other:?}").into()),
    }
}

/// A request in a namespace that nobody serves is answered, and with the right error.
async fn asks_the_server(settings: &Settings, client: &mut Client) -> Outcome {
    let query = Element::bare("query", "urn:example:nobody-serves-this");
    let asked = client.send_iq(Some(settings.domain.clone()), IqRequest::Get(query)).await;
    match timeout(LIMIT, asked).await?? {
        IqResponse::Error(error)
            if error.defined_condition == DefinedCondition::ServiceUnavailable =>
        {
            Ok(())
        }
        other => Err(format!("nobody serves this, and yet there came {other:?}").into()),
    }
}

async fn receives(client: &mut Client, body: &str, sender: &Jid) -> Outcome {
    loop {
        let event = timeout(LIMIT, client.next()).await?.ok_or("the stream ended")?;
        let Event::Stanza(Stanza::Message(message)) = event else { continue };
        let (_, found) = message.get_best_body(vec![]).ok_or("a message without a body")?;
        if found != body || message.from.as_ref() != Some(sender) {
            return Err(format!("not what was sent: {message:?}").into());
        }
        return Ok(());
    }
}

fn chat(to: Jid, body: &str) -> Stanza {
    let mut message = Message::new(Some(to));
    message.type_ = MessageType::Chat;
    message.bodies.insert(Lang::default(), body.to_owned());
    message.into()
}

fn address(port: &str) -> Outcome<DnsConfig> {
    Ok(DnsConfig::Addr { addr: format!("{}:{}", setting("XMPP_HOST")?, setting(port)?) })
}

fn setting(name: &str) -> Outcome<String> {
    std::env::var(name).map_err(|_| format!("{name} is not set").into())
}
