//! Plays a transcript against the machine.
//!
//! Each line of a script begins with who speaks; lines without belong to the one before.
//!
//! ```text
//! C: what the client sends
//! S: what the server sends, all of it since the last line
//! * starttls, established …, closed: the step that followed
//! * times out, shuts down: what happens to the machine
//! ```
//!
//! White space at line ends and beginnings is not part of either; `_` at the end of a line is a space.
//! `HEADER` at the client stands for
//! the usual header, and at the server `HEADER n` for the reply to it with the id of call n for
//! randomness; `ID n`, `NAME n` and `GUEST n` are the random names of that call. `ERROR(c: t)` is the
//! stream error of condition c and text t, and `b64(x)` is x in Base64.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sestina_stream::{Answer, ClientStream, Event, Question, Step};
use sestina_xml::{Limits, StreamParser};

use crate::server::{Server, Setup, tls};

pub(crate) const HEADER: &str = "<?xml version='1.0'?><stream:stream to='capulet.example' \
    version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";

/// Plays the script whole and byte by byte; returns what the server has heard meanwhile.
#[track_caller]
pub(crate) fn check(setup: impl Fn() -> Setup, script: &str) -> Vec<String> {
    let whole = Player::new(setup(), usize::MAX).play(script);
    let bytewise = Player::new(setup(), 1).play(script);
    assert_eq!(whole, bytewise);
    whole
}

struct Player {
    server: Arc<Server>,
    stream: ClientStream,
    parser: StreamParser,
    chunk: usize,
    sent: Vec<u8>,
    steps: Vec<String>,
    over: bool,
}

impl Player {
    fn new(setup: Setup, chunk: usize) -> Self {
        let (server, connection) = setup.server();
        Self {
            stream: ClientStream::new(server.clone(), connection),
            server,
            parser: StreamParser::new(Limits::unauthenticated()),
            chunk,
            sent: Vec::new(),
            steps: Vec::new(),
            over: false,
        }
    }

    #[track_caller]
    fn play(mut self, script: &str) -> Vec<String> {
        for line in lines(script) {
            match line.split_at(2) {
                ("C:", text) => {
                    self.nothing_left(&line);
                    self.receive(expand(text.trim()).as_bytes());
                }
                ("S:", text) => {
                    let sent = String::from_utf8(std::mem::take(&mut self.sent)).unwrap();
                    assert_eq!(sent, expand(text.trim()), "after {:?}", self.steps);
                }
                ("* ", "times out") => self.happen(Event::TimedOut),
                ("* ", "shuts down") => self.happen(Event::ShuttingDown),
                ("* ", step) => {
                    assert_eq!(self.steps.first().map(String::as_str), Some(&*expand(step)));
                    self.steps.remove(0);
                }
                _ => panic!("not a line of a script: {line}"),
            }
        }
        self.nothing_left("the end");
        self.server.heard.lock().unwrap().clone()
    }

    #[track_caller]
    fn nothing_left(&self, at: &str) {
        assert_eq!(String::from_utf8_lossy(&self.sent), "", "unexpected before {at}");
        assert_eq!(self.steps, Vec::<String>::new(), "unexpected before {at}");
    }

    fn receive(&mut self, bytes: &[u8]) {
        assert!(!self.over, "the connection is closed");
        for mut piece in bytes.chunks(self.chunk.min(bytes.len()).max(1)) {
            while !self.over {
                let event = match self.parser.next(&mut piece) {
                    Ok(Some(frame)) => Event::Frame(frame),
                    Ok(None) => break,
                    Err(error) => Event::Broken(error),
                };
                self.happen(event);
            }
        }
    }

    fn happen(&mut self, event: Event) {
        let mut step = self.stream.handle(event, &mut self.sent);
        loop {
            step = match step {
                Step::Read => return,
                Step::Ask(question) => {
                    let answer = self.answer(question);
                    self.stream.handle(Event::Answer(answer), &mut self.sent)
                }
                Step::Restart => return self.parser.restart(),
                Step::StartTls => {
                    self.steps.push("starttls".to_owned());
                    self.stream.handle(Event::Secured(tls()), &mut self.sent)
                }
                Step::Transform(_) => {
                    self.steps.push("transform".to_owned());
                    return self.parser.restart();
                }
                Step::Established(stream) => {
                    self.over = true;
                    let mut line = format!("established {}", stream.jid);
                    let notes = [
                        stream.lang.map(|lang| format!("lang={lang}")),
                        stream.mechanism.map(|name| format!("by={name}")),
                        stream.anonymous.then(|| "guest".to_owned()),
                        stream.resumed.map(|_| "resumed".to_owned()),
                        stream.legacy.then(|| "legacy".to_owned()),
                        stream.user_agent.map(|agent| {
                            let parts = [agent.id, agent.software, agent.device];
                            parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
                        }),
                    ];
                    for note in notes.into_iter().flatten() {
                        line = format!("{line} {note}");
                    }
                    return self.steps.push(line);
                }
                Step::Close => {
                    self.over = true;
                    return self.steps.push("closed".to_owned());
                }
                step => panic!("unknown step: {step:?}"),
            };
        }
    }

