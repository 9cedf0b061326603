#![doc = include_str!("../README.md")]

use sestina_core::{Assembly, AssemblyError, BadSetting, Plugin, Scope, Spec};
use sestina_stanza::{DataForm, Field, ns};

/// Tells which software the server is, to those who look around.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoftwareInfo {
    /// The name of the software.
    pub software: String,
    /// Its version; whoever would rather not tell leaves it empty.
    pub version: String,
    /// The operating system; by default nobody is told (XEP-0232 §3).
    pub os: String,
    /// The version of the operating system; likewise.
    pub os_version: String,
}

impl Default for SoftwareInfo {
    fn default() -> Self {
        Self {
            software: "sestina".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            os: String::new(),
            os_version: String::new(),
        }
    }
}

impl Plugin for SoftwareInfo {
    const NAME: &'static str = "software-info";
    const SPECS: &'static [Spec] = &[Spec::xep(232, "0.3")];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        let info = to.live(self, Self::check)?;
        to.form(Scope::Server, move |_| Some(info.now().form()));
        Ok(())
    }
}

impl SoftwareInfo {
    fn check(&self) -> Result<(), BadSetting> {
        match self.software.is_empty() {
            true => Err(BadSetting::new("software", "the name of the software")),
            false => Ok(()),
        }
    }

    fn form(&self) -> DataForm {
        let fields = [
            ("os", &self.os),
            ("os_version", &self.os_version),
            ("software", &self.software),
            ("software_version", &self.version),
        ];
        let told = fields.into_iter().filter(|(_, text)| !text.is_empty());
        told.fold(DataForm::result(ns::SOFTWARE_INFO), |form, (var, text)| {
            form.field(Field::new(var).value(text))
        })
    }
}
