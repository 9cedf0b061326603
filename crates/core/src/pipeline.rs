//! The named places at which plugins join the way of a message, presence or request.

use std::{fmt, sync::Arc};

use sestina_stanza::Stanza;

use crate::{BoxFuture, Refusal, Server, plan::Plan};

/// Whose side of a stanza's way a hook stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The sender's, where the sender is an account of this server.
    Sender,
    /// The recipient's, where the recipient is an account of this server.
    Recipient,
}

/// What a guard says. A guard that cannot tell must refuse: it fails closed.
#[non_exhaustive]
pub enum Guarded {
    /// Nothing against it.
    Pass,
    /// The sender is told no.
    Refuse(Refusal),
    /// It is dropped without a word.
    Discard,
    /// The answer needs a look-up.
    Wait(BoxFuture<'static, Self>),
}

/// What a rewriter says.
#[non_exhaustive]
pub enum Rewritten {
    /// As it was.
    Keep,
    /// This goes on instead.
    Replace(Box<Stanza>),
    /// The plugin has taken it: it goes no further.
    Taken,
    /// The sender is told no.
    Refuse(Refusal),
    /// The answer needs a look-up.
    Wait(BoxFuture<'static, Self>),
}

/// What a planner says.
#[non_exhaustive]
pub enum Planned {
    /// The plan was amended, or left as it was.
    Done,
    /// The amendment needs a look-up.
    Wait(BoxFuture<'static, Amendment>),
}

/// A change to a plan that was found out by waiting.
pub type Amendment = Box<dyn FnOnce(&mut Plan) + Send>;

/// What became of a stanza.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome<'a> {
    /// So many sessions have it in their queues.
    Delivered(usize),
    /// Another server has it now: a neighbour, or one beyond.
    HandedOn,
    /// A plugin has taken charge of it.
    Claimed(&'static str),
    /// The server has answered it.
    Answered,
    /// The sender was told no, perhaps after somebody had [claimed](Self::Claimed) it.
    Refused(&'a Refusal),
    /// It was dropped without a word.
    Discarded,
}

pub(crate) type Guard = Arc<dyn Fn(&Stanza, &Server) -> Guarded + Send + Sync>;
pub(crate) type Rewrite = Arc<dyn Fn(&Stanza, &Server) -> Rewritten + Send + Sync>;
pub(crate) type Planner = Arc<dyn Fn(&mut Plan, &Server) -> Planned + Send + Sync>;
pub(crate) type Observer = Arc<dyn Fn(&Stanza, &Outcome<'_>, &Server) + Send + Sync>;

/// The hooks of one side, each place in the order of assembly unless an edge says otherwise.
#[derive(Default)]
pub(crate) struct Hooks {
    pub(crate) guards: Place<Guard>,
    pub(crate) rewrites: Place<Rewrite>,
    pub(crate) planners: Place<Planner>,
    pub(crate) observers: Place<Observer>,
}

/// Hooks with their owners.
pub(crate) struct Place<H>(pub(crate) Vec<Hook<H>>);

pub(crate) struct Hook<H> {
    pub(crate) by: &'static str,
    pub(crate) run: H,
}

impl<H> Default for Place<H> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<H> Place<H> {
    pub(crate) fn owner(&self, at: usize) -> Option<&'static str> {
        self.0.get(at).map(|hook| hook.by)
    }

    pub(crate) fn owners(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|hook| hook.by)
    }
}

impl Hooks {
    /// Puts every place into the order that the edges ask for.
    pub(crate) fn order(&mut self, edges: &[Edge]) -> Result<(), Vec<&'static str>> {
        order(&mut self.guards.0, edges)?;
        order(&mut self.rewrites.0, edges)?;
        order(&mut self.planners.0, edges)?;
        order(&mut self.observers.0, edges)
    }
}

/// `first` stands before `then` wherever both stand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edge {
    pub(crate) first: &'static str,
    pub(crate) then: &'static str,
}

/// A stable topological order; the plugins of a cycle if there is one.
fn order<H>(hooks: &mut Vec<Hook<H>>, edges: &[Edge]) -> Result<(), Vec<&'static str>> {
    let mut waiting = std::mem::take(hooks);
    while !waiting.is_empty() {
        let free = waiting.iter().position(|hook| {
            !edges.iter().any(|edge| {
                edge.then == hook.by && waiting.iter().any(|other| other.by == edge.first)
            })
        });
        match free {
            Some(at) => hooks.push(waiting.remove(at)),
            None => {
                let mut cycle: Vec<_> = waiting.iter().map(|hook| hook.by).collect();
                cycle.dedup();
                return Err(cycle);
            }
        }
    }
    Ok(())
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("guards", &self.guards.owners().collect::<Vec<_>>())
            .field("rewrites", &self.rewrites.owners().collect::<Vec<_>>())
            .field("planners", &self.planners.owners().collect::<Vec<_>>())
            .field("observers", &self.observers.owners().collect::<Vec<_>>())
            .finish()
    }
}

macro_rules! debug_by_name {
    ($($type:ident { $($variant:ident $(($field:ident))?),* $(,)? })*) => {$(
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant { .. } => stringify!($variant)),* })
            }
        }
    )*};
}

debug_by_name! {
    Guarded { Pass, Refuse, Discard, Wait }
    Rewritten { Keep, Replace, Taken, Refuse, Wait }
    Planned { Done, Wait }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(owners: &[&'static str]) -> Vec<Hook<()>> {
        owners.iter().map(|by| Hook { by, run: () }).collect()
    }

    fn ordered(
        owners: &[&'static str],
        edges: &[(&'static str, &'static str)],
    ) -> Result<Vec<&'static str>, Vec<&'static str>> {
        let edges: Vec<_> = edges.iter().map(|&(first, then)| Edge { first, then }).collect();
        let mut hooks = place(owners);
        order(&mut hooks, &edges)?;
        Ok(hooks.iter().map(|hook| hook.by).collect())
    }

    #[test]
    fn without_edges_the_order_is_that_of_assembly() {
        assert_eq!(ordered(&["b", "a", "c"], &[]), Ok(vec!["b", "a", "c"]));
    }

    #[test]
    fn edges_move_only_what_they_must() {
        assert_eq!(ordered(&["a", "b", "c"], &[("c", "a")]), Ok(vec!["b", "c", "a"]));
        assert_eq!(ordered(&["a", "b"], &[("absent", "a")]), Ok(vec!["a", "b"]));
    }

    #[test]
    fn a_cycle_names_its_plugins() {
        assert_eq!(ordered(&["a", "b", "c"], &[("a", "b"), ("b", "a")]), Err(vec!["a", "b"]));
    }

    #[test]
    fn a_plugin_may_stand_twice_at_one_place() {
        assert_eq!(ordered(&["a", "a", "b"], &[("b", "a")]), Ok(vec!["b", "a", "a"]));
    }
}