    fn answer(&self, question: Question) -> Answer {
        match question {
            Question::Credential(query) => self.server.credential(query),
            Question::Work(work) => Answer::Sasl(work.run()),
            Question::Bind(request) => self.server.bind(request),
            Question::Iq(iq) => self.server.iq(&iq),
            Question::Feature(mut future) => {
                match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                    Poll::Ready(outcome) => Answer::Feature(outcome),
                    Poll::Pending => panic!("no feature here waits"),
                }
            }
            question => panic!("unknown question: {question:?}"),
        }
    }
}

/// Carries on an authentication whose words cannot be written down: `next` sees what the server sent
/// and gives the mechanism to begin with, or none, and the data to send. Returns what was sent last.
pub(crate) fn dialogue(
    setup: Setup,
    mut next: impl FnMut(&str) -> Option<(&'static str, Vec<u8>)>,
) -> String {
    const SASL: &str = "urn:ietf:params:xml:ns:xmpp-sasl";
    let mut player = Player::new(setup, usize::MAX);
    player.receive(HEADER.as_bytes());
    loop {
        let sent = String::from_utf8(std::mem::take(&mut player.sent)).unwrap();
        let Some((mechanism, data)) = next(&sent) else { return sent };
        let data = STANDARD.encode(data);
        let element = match mechanism {
            "" => format!("<response xmlns='{SASL}'>{data}</response>"),
            name => format!("<auth xmlns='{SASL}' mechanism='{name}'>{data}</auth>"),
        };
        player.receive(element.as_bytes());
    }
}

/// Joins lines that go on.
fn lines(script: &str) -> Vec<String> {
    let mut lines = Vec::<String>::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match lines.last_mut() {
            Some(last) if !["C: ", "S: ", "* "].iter().any(|who| line.starts_with(who)) => {
                if last.ends_with('_') {
                    last.pop();
                    last.push(' ');
                }
                last.push_str(line);
            }
            _ => lines.push(line.to_owned()),
        }
    }
    lines
}

/// Puts in what scripts abbreviate.
fn expand(text: &str) -> String {
    let mut text = text.to_owned();
    for call in (1..=9).rev() {
        let header = format!(
            "<?xml version='1.0'?><stream:stream xmlns='jabber:client' \
             xmlns:stream='http://etherx.jabber.org/streams' id='ID {call}' \
             from='capulet.example' version='1.0' xml:lang='en'>"
        );
        text = text.replace(&format!("HEADER {call}"), &header);
        let name = |bytes: usize| URL_SAFE_NO_PAD.encode(vec![call; bytes]);
        text = text.replace(&format!("ID {call}"), &name(18));
        text = text.replace(&format!("GUEST {call}"), &name(15).to_ascii_lowercase());
        text = text.replace(&format!("NAME {call}"), &name(9));
    }
    text = text.replace("HEADER", HEADER);
    while let Some((before, rest)) = text.split_once("ERROR(") {
        let (error, after) = rest.split_once(')').unwrap();
        let (condition, words) = error.split_once(": ").unwrap_or((error, ""));
        let namespace = "urn:ietf:params:xml:ns:xmpp-streams";
        let words = match words {
            "" => String::new(),
            words => format!("<text xmlns='{namespace}' xml:lang='en'>{words}</text>"),
        };
        text = format!(
            "{before}<stream:error><{condition} xmlns='{namespace}'/>{words}</stream:error>{after}"
        );
    }
    while let Some((before, rest)) = text.split_once("b64(") {
        let (data, after) = rest.split_once(')').unwrap();
        text = format!("{before}{}{after}", STANDARD.encode(data));
    }
    text
}
