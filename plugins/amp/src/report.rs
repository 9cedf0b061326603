//! What a sender is told of a rule that is met (XEP-0079 §2.2.5, §3.4).

use sestina_core::Server;
use sestina_stanza::{Condition, ErrorType, Jid, MessageType, Stanza, StanzaError, ns};
use sestina_xml::Element;

use crate::{
    fate::Verdict,
    rule::{Action, Rule},
};

/// All that is to be told of a message, in the order of its rules.
pub(crate) fn all(verdict: &Verdict<'_>, stanza: &Stanza, server: &Server) -> Vec<Stanza> {
    let met = verdict.notices.iter().copied().chain(verdict.end);
    met.filter(|rule| rule.tells()).filter_map(|rule| report(rule, stanza, server)).collect()
}

/// Tells it.
pub(crate) async fn send(reports: Vec<Stanza>, server: &Server) {
    for report in reports {
        server.route(report).await;
    }
}

fn report(rule: &Rule, stanza: &Stanza, server: &Server) -> Option<Stanza> {
    let from = stanza.from()?;
    let to = stanza.to().cloned().unwrap_or_else(|| from.to_bare());
    let amp = Element::builder("amp", ns::AMP)
        .attr("status", rule.action)
        .attr("from", from)
        .attr("to", &to);
    let kind = match rule.action {
        Action::Error => MessageType::Error,
        _ => MessageType::Normal,
    };
    // In the name of whoever decides: the recipient's server if that is this one.
    let domain = if server.serves(to.domain()) { to.domain() } else { from.domain() };
    let server = Jid::new(domain).ok()?;
    let report = Stanza::message(kind).from(server).to(from.clone()).id(stanza.id()?);
    let report = report.child(rule.write(amp).build());
    if rule.action != Action::Error {
        return Some(report.build());
    }
    let failed = rule.write(Element::builder("failed-rules", ns::AMP_ERRORS)).build();
    let error = StanzaError::new(Condition::UndefinedCondition).with_type(ErrorType::Modify);
    let report = report.build();
    let error = error.with_application(failed).to_element(report.namespace());
    Some(report.with_child(error))
}
