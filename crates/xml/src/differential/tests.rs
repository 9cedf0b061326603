//! Bytes that go wrong in as many ways as there are rules.

use std::fs;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::check;

/// What goes wrong in XML, in pieces that fit together more often than letters would.
const PIECES: &[&str] = &[
    "<",
    ">",
    "/>",
    "</",
    "<a",
    "<a>",
    "</a>",
    "<a/>",
    "<b ",
    "</b>",
    "<p:a",
    "</p:a>",
    "<ack:r/>",
    "<stream:x>",
    "</stream:x>",
    "</stream:stream>",
    "</stream:stream ",
    "=",
    "'",
    "\"",
    " ",
    "\n",
    "\t",
    "\r",
    "\r\n",
    " x='1'",
    " x=\"2\"",
    " y=''",
    " p:x='1'",
    " q:x='2'",
    " xml:lang='de'",
    " xmlns='u'",
    " xmlns=''",
    " xmlns:p='u'",
    " xmlns:q='u'",
    " xmlns:p=''",
    " xmlns:q='&#117;'",
    " xmlns:xml='http://www.w3.org/XML/1998/namespace'",
    " xmlns:xml='u'",
    " xmlns:xmlns='u'",
    " xmlns:p='http://www.w3.org/2000/xmlns/'",
    " xmlns='http://www.w3.org/2000/xmlns/'",
    " xmlns:p='http://www.w3.org/XML/1998/namespace'",
    " xmlns='http://www.w3.org/XML/1998/namespace'",
    "&",
    ";",
    "&lt;",
    "&amp;",
    "&gt;",
    "&quot;",
    "&apos;",
    "&nbsp;",
    "&#65;",
    "&#x41;",
    "&#0;",
    "&#x0;",
    "&#xD800;",
    "&#xFFFE;",
    "&#00000065;",
    "&#000000065;",
    "&#13;",
    "&#;",
    "&#x;",
    "&#xg;",
    "<![CDATA[",
    "]]>",
    "]]",
    "]",
    "<![cdata[",
    "<!--",
    "-->",
    "<!DOCTYPE a>",
    "<!",
    "<?",
    "?>",
    "<?xml version='1.0'?>",
    "text",
    ":",
    "a:b:c",
    "-",
    ".",
    "1",
    "é",
    "\u{2212}",
    "\u{b7}",
    "\u{10ffff}",
    "\u{fffe}",
    "\u{ffff}",
    "\u{fffd}",
    "\u{feff}",
    "\u{1}",
    "\0",
    "\u{7f}",
    "\u{85}",
    "\u{c}",
];

fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        40 => select(PIECES).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 1..4),
    ]
}

/// Text with something to decode in it.
fn text() -> impl Strategy<Value = String> {
    const PARTS: &[&str] = &[
        "a",
        "bc",
        " ",
        "\n",
        "\r\n",
        "\t",
        "é",
        "\u{10ffff}",
        "&amp;",
        "&lt;",
        "&#13;",
        "&#x41;",
        "&quot;",
        "]",
        ">",
    ];
    vec(select(PARTS), 0..5).prop_map(|parts| parts.concat().replace("]]>", "]]&gt;"))
}

fn attributes() -> impl Strategy<Value = String> {
    const NAMES: &[&str] = &["x", "y", "p:x", "q:x", "xml:lang", "xmlns", "xmlns:p", "xmlns:q"];
    let one = (select(NAMES), text(), select(&["'", "\"", " '", "\t\""]));
    prop::collection::btree_map(select(NAMES), one, 0..4).prop_map(|attributes| {
        let mut out = String::new();
        for (name, (_, value, quote)) in attributes {
            let mark = quote.trim_start();
            let value = if name.starts_with("xmlns:") { format!("u{value}") } else { value };
            out.push_str(&format!(" {name} ={quote}{value}{mark}"));
        }
        out
    })
}

/// An element that is well-formed, most of the time.
fn element() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        text(),
        text().prop_map(|text| format!("<![CDATA[{text}]]>")),
        Just("<ack:r/>".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let name = select(&["a", "b", "p:a", "q:b", "été"][..]);
        (name, attributes(), vec(inner, 0..4)).prop_map(|(name, attributes, content)| {
            let declares = if name.contains(':') && !attributes.contains("xmlns:") {
                " xmlns:p='v' xmlns:q='w'"
            } else {
                ""
            };
            format!("<{name}{declares}{attributes}>{}</{name}>", content.concat())
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn pieces_of_xml(pieces in vec(piece(), 0..16)) {
        check(&pieces.concat());
    }

    #[test]
    fn pieces_within_an_element(pieces in vec(piece(), 0..8)) {
        check(&[b"<a xmlns:p='p'>", &pieces.concat()[..], b"</a>"].concat());
        check(&[b"<a ", &pieces.concat()[..], b"/>"].concat());
    }

    #[test]
    fn elements_and_what_becomes_of_them(
        elements in vec(element(), 1..3),
        faults in vec((any::<prop::sample::Index>(), 0..3_usize, piece()), 0..3),
    ) {
        let mut bytes = elements.concat().into_bytes();
        check(&bytes);
        for (at, cut, piece) in faults {
            let at = at.index(bytes.len() + 1);
            let end = (at + cut).min(bytes.len());
            bytes.splice(at..end, piece);
        }
        check(&bytes);
    }

    #[test]
    fn any_bytes(bytes in vec(any::<u8>(), 0..64)) {
        check(&bytes);
    }
}

#[test]
fn the_corpus() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/xml_stream");
    let mut count = 0;
    for file in fs::read_dir(folder).unwrap() {
        check(&fs::read(file.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count >= 10, "the corpus is there");
}
