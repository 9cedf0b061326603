//! Entry points for fuzz targets; not part of the interface.

use crate::{
    lua,
    prosody::{self, Files},
};

/// Reads a file of Prosody: what it says is the same once it is written and read again, and whatever
/// account comes of it holds up.
pub fn lua(data: &[u8]) {
    let _items = lua::items(data);
    if let Ok(value) = lua::value(data) {
        let mut written = b"return ".to_vec();
        lua::write(&value, &mut written);
        let again = lua::value(&written);
        // What is no number is not even the same as itself.
        assert!(again.as_ref() == Ok(&value) || written.windows(3).any(|at| at == b"0/0"));
    }
    let Ok(of) = "juliet@capulet.example".parse() else { return };
    for store in prosody::STORES {
        let mut files = Files::default();
        files.add(store, data);
        if let Ok(account) = prosody::read(&of, &files) {
            for element in account.elements {
                let limits = sestina_xml::Limits::trusted();
                assert!(sestina_xml::Element::parse(element.to_string(), &limits).is_ok());
            }
        }
    }
}
