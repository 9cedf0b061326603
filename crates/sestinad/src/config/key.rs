//! One key of the configuration: its name, what it means, and where its value is kept.

use std::fmt;

use sestina::core::Effect;

use super::setting::{ByteCount, Given, Misread, Setting};

/// A key whose value is kept somewhere in a `C`.
///
/// The same key reads a value, shows it, documents it and names it in errors, so none of these can
/// say something else than the others.
pub(crate) struct Key<C> {
    path: String,
    about: &'static str,
    effect: Option<Effect>,
    slot: Box<dyn Slot<C>>,
}

/// Makes a key of a dotted path, what it means, and the way to its value.
pub(crate) fn key<C: 'static, T: Setting>(
    path: &str,
    about: &'static str,
    at: fn(&mut C) -> &mut T,
) -> Key<C> {
    let slot = Field { at, within: None };
    Key { path: path.to_owned(), about, effect: None, slot: Box::new(slot) }
}

/// Makes a key whose value is bounded.
pub(crate) fn bounded<C: 'static, T: Setting + PartialOrd>(
    path: &str,
    about: &'static str,
    at: fn(&mut C) -> &mut T,
    least: T,
    most: T,
) -> Key<C> {
    let within: Within<T> = Box::new(move |value| {
        if *value < least {
            Err(format!("{} is too little: at least {}", value.show(), least.show()))
        } else if *value > most {
            Err(format!("{} is too much: at most {}", value.show(), most.show()))
        } else {
            Ok(())
        }
    });
    let slot = Field { at, within: Some(within) };
    Key { path: path.to_owned(), about, effect: None, slot: Box::new(slot) }
}

/// Makes a key for a count of bytes that the program keeps as a plain number.
pub(crate) fn bytes<C: 'static>(
    path: &str,
    about: &'static str,
    at: fn(&mut C) -> &mut usize,
    least: usize,
    most: usize,
) -> Key<C> {
    let slot = Bytes { at, least, most };
    Key { path: path.to_owned(), about, effect: None, slot: Box::new(slot) }
}

impl<C: 'static> Key<C> {
    /// Another value takes effect at once.
    pub(crate) fn live(self) -> Self {
        self.classed(Effect::AtOnce)
    }

    /// Another value takes effect for connections and sessions that begin after it.
    pub(crate) fn for_new_sessions(self) -> Self {
        self.classed(Effect::ForNewSessions)
    }

    /// Another value takes effect when the server starts the next time.
    pub(crate) fn after_restart(self) -> Self {
        self.classed(Effect::AfterRestart)
    }

    /// What was said first goes.
    fn classed(mut self, effect: Effect) -> Self {
        self.effect.get_or_insert(effect);
        self
    }

    /// When another value takes effect; whatever nobody has thought about needs a restart.
    pub(crate) fn effect(&self) -> Effect {
        self.effect.unwrap_or(Effect::AfterRestart)
    }

    /// Whether somebody has thought about that.
    #[cfg(test)]
    pub(crate) fn has_effect(&self) -> bool {
        self.effect.is_some()
    }

    /// Gives one configuration the value of another.
    pub(crate) fn copy(&self, from: &mut C, to: &mut C) {
        self.slot.copy(from, to);
    }

    /// The dotted name.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// What it means.
    pub(crate) fn about(&self) -> &'static str {
        self.about
    }

    /// The environment variable that sets it.
    pub(crate) fn variable(&self) -> String {
        format!("SESTINA_{}", self.path.replace(['.', '-'], "_").to_ascii_uppercase())
    }

    /// What must be written.
    pub(crate) fn expected(&self) -> String {
        self.slot.expected()
    }

    /// The values there are, where they are few.
    pub(crate) fn options(&self) -> Option<String> {
        self.slot.options()
    }

    /// Sets the value, or says what is wrong with it.
    pub(crate) fn set(&self, config: &mut C, given: Given<'_>) -> Result<(), String> {
        self.slot.set(config, given).map_err(|misread| match misread {
            Misread::Kind => format!("expected {}", self.expected()),
            Misread::Because(why) => format!("{why}; expected {}", self.expected()),
        })
    }

    /// The value as the configuration file writes it.
    pub(crate) fn show(&self, config: &mut C) -> String {
        self.slot.show(config)
    }

    /// The same key as part of something larger.
    pub(crate) fn beside<D: 'static>(self, at: fn(&mut D) -> &mut C) -> Key<D> {
        let slot = Box::new(Part { at, slot: self.slot });
        Key { path: self.path, about: self.about, effect: self.effect, slot }
    }

    /// The same key as part of something larger, in a section of it.
    pub(crate) fn within<D: 'static>(self, section: &str, at: fn(&mut D) -> &mut C) -> Key<D> {
        let key = self.beside(at);
        Key { path: format!("{section}.{}", key.path), ..key }
    }
}

/// Keys of which another value takes effect at once, but for those that say otherwise.
pub(crate) fn live<C: 'static>(keys: impl IntoIterator<Item = Key<C>>) -> Vec<Key<C>> {
    keys.into_iter().map(Key::live).collect()
}

