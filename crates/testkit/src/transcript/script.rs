//! Reads transcripts: text to statements.

use std::time::Duration;

use super::Failure;

/// One statement, and where it stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) line: usize,
    pub(super) act: Act,
}

/// What a statement says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// `[account] nurse@capulet.example`
    Account(String),
    /// `[client] romeo: romeo@capulet.example/orchard`
    Client { name: String, jid: String },
    /// `[stranger] tybalt`
    Stranger(String),
    /// `[wire] tybalt`
    Wire(String),
    /// `{answer} is digest of {id} romeo`
    WorksOut { name: String, what: String, of: Vec<String> },
    /// `romeo sends: <presence/>`
    Sends { who: String, text: String },
    /// `romeo receives: <presence/>`, also `in any order`
    Receives { who: String, text: String, in_order: bool },
    /// `romeo receives nothing`
    ReceivesNothing(String),
    /// `romeo connects`
    Connects(String),
    /// `romeo disconnects, saying "Good night"`
    Disconnects { who: String, saying: Option<String> },
    /// `romeo takes up TLS`
    Secures(String),
    /// `romeo vanishes`
    Vanishes(String),
    /// `romeo is disconnected`
    IsDisconnected(String),
    /// `903 s pass`
    Pass(Duration),
}

/// Reads a whole transcript.
///
/// A statement begins at the start of a line; what is indented or begins with `<` goes on with it.
pub(super) fn read(transcript: &str) -> Result<Vec<Statement>, Failure> {
    let mut statements = Vec::new();
    let mut lines = transcript.lines().enumerate().peekable();
    while let Some((at, first)) = lines.next() {
        if first.trim().is_empty() || first.starts_with('#') {
            continue;
        }
        let failure = |reason: String| Failure { line: at + 1, reason };
        if continues(first) {
            return Err(failure(format!("this belongs to no statement: {}", first.trim())));
        }
        let mut text = first.trim_end().to_owned();
        while let Some((_, more)) = lines.next_if(|(_, line)| continues(line)) {
            text.push('\n');
            text.push_str(more.trim_end());
        }
        statements.push(Statement { line: at + 1, act: act(text.trim_end()).map_err(failure)? });
    }
    Ok(statements)
}

fn continues(line: &str) -> bool {
    line.starts_with([' ', '\t', '<']) || line.trim().is_empty()
}

fn act(text: &str) -> Result<Act, String> {
    if let Some(declaration) = text.strip_prefix('[') {
        return declared(declaration)
            .ok_or_else(|| format!("no declaration: {text}; there are {DECLARATIONS}"));
    }
    time(text)
        .or_else(|| worked_out(text))
        .or_else(|| acted(text))
        .ok_or_else(|| format!("no statement: {text}; there are {STATEMENTS}"))
}

const DECLARATIONS: &str = "`[account] jid`, `[client] name: full jid`, `[stranger] name` without login and `[wire] name` \
     without a stream";

const STATEMENTS: &str = "`x sends: …`, `x receives: …`, `x receives in any order: …`, \
    `x receives nothing`, `x connects`, `x disconnects`, `x disconnects, saying \"…\"`, \
    `x takes up TLS`, `x vanishes`, `x is disconnected`, `{name} is … of …` and `5 s pass`";

fn declared(text: &str) -> Option<Act> {
    let (kind, rest) = text.split_once(']')?;
    let rest = rest.trim();
    match kind {
        "account" => Some(Act::Account(rest.to_owned())),
        "client" => {
            let (name, jid) = rest.split_once(':')?;
            Some(Act::Client { name: name.trim().to_owned(), jid: jid.trim().to_owned() })
        }
        "stranger" => Some(Act::Stranger(rest.to_owned())),
        "wire" => Some(Act::Wire(rest.to_owned())),
        _ => None,
    }
}

