//! The typed shapes and the in-memory backend.

mod corpus;
mod conformance {
    sestina_store::conformance!(|_: &std::path::Path| Ok(sestina_store::memory()));
}
mod lanes;
mod threaded;
