//! Pages of a long result (XEP-0059).

use std::fmt;

use sestina_xml::{Element, ElementRef};

use crate::{Condition, Invalid, Payload, StanzaError, ns};

/// Which page of a result is asked for.
///
/// # Examples
///
/// ```
/// use sestina_stanza::PageRequest;
///
/// let rooms = ["elsinore", "inverness", "rome", "venice"];
/// let page = PageRequest::first(2).page(&rooms, 50, |room| room)?;
/// assert_eq!(page.items, ["elsinore", "inverness"]);
/// assert_eq!(page.set.count, Some(4));
///
/// let next = PageRequest::after("inverness").max(50).page(&rooms, 50, |room| room)?;
/// assert_eq!(next.items, ["rome", "venice"]);
/// assert!(next.complete);
/// # Ok::<(), sestina_stanza::UnknownItem>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// The most items wanted; none at all asks for the count alone.
    pub max: Option<usize>,
    /// Where the page lies.
    pub anchor: Anchor,
}

/// Where a page lies in the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Anchor {
    /// Behind the item of this id.
    After(String),
    /// Before the item of this id, directly.
    Before(String),
    /// At the start.
    #[default]
    First,
    /// At this position, counted from zero.
    Index(usize),
    /// At the end.
    Last,
}

impl PageRequest {
    /// The first page of at most `max` items.
    pub const fn first(max: usize) -> Self {
        Self { max: Some(max), anchor: Anchor::First }
    }

    /// The last page of at most `max` items.
    pub const fn last(max: usize) -> Self {
        Self { max: Some(max), anchor: Anchor::Last }
    }

    /// The page behind the item of this id.
    pub fn after(id: impl Into<String>) -> Self {
        Self { max: None, anchor: Anchor::After(id.into()) }
    }

    /// The page before the item of this id.
    pub fn before(id: impl Into<String>) -> Self {
        Self { max: None, anchor: Anchor::Before(id.into()) }
    }

    /// Bounds the page.
    #[must_use]
    pub const fn max(mut self, max: usize) -> Self {
        self.max = Some(max);
        self
    }

    /// Cuts the page out of all `items`, in their order and of at most `largest`, whatever is asked.
    ///
    /// # Errors
    ///
    /// The item that the page lies at is not among them (XEP-0059 §2.5).
    pub fn page<'a, T>(
        &self,
        items: &'a [T],
        largest: usize,
        id: impl Fn(&'a T) -> &'a str,
    ) -> Result<Page<'a, T>, UnknownItem> {
        let max = self.max.unwrap_or(largest).min(largest);
        let find =
            |wanted: &str| items.iter().position(|item| id(item) == wanted).ok_or(UnknownItem);
        let count = items.len();
        let (start, end) = match &self.anchor {
            Anchor::First => (0, max.min(count)),
            Anchor::Index(index) => ((*index).min(count), index.saturating_add(max).min(count)),
            Anchor::Last => (count.saturating_sub(max), count),
            Anchor::After(wanted) => {
                let start = find(wanted)? + 1;
                (start, start.saturating_add(max).min(count))
            }
            Anchor::Before(wanted) => {
                let end = find(wanted)?;
                (end.saturating_sub(max), end)
            }
        };
        let items = items.get(start..end).unwrap_or_default();
        let complete = match self.anchor {
            Anchor::Before(_) | Anchor::Last => start == 0,
            Anchor::After(_) | Anchor::First | Anchor::Index(_) => end == count,
        };
        let set = ResultSet {
            first: items.first().map(|item| id(item).to_owned()),
            index: items.first().map(|_| start),
            last: items.last().map(|item| id(item).to_owned()),
            count: Some(count),
        };
        Ok(Page { items, set, complete })
    }
}

impl Payload for PageRequest {
    const NAME: &'static str = "set";
    const NAMESPACE: &'static str = ns::RSM;

    fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
        let text = |name| element.child_text(name, ns::RSM);
        let anchor = match (text("after"), text("before"), number(element, "index")?) {
            (None, None, None) => Anchor::First,
            // Some clients write an empty `<after/>` for the first page.
            (Some(after), None, None) if after.is_empty() => Anchor::First,
            (Some(after), None, None) => Anchor::After(after.into_owned()),
            // XEP-0059 §2.5: an empty `<before/>` asks for the last page.
            (None, Some(before), None) if before.is_empty() => Anchor::Last,
            (None, Some(before), None) => Anchor::Before(before.into_owned()),
            (None, None, Some(index)) => Anchor::Index(index),
            _ => return Err(Invalid::new("a page lies after, before or at something, not all")),
        };
        Ok(Self { max: number(element, "max")?, anchor })
    }

    fn write(&self) -> Element {
        let set = match self.max {
            Some(max) => Self::builder().child_with("max", |to| to.text(max.to_string())),
            None => Self::builder(),
        };
        match &self.anchor {
            Anchor::After(id) => set.child_with("after", |to| to.text(id)),
            Anchor::Before(id) => set.child_with("before", |to| to.text(id)),
            Anchor::First => set,
            Anchor::Index(index) => set.child_with("index", |to| to.text(index.to_string())),
            Anchor::Last => set.child_with("before", |to| to),
        }
        .build()
    }
}

/// A page of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<'a, T> {
    /// What is on it.
    pub items: &'a [T],
    /// What the asker is told of it.
    pub set: ResultSet,
    /// Whether nothing lies beyond it in the direction of asking.
    pub complete: bool,
}

