//! What a setting can be: how each kind of value is read, described and shown.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use sestina::{sasl::Hash, stanza::Jid};
use toml::de::DeValue;

/// A value as somebody wrote it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Given<'a> {
    /// In the configuration file.
    Toml(&'a DeValue<'a>),
    /// In an environment variable; a list is written with commas.
    Text(&'a str),
    /// In flags that may be repeated.
    Texts(&'a [String]),
}

/// A type that a key of the configuration can have.
pub(crate) trait Setting: Clone + PartialEq + 'static {
    /// What must be written, to stand behind "expected".
    fn expected() -> String;

    /// The values there are, where they are few.
    fn options() -> Option<String> {
        None
    }

    /// Reads a value, or says what is wrong with it beyond not being what is expected.
    fn read(given: Given<'_>) -> Result<Self, Misread>;

    /// Writes the value as the configuration file does.
    fn show(&self) -> String;
}

/// Why a value could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Misread {
    /// It is of another kind.
    Kind,
    /// It is of the right kind, but this is wrong with it.
    Because(String),
}

impl<'a> Given<'a> {
    fn text(self) -> Option<&'a str> {
        match self {
            Self::Toml(value) => value.as_str(),
            Self::Text(text) => Some(text),
            Self::Texts([text]) => Some(text),
            Self::Texts(_) => None,
        }
    }

    fn integer(self) -> Option<i128> {
        match self {
            Self::Toml(value) => {
                let integer = value.as_integer()?;
                i128::from_str_radix(integer.as_str(), integer.radix()).ok()
            }
            Self::Text(_) | Self::Texts(_) => self.text()?.trim().parse().ok(),
        }
    }

    fn boolean(self) -> Option<bool> {
        match self {
            Self::Toml(value) => value.as_bool(),
            Self::Text(_) | Self::Texts(_) => self.text()?.trim().parse().ok(),
        }
    }

    fn each<T>(
        self,
        mut read: impl FnMut(Given<'_>) -> Result<T, Misread>,
    ) -> Result<Vec<T>, Misread> {
        match self {
            Self::Toml(value) => {
                let items = value.as_array().ok_or(Misread::Kind)?;
                items.iter().map(|item| read(Given::Toml(item.get_ref()))).collect()
            }
            Self::Text(text) => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                items.map(|item| read(Given::Text(item))).collect()
            }
            Self::Texts(texts) => texts.iter().map(|text| read(Given::Text(text))).collect(),
        }
    }
}

/// Writes a string as TOML does.
pub(crate) fn quote(text: &str) -> String {
    toml::Value::from(text).to_string()
}

impl Setting for bool {
    fn expected() -> String {
        "true or false".to_owned()
    }

