//! Whether clients find the server by its domains (RFC 6120 §3.2, XEP-0368).

use super::{
    finding::{Finding, Findings},
    resolver::{Record, Resolver, Type},
};
use crate::{certificate::ascii, config::Config};

/// The port of clients that are told no other (RFC 6120 §3.2.2).
const PORT: u16 = 5222;

/// Names that no DNS knows (RFC 6761, RFC 6762, RFC 7686).
const LOCAL: [&str; 7] = ["localhost", "local", "test", "invalid", "example", "onion", "home.arpa"];

pub(crate) fn look(config: &Config, resolver: &Resolver, found: &mut Findings) {
    let listen = &config.listen;
    let own = |it: &std::net::SocketAddr| it.ip().is_loopback();
    if listen.c2s.iter().chain(&listen.c2s_tls).all(own) {
        found.good("dns", "not asked: only clients of this machine can connect".to_owned());
        return;
    }
    for domain in config.domains.iter().map(|domain| domain.0.as_str()) {
        let is_local = LOCAL.iter().any(|it| {
            domain.strip_suffix(it).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        });
        match ascii(domain) {
            _ if is_local => found.good("dns", format!("{domain} is not asked for: it is local")),
            _ if domain.parse::<std::net::IpAddr>().is_ok() || domain.starts_with('[') => {
                found.good("dns", format!("{domain} is an address"));
            }
            Ok(name) => of_domain(config, &name, resolver, found),
            Err(error) => found.add(
                Finding::wrong("domains", error.to_string())
                    .mend("choose a name that can be looked up"),
            ),
        }
    }
}

pub(crate) fn of_domain(config: &Config, name: &str, resolver: &Resolver, found: &mut Findings) {
    let mut named = 0;
    for (service, key, ports) in [
        ("_xmpp-client", "listen.c2s", &config.listen.c2s),
        ("_xmpps-client", "listen.c2s-tls", &config.listen.c2s_tls),
    ] {
        let asked = format!("{service}._tcp.{name}");
        let records = match resolver.ask(&asked, Type::Srv) {
            Ok(records) => records,
            Err(error) => {
                found.add(Finding::unknown(
                    "dns",
                    format!("{asked} could not be asked for: {error}"),
                ));
                return;
            }
        };
        for record in records {
            let Record::Service { target, port } = record else { continue };
            named += 1;
            if target.is_empty() {
                if !ports.is_empty() {
                    found.add(
                        Finding::warning(
                            "dns",
                            format!("{asked} says that there is no such service"),
                        )
                        .mend(format!("name a host and a port there, or leave {key} empty")),
                    );
                }
                continue;
            }
            if ports.iter().any(|it| it.port() == port) {
                found.good("dns", format!("{asked} names {target}, port {port}"));
            } else {
                found.add(
                    Finding::warning(
                        "dns",
                        format!("{asked} names port {port}, where {key} does not listen"),
                    )
                    .mend(format!("add the port to {key}, unless something forwards it here")),
                );
            }
            of_target(&target, resolver, found);
        }
    }
    if named == 0 {
        without_records(config, name, resolver, found);
    }
}

/// A host that clients are sent to has an address of its own (RFC 2782).
fn of_target(target: &str, resolver: &Resolver, found: &mut Findings) {
    let Some(records) = addresses(target, resolver, found) else { return };
    if records.is_empty() {
        found.add(
            Finding::wrong("dns", format!("{target} has no address, and clients are sent there"))
                .mend(format!("add A or AAAA records for {target}")),
        );
    } else if records.contains(&Record::Alias) {
        found.add(
            Finding::warning("dns", format!("{target} is an alias, which RFC 2782 rules out"))
                .mend("name the host itself in the SRV record"),
        );
    }
}

fn without_records(config: &Config, name: &str, resolver: &Resolver, found: &mut Findings) {
    let port = config.listen.c2s.first().map_or(PORT, |address| address.port());
    let mend = format!("add a record: _xmpp-client._tcp.{name}. SRV 0 5 {port} HOST.");
    match addresses(name, resolver, found) {
        None => {}
        Some(records) if records.is_empty() => found.add(
            Finding::wrong("dns", format!("clients do not find {name}: it has no address"))
                .mend(mend),
        ),
        Some(_) if config.listen.c2s.iter().any(|address| address.port() == PORT) => {
            found.good("dns", format!("{name} has an address, where clients try port {PORT}"));
        }
        Some(_) => found.add(
            Finding::wrong(
                "dns",
                format!("clients of {name} try port {PORT}, where listen.c2s does not listen"),
            )
            .mend(mend),
        ),
    }
}

