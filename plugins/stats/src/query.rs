//! What goes over the wire.

use sestina_stanza::{Invalid, Payload};
use sestina_xml::{Element, ElementRef};

/// `<query xmlns='http://jabber.org/protocol/stats'><stat name='time/uptime'/></query>`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// What is asked for, what there is, or what was found; nothing where it asks what there is.
    pub stats: Vec<Stat>,
}

/// A statistic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Such as `time/uptime`.
    pub name: String,
    /// Its units and its value, or why it has none; nothing where it is only named.
    pub outcome: Option<Result<(String, u64), Failure>>,
}

/// Why a statistic has no value (XEP-0039 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It is not for whoever asks.
    Unauthorized,
    /// There is none of this name.
    NotFound,
    /// It is named, and nobody counts it.
    NotImplemented,
    /// It cannot be counted now.
    Unavailable,
}

impl Stat {
    /// A statistic by its name.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), outcome: None }
    }

    pub(crate) fn failed(name: String, failure: Failure) -> Self {
        Self { name, outcome: Some(Err(failure)) }
    }
}

impl Failure {
    const ALL: [Self; 4] =
        [Self::Unauthorized, Self::NotFound, Self::NotImplemented, Self::Unavailable];

    /// Its number, and what it says to people.
    #[must_use]
    pub const fn code(self) -> (&'static str, &'static str) {
        match self {
            Self::Unauthorized => ("401", "Unauthorized"),
            Self::NotFound => ("404", "Not Found"),
            Self::NotImplemented => ("501", "Not Implemented"),
            Self::Unavailable => ("503", "Service Unavailable"),
        }
    }
}

impl Payload for Query {
    const NAME: &'static str = "query";
    const NAMESPACE: &'static str = "http://jabber.org/protocol/stats";

    fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
        let stats = element.children().filter(|child| child.is("stat", Self::NAMESPACE));
        Ok(Self { stats: stats.map(read).collect::<Result<_, Invalid>>()? })
    }

    fn write(&self) -> Element {
        let stats = self.stats.iter().map(|stat| {
            let element = Element::builder("stat", Self::NAMESPACE).attr("name", &stat.name);
            match &stat.outcome {
                None => element,
                Some(Ok((units, value))) => {
                    element.attr("units", units).attr("value", value.to_string())
                }
                Some(Err(failure)) => {
                    let (code, text) = failure.code();
                    element.child_with("error", |it| it.attr("code", code).text(text))
                }
            }
        });
        Self::builder().children(stats).build()
    }
}

fn read(stat: ElementRef<'_>) -> Result<Stat, Invalid> {
    let name = stat.attr("name").filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Invalid::attribute("name"))?.to_owned();
    let error = stat.child("error", Query::NAMESPACE).map(|error| {
        let known = Failure::ALL.into_iter().find(|it| error.attr("code") == Some(it.code().0));
        known.ok_or_else(|| Invalid::attribute("code"))
    });
    let outcome = match (error, stat.attr("units"), stat.attr("value")) {
        (Some(failure), ..) => Some(Err(failure?)),
        (None, Some(units), Some(value)) => {
            let value = value.parse().map_err(|_| Invalid::attribute("value"))?;
            Some(Ok((units.to_owned(), value)))
        }
        (None, ..) => None,
    };
    Ok(Stat { name, outcome })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_read_as_they_were_written() {
        let mut stats = vec![Stat::named("users/online")];
        stats.extend(Failure::ALL.map(|failure| Stat::failed("a/b".into(), failure)));
        stats.push(Stat { name: "a/c".into(), outcome: Some(Ok(("seconds".into(), 7))) });
        for query in [Query::default(), Query { stats }] {
            assert_eq!(Query::read(query.write().root()), Ok(query));
        }
    }
}
