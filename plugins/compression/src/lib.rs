#![doc = include_str!("../README.md")]

mod zlib;

#[doc(hidden)]
pub mod fuzzing;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use sestina_core::{Assembly, AssemblyError, Plugin, Spec};
use sestina_stanza::ns;
use sestina_stream::{Feature, Negotiation, Outcome, View};
use sestina_xml::Element;

use self::zlib::Zlib;

/// The one method there is (RFC 1950).
const METHOD: &str = "zlib";

/// Compresses streams for clients that ask for it.
#[derive(Clone, Copy, Debug)]
pub struct Compression {
    /// Offer it before login as well, as servers did around 2005; off by default.
    pub before_login: bool,
    /// Offer it under TLS as well, where it lets whoever watches guess at secrets by the length of
    /// what is sent (CRIME); off by default.
    pub over_tls: bool,
    /// From 1, the fastest, to 9, the smallest; the default is 6.
    pub level: u8,
    /// How much there may be.
    pub bounds: Bounds,
}

/// Bounds on what compressed streams cost.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Compressed streams at a time, each of some 350 KiB; the default is 1,000.
    pub streams: usize,
    /// How many bytes one byte may stand for in the long run; the default is 100.
    pub ratio: usize,
    /// How many bytes may come of next to nothing before that counts; the default is 512 KiB.
    pub burst: usize,
}

impl Default for Compression {
    fn default() -> Self {
        Self { before_login: false, over_tls: false, level: 6, bounds: Bounds::default() }
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self { streams: 1_000, ratio: 100, burst: 512 << 10 }
    }
}

impl Plugin for Compression {
    const NAME: &'static str = "compression";
    const SPECS: &'static [Spec] = &[Spec::xep(138, "2.1")];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        if !(1..=9).contains(&self.level) {
            return Err(to.bad_setting("level", "between 1 and 9"));
        }
        if self.bounds.streams == 0 {
            return Err(to.bad_setting("bounds.streams", "at least 1"));
        }
        if self.bounds.ratio == 0 {
            return Err(to.bad_setting("bounds.ratio", "at least 1"));
        }
        if self.bounds.burst < zlib::WINDOW {
            return Err(to.bad_setting("bounds.burst", "at least 32 KiB"));
        }
        if self.over_tls {
            to.weak("streams are compressed under TLS, so that who watches can guess at secrets");
        }
        to.stream_feature(Arc::new(Press { rules: self, streams: Arc::default() }));
        Ok(())
    }
}

/// Puts compression into force.
struct Press {
    rules: Compression,
    /// How many streams are compressed.
    streams: Arc<AtomicUsize>,
}

impl Press {
    /// XEP-0170 §2: above TLS, after login, before a resource is bound.
    fn fits(&self, view: &View<'_>) -> bool {
        (view.is_authenticated() || self.rules.before_login)
            && (!view.is_secure() || self.rules.over_tls)
            && !view.is_transformed()
            && !view.is_bound()
    }
}

impl Feature for Press {
    fn advertise(&self, view: &View<'_>) -> Option<Element> {
        self.fits(view).then(|| {
            let method = Element::builder("method", ns::COMPRESS_FEATURE).text(METHOD);
            Element::builder("compression", ns::COMPRESS_FEATURE).child(method).build()
        })
    }

    fn claims(&self) -> &[(&str, &str)] {
        &[("compress", ns::COMPRESS)]
    }

    /// XEP-0138 §2: whoever asks in vain is told why, and the stream goes on.
    fn listens(&self, _: &View<'_>) -> bool {
        true
    }

    fn negotiate(&self, compress: &Element, view: &View<'_>) -> Negotiation {
        let mut asked = compress.children().filter(|child| child.is("method", ns::COMPRESS));
        let any = asked.clone().next().is_some();
        if !self.fits(view) || !any {
            return refused("setup-failed");
        }
        if !asked.any(|method| method.text().trim() == METHOD) {
            return refused("unsupported-method");
        }
        match Permit::take(&self.streams, self.rules.bounds.streams) {
            Some(permit) => Outcome::Transformed {
                reply: Element::builder("compressed", ns::COMPRESS).build(),
                transform: Box::new(Zlib::new(self.rules.level, &self.rules.bounds, permit)),
            }
            .into(),
            None => {
                tracing::info!("as many streams are compressed as may be");
                refused("setup-failed")
            }
        }
    }
}

fn refused(condition: &str) -> Negotiation {
    Outcome::Replied(vec![failure(condition)]).into()
}

/// `<failure xmlns='http://jabber.org/protocol/compress'>`
fn failure(condition: &str) -> Element {
    let condition = Element::builder(condition, ns::COMPRESS);
    Element::builder("failure", ns::COMPRESS).child(condition).build()
}

/// One of the streams that may be compressed.
struct Permit(Arc<AtomicUsize>);

impl Permit {
    fn take(streams: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let more = |taken: usize| (taken < most).then(|| taken + 1);
        streams.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok()?;
        Some(Self(streams.clone()))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
