//! The messages a SCRAM client sends (RFC 5802 §7).

/// The longest nonce of a client in bytes.
pub(crate) const MAX_CLIENT_NONCE: usize = 512;

/// A message that breaks the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// What a client says of channel binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BindingFlag<'a> {
    /// It can do none: `n`.
    Unsupported,
    /// It can, but thinks the server cannot: `y`.
    NotOffered,
    /// It used this type: `p=`.
    Used(&'a str),
}

/// The first message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ClientFirst<'a> {
    /// The part that says how the channel is bound and as whom to go on, for the check of `c=`.
    pub(crate) gs2_header: &'a str,
    pub(crate) binding: BindingFlag<'a>,
    pub(crate) authzid: Option<String>,
    /// Everything else, as it goes into the signed message.
    pub(crate) bare: &'a str,
    pub(crate) username: String,
    pub(crate) nonce: &'a str,
}

impl<'a> ClientFirst<'a> {
    pub(crate) fn parse(message: &'a [u8]) -> Result<Self, Malformed> {
        let message = text(message)?;
        let (flag, rest) = message.split_once(',').ok_or(Malformed)?;
        let (authzid, bare) = rest.split_once(',').ok_or(Malformed)?;
        let gs2_header = message.strip_suffix(bare).ok_or(Malformed)?;
        let binding = match flag {
            "n" => BindingFlag::Unsupported,
            "y" => BindingFlag::NotOffered,
            _ => BindingFlag::Used(binding_name(flag.strip_prefix("p=").ok_or(Malformed)?)?),
        };
        let authzid = match authzid {
            "" => None,
            _ => Some(saslname(authzid.strip_prefix("a=").ok_or(Malformed)?)?),
        };
        // A message that begins with `m=` demands an extension that we do not have; here it fails
        // for not being the name.
        let mut attributes = Attributes::of(bare);
        let username = saslname(attributes.expect('n')?)?;
        let nonce = nonce(attributes.expect('r')?)?;
        if nonce.len() > MAX_CLIENT_NONCE {
            return Err(Malformed);
        }
        attributes.skip_optional()?;
        Ok(Self { gs2_header, binding, authzid, bare, username, nonce })
    }
}

/// The final message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ClientFinal<'a> {
    /// Base64 of the GS2 header and the channel-binding data.
    pub(crate) binding: &'a str,
    pub(crate) nonce: &'a str,
    /// Base64.
    pub(crate) proof: &'a str,
    /// Everything but the proof, as it goes into the signed message.
    pub(crate) without_proof: &'a str,
}

impl<'a> ClientFinal<'a> {
    pub(crate) fn parse(message: &'a [u8]) -> Result<Self, Malformed> {
        let (without_proof, proof) = text(message)?.rsplit_once(",p=").ok_or(Malformed)?;
        if proof.is_empty() || proof.contains(',') {
            return Err(Malformed);
        }
        let mut attributes = Attributes::of(without_proof);
        attributes.seen |= Attributes::bit('p').unwrap_or(0);
        let binding = attributes.expect('c')?;
        let nonce = nonce(attributes.expect('r')?)?;
        attributes.skip_optional()?;
        Ok(Self { binding, nonce, proof, without_proof })
    }
}

/// Attributes of one letter each, separated by commas, none of them twice.
struct Attributes<'a> {
    parts: std::str::Split<'a, char>,
    seen: u64,
}

impl<'a> Attributes<'a> {
    fn of(text: &'a str) -> Self {
        Self { parts: text.split(','), seen: 0 }
    }

    fn next(&mut self) -> Option<Result<(char, &'a str), Malformed>> {
        self.parts.next().map(|part| {
            let (key, value) = part.split_once('=').ok_or(Malformed)?;
            let mut letters = key.chars();
            let (Some(letter), None) = (letters.next(), letters.next()) else {
                return Err(Malformed);
            };
            let bit = Self::bit(letter).ok_or(Malformed)?;
            if value.is_empty() || self.seen & bit != 0 {
                return Err(Malformed);
            }
            self.seen |= bit;
            Ok((letter, value))
        })
    }

    fn bit(letter: char) -> Option<u64> {
        letter.is_ascii_alphabetic().then(|| 1 << (u32::from(letter) - u32::from('A')))
    }

    fn expect(&mut self, wanted: char) -> Result<&'a str, Malformed> {
        match self.next() {
            Some(Ok((letter, value))) if letter == wanted => Ok(value),
            _ => Err(Malformed),
        }
    }

    /// Passes over extensions that may be ignored, which excludes `m` (RFC 5802 §5.1).
    fn skip_optional(&mut self) -> Result<(), Malformed> {
        while let Some(attribute) = self.next() {
            if attribute?.0 == 'm' {
                return Err(Malformed);
            }
        }
        Ok(())
    }
}

fn text(message: &[u8]) -> Result<&str, Malformed> {
    let text = std::str::from_utf8(message).map_err(|_| Malformed)?;
    if text.contains('\0') { Err(Malformed) } else { Ok(text) }
}

fn binding_name(name: &str) -> Result<&str, Malformed> {
    let valid = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    if !name.is_empty() && name.chars().all(valid) { Ok(name) } else { Err(Malformed) }
}

