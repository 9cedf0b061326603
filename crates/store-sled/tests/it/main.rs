//! The suite that every backend passes.

sestina_store::conformance!(|folder: &std::path::Path| {
    sestina_store_sled::open(folder.join("sled"))
});
sestina_store::conformance_on_disk!(|folder: &std::path::Path| {
    sestina_store_sled::open(folder.join("sled"))
});
