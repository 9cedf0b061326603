//! Capabilities: the small traits in which plugins meet without knowing each other.

use std::{
    any::{Any, TypeId, type_name},
    collections::HashMap,
    fmt,
    ops::Deref,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::error::AssemblyError;

/// A capability that another plugin provides; it can be used from the server's start on.
///
/// Made by [`Assembly::require`](crate::Assembly::require), so plugins may be assembled in any
/// order.
pub struct Required<T: ?Sized>(Slot<T>);

/// Where a provider is put, with its name.
type Slot<T> = Arc<OnceLock<(&'static str, Arc<T>)>>;

impl<T: ?Sized> Clone for Required<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: ?Sized> fmt::Debug for Required<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Required").field(&type_name::<T>()).finish()
    }
}

impl<T: ?Sized> Deref for Required<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // `Capabilities::connect` fills every requirement or refuses the assembly, and no handler
        // runs before it.
        &self.0.get().expect("an assembled server has every required capability").1
    }
}

/// A capability that may be there.
pub struct Optional<T: ?Sized>(Slot<T>);

impl<T: ?Sized> Optional<T> {
    /// The provider, if one is assembled.
    #[must_use]
    pub fn provider(&self) -> Option<&T> {
        self.provided().map(|(_, provider)| provider)
    }

    /// The same, and whose it is.
    pub(crate) fn provided(&self) -> Option<(&'static str, &T)> {
        self.0.get().map(|(by, provider)| (*by, &**provider))
    }
}

impl<T: ?Sized> Clone for Optional<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: ?Sized> fmt::Debug for Optional<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Optional").field(&type_name::<T>()).finish()
    }
}

/// Whether any plugin asks for a capability, for whoever provides it and would rather do nothing for
/// nobody.
#[derive(Clone, Debug, Default)]
pub struct Demand(Arc<AtomicBool>);

impl Demand {
    /// Whether there is any; never before the server is assembled.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Who provides what, and who waits for it.
#[derive(Default)]
pub(crate) struct Capabilities {
    provided: HashMap<TypeId, Provided>,
    wanted: Vec<Wanted>,
    demands: Vec<(TypeId, Demand)>,
}

struct Provided {
    by: &'static str,
    provider: Box<dyn Any + Send + Sync>,
}

/// Puts a provider, whose type it knows, where it is wanted.
type Fill = Box<dyn FnOnce(&Provided) + Send>;

struct Wanted {
    by: &'static str,
    what: &'static str,
    key: TypeId,
    must: bool,
    fill: Fill,
}

impl Capabilities {
    pub(crate) fn provide<T>(
        &mut self,
        by: &'static str,
        provider: Arc<T>,
    ) -> Result<(), AssemblyError>
    where
        T: ?Sized + Send + Sync + 'static,
    {
        let provided = Provided { by, provider: Box::new(provider) };
        match self.provided.insert(TypeId::of::<T>(), provided) {
            None => Ok(()),
            Some(first) => Err(AssemblyError::ProvidedTwice {
                capability: type_name::<T>(),
                first: first.by,
                second: by,
            }),
        }
    }

    pub(crate) fn require<T>(&mut self, by: &'static str) -> Required<T>
    where
        T: ?Sized + Send + Sync + 'static,
    {
        Required(self.want::<T>(by, true))
    }

    pub(crate) fn optional<T>(&mut self, by: &'static str) -> Optional<T>
    where
        T: ?Sized + Send + Sync + 'static,
    {
        Optional(self.want::<T>(by, false))
    }

    fn want<T>(&mut self, by: &'static str, must: bool) -> Slot<T>
    where
        T: ?Sized + Send + Sync + 'static,
    {
        let slot = Arc::new(OnceLock::new());
        let fill = {
            let slot = slot.clone();
            Box::new(move |provided: &Provided| {
                if let Some(provider) = provided.provider.downcast_ref::<Arc<T>>() {
                    let _ = slot.set((provided.by, provider.clone()));
                }
            })
        };
        self.wanted.push(Wanted { by, what: type_name::<T>(), key: TypeId::of::<T>(), must, fill });
        slot
    }

    pub(crate) fn demand<T>(&mut self) -> Demand
    where
        T: ?Sized + Send + Sync + 'static,
    {
        let demand = Demand::default();
        self.demands.push((TypeId::of::<T>(), demand.clone()));
        demand
    }

    /// Hands every provider to those who asked for it.
    pub(crate) fn connect(self) -> Result<(), AssemblyError> {
        for (key, demand) in self.demands {
            demand.0.store(self.wanted.iter().any(|wanted| wanted.key == key), Ordering::Release);
        }
        for wanted in self.wanted {
            match self.provided.get(&wanted.key) {
                Some(provided) => (wanted.fill)(provided),
                None if wanted.must => {
                    return Err(AssemblyError::Missing {
                        plugin: wanted.by,
                        capability: wanted.what,
                    });
                }
                None => {}
            }
        }
        Ok(())
    }
}
