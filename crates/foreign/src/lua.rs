//! The data that Prosody writes down: tables of Lua, which say what they hold and do nothing.
//!
//! ```text
//! return {
//!     ["password"] = "wherefore";
//!     groups = { ["Friends"] = true };
//!     "first"; "second";
//! };
//! ```
//!
//! Read is what stands for a value: tables, texts, numbers, `true`, `false`, `nil`. Anything that would
//! have to be run is a mistake.

use std::fmt;

/// How deep tables stand in each other.
const DEPTH: usize = 64;

/// How many values a file has.
const VALUES: usize = 1 << 20;

/// A value, written down.
#[derive(Clone, PartialEq)]
pub(crate) enum Value {
    Nil,
    Bool(bool),
    Number(f64),
    Text(String),
    Table(Table),
}

/// Fields in the order in which they stand, those without a name counted from 1.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Table(Vec<(Value, Value)>);

/// Where a file is not what is read here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub(crate) line: usize,
    pub(crate) expected: &'static str,
}

impl Table {
    /// The last value of a name, as Lua has it.
    pub(crate) fn of(&self, name: &str) -> Option<&Value> {
        let mut found = self.0.iter().rev();
        found
            .find(|(key, _)| matches!(key, Value::Text(key) if key == name))
            .map(|(_, value)| value)
    }

    /// What stands under `false`, where nobody's name stands in its way.
    pub(crate) fn of_list(&self) -> Option<&Self> {
        self.0.iter().find(|(key, _)| *key == Value::Bool(false))?.1.as_table()
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.of(name)?.as_text()
    }

    pub(crate) fn table(&self, name: &str) -> Option<&Self> {
        self.of(name)?.as_table()
    }

    /// Fields whose name is a text.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().filter_map(|(key, value)| Some((key.as_text()?, value)))
    }

    /// Values under 1, 2 and so on, in that order.
    pub(crate) fn listed(&self) -> Vec<&Value> {
        let number = |key: &Value| match key {
            Value::Number(number) => Some(*number),
            _ => None,
        };
        let mut listed: Vec<_> =
            self.0.iter().filter_map(|(key, value)| Some((number(key)?, value))).collect();
        listed.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        listed.into_iter().map(|(_, value)| value).collect()
    }
}

impl Value {
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_table(&self) -> Option<&Table> {
        match self {
            Self::Table(table) => Some(table),
            _ => None,
        }
    }

    pub(crate) fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }
}

/// Reads a file of one value: `return { … };`.
pub(crate) fn value(file: &[u8]) -> Result<Value, Mistake> {
    let mut reader = Reader::new(file);
    reader.word(b"return", "return")?;
    let value = reader.value(0)?;
    reader.skip(b';')?;
    reader.end()?;
    Ok(value)
}

/// Reads a file of many: `item({ … });` and once more.
pub(crate) fn items(file: &[u8]) -> Result<Vec<Value>, Mistake> {
    let mut reader = Reader::new(file);
    let mut items = Vec::new();
    loop {
        reader.space()?;
        if reader.rest.is_empty() {
            return Ok(items);
        }
        reader.word(b"item", "item")?;
        reader.must(b'(', "(")?;
        items.push(reader.value(0)?);
        reader.must(b')', ")")?;
        reader.skip(b';')?;
    }
}

struct Reader<'f> {
    whole: &'f [u8],
    rest: &'f [u8],
    values: usize,
}

impl<'f> Reader<'f> {
    fn new(file: &'f [u8]) -> Self {
        let whole = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
        Self { whole, rest: whole, values: 0 }
    }

    fn expected<T>(&self, expected: &'static str) -> Result<T, Mistake> {
        let read = self.whole.len() - self.rest.len();
        let read = self.whole.get(..read).unwrap_or_default();
        Err(Mistake { line: 1 + read.iter().filter(|byte| **byte == b'\n').count(), expected })
    }

