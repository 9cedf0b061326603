//! The samples of the book: each chapter is the documentation of an item here, so that `cargo test`
//! compiles and runs what it shows.

macro_rules! chapters {
    ($($name:ident $file:literal)*) => {
        $(
            #[cfg(doctest)]
            #[doc = include_str!(concat!("src/", $file))]
            mod $name {}
        )*
    };
}

chapters! {
    choosing "choosing.md"
    domains "domains.md"
    embedding "embedding.md"
    first_server "first-server.md"
    places "places.md"
    storage "storage.md"
    testing "testing.md"
}
