//! Services with a domain of their own, hosted by the server: rooms, proxies, directories.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::Arc,
};

use sestina_stanza::{Jid, Stanza};

use crate::{BoxFuture, Refusal, Server, assembly::CORE, error::AssemblyError};

/// Takes the messages and presences that are addressed to a service.
pub(crate) type Service =
    Arc<dyn Fn(Stanza, Server) -> BoxFuture<'static, Result<(), Refusal>> + Send + Sync>;

/// The services by their label: `rooms` is `rooms.example.org` at each domain.
#[derive(Default)]
pub(crate) struct Services {
    labels: HashMap<&'static str, (&'static str, Service)>,
    domains: HashMap<Box<str>, &'static str>,
}

impl Services {
    pub(crate) fn host(
        &mut self,
        by: &'static str,
        label: &'static str,
        service: Service,
    ) -> Result<(), AssemblyError> {
        match self.labels.insert(label, (by, service)) {
            None => Ok(()),
            Some((first, _)) => Err(AssemblyError::ClaimedTwice {
                what: format!("the service {label}"),
                first,
                second: by,
            }),
        }
    }

    /// The same services, at these domains.
    pub(crate) fn at<V>(mut self, domains: &BTreeMap<Box<str>, V>) -> Result<Self, AssemblyError> {
        for domain in domains.keys() {
            for (label, (by, _)) in &self.labels {
                let name = format!("{label}.{domain}");
                // Only what an address can name in its normal form is ever found.
                if label.is_empty() || !Jid::new(&name).is_ok_and(|jid| jid.domain() == name) {
                    return Err(AssemblyError::Setting {
                        plugin: by,
                        name: "the label of its service",
                        expected: format!("a label of a domain in its normal form, not {label:?}"),
                    });
                }
                if domains.contains_key(&*name) {
                    return Err(AssemblyError::ClaimedTwice {
                        what: format!("the domain {name}"),
                        first: CORE,
                        second: by,
                    });
                }
                self.domains.insert(name.into(), label);
            }
        }
        Ok(self)
    }

    /// The label of the service at a domain.
    pub(crate) fn label(&self, domain: &str) -> Option<&'static str> {
        self.domains.get(domain).copied()
    }

    /// The labels of all services, sorted.
    pub(crate) fn labels(&self) -> Vec<&'static str> {
        let mut labels: Vec<_> = self.labels.keys().copied().collect();
        labels.sort_unstable();
        labels
    }

    /// Who takes what is sent to a service, and how.
    pub(crate) fn taking(&self, label: &str) -> Option<(&'static str, Service)> {
        self.labels.get(label).cloned()
    }

    /// The domains of all services, sorted.
    pub(crate) fn domains(&self) -> Vec<&str> {
        let mut domains: Vec<_> = self.domains.keys().map(|domain| &**domain).collect();
        domains.sort_unstable();
        domains
    }
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.domains()).finish()
    }
}
