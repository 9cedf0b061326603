//! What goes over the wire (XEP-0280 §4, §5).

use sestina_stanza::{Invalid, Payload, ns};
use sestina_xml::{Element, ElementRef};

macro_rules! words {
    ($($(#[$about:meta])* $type:ident $name:literal)*) => {$(
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $type;

        impl Payload for $type {
            const NAME: &'static str = $name;
            const NAMESPACE: &'static str = ns::CARBONS;

            fn read(_: ElementRef<'_>) -> Result<Self, Invalid> {
                Ok(Self)
            }

            fn write(&self) -> Element {
                Self::builder().build()
            }
        }
    )*};
}

words! {
    /// `<enable/>`: this session gets copies from now on.
    Enable "enable"
    /// `<disable/>`: it does not any more.
    Disable "disable"
}