    fn take(&mut self, bytes: usize) -> &'f [u8] {
        let (taken, rest) = self.rest.split_at(bytes.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// Passes white space and comments.
    fn space(&mut self) -> Result<(), Mistake> {
        loop {
            self.rest = self.rest.trim_ascii_start();
            let Some(comment) = self.rest.strip_prefix(b"--") else { return Ok(()) };
            self.rest = comment;
            if let Some(level) = long_bracket(self.rest) {
                self.long(level)?;
            } else {
                let end = self.rest.iter().position(|byte| *byte == b'\n');
                self.take(end.unwrap_or(self.rest.len()));
            }
        }
    }

    fn skip(&mut self, byte: u8) -> Result<bool, Mistake> {
        self.space()?;
        let there = self.rest.first() == Some(&byte);
        self.take(usize::from(there));
        Ok(there)
    }

    fn must(&mut self, byte: u8, expected: &'static str) -> Result<(), Mistake> {
        if self.skip(byte)? { Ok(()) } else { self.expected(expected) }
    }

    fn end(&mut self) -> Result<(), Mistake> {
        self.space()?;
        if self.rest.is_empty() { Ok(()) } else { self.expected("nothing more") }
    }

    fn word(&mut self, word: &[u8], expected: &'static str) -> Result<(), Mistake> {
        self.space()?;
        if self.name() == word {
            self.take(word.len());
            return Ok(());
        }
        self.expected(expected)
    }

    /// The name that stands here, if one does.
    fn name(&self) -> &'f [u8] {
        let is = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let end = self.rest.iter().position(|byte| !is(byte)).unwrap_or(self.rest.len());
        match self.rest.first() {
            Some(first) if !first.is_ascii_digit() => self.rest.get(..end).unwrap_or_default(),
            _ => b"",
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, Mistake> {
        self.values += 1;
        if self.values > VALUES {
            return self.expected("fewer values");
        }
        self.space()?;
        match self.rest.first() {
            Some(b'{') if depth == DEPTH => self.expected("fewer tables in each other"),
            Some(b'{') => self.table(depth).map(Value::Table),
            Some(b'"' | b'\'') => self.quoted().map(Value::Text),
            Some(b'[') if let Some(level) = long_bracket(self.rest) => {
                let text = self.long(level)?;
                self.utf8(text.to_vec()).map(Value::Text)
            }
            Some(b'0'..=b'9' | b'-' | b'.') => self.number().map(Value::Number),
            _ => {
                let name = self.name();
                let value = match name {
                    b"nil" => Value::Nil,
                    b"true" => Value::Bool(true),
                    b"false" => Value::Bool(false),
                    _ => return self.expected("a value"),
                };
                self.take(name.len());
                Ok(value)
            }
        }
    }

    fn table(&mut self, depth: usize) -> Result<Table, Mistake> {
        self.must(b'{', "{")?;
        let (mut fields, mut next) = (Vec::new(), 1.0);
        while !self.skip(b'}')? {
            let name = self.name();
            let is_name = !name.is_empty() && !matches!(name, b"nil" | b"true" | b"false");
            let key = if self.rest.first() == Some(&b'[') && long_bracket(self.rest).is_none() {
                self.take(1);
                let key = self.value(depth + 1)?;
                self.must(b']', "]")?;
                self.must(b'=', "=")?;
                key
            } else if is_name {
                self.take(name.len());
                self.must(b'=', "=")?;
                self.utf8(name.to_vec()).map(Value::Text)?
            } else {
                next += 1.0;
                Value::Number(next - 1.0)
            };
            fields.push((key, self.value(depth + 1)?));
            if !self.skip(b';')? && !self.skip(b',')? {
                self.must(b'}', "; or }")?;
                break;
            }
        }
        Ok(Table(fields))
    }

    fn number(&mut self) -> Result<f64, Mistake> {
        let is = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
        let end = self.rest.iter().position(|byte| !is(byte)).unwrap_or(self.rest.len());
        let text = self.rest.get(..end).and_then(|text| std::str::from_utf8(text).ok());
        let plain =
            text.filter(|it| it.bytes().all(|byte| !byte.is_ascii_alphabetic() || byte == b'e'));
        let Some(number) = plain.and_then(|text| text.parse().ok()) else {
            return self.expected("a number");
        };
        self.take(end);
        // What Prosody writes for what is none.
        if self.rest.first() == Some(&b'/') {
            self.take(1);
            return self.number().map(|below| number / below);
        }
        Ok(number)
    }

    fn quoted(&mut self) -> Result<String, Mistake> {
        let quote = self.take(1);
        let mut bytes = Vec::new();
        loop {
            let plain = self.rest.iter().position(|it| quote.contains(it) || b"\\\n".contains(it));
            let Some(plain) = plain else { return self.expected("the end of a text") };
            bytes.extend_from_slice(self.take(plain));
            match self.take(1) {
                b"\\" => self.escape(&mut bytes)?,
                end if end == quote => return self.utf8(bytes),
                _ => return self.expected("the end of a text"),
            }
        }
    }

    fn escape(&mut self, bytes: &mut Vec<u8>) -> Result<(), Mistake> {
        let [letter] = self.take(1) else { return self.expected("the end of a text") };
        bytes.push(match letter {
            b'a' => 7,
            b'b' => 8,
            b't' => b'\t',
            b'n' | b'\n' => b'\n',
            b'v' => 11,
            b'f' => 12,
            b'r' => b'\r',
            b'\\' | b'"' | b'\'' => *letter,
            b'x' => match std::str::from_utf8(self.take(2)).map(|it| u8::from_str_radix(it, 16)) {
                Ok(Ok(byte)) => byte,
                _ => return self.expected("two digits"),
            },
            b'0'..=b'9' => {
                let more = self.rest.iter().take(2).take_while(|it| it.is_ascii_digit()).count();
                let digits = std::iter::once(letter).chain(self.take(more));
                let number = digits.fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
                match u8::try_from(number) {
                    Ok(byte) => byte,
                    Err(_) => return self.expected("a byte"),
                }
            }
            _ => return self.expected("an escape that is known"),
        });
        Ok(())
    }

    /// What stands in `[[…]]` or `[==[…]==]`.
    fn long(&mut self, level: usize) -> Result<&'f [u8], Mistake> {
        self.take(level + 2);
        if self.rest.first() == Some(&b'\n') {
            self.take(1);
        }
        let close = [&b"]"[..], &vec![b'='; level], b"]"].concat();
        let Some(end) = self.rest.windows(close.len()).position(|at| at == close) else {
            return self.expected("the end of a text");
        };
        let text = self.take(end);
        self.take(close.len());
        Ok(text)
    }

    fn utf8(&self, bytes: Vec<u8>) -> Result<String, Mistake> {
        String::from_utf8(bytes).or_else(|_| self.expected("UTF-8"))
    }
}

/// How many `=` stand between two brackets that open a long text.
fn long_bracket(rest: &[u8]) -> Option<usize> {
    let rest = rest.strip_prefix(b"[")?;
    // More of them than anybody writes are no bracket.
    let level = rest.iter().take(64).take_while(|byte| **byte == b'=').count();
    (rest.get(level) == Some(&b'[')).then_some(level)
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => f.write_str("nil"),
            Self::Bool(is) => is.fmt(f),
            Self::Number(number) => number.fmt(f),
            // It may be a password.
            Self::Text(_) => f.write_str("\"…\""),
            Self::Table(table) => table.fmt(f),
        }
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(key, value)| (key, value))).finish()
    }
}

