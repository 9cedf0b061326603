//! Mechanisms written for the `sasl` crate.

use sasl::common::Identity;
use sasl::secret;
use sasl::server::mechanisms::Plain;
use sasl::server::{Mechanism, MechanismError, Response, Validator, ValidatorError};
use sestina_sasl::{Failure, ForeignOffer, Mechanisms, Standing};

use crate::server::{PASSWORD, Server, tls};

struct Passwords;

impl Validator<secret::Plain> for Passwords {
    fn validate(&self, identity: &Identity, given: &secret::Plain) -> Result<(), ValidatorError> {
        let known = [Identity::from("juliet"), Identity::from("nurse")];
        if known.contains(identity) && given.0 == PASSWORD {
            Ok(())
        } else {
            Err(ValidatorError::AuthenticationFailed)
        }
    }
}

/// Counts to two before it believes anything.
struct Slow(u8);

impl Mechanism for Slow {
    fn name(&self) -> &str {
        "X-SLOW"
    }

    fn respond(&mut self, _: &[u8]) -> Result<Response, MechanismError> {
        self.0 += 1;
        Ok(match self.0 {
            1 => Response::Proceed(b"again".to_vec()),
            _ => Response::Success(Identity::None, b"welcome".to_vec()),
        })
    }
}

fn server() -> Server {
    let mut server = Server::on(tls());
    server.mechanisms = Mechanisms::none()
        .with(
            ForeignOffer::new("PLAIN", |_: &_| Box::new(Plain::new(Passwords)))
                .revealing_password(),
        )
        .with(ForeignOffer::new("X-SLOW", |_: &_| Box::new(Slow(0))));
    server
}

#[test]
fn outcomes() {
    let mut server = server();
    let log_in = |server: &Server, message: String| {
        server.play("PLAIN", &[message.as_bytes()]).map(|success| success.identity)
    };
    let juliet = sestina_sasl::Identity::Account("juliet".to_owned());
    assert_eq!(log_in(&server, format!("\0juliet\0{PASSWORD}")), Ok(juliet));
    assert_eq!(log_in(&server, "\0juliet\0x".to_owned()), Err(Failure::NotAuthorized));
    assert_eq!(log_in(&server, "juliet".to_owned()), Err(Failure::MalformedRequest));
    // The mechanism knows her, and the server does not.
    assert_eq!(log_in(&server, format!("\0nurse\0{PASSWORD}")), Err(Failure::NotAuthorized));
    server.standing = Standing::Disabled;
    assert_eq!(log_in(&server, format!("\0juliet\0{PASSWORD}")), Err(Failure::AccountDisabled));
}

#[test]
fn steps_are_work() {
    let server = server();
    let mut session = server.start("X-SLOW");
    assert_eq!(session.begin(Some(b"")).challenge(), b"again");
    let success = session.respond(b"").result().unwrap();
    assert_eq!(success.identity, sestina_sasl::Identity::Anonymous);
    assert_eq!(success.data.as_deref(), Some(&b"welcome"[..]));
    assert_eq!(session.log, ["work", "challenge", "work", "done"]);
}
