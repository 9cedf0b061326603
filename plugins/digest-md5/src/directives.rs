//! What a client says in DIGEST-MD5: `name="value"` after `name=value` (RFC 2831 §2.1.2, §7).

/// The most directives in one message.
const MOST: usize = 32;

/// Why a message is no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// A client's response to a challenge, as it is written; what is unknown is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) username: Vec<u8>,
    pub(crate) realm: Vec<u8>,
    pub(crate) nonce: Vec<u8>,
    pub(crate) cnonce: Vec<u8>,
    /// The count as written, and what it says.
    pub(crate) nc: (Vec<u8>, u32),
    pub(crate) uri: Vec<u8>,
    pub(crate) response: [u8; 16],
    /// Whether names are in UTF-8 and not in ISO 8859-1.
    pub(crate) utf8: bool,
    pub(crate) authzid: Option<Vec<u8>>,
}

impl Response {
    /// Reads a response that asks for authentication alone.
    pub(crate) fn read(message: &[u8]) -> Result<Self, Malformed> {
        let mut found: [Option<Vec<u8>>; NAMES.len()] = Default::default();
        let mut reader = Reader(message);
        let mut count = 0;
        while let Some((name, value)) = reader.next()? {
            count += 1;
            if count > MOST {
                return Err(Malformed);
            }
            let known = NAMES.iter().position(|known| name.eq_ignore_ascii_case(known.as_bytes()));
            let Some(slot) = known.and_then(|at| found.get_mut(at)) else { continue };
            if slot.replace(value).is_some() {
                return Err(Malformed);
            }
        }
        let [username, realm, nonce, cnonce, nc, qop, uri, response, charset, authzid] = found;
        let is = |value: Option<Vec<u8>>, only: &str| {
            value.map_or(Ok(false), |value| match value.eq_ignore_ascii_case(only.as_bytes()) {
                true => Ok(true),
                false => Err(Malformed),
            })
        };
        is(qop, "auth")?;
        let nc = nc.ok_or(Malformed)?;
        let count = hex::<4>(&nc).map(u32::from_be_bytes).ok_or(Malformed)?;
        Ok(Self {
            username: username.ok_or(Malformed)?,
            // RFC 2831 §2.1.2: a missing realm is an empty one.
            realm: realm.unwrap_or_default(),
            nonce: nonce.ok_or(Malformed)?,
            cnonce: cnonce.filter(|it| !it.is_empty()).ok_or(Malformed)?,
            nc: (nc, count),
            uri: uri.ok_or(Malformed)?,
            response: response.and_then(|it| hex(&it)).ok_or(Malformed)?,
            utf8: is(charset, "utf-8")?,
            authzid: authzid.filter(|it| !it.is_empty()),
        })
    }
}

/// Those that matter, each of which may stand once.
const NAMES: [&str; 10] = [
    "username",
    "realm",
    "nonce",
    "cnonce",
    "nc",
    "qop",
    "digest-uri",
    "response",
    "charset",
    "authzid",
];

/// So many bytes, written in so many pairs of hexadecimal digits.
fn hex<const BYTES: usize>(text: &[u8]) -> Option<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    if text.len() != 2 * BYTES {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.chunks(2)) {
        for digit in pair {
            *byte = *byte << 4 | u8::try_from(char::from(*digit).to_digit(16)?).ok()?;
        }
    }
    Some(bytes)
}

/// A name as it is written, and a value without what it is written with.
type Directive<'a> = (&'a [u8], Vec<u8>);