/// Printable ASCII but the comma, which has been split at.
fn nonce(value: &str) -> Result<&str, Malformed> {
    if value.chars().all(|c| c.is_ascii_graphic()) { Ok(value) } else { Err(Malformed) }
}

/// Decodes a name in which `=2C` stands for a comma, `=3D` for `=`, and no other `=` occurs.
fn saslname(value: &str) -> Result<String, Malformed> {
    let mut parts = value.split('=');
    let mut name = parts.next().ok_or(Malformed)?.to_owned();
    for part in parts {
        let (code, rest) = part.split_at_checked(2).ok_or(Malformed)?;
        name.push(match code {
            "2C" | "2c" => ',',
            "3D" | "3d" => '=',
            _ => return Err(Malformed),
        });
        name.push_str(rest);
    }
    if name.is_empty() { Err(Malformed) } else { Ok(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_messages() {
        let first = ClientFirst::parse(b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL").unwrap();
        assert_eq!(first.gs2_header, "n,,");
        assert_eq!(first.bare, "n=user,r=fyko+d2lbbFgONRv9qkxdawL");
        assert_eq!(first.binding, BindingFlag::Unsupported);
        assert_eq!((first.authzid, &first.username[..]), (None, "user"));
        assert_eq!(first.nonce, "fyko+d2lbbFgONRv9qkxdawL");

        let first =
            ClientFirst::parse(b"p=tls-exporter,a=a=2Cb,n=x=3Dy=2Cz,r=1=2,e=,=").unwrap_err();
        assert_eq!(first, Malformed);
        let first = ClientFirst::parse(b"p=tls-exporter,a=a=2Cb,n=x=3Dy=2Cz,r=1=2,e==").unwrap();
        assert_eq!(first.gs2_header, "p=tls-exporter,a=a=2Cb,");
        assert_eq!(first.binding, BindingFlag::Used("tls-exporter"));
        assert_eq!(first.authzid.as_deref(), Some("a,b"));
        assert_eq!(first.username, "x=y,z");
        assert_eq!(first.nonce, "1=2");
        assert_eq!(ClientFirst::parse(b"y,,n=u,r=r").unwrap().binding, BindingFlag::NotOffered);
    }

    #[test]
    fn malformed_first_messages() {
        for bad in [
            "",
            "n",
            "n,",
            "n,,",
            "n,,m",
            "n,,n=u",
            "n,,n=u,",
            "n,,n=,r=x",
            "n,,n=u,r=",
            ",,n=u,r=x",
            "x,,n=u,r=x",
            "N,,n=u,r=x",
            "p,,n=u,r=x",
            "p=,,n=u,r=x",
            "p=a_b,,n=u,r=x",
            "n,a,n=u,r=x",
            "n,a=,n=u,r=x",
            "n,u,n=u,r=x",
            "n,,m=x,n=u,r=x",
            "n,,n=u,r=x,m=x",
            "n,,r=x,n=u",
            "n,,n=u,n=v,r=x",
            "n,,n=u,r=x,r=y",
            "n,,n=u,r=x,e=1,e=2",
            "n,,n=u,r=x,n=v",
            "n,,n=u,r=x,",
            "n,,n=u,r=x,1=2",
            "n,,n=u,r=x,ab=2",
            "n,,n=u=,r=x",
            "n,,n=u=2,r=x",
            "n,,n=u=2D,r=x",
            "n,,n==,r=x",
            "n,,n=u=\u{e9},r=x",
            "n,,n=u,r=x y",
            "n,,n=u,r=\u{e9}",
            "n,,n=u\0,r=x",
            "n,,n=u,r=x,\u{e9}=2",
            "y,,n=u,r=\u{7f}",
        ] {
            assert_eq!(ClientFirst::parse(bad.as_bytes()), Err(Malformed), "{bad:?}");
        }
        assert_eq!(ClientFirst::parse(b"n,,n=\xff,r=x"), Err(Malformed));
        let with_nonce = |len| format!("n,,n=u,r={}", "x".repeat(len));
        assert!(ClientFirst::parse(with_nonce(MAX_CLIENT_NONCE).as_bytes()).is_ok());
        assert!(ClientFirst::parse(with_nonce(MAX_CLIENT_NONCE + 1).as_bytes()).is_err());
    }

    #[test]
    fn final_messages() {
        let last = ClientFinal::parse(b"c=biws,r=abc,x=y,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=").unwrap();
        assert_eq!((last.binding, last.nonce), ("biws", "abc"));
        assert_eq!(last.proof, "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=");
        assert_eq!(last.without_proof, "c=biws,r=abc,x=y");
        for bad in [
            "",
            "c=biws",
            "c=biws,r=a",
            "c=biws,r=a,p",
            "c=biws,r=a,p=",
            ",p=x",
            "r=a,c=biws,p=x",
            "c=,r=a,p=x",
            "c=biws,r=,p=x",
            "c=biws,r=a,p=x,p=y",
            "c=biws,r=a,p=x,z=y",
            "c=biws,c=biws,r=a,p=x",
            "c=biws,r=a,m=x,p=y",
            "c=biws,r=a,,p=y",
            "c=biws,p=x,r=a",
        ] {
            assert_eq!(ClientFinal::parse(bad.as_bytes()), Err(Malformed), "{bad:?}");
        }
    }
}
