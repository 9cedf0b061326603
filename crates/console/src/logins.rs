//! Who is logged in to a console.

use std::{collections::HashMap, fmt, time::Duration};

use parking_lot::Mutex;
use sestina_core::{Proof, Server};
use subtle::ConstantTimeEq;
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::Access;

/// Random bytes of a token.
const TOKEN: usize = 32;

/// A secret that was drawn for somebody; shown in no log.
#[derive(Clone)]
pub(crate) struct Token(Zeroizing<String>);

impl Token {
    pub(crate) fn draw(server: &Server) -> Self {
        let mut random = [0; TOKEN];
        server.entropy().fill(&mut random);
        let text: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        Self(Zeroizing::new(text))
    }

    /// One that somebody has brought.
    pub(crate) fn brought(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether this is it, in a time that does not tell how much of it is right.
    pub(crate) fn is(&self, given: &str) -> bool {
        self.0.as_bytes().ct_eq(given.as_bytes()).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// A login, as its owner's requests find it.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    pub(crate) proof: Proof,
    /// What a page must know to change something.
    pub(crate) csrf: Token,
    began: Instant,
    seen: Instant,
}

/// All logins, by their tokens.
#[derive(Debug)]
pub(crate) struct Logins {
    held: Mutex<HashMap<String, Login>>,
    most: usize,
    idle: Duration,
    longest: Duration,
}

impl Logins {
    pub(crate) fn new(access: &Access) -> Self {
        Self {
            held: Mutex::default(),
            most: access.logins.max(1),
            idle: access.idle,
            longest: access.longest,
        }
    }

    /// Lets somebody in; hands back by which token they are known, and what their pages must know.
    pub(crate) fn begin(&self, proof: Proof, server: &Server) -> (Token, Token) {
        let (token, csrf) = (Token::draw(server), Token::draw(server));
        let now = Instant::now();
        let login = Login { proof, csrf: csrf.clone(), began: now, seen: now };
        let mut held = self.held.lock();
        held.retain(|_, login| self.lives(login, now));
        if held.len() >= self.most {
            let idlest = held.iter().min_by_key(|(_, login)| login.seen);
            if let Some(idlest) = idlest.map(|(token, _)| token.clone()) {
                held.remove(&idlest);
            }
        }
        held.insert(token.reveal().to_owned(), login);
        (token, csrf)
    }

    /// The login of a token, unless it is over. It counts as used, but not by what runs by itself.
    pub(crate) fn find(&self, token: &Token, used: bool) -> Option<Login> {
        let now = Instant::now();
        let mut held = self.held.lock();
        let login = held.get_mut(token.reveal())?;
        if !self.lives(login, now) {
            held.remove(token.reveal());
            return None;
        }
        if used {
            login.seen = now;
        }
        Some(login.clone())
    }

    /// Ends a login.
    pub(crate) fn end(&self, token: &Token) {
        self.held.lock().remove(token.reveal());
    }

    fn lives(&self, login: &Login, now: Instant) -> bool {
        now.duration_since(login.seen) < self.idle && now.duration_since(login.began) < self.longest
    }
}