/// What is left of a message.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The next directive. There may be space around everything, and nothing between commas.
    fn next(&mut self) -> Result<Option<Directive<'a>>, Malformed> {
        while self.skip_space() == Some(b',') {
            self.take();
        }
        if self.0.is_empty() {
            return Ok(None);
        }
        let name = self.token(|byte| byte == b'=')?;
        self.skip_space();
        if self.take() != Some(b'=') {
            return Err(Malformed);
        }
        let value = match self.skip_space() {
            Some(b'"') => self.quoted()?,
            _ => self.token(|_| false)?.to_vec(),
        };
        match self.skip_space() {
            None | Some(b',') => Ok(Some((name, value))),
            Some(_) => Err(Malformed),
        }
    }

    fn take(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// What comes behind any space.
    fn skip_space(&mut self) -> Option<u8> {
        self.0 = self.0.trim_ascii_start();
        self.0.first().copied()
    }

    /// At least one byte, up to a space, a comma, or what else ends it.
    fn token(&mut self, ends: impl Fn(u8) -> bool) -> Result<&'a [u8], Malformed> {
        let stop = |byte: &u8| byte.is_ascii_whitespace() || *byte == b',' || ends(*byte);
        let (token, rest) = self.0.split_at(self.0.iter().position(stop).unwrap_or(self.0.len()));
        if token.is_empty() || token.iter().any(|byte| *byte == b'"' || byte.is_ascii_control()) {
            return Err(Malformed);
        }
        self.0 = rest;
        Ok(token)
    }

    fn quoted(&mut self) -> Result<Vec<u8>, Malformed> {
        self.take();
        let mut value = Vec::new();
        loop {
            match self.take().ok_or(Malformed)? {
                b'"' => return Ok(value),
                b'\\' => value.push(self.take().ok_or(Malformed)?),
                byte => value.push(byte),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WHOLE: &str = "username=\"juliet\",realm=\"capulet.example\",nonce=\"n\",cnonce=\"c\",\
        nc=0000000a,qop=auth,digest-uri=\"xmpp/capulet.example\",maxbuf=4096,\
        response=00112233445566778899aabbccddeeFF,charset=utf-8";

    fn read(message: &str) -> Result<Response, Malformed> {
        Response::read(message.as_bytes())
    }

    #[test]
    fn however_it_is_written_it_says_the_same() {
        let whole = read(WHOLE).unwrap();
        assert_eq!((whole.username.as_slice(), whole.nc.1, whole.utf8), (&b"juliet"[..], 10, true));
        assert_eq!(whole.nc.0, b"0000000a");
        assert_eq!((whole.response[1], whole.response[15]), (0x11, 0xff));
        let turned: Vec<_> = WHOLE.split(',').rev().collect();
        for message in [
            turned.join(","),
            turned.join(" ,\r\n\t, "),
            format!(",, {} ,", WHOLE.replace('=', " = ")),
            WHOLE.replace("username", "UserName"),
            WHOLE.replace("utf-8", "\"UTF-8\"").replace("=auth", "=\"auth\""),
            WHOLE.replace("\"juliet\"", "\"\\jul\\i\\et\""),
            WHOLE.replace("\"xmpp/capulet.example\"", "xmpp/capulet.example"),
            WHOLE.replace("qop=auth,", ""),
            format!("{WHOLE},colour=blue,colour=\"red, green\",authzid=\"\""),
        ] {
            assert_eq!(read(&message), Ok(whole.clone()), "{message}");
        }
    }

    #[test]
    fn what_is_missing_twice_or_nonsense_is_malformed() {
        for name in ["username", "nonce", "cnonce", "nc", "digest-uri", "response"] {
            let rest = WHOLE.split(',').filter(|it| !it.starts_with(&format!("{name}=")));
            assert_eq!(read(&rest.collect::<Vec<_>>().join(",")), Err(Malformed), "{name}");
        }
        for name in NAMES {
            let more = format!("{name}=x,{name}=x,{WHOLE}");
            assert_eq!(read(&more), Err(Malformed), "{more}");
        }
        for (from, to) in [
            ("qop=auth", "qop=auth-int"),
            ("utf-8", "latin1"),
            ("0000000a", "a"),
            ("0000000a", "0000000g"),
            ("0000000a", "00000000a"),
            ("eeFF", "ee"),
            ("eeFF", "eeFFF"),
            ("\"c\"", "\"\""),
            ("\"c\"", ""),
            ("\"c\"", "c\"d"),
            ("\"c\"", "\"c\" d"),
            ("nc=", "nc"),
            ("nc=", "="),
        ] {
            let message = WHOLE.replace(from, to);
            assert_eq!(read(&message), Err(Malformed), "{message}");
        }
        for message in
            ["", ",", " ", "username", "username=\"juliet", "username=\"juliet\\", "\0=a"]
        {
            assert_eq!(read(message), Err(Malformed), "{message:?}");
        }
    }

    #[test]
    fn there_are_no_more_than_so_many() {
        let more = |count| format!("{WHOLE}{}", ",colour=blue".repeat(count));
        assert!(read(&more(MOST - 10)).is_ok());
        assert_eq!(read(&more(MOST - 9)), Err(Malformed));
    }

    #[test]
    fn a_missing_realm_is_an_empty_one_and_a_missing_charset_the_old_one() {
        let bare = WHOLE.replace("realm=\"capulet.example\",", "").replace(",charset=utf-8", "");
        let bare = read(&bare).unwrap();
        assert_eq!((bare.realm.as_slice(), bare.utf8, bare.authzid), (&b""[..], false, None));
    }

    proptest! {
        #[test]
        fn what_is_quoted_comes_back(name in "\\PC{1,20}", space in "[ \t]{0,3}") {
            let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
            let message = WHOLE.replace("\"juliet\"", &format!("{space}\"{quoted}\"{space}"));
            prop_assert_eq!(read(&message).unwrap().username, name.into_bytes());
        }

        #[test]
        fn nothing_panics(message in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Response::read(&message);
        }
    }
}
