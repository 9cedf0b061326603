#![doc = include_str!("../README.md")]

mod uri;

use sestina_core::{Assembly, AssemblyError, BadSetting, Plugin, Scope, Spec};
use sestina_stanza::{DataForm, Field, ns};

/// Tells whom to turn to about the server, as URIs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactInfo {
    /// About what others suffer from its users.
    pub abuse: Vec<String>,
    /// About how it is run.
    pub admin: Vec<String>,
    /// With praise and complaints.
    pub feedback: Vec<String>,
    /// About what it sells.
    pub sales: Vec<String>,
    /// About holes in it.
    pub security: Vec<String>,
    /// To see whether it is up.
    pub status: Vec<String>,
    /// For help.
    pub support: Vec<String>,
}

impl Plugin for ContactInfo {
    const NAME: &'static str = "contact-info";
    const SPECS: &'static [Spec] = &[Spec::xep(157, "1.1.1")];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        let info = to.live(self, Self::check)?;
        to.form(Scope::Server, move |_| info.now().form());
        Ok(())
    }
}

impl ContactInfo {
    fn check(&self) -> Result<(), BadSetting> {
        for (name, _, addresses) in self.lists() {
            if let Some(wrong) = addresses.iter().find(|address| !uri::is_uri(address)) {
                let expected = format!("a list of URIs, and {wrong:?} is none");
                return Err(BadSetting::new(name, expected));
            }
        }
        Ok(())
    }

    /// What is told, if anything is.
    fn form(&self) -> Option<DataForm> {
        let form = DataForm::result(ns::SERVER_INFO);
        let told = self.lists().into_iter().filter(|(_, _, addresses)| !addresses.is_empty());
        let form = told.fold(form, |form, (_, var, addresses)| {
            form.field(Field::new(var).values(addresses.iter().cloned()))
        });
        (*self != Self::default()).then_some(form)
    }

    /// The lists, with the names of their settings and of their fields.
    fn lists(&self) -> [(&'static str, &'static str, &[String]); 7] {
        [
            ("abuse", "abuse-addresses", &self.abuse),
            ("admin", "admin-addresses", &self.admin),
            ("feedback", "feedback-addresses", &self.feedback),
            ("sales", "sales-addresses", &self.sales),
            ("security", "security-addresses", &self.security),
            ("status", "status-addresses", &self.status),
            ("support", "support-addresses", &self.support),
        ]
    }
}