fn acted(text: &str) -> Option<Act> {
    let (who, what) = text.split_once(' ')?;
    let (who, what) = (who.to_owned(), what.trim());
    let after = |head: &str| what.strip_prefix(head).map(|text| text.trim().to_owned());
    if let Some(text) = after("sends:") {
        return Some(Act::Sends { who, text });
    }
    if let Some(text) = after("receives in any order:") {
        return Some(Act::Receives { who, text, in_order: false });
    }
    if let Some(text) = after("receives:") {
        return Some(Act::Receives { who, text, in_order: true });
    }
    if let Some(saying) = after("disconnects, saying") {
        let saying = saying.strip_prefix('"')?.strip_suffix('"')?.to_owned();
        return Some(Act::Disconnects { who, saying: Some(saying) });
    }
    Some(match what {
        "receives nothing" => Act::ReceivesNothing(who),
        "connects" => Act::Connects(who),
        "disconnects" => Act::Disconnects { who, saying: None },
        "takes up TLS" => Act::Secures(who),
        "vanishes" => Act::Vanishes(who),
        "is disconnected" => Act::IsDisconnected(who),
        _ => return None,
    })
}

fn worked_out(text: &str) -> Option<Act> {
    let (name, rest) = text.strip_prefix('{')?.split_once("} is ")?;
    let (what, of) = rest.split_once(" of ")?;
    let of = of.split_whitespace().map(str::to_owned).collect();
    Some(Act::WorksOut { name: name.to_owned(), what: what.to_owned(), of })
}

fn time(text: &str) -> Option<Act> {
    let (count, unit) =
        text.strip_suffix(" passes").or_else(|| text.strip_suffix(" pass"))?.split_once(' ')?;
    let count: u64 = count.parse().ok()?;
    let each = match unit {
        "ms" => return Some(Act::Pass(Duration::from_millis(count))),
        "s" => 1,
        "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    Some(Act::Pass(Duration::from_secs(count.checked_mul(each)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_statement() {
        let transcript = "
# A comment.
[account] nurse@capulet.example
[client] romeo: romeo@capulet.example/orchard
[stranger] tybalt
[wire] sampson

romeo sends: <presence>
  <status>Here</status>
</presence>
romeo receives:
<presence/>

  <iq/>
romeo receives in any order: <a/><b/>
romeo receives nothing
romeo connects
romeo disconnects
romeo disconnects, saying \"Good night\"
romeo takes up TLS
romeo vanishes
romeo is disconnected
{proof} is digest of {id} romeo
903 s pass
1 min passes
";
        let who = || "romeo".to_owned();
        let acts: Vec<_> =
            read(transcript).unwrap().into_iter().map(|it| (it.line, it.act)).collect();
        let receives =
            |text: &str, in_order| Act::Receives { who: who(), text: text.into(), in_order };
        assert_eq!(
            acts,
            [
                (3, Act::Account("nurse@capulet.example".into())),
                (4, Act::Client { name: who(), jid: "romeo@capulet.example/orchard".into() }),
                (5, Act::Stranger("tybalt".into())),
                (6, Act::Wire("sampson".into())),
                (
                    8,
                    Act::Sends {
                        who: who(),
                        text: "<presence>\n  <status>Here</status>\n</presence>".into()
                    }
                ),
                (11, receives("<presence/>\n\n  <iq/>", true)),
                (15, receives("<a/><b/>", false)),
                (16, Act::ReceivesNothing(who())),
                (17, Act::Connects(who())),
                (18, Act::Disconnects { who: who(), saying: None }),
                (19, Act::Disconnects { who: who(), saying: Some("Good night".into()) }),
                (20, Act::Secures(who())),
                (21, Act::Vanishes(who())),
                (22, Act::IsDisconnected(who())),
                (
                    23,
                    Act::WorksOut {
                        name: "proof".into(),
                        what: "digest".into(),
                        of: vec!["{id}".into(), who()]
                    }
                ),
                (24, Act::Pass(Duration::from_secs(903))),
                (25, Act::Pass(Duration::from_secs(60))),
            ]
        );
    }

    #[test]
    fn what_makes_no_sense_is_named_with_its_line() {
        for (transcript, line, about) in [
            ("\nromeo sings", 2, "romeo sings"),
            ("  <presence/>", 1, "belongs to no statement"),
            ("[friend] romeo", 1, "[friend] romeo"),
            ("5 fortnights pass", 1, "5 fortnights pass"),
        ] {
            let failure = read(transcript).unwrap_err();
            assert_eq!(failure.line, line);
            assert!(failure.reason.contains(about), "{failure}");
        }
    }
}
