#![doc = include_str!("../README.md")]

use std::sync::Arc;

use sestina_core::{
    Assembly, AssemblyError, BadSetting, Get, Live, Plugin, Refusal, Scope, Server, Spec, answer,
};
use sestina_stanza::{Invalid, Payload, ns};
use sestina_xml::{Element, ElementRef};

/// Tells which software the server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoftwareVersion {
    /// The name of the software.
    pub name: String,
    /// Its version; whoever would rather not tell leaves it empty.
    pub version: String,
    /// The operating system; by default nobody is told (XEP-0092 §6).
    pub os: Option<String>,
}

impl Default for SoftwareVersion {
    fn default() -> Self {
        Self { name: "sestina".into(), version: env!("CARGO_PKG_VERSION").into(), os: None }
    }
}

impl Plugin for SoftwareVersion {
    const NAME: &'static str = "version";
    const SPECS: &'static [Spec] = &[Spec::xep(92, "1.1")];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        let told = Arc::new(Told(to.live(self, Self::check)?));
        to.iq(Scope::Server, answer(&told, Told::tell))
    }
}

impl SoftwareVersion {
    fn check(&self) -> Result<(), BadSetting> {
        match self.name.is_empty() {
            true => Err(BadSetting::new("name", "the name of the software")),
            false => Ok(()),
        }
    }
}

struct Told(Live<SoftwareVersion>);

impl Told {
    async fn tell(&self, _: Get<Query>, _: &Server) -> Result<Query, Refusal> {
        let SoftwareVersion { name, version, os } = SoftwareVersion::clone(&self.0.now());
        Ok(Query { name: Some(name), version: Some(version), os })
    }
}

/// `<query xmlns='jabber:iq:version'/>`, empty where it asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// The name of the software.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// The operating system.
    pub os: Option<String>,
}

impl Payload for Query {
    const NAME: &'static str = "query";
    const NAMESPACE: &'static str = ns::VERSION;

    fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
        let text = |name| element.child_text(name, ns::VERSION).map(|text| text.into_owned());
        Ok(Self { name: text("name"), version: text("version"), os: text("os") })
    }

    fn write(&self) -> Element {
        let parts = [("name", &self.name), ("version", &self.version), ("os", &self.os)];
        let parts = parts.into_iter().filter_map(|(name, text)| {
            Some(Element::builder(name, ns::VERSION).text(text.as_ref()?))
        });
        Self::builder().children(parts).build()
    }
}
