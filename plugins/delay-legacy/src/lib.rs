#![doc = include_str!("../README.md")]

use std::sync::Arc;

use sestina_core::{Assembly, AssemblyError, Plugin, Spec, Stamps};
use sestina_stanza::Delay;
use sestina_xml::Element;

/// Says since when something has waited as it was said until 2006, too.
#[derive(Clone, Copy, Debug, Default)]
pub struct LegacyDelay;

impl Plugin for LegacyDelay {
    const NAME: &'static str = "delay-legacy";
    const SPECS: &'static [Spec] = &[Spec::xep(91, "1.4")];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        to.provide::<dyn Stamps>(Arc::new(self))
    }
}

impl Stamps for LegacyDelay {
    fn beside(&self, delay: &Delay) -> Element {
        delay.write_legacy()
    }
}
