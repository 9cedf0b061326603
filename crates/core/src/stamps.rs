//! How else a delay is said: the capability of whatever speaks to clients that know no XEP-0203.

use sestina_stanza::Delay;
use sestina_xml::Element;

/// What goes beside the stamp of a stanza that was kept back.
///
/// ```
/// use sestina_core::{Assembly, Optional, Stamps};
///
/// # fn install(to: &mut Assembly) {
/// let stamps: Optional<dyn Stamps> = to.optional();
/// # }
/// ```
pub trait Stamps: Send + Sync + 'static {
    /// The same delay in other words. Whoever stamps a stanza in the server's name puts it right
    /// after the stamp.
    fn beside(&self, delay: &Delay) -> Element;
}