/// The same for connections and sessions that begin after it.
pub(crate) fn for_new_sessions<C: 'static>(keys: impl IntoIterator<Item = Key<C>>) -> Vec<Key<C>> {
    keys.into_iter().map(Key::for_new_sessions).collect()
}

/// The same after a restart.
pub(crate) fn after_restart<C: 'static>(keys: impl IntoIterator<Item = Key<C>>) -> Vec<Key<C>> {
    keys.into_iter().map(Key::after_restart).collect()
}

impl<C> fmt::Debug for Key<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.path).finish()
    }
}

/// Where a value is kept, whatever its type.
trait Slot<C> {
    fn expected(&self) -> String;
    fn options(&self) -> Option<String>;
    fn set(&self, config: &mut C, given: Given<'_>) -> Result<(), Misread>;
    fn show(&self, config: &mut C) -> String;
    fn copy(&self, from: &mut C, to: &mut C);
}

type Within<T> = Box<dyn Fn(&T) -> Result<(), String>>;

struct Field<C, T> {
    at: fn(&mut C) -> &mut T,
    within: Option<Within<T>>,
}

impl<C, T: Setting> Slot<C> for Field<C, T> {
    fn expected(&self) -> String {
        T::expected()
    }

    fn options(&self) -> Option<String> {
        T::options()
    }

    fn set(&self, config: &mut C, given: Given<'_>) -> Result<(), Misread> {
        let value = T::read(given)?;
        if let Some(within) = &self.within {
            within(&value).map_err(Misread::Because)?;
        }
        *(self.at)(config) = value;
        Ok(())
    }

    fn show(&self, config: &mut C) -> String {
        (self.at)(config).show()
    }

    fn copy(&self, from: &mut C, to: &mut C) {
        *(self.at)(to) = (self.at)(from).clone();
    }
}

struct Bytes<C> {
    at: fn(&mut C) -> &mut usize,
    least: usize,
    most: usize,
}

impl<C> Slot<C> for Bytes<C> {
    fn expected(&self) -> String {
        ByteCount::expected()
    }

    fn options(&self) -> Option<String> {
        None
    }

    fn set(&self, config: &mut C, given: Given<'_>) -> Result<(), Misread> {
        let value = ByteCount::read(given)?;
        let (least, most) = (ByteCount(self.least), ByteCount(self.most));
        let (shown, least_shown, most_shown) = (value.show(), least.show(), most.show());
        if value < least {
            return Err(Misread::Because(format!("{shown} is too little: at least {least_shown}")));
        }
        if value > most {
            return Err(Misread::Because(format!("{shown} is too much: at most {most_shown}")));
        }
        *(self.at)(config) = value.0;
        Ok(())
    }

    fn show(&self, config: &mut C) -> String {
        ByteCount(*(self.at)(config)).show()
    }

    fn copy(&self, from: &mut C, to: &mut C) {
        *(self.at)(to) = *(self.at)(from);
    }
}

struct Part<C, D> {
    at: fn(&mut D) -> &mut C,
    slot: Box<dyn Slot<C>>,
}

impl<C, D> Slot<D> for Part<C, D> {
    fn expected(&self) -> String {
        self.slot.expected()
    }

    fn options(&self) -> Option<String> {
        self.slot.options()
    }

    fn set(&self, config: &mut D, given: Given<'_>) -> Result<(), Misread> {
        self.slot.set((self.at)(config), given)
    }

    fn show(&self, config: &mut D) -> String {
        self.slot.show((self.at)(config))
    }

    fn copy(&self, from: &mut D, to: &mut D) {
        self.slot.copy((self.at)(from), (self.at)(to));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Inner {
        count: usize,
    }

    #[derive(Clone, Default)]
    struct Outer {
        inner: Inner,
    }

    fn count() -> Key<Outer> {
        bounded("count", "How many.", |inner: &mut Inner| &mut inner.count, 1, 10)
            .within("outer-thing", |outer: &mut Outer| &mut outer.inner)
    }

    #[test]
    fn a_key_reads_shows_and_names_its_value() {
        let (key, mut outer) = (count(), Outer::default());
        assert_eq!(key.path(), "outer-thing.count");
        assert_eq!(key.variable(), "SESTINA_OUTER_THING_COUNT");
        key.set(&mut outer, Given::Text("7")).unwrap();
        assert_eq!((outer.inner.count, key.show(&mut outer).as_str()), (7, "7"));
    }

    #[test]
    fn what_is_out_of_range_changes_nothing_and_says_the_range() {
        let (key, mut outer) = (count(), Outer::default());
        let low = key.set(&mut outer, Given::Text("0")).unwrap_err();
        assert_eq!(low, "0 is too little: at least 1; expected a whole number");
        let high = key.set(&mut outer, Given::Text("11")).unwrap_err();
        assert_eq!(high, "11 is too much: at most 10; expected a whole number");
        assert_eq!(key.set(&mut outer, Given::Text("x")).unwrap_err(), "expected a whole number");
        assert_eq!(outer.inner.count, 0);
    }
}
