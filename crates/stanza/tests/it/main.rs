//! The crate as others use it.

mod corpus;
mod properties;
