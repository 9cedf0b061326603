//! The settings of contact addresses.

use sestina::plugins::contact_info::ContactInfo;

use crate::config::{Key, key, live};

pub(super) fn keys() -> Vec<Key<ContactInfo>> {
    type It = ContactInfo;
    live(vec![
        key("abuse", "URIs for those who suffer from its users.", |it: &mut It| &mut it.abuse),
        key("admin", "URIs of those who run it.", |it: &mut It| &mut it.admin),
        key("feedback", "URIs for praise and complaints.", |it: &mut It| &mut it.feedback),
        key("sales", "URIs for those who want to buy.", |it: &mut It| &mut it.sales),
        key("security", "URIs for those who have found a hole.", |it: &mut It| &mut it.security),
        key("status", "URIs where one sees whether it is up.", |it: &mut It| &mut it.status),
        key("support", "URIs for help.", |it: &mut It| &mut it.support),
    ])
}