/// What a page is, as its asker is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResultSet {
    /// The id of the first item on the page.
    pub first: Option<String>,
    /// The position of the first item in the whole, from zero.
    pub index: Option<usize>,
    /// The id of the last item on the page.
    pub last: Option<String>,
    /// How many items there are on all pages.
    pub count: Option<usize>,
}

impl Payload for ResultSet {
    const NAME: &'static str = "set";
    const NAMESPACE: &'static str = ns::RSM;

    fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
        let first = element.child("first", ns::RSM);
        let index = first.and_then(|first| first.attr("index")).map(str::parse).transpose();
        Ok(Self {
            first: first.map(|first| first.text().into_owned()),
            index: index.map_err(|_| Invalid::attribute("index"))?,
            last: element.child_text("last", ns::RSM).map(Into::into),
            count: number(element, "count")?,
        })
    }

    fn write(&self) -> Element {
        let mut set = Self::builder();
        if let Some(first) = &self.first {
            let index = self.index.map(|index| index.to_string());
            set = set.child_with("first", |to| to.attr_opt("index", index).text(first));
        }
        if let Some(last) = &self.last {
            set = set.child_with("last", |to| to.text(last));
        }
        if let Some(count) = self.count {
            set = set.child_with("count", |to| to.text(count.to_string()));
        }
        set.build()
    }
}

/// The item that a page was to lie at does not exist; the peer hears `item-not-found`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownItem;

impl fmt::Display for UnknownItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the item that the page lies at does not exist")
    }
}

impl std::error::Error for UnknownItem {}

impl From<UnknownItem> for StanzaError {
    fn from(error: UnknownItem) -> Self {
        Self::new(Condition::ItemNotFound).with_text(error.to_string())
    }
}

fn number(element: ElementRef<'_>, name: &str) -> Result<Option<usize>, Invalid> {
    let text = element.child_text(name, ns::RSM);
    text.map(|text| text.trim().parse()).transpose().map_err(|_| Invalid::child(name))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sestina_xml::Limits;

    use super::*;

    fn read(xml: &str) -> Result<PageRequest, Invalid> {
        let xml = format!("<set xmlns='http://jabber.org/protocol/rsm'>{xml}</set>");
        PageRequest::read(Element::parse(xml, &Limits::default()).expect("well-formed").root())
    }

    #[test]
    fn requests_read_as_they_were_written() {
        let requests = [
            PageRequest::default(),
            PageRequest::first(0),
            PageRequest::last(10),
            PageRequest::after("a<b").max(3),
            PageRequest::before("a"),
            PageRequest { max: Some(1), anchor: Anchor::Index(7) },
        ];
        for request in requests {
            assert_eq!(PageRequest::read(request.write().root()), Ok(request));
        }
        let set = ResultSet {
            first: Some("a".into()),
            index: Some(0),
            last: Some("b".into()),
            count: Some(2),
        };
        assert_eq!(ResultSet::read(set.write().root()), Ok(set));
        assert_eq!(ResultSet::read(ResultSet::default().write().root()), Ok(ResultSet::default()));
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(read("<max>-1</max>"), Err(Invalid::child("max")));
        assert_eq!(read("<max/>"), Err(Invalid::child("max")));
        assert!(read("<after>a</after><before>b</before>").is_err());
        assert_eq!(read("<max> 5 </max><after/>"), Ok(PageRequest::first(5)));
    }

    #[test]
    fn an_unknown_item_is_said() {
        let error = PageRequest::after("x").page(&["a", "b"], 10, |id| id).expect_err("unknown");
        assert_eq!(StanzaError::from(error).condition(), Condition::ItemNotFound);
        let none: [&str; 0] = [];
        let page = PageRequest::first(5).page(&none, 10, |id| id).expect("empty");
        assert_eq!((page.set.count, page.set.first, page.complete), (Some(0), None, true));
        let page = PageRequest::first(0).page(&["a", "b"], 10, |id| id).expect("count");
        assert_eq!((page.set.count, page.items.len()), (Some(2), 0));
    }

    proptest! {
        #[test]
        fn pages_put_together_are_the_whole(count in 0_usize..40, max in 1_usize..9, largest in 1_usize..9) {
            let all: Vec<String> = (0..count).map(|n| format!("{n:03}")).collect();
            let (mut forward, mut request) = (Vec::new(), PageRequest::first(max));
            loop {
                let page = request.page(&all, largest, |id| id).expect("known");
                prop_assert!(page.items.len() <= max.min(largest));
                prop_assert_eq!(page.set.index.unwrap_or(forward.len()), forward.len());
                forward.extend_from_slice(page.items);
                if page.complete { break }
                request = PageRequest::after(page.set.last.expect("an item")).max(max);
            }
            prop_assert_eq!(&forward, &all);
            let (mut backward, mut request) = (Vec::new(), PageRequest::last(max));
            loop {
                let page = request.page(&all, largest, |id| id).expect("known");
                backward.splice(0..0, page.items.iter().cloned());
                if page.complete { break }
                request = PageRequest::before(page.set.first.expect("an item")).max(max);
            }
            prop_assert_eq!(&backward, &all);
        }

        #[test]
        fn any_index_is_a_page(count in 0_usize..5, index: usize, max: usize) {
            let all = vec![""; count];
            let request = PageRequest { max: Some(max), anchor: Anchor::Index(index) };
            let page = request.page(&all, usize::MAX, |id| id).expect("a page");
            prop_assert_eq!(page.items.len(), count.saturating_sub(index).min(max));
        }
    }
}