fn addresses(name: &str, resolver: &Resolver, found: &mut Findings) -> Option<Vec<Record>> {
    let asked = [Type::A, Type::Aaaa].map(|kind| resolver.ask(name, kind));
    match asked {
        [Ok(four), Ok(six)] => Some([four, six].concat()),
        [Ok(records), Err(_)] | [Err(_), Ok(records)] if !records.is_empty() => Some(records),
        [Err(error), _] | [_, Err(error)] => {
            found.add(Finding::unknown("dns", format!("{name} could not be asked for: {error}")));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            finding::{Severity, tests::found},
            resolver::tests::{Zone, resolver, service},
        },
        *,
    };

    fn config(c2s: &str, c2s_tls: &str) -> Config {
        let mut config = Config::default();
        config.listen.c2s = vec![c2s.parse().unwrap()];
        config.listen.c2s_tls = vec![c2s_tls.parse().unwrap()];
        config
    }

    fn usual() -> Config {
        config("0.0.0.0:5222", "0.0.0.0:5223")
    }

    #[track_caller]
    fn check(config: &Config, zone: Zone, expected: &[(Severity, &str)]) {
        let resolver = resolver(zone, false);
        let found = found(|found| of_domain(config, "capulet.org", &resolver, found));
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for ((severity, told), (as_bad, part)) in found.iter().zip(expected) {
            assert!(severity == as_bad && told.contains(part), "{found:?}");
        }
    }

    const HOST: &str = "xmpp.capulet.org";

    fn host() -> (&'static str, Type, Vec<u8>) {
        (HOST, Type::A, vec![192, 0, 2, 1])
    }

    #[test]
    fn records_that_lead_here_are_good() {
        let clients = ("_xmpp-client._tcp.capulet.org", Type::Srv, service(HOST, 5222));
        let direct = ("_xmpps-client._tcp.capulet.org", Type::Srv, service(HOST, 5223));
        check(
            &usual(),
            vec![clients, direct, host()],
            &[(Severity::Good, "port 5222"), (Severity::Good, "port 5223")],
        );
    }

    #[test]
    fn without_records_the_domain_itself_must_do() {
        let address = ("capulet.org", Type::Aaaa, [32, 1, 13, 184].repeat(4));
        check(&usual(), vec![address.clone()], &[(Severity::Good, "try port 5222")]);
        check(
            &config("0.0.0.0:5333", "0.0.0.0:5223"),
            vec![address],
            &[(Severity::Wrong, "SRV 0 5 5333")],
        );
        check(&usual(), Vec::new(), &[(Severity::Wrong, "clients do not find capulet.org")]);
    }

    #[test]
    fn records_that_lead_astray_are_told() {
        let to = |target, port| ("_xmpp-client._tcp.capulet.org", Type::Srv, service(target, port));
        check(
            &usual(),
            vec![to(HOST, 5333), host()],
            &[(Severity::Warning, "add the port to listen.c2s")],
        );
        check(
            &usual(),
            vec![to(HOST, 5222)],
            &[(Severity::Good, "5222"), (Severity::Wrong, "has no address")],
        );
        check(&usual(), vec![to(".", 0)], &[(Severity::Warning, "no such service")]);
    }

    #[test]
    fn nobody_to_ask_is_not_wrong() {
        let nobody = Resolver::new(Vec::new());
        let told = found(|found| of_domain(&usual(), "capulet.org", &nobody, found));
        assert_eq!(told.len(), 1);
        assert!(told[0].0 == Severity::Unknown && told[0].1.contains("could not be asked"));
        // What is not for others is not asked for, nor is what no DNS knows.
        let told = found(|found| look(&Config::default(), &nobody, found));
        assert!(matches!(&*told, [(Severity::Good, it)] if it.contains("not asked")), "{told:?}");
        let told = found(|found| look(&usual(), &nobody, found));
        assert!(matches!(&*told, [(Severity::Good, it)] if it.contains("local")), "{told:?}");
    }
}
