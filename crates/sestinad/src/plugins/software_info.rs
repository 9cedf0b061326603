//! The settings of software information.

use sestina::plugins::software_info::SoftwareInfo;

use crate::config::{Key, key, live};

pub(super) fn keys() -> Vec<Key<SoftwareInfo>> {
    type It = SoftwareInfo;
    live(vec![
        key("software", "The name that is told.", |it: &mut It| &mut it.software),
        key(
            "version",
            "The version that is told; empty where it is nobody's business.",
            |it: &mut It| &mut it.version,
        ),
        key("os", "The operating system; told where it is set.", |it: &mut It| &mut it.os),
        key(
            "os-version",
            "The version of the operating system; told where it is set.",
            |it: &mut It| &mut it.os_version,
        ),
    ])
}
