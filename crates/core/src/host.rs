//! The program that a server is part of: the capability of whoever runs it.

/// What the host program lets plugins ask of it. Without one, as where a server is part of something
/// larger, nobody can.
///
/// ```
/// use std::sync::Arc;
/// use sestina_core::{Assembly, AssemblyError, Host};
///
/// struct Daemon;
///
/// impl Host for Daemon {
///     fn stop(&self) {
///         // …and whoever waits for it shuts the server down.
///     }
/// }
///
/// fn host(assembly: &mut Assembly) -> Result<(), AssemblyError> {
///     assembly.provide::<dyn Host>(Arc::new(Daemon))
/// }
/// ```
pub trait Host: Send + Sync + 'static {
    /// Asks the program to shut the server down, and returns at once.
    fn stop(&self);
}