    fn read(given: Given<'_>) -> Result<Self, Misread> {
        given.boolean().ok_or(Misread::Kind)
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl Setting for $integer {
            fn expected() -> String {
                format!("a whole number up to {}", Self::MAX)
            }

            fn read(given: Given<'_>) -> Result<Self, Misread> {
                Self::try_from(given.integer().ok_or(Misread::Kind)?).map_err(|_| Misread::Kind)
            }

            fn show(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

integers!(u8, u16, u32, u64);

/// A count has no bound of its own that is worth telling.
impl Setting for usize {
    fn expected() -> String {
        "a whole number".to_owned()
    }

    fn read(given: Given<'_>) -> Result<Self, Misread> {
        Self::try_from(given.integer().ok_or(Misread::Kind)?).map_err(|_| Misread::Kind)
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Setting for String {
    fn expected() -> String {
        "a string".to_owned()
    }

    fn read(given: Given<'_>) -> Result<Self, Misread> {
        given.text().map(str::to_owned).ok_or(Misread::Kind)
    }

    fn show(&self) -> String {
        quote(self)
    }
}

impl Setting for PathBuf {
    fn expected() -> String {
        "a path, such as \"/var/lib/sestina\"".to_owned()
    }

    fn read(given: Given<'_>) -> Result<Self, Misread> {
        match given.text() {
            Some("") => Err(Misread::Because("a path cannot be empty".to_owned())),
            Some(text) => Ok(Self::from(text)),
            None => Err(Misread::Kind),
        }
    }

    fn show(&self) -> String {
        quote(&self.to_string_lossy())
    }
}

/// A path that may be missing, which an empty string says.
impl Setting for Option<PathBuf> {
    fn expected() -> String {
        "a path, or \"\" for none".to_owned()
    }

    fn read(given: Given<'_>) -> Result<Self, Misread> {
        let text = given.text().ok_or(Misread::Kind)?;
        Ok((!text.is_empty()).then(|| PathBuf::from(text)))
    }

    fn show(&self) -> String {
        quote(&self.as_deref().unwrap_or_else(|| Path::new("")).to_string_lossy())
    }
}

impl Setting for Duration {
    fn expected() -> String {
        "a duration with its unit, such as \"500ms\", \"30s\", \"5m\" or \"1h\"".to_owned()
    }

    fn read(given: Given<'_>) -> Result<Self, Misread> {
        given.text().and_then(duration).ok_or(Misread::Kind)
    }

    fn show(&self) -> String {
        let millis = self.as_millis();
        let (count, unit) = UNITS
            .iter()
            .rev()
            .find(|(_, unit)| millis > 0 && millis.is_multiple_of(u128::from(*unit)))
            .map_or((millis, "ms"), |(name, unit)| (millis / u128::from(*unit), *name));
        quote(&format!("{count}{unit}"))
    }
}

/// Units of time, in milliseconds.
const UNITS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

fn duration(text: &str) -> Option<Duration> {
    let (count, unit) = split_unit(text)?;
    let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit)?;
    Some(Duration::from_millis(count.checked_mul(*millis)?))
}

fn split_unit(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (count, unit) = text.split_at_checked(digits)?;
    Some((count.parse().ok()?, unit.trim_start()))
}

/// A duration that can be switched off.
impl Setting for Option<Duration> {
    fn expected() -> String {
        format!("{}, or \"off\"", Duration::expected())
    }

    fn read(given: Given<'_>) -> Result<Self, Misread> {
        match given.text() {
            Some("off") => Ok(None),
            _ => match Duration::read(given)? {
                Duration::ZERO => Err(Misread::Because("nothing lasts no time".to_owned())),
                duration => Ok(Some(duration)),
            },
        }
    }

    fn show(&self) -> String {
        self.map_or_else(|| quote("off"), |duration| duration.show())
    }
}

/// A number of bytes. Only the configuration counts in it: bounds are plain numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub(crate) struct ByteCount(pub(crate) usize);

const BYTE_UNITS: [(&str, u64); 4] =
    [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

impl Setting for ByteCount {
    fn expected() -> String {
        "a number of bytes, such as 10000, \"256 KiB\" or \"4 MiB\"".to_owned()
    }

    fn read(given: Given<'_>) -> Result<Self, Misread> {
        let bytes = match given.integer() {
            Some(bytes) => usize::try_from(bytes).ok(),
            None => given.text().and_then(|text| {
                let (count, unit) = split_unit(text)?;
                let (_, bytes) = BYTE_UNITS.iter().find(|(name, _)| *name == unit)?;
                usize::try_from(count.checked_mul(*bytes)?).ok()
            }),
        };
        bytes.map(Self).ok_or(Misread::Kind)
    }

    fn show(&self) -> String {
        let bytes = self.0 as u64;
        let largest = BYTE_UNITS
            .iter()
            .rev()
            .find(|(name, unit)| *name != "B" && bytes > 0 && bytes.is_multiple_of(*unit));
        match largest {
            Some((name, unit)) => quote(&format!("{} {name}", bytes / unit)),
            None => bytes.to_string(),
        }
    }
}

impl Setting for SocketAddr {
    fn expected() -> String {
        "an address with its port, such as \"127.0.0.1:5222\" or \"[::]:5222\"".to_owned()
    }

    fn read(given: Given<'_>) -> Result<Self, Misread> {
        let text = given.text().ok_or(Misread::Kind)?;
        text.trim().parse().map_err(|_| Misread::Because(format!("{text:?} is no such address")))
    }

    fn show(&self) -> String {
        quote(&self.to_string())
    }
}

/// The name of a domain that is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Domain(pub(crate) Jid);

impl Domain {
    /// This machine, as far as it is concerned itself.
    pub(crate) fn localhost() -> Self {
        Self(Jid::new("localhost").expect("localhost is a domain name"))
    }
}

impl Setting for Domain {
    fn expected() -> String {
        "a domain name, such as \"example.org\"".to_owned()
    }

    fn read(given: Given<'_>) -> Result<Self, Misread> {
        let text = given.text().ok_or(Misread::Kind)?;
        match Jid::new(text) {
            Ok(jid) if jid.is_domain() => Ok(Self(jid)),
            Ok(_) => Err(Misread::Because(format!("{text:?} is an address within a domain"))),
            Err(error) => Err(Misread::Because(format!("{text:?} is none: {error}"))),
        }
    }

    fn show(&self) -> String {
        quote(self.0.as_str())
    }
}

/// The address of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AccountAddress(pub(crate) Jid);

impl Setting for AccountAddress {
    fn expected() -> String {
        "the address of an account, such as \"juliet@example.org\"".to_owned()
    }

    fn read(given: Given<'_>) -> Result<Self, Misread> {
        let text = given.text().ok_or(Misread::Kind)?;
        match Jid::new(text) {
            Ok(jid) if jid.is_bare() && jid.local().is_some() => Ok(Self(jid)),
            Ok(_) => Err(Misread::Because(format!("{text:?} is no account's address"))),
            Err(error) => Err(Misread::Because(format!("{text:?} is no address: {error}"))),
        }
    }

    fn show(&self) -> String {
        quote(self.0.as_str())
    }
}

impl Setting for IpAddr {
    fn expected() -> String {
        "an address, such as \"192.0.2.7\" or \"2001:db8::7\"".to_owned()
    }

    fn read(given: Given<'_>) -> Result<Self, Misread> {
        let text = given.text().ok_or(Misread::Kind)?;
        text.trim().parse().map_err(|_| Misread::Because(format!("{text:?} is no such address")))
    }

    fn show(&self) -> String {
        quote(&self.to_string())
    }
}

/// A default that nobody has asked for, or what somebody has put in its place.
#[cfg(feature = "web")]
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked<T> {
    pub(crate) value: T,
    pub(crate) asked: bool,
}

#[cfg(feature = "web")]
impl<T> Asked<T> {
    /// A default.
    pub(crate) fn not(value: T) -> Self {
        Self { value, asked: false }
    }
}

#[cfg(feature = "web")]
impl<T: Setting> Setting for Asked<T> {
    fn expected() -> String {
        T::expected()
    }

    fn options() -> Option<String> {
        T::options()
    }

    fn read(given: Given<'_>) -> Result<Self, Misread> {
        Ok(Self { value: T::read(given)?, asked: true })
    }

    fn show(&self) -> String {
        self.value.show()
    }
}

impl<T: Setting> Setting for Vec<T> {
    fn expected() -> String {
        format!("a list, each {}", T::expected())
    }

    fn read(given: Given<'_>) -> Result<Self, Misread> {
        given.each(T::read)
    }

    fn show(&self) -> String {
        format!("[{}]", self.iter().map(Setting::show).collect::<Vec<_>>().join(", "))
    }
}

/// By their registered names.
impl Setting for Hash {
    fn expected() -> String {
        format!("one of {}", HASHES.map(|hash| quote(hash.name())).join(", "))
    }

    fn read(given: Given<'_>) -> Result<Self, Misread> {
        let name = given.text().ok_or(Misread::Kind)?;
        HASHES.into_iter().find(|hash| hash.name() == name).ok_or(Misread::Kind)
    }

    fn show(&self) -> String {
        quote(self.name())
    }
}

const HASHES: [Hash; 3] = Hash::STRONGEST_FIRST;

/// A type with few values, each with a name.
macro_rules! choices {
    ($type:ty { $($name:literal => $variant:ident),* $(,)? }) => {
        impl $crate::config::setting::Setting for $type {
            fn options() -> Option<String> {
                Some(Self::expected())
            }

            fn expected() -> String {
                let names: &[&str] = &[$($name),*];
                let names: Vec<_> =
                    names.iter().map(|name| $crate::config::setting::quote(name)).collect();
                match names.split_last() {
                    Some((last, [])) => last.clone(),
                    Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
                    None => String::new(),
                }
            }

            fn read(
                given: $crate::config::setting::Given<'_>,
            ) -> Result<Self, $crate::config::setting::Misread> {
                match given.as_text() {
                    $(Some($name) => Ok(Self::$variant),)*
                    _ => Err($crate::config::setting::Misread::Kind),
                }
            }

            fn show(&self) -> String {
                $crate::config::setting::quote(match self { $(Self::$variant => $name),* })
            }
        }
    };
}

pub(crate) use choices;

impl<'a> Given<'a> {
    /// The text, for the readers of [`choices!`].
    pub(crate) fn as_text(self) -> Option<&'a str> {
        self.text()
    }
}

/// A certificate chain and its key, both in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PemFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// Files by the domain that they are for.
impl Setting for BTreeMap<String, PemFiles> {
    fn expected() -> String {
        "a table of domains, each { certificate = \"…\", key = \"…\" }".to_owned()
    }

    fn read(given: Given<'_>) -> Result<Self, Misread> {
        let Given::Toml(value) = given else { return Err(Misread::Kind) };
        let table = value.as_table().ok_or(Misread::Kind)?;
        let mut files = Self::new();
        for (domain, entry) in table {
            let entry = entry.get_ref().as_table().ok_or(Misread::Kind)?;
            let path = |name: &str| {
                let value = entry.get(name).ok_or_else(|| {
                    Misread::Because(format!("{name} is missing for {:?}", domain.get_ref()))
                })?;
                PathBuf::read(Given::Toml(value.get_ref()))
            };
            if let Some((odd, _)) =
                entry.iter().find(|(name, _)| !["certificate", "key"].contains(&&**name.get_ref()))
            {
                return Err(Misread::Because(format!("unknown key {:?}", odd.get_ref())));
            }
            let read = PemFiles { certificate: path("certificate")?, key: path("key")? };
            let name = Domain::read(Given::Text(domain.get_ref()))?;
            files.insert(name.0.as_str().to_owned(), read);
        }
        Ok(files)
    }

    fn show(&self) -> String {
        let files = self.iter().map(|(domain, files)| {
            format!(
                "{} = {{ certificate = {}, key = {} }}",
                quote(domain),
                files.certificate.show(),
                files.key.show()
            )
        });
        match files.collect::<Vec<_>>() {
            files if files.is_empty() => "{}".to_owned(),
            files => format!("{{ {} }}", files.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn toml<T: Setting>(text: &str) -> Result<T, Misread> {
        let value = DeValue::parse(text).unwrap();
        T::read(Given::Toml(value.get_ref()))
    }

    #[track_caller]
    fn reads<T: Setting + std::fmt::Debug>(text: &str, expected: T) {
        let read = toml::<T>(text).unwrap();
        assert_eq!(read, expected);
        assert_eq!(toml::<T>(&read.show()).unwrap(), expected, "what is shown is read again");
    }

    #[test]
    fn durations_carry_their_unit() {
        reads("\"500ms\"", Duration::from_millis(500));
        reads("\"30 s\"", Duration::from_secs(30));
        reads("\"90m\"", Duration::from_secs(5_400));
        reads("\"off\"", None::<Duration>);
        reads("\"1d\"", Some(Duration::from_secs(86_400)));
        assert_eq!(Duration::from_secs(120).show(), "\"2m\"");
        assert_eq!(Duration::ZERO.show(), "\"0ms\"");
        for bad in ["30", "\"30\"", "\"s\"", "\"-1s\"", "\"99999999999999999999d\"", "\"5 weeks\""]
        {
            assert_eq!(toml::<Duration>(bad), Err(Misread::Kind), "{bad}");
        }
        assert_eq!(toml::<Duration>("\"18446744073709551615d\""), Err(Misread::Kind));
    }

    #[test]
    fn bytes_are_counted_with_or_without_a_unit() {
        reads("10000", ByteCount(10_000));
        reads("0x10", ByteCount(16));
        reads("\"256 KiB\"", ByteCount(256 << 10));
        reads("\"4MiB\"", ByteCount(4 << 20));
        assert_eq!(toml::<ByteCount>("-1"), Err(Misread::Kind));
        assert_eq!(toml::<ByteCount>("\"4 MB\""), Err(Misread::Kind));
        assert_eq!(ByteCount(10_000).show(), "10000");
    }

    #[test]
    fn numbers_stay_within_their_type() {
        reads("255", 255_u8);
        assert_eq!(toml::<u8>("256"), Err(Misread::Kind));
        assert_eq!(toml::<u32>("-1"), Err(Misread::Kind));
        assert_eq!(toml::<u32>("99999999999999999999999999999999999999999"), Err(Misread::Kind));
    }

    #[test]
    fn lists_come_from_arrays_commas_and_repeated_flags() {
        let both = vec!["127.0.0.1:1".parse().unwrap(), "[::1]:2".parse().unwrap()];
        reads::<Vec<SocketAddr>>("[\"127.0.0.1:1\", \"[::1]:2\"]", both.clone());
        assert_eq!(Vec::<SocketAddr>::read(Given::Text("127.0.0.1:1, [::1]:2")), Ok(both.clone()));
        let flags = ["127.0.0.1:1".to_owned(), "[::1]:2".to_owned()];
        assert_eq!(Vec::<SocketAddr>::read(Given::Texts(&flags)), Ok(both));
        assert_eq!(Vec::<SocketAddr>::read(Given::Text("")), Ok(vec![]));
    }

    #[test]
    fn domains_and_accounts_are_told_apart() {
        assert!(toml::<Domain>("\"example.org\"").is_ok());
        assert!(matches!(toml::<Domain>("\"a@example.org\""), Err(Misread::Because(_))));
        assert!(toml::<AccountAddress>("\"a@example.org\"").is_ok());
        assert!(matches!(toml::<AccountAddress>("\"example.org\""), Err(Misread::Because(_))));
        assert!(matches!(toml::<AccountAddress>("\"a@example.org/b\""), Err(Misread::Because(_))));
    }

    #[test]
    fn certificates_by_domain_are_read_and_shown() {
        let files = PemFiles { certificate: "a.crt".into(), key: "a.key".into() };
        let table = BTreeMap::from([("example.org".to_owned(), files)]);
        reads("{ \"example.org\" = { certificate = \"a.crt\", key = \"a.key\" } }", table);
        reads::<BTreeMap<String, PemFiles>>("{}", BTreeMap::new());
        let missing = toml::<BTreeMap<String, PemFiles>>("{ \"a\" = { key = \"a.key\" } }");
        assert!(matches!(missing, Err(Misread::Because(why)) if why.contains("certificate")));
    }
}