/// Writes a value as Prosody would: for tests of the reader.
pub(crate) fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Nil => out.extend_from_slice(b"nil"),
        Value::Bool(is) => out.extend_from_slice(is.to_string().as_bytes()),
        Value::Number(number) if number.is_nan() => out.extend_from_slice(b"0/0"),
        Value::Number(number) if number.is_infinite() => {
            out.extend_from_slice(if *number > 0.0 { b"1/0" } else { b"-1/0" });
        }
        Value::Number(number) => out.extend_from_slice(format!("{number:?}").as_bytes()),
        Value::Text(text) => {
            out.push(b'"');
            for byte in text.bytes() {
                match byte {
                    b'"' | b'\\' => out.extend([b'\\', byte]),
                    0..=31 => out.extend_from_slice(format!("\\{byte:03}").as_bytes()),
                    _ => out.push(byte),
                }
            }
            out.push(b'"');
        }
        Value::Table(Table(fields)) => {
            out.extend_from_slice(b"{\n");
            for (key, value) in fields {
                out.extend_from_slice(b"\t[");
                write(key, out);
                out.extend_from_slice(b"] = ");
                write(value, out);
                out.extend_from_slice(b";\n");
            }
            out.push(b'}');
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn tables_as_prosody_writes_them() {
        let file = b"-- Prosody\nreturn {\n\t[\"password\"] = \"where\\\"fore\\\nand why\\010\\x41\";\n\
                     \tgroups = { ['Friends'] = true, };\n\t[false] = { version = 3 };\n\
                     \t\"first\"; [[\nse]cond]]; --[==[ no ]] more ]==] nil;\n\t[1.5] = -2e3;\n};\n";
        let Ok(Value::Table(table)) = value(file) else { panic!("{:?}", value(file)) };
        assert_eq!(table.text("password"), Some("where\"fore\nand why\nA"));
        assert_eq!(table.table("groups").and_then(|it| it.of("Friends")), Some(&Value::Bool(true)));
        assert_eq!(table.named().count(), 2);
        let listed = [&text("first"), &Value::Number(-2000.0), &text("se]cond"), &Value::Nil];
        assert_eq!(table.listed(), listed);
        assert_eq!(items(b"item({ 1 });\nitem('two');\n").map(|it| it.len()), Ok(2));
        assert_eq!(items(b" \n"), Ok(Vec::new()));
    }

    #[test]
    fn what_would_have_to_be_run_is_a_mistake() {
        let deep = format!("return {}{}", "{".repeat(70), "}".repeat(70));
        let many = format!("return {{{}}}", "1;".repeat(VALUES));
        for (file, line, expected) in [
            ("", 1, "return"),
            ("returns {}", 1, "return"),
            ("return", 1, "a value"),
            ("return os.exit()", 1, "a value"),
            ("return {\n\nx", 3, "="),
            ("return {}\nos.exit()", 2, "nothing more"),
            ("return { f() }", 1, "="),
            ("return { ['a' .. 'b'] = 1 }", 1, "]"),
            ("return { 1 2 }", 1, "; or }"),
            ("return 'a", 1, "the end of a text"),
            ("return 'a\n'", 2, "the end of a text"),
            ("return [[a", 1, "the end of a text"),
            ("return '\\q'", 1, "an escape that is known"),
            ("return '\\999'", 1, "a byte"),
            ("return '\\xg0'", 1, "two digits"),
            ("return '\\255'", 1, "UTF-8"),
            ("return 1e", 1, "a number"),
            ("return 0x10", 1, "a number"),
            ("return --[[", 1, "the end of a text"),
            (&deep, 1, "fewer tables in each other"),
            (&many, 1, "fewer values"),
        ] {
            let shown = file.get(..30.min(file.len()));
            assert_eq!(value(file.as_bytes()), Err(Mistake { line, expected }), "{shown:?}");
        }
        assert_eq!(items(b"item{}").unwrap_err().expected, "(");
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Nil),
            any::<bool>().prop_map(Value::Bool),
            any::<f64>().prop_filter("equal to itself", |it| !it.is_nan()).prop_map(Value::Number),
            ".{0,12}".prop_map(Value::Text),
        ];
        leaf.prop_recursive(5, 40, 6, |inner| {
            let fields = proptest::collection::vec((inner.clone(), inner), 0..6);
            fields.prop_map(|fields| Value::Table(Table(fields)))
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(written in values()) {
            let mut file = b"return ".to_vec();
            write(&written, &mut file);
            prop_assert_eq!(value(&file), Ok(written));
        }

        #[test]
        fn nothing_panics(file in proptest::collection::vec(any::<u8>(), 0..100), also in "[\\[\\]{}=;\"'\\\\a-z0-9. -]{0,60}") {
            let _ = (value(&file), items(&file));
            let _ = value(format!("return {also}").as_bytes());
        }
    }
}
