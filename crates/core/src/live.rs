//! What can change while a server runs.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    fmt,
    sync::Arc,
};

use parking_lot::RwLock;

use crate::error::AssemblyError;

/// A value that can be replaced while the server runs. Clones are the same value.
///
/// Made by [`Assembly::live`](crate::Assembly::live) of a plugin's settings, which
/// [`Server::change`](crate::Server::change) then replaces.
pub struct Live<T>(Arc<RwLock<Arc<T>>>);

impl<T> Live<T> {
    /// A value as it is now.
    pub fn new(value: T) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(value))))
    }

    /// The value as it is at this moment. Whoever needs two things of it that belong together asks
    /// once for both.
    #[must_use]
    pub fn now(&self) -> Arc<T> {
        self.0.read().clone()
    }

    pub(crate) fn set(&self, value: T) {
        let new = Arc::new(value);
        // The last holder of the old value may take its time to drop it.
        let _old = std::mem::replace(&mut *self.0.write(), new);
    }
}

impl<T> Clone for Live<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: fmt::Debug> fmt::Debug for Live<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Live").field(&self.now()).finish()
    }
}

/// A setting that a plugin cannot have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadSetting {
    name: &'static str,
    expected: String,
}

impl BadSetting {
    /// Says which, and what it must be.
    pub fn new(name: &'static str, expected: impl Into<String>) -> Self {
        Self { name, expected: expected.into() }
    }

    pub(crate) fn of(self, plugin: &'static str) -> AssemblyError {
        AssemblyError::Setting { plugin, name: self.name, expected: self.expected }
    }
}

/// The settings of plugins that can change, by their types.
#[derive(Default)]
pub(crate) struct LiveSettings(HashMap<TypeId, Box<dyn Any + Send + Sync>>);

/// How the settings of one plugin change.
struct Changing<T> {
    plugin: &'static str,
    check: fn(&T) -> Result<(), BadSetting>,
    value: Live<T>,
}

impl LiveSettings {
    pub(crate) fn add<T: Send + Sync + 'static>(
        &mut self,
        plugin: &'static str,
        value: T,
        check: fn(&T) -> Result<(), BadSetting>,
    ) -> Result<Live<T>, AssemblyError> {
        check(&value).map_err(|bad| bad.of(plugin))?;
        let value = Live::new(value);
        let changing = Changing { plugin, check, value: value.clone() };
        self.0.insert(TypeId::of::<T>(), Box::new(changing));
        Ok(value)
    }

    pub(crate) fn change<T: Send + Sync + 'static>(&self, value: T) -> Result<bool, AssemblyError> {
        let changing = self.0.get(&TypeId::of::<T>());
        let Some(changing) = changing.and_then(|it| it.downcast_ref::<Changing<T>>()) else {
            return Ok(false);
        };
        (changing.check)(&value).map_err(|bad| bad.of(changing.plugin))?;
        changing.value.set(value);
        Ok(true)
    }
}
