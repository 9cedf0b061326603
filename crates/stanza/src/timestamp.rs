//! Moments in time as XMPP writes them.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

/// A moment in UTC, written as XEP-0082 says.
///
/// It is a number and knows no clock; the years run from 0000 to 9999, as far as the format does,
/// and what lies beyond is brought back to the nearest end.
///
/// # Examples
///
/// ```
/// use sestina_stanza::Timestamp;
///
/// let moment: Timestamp = "1969-07-20T21:56:15-05:00".parse()?;
/// assert_eq!(moment.to_string(), "1969-07-21T02:56:15Z");
/// assert_eq!(moment.legacy().to_string(), "19690721T02:56:15");
/// assert_eq!(moment.unix_seconds(), -14_159_025);
/// # Ok::<(), sestina_stanza::TimestampError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "(i64, u32)", into = "(i64, u32)")]
pub struct Timestamp {
    seconds: i64,
    nanos: u32,
}

const NANOS: u32 = 1_000_000_000;
const DAY: i64 = 86_400;

impl Timestamp {
    /// The first moment of 1970.
    pub const UNIX_EPOCH: Self = Self { seconds: 0, nanos: 0 };
    /// The first moment of the year 0000.
    pub const MIN: Self = Self { seconds: -62_167_219_200, nanos: 0 };
    /// The last moment of the year 9999.
    pub const MAX: Self = Self { seconds: 253_402_300_799, nanos: NANOS - 1 };

    /// The moment so many seconds and nanoseconds after the start of 1970.
    pub fn from_unix(seconds: i64, nanos: u32) -> Self {
        let seconds = seconds.saturating_add(i64::from(nanos / NANOS));
        Self { seconds, nanos: nanos % NANOS }.clamp(Self::MIN, Self::MAX)
    }

    /// Whole seconds since the start of 1970, rounded down.
    pub const fn unix_seconds(self) -> i64 {
        self.seconds
    }

    /// What [`unix_seconds`](Self::unix_seconds) leaves out.
    pub const fn subsec_nanos(self) -> u32 {
        self.nanos
    }

    /// Milliseconds since the start of 1970, rounded down.
    pub const fn unix_millis(self) -> i64 {
        self.seconds * 1000 + (self.nanos / 1_000_000) as i64
    }

    /// The same moment without its fraction of a second.
    #[must_use]
    pub const fn whole_seconds(self) -> Self {
        Self { seconds: self.seconds, nanos: 0 }
    }

    /// How long after `earlier` this is; nothing where it is before.
    pub fn since(self, earlier: Self) -> Duration {
        let nanos = (i128::from(self.seconds) - i128::from(earlier.seconds)) * i128::from(NANOS)
            + i128::from(self.nanos)
            - i128::from(earlier.nanos);
        let (seconds, nanos) = (nanos / i128::from(NANOS), nanos % i128::from(NANOS));
        match (u64::try_from(seconds), u32::try_from(nanos)) {
            (Ok(seconds), Ok(nanos)) => Duration::new(seconds, nanos),
            _ => Duration::ZERO,
        }
    }

    /// This moment and `later` more, at most [`Timestamp::MAX`].
    #[must_use]
    pub fn plus(self, later: Duration) -> Self {
        let seconds = i64::try_from(later.as_secs()).unwrap_or(i64::MAX);
        Self::from_unix(self.seconds.saturating_add(seconds), self.nanos + later.subsec_nanos())
    }

    /// This moment and `earlier` less, at least [`Timestamp::MIN`].
    #[must_use]
    pub fn minus(self, earlier: Duration) -> Self {
        let borrow = i64::from(self.nanos < earlier.subsec_nanos());
        let nanos = self.nanos + NANOS * u32::from(borrow == 1) - earlier.subsec_nanos();
        let seconds = i64::try_from(earlier.as_secs()).unwrap_or(i64::MAX);
        Self::from_unix(self.seconds.saturating_sub(seconds).saturating_sub(borrow), nanos)
    }

    /// Reads the form of the older protocols, `CCYYMMDDThh:mm:ss` in UTC (XEP-0091 §3).
    ///
    /// # Errors
    ///
    /// The text has another form or names a day or hour that does not exist.
    pub fn parse_legacy(text: &str) -> Result<Self, TimestampError> {
        let mut reader = Reader(text.as_bytes());
        let (year, month, day) = (reader.number(4)?, reader.number(2)?, reader.number(2)?);
        reader.literal(b'T')?;
        let seconds = reader.clock()?;
        reader.end()?;
        Ok(Self::from_unix(days(year, month, day)? * DAY + seconds, 0))
    }

    /// Writes the form of the older protocols (XEP-0091 §3).
    pub fn legacy(self) -> impl fmt::Display + fmt::Debug {
        Legacy(self)
    }

    fn civil(self) -> (i64, i64, i64, i64, i64, i64) {
        let (year, month, day) = date(self.seconds.div_euclid(DAY));
        let second = self.seconds.rem_euclid(DAY);
        (year, month, day, second / 3600, second / 60 % 60, second % 60)
    }
}

/// Reads the `DateTime` form of XEP-0082 §3.2, whose zone is never left out.
impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let mut reader = Reader(text.as_bytes());
        let year = reader.number(4)?;
        reader.literal(b'-')?;
        let month = reader.number(2)?;
        reader.literal(b'-')?;
        let day = reader.number(2)?;
        reader.literal(b'T')?;
        let seconds = reader.clock()?;
        let nanos = reader.fraction()?;
        let offset = reader.zone()?;
        reader.end()?;
        Ok(Self::from_unix(days(year, month, day)? * DAY + seconds - offset, nanos))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day, hour, minute, second) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        match self.nanos {
            0 => {}
            nanos if nanos % 1_000_000 == 0 => write!(f, ".{:03}", nanos / 1_000_000)?,
            nanos if nanos % 1_000 == 0 => write!(f, ".{:06}", nanos / 1_000)?,
            nanos => write!(f, ".{nanos:09}")?,
        }
        f.write_str("Z")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timestamp({self})")
    }
}

#[derive(Debug)]
struct Legacy(Timestamp);

impl fmt::Display for Legacy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day, hour, minute, second) = self.0.civil();
        write!(f, "{year:04}{month:02}{day:02}T{hour:02}:{minute:02}:{second:02}")
    }
}

impl From<(i64, u32)> for Timestamp {
    fn from((seconds, nanos): (i64, u32)) -> Self {
        Self::from_unix(seconds, nanos)
    }
}

impl From<Timestamp> for (i64, u32) {
    fn from(moment: Timestamp) -> Self {
        (moment.seconds, moment.nanos)
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => Self::UNIX_EPOCH.plus(after),
            Err(before) => Self::UNIX_EPOCH.minus(before.duration()),
        }
    }
}

/// A text is no moment in the form asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimestampError;

impl fmt::Display for TimestampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a date and time in the form the protocol asks for")
    }
}

impl std::error::Error for TimestampError {}

/// What is left of a text being read.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn number(&mut self, digits: usize) -> Result<i64, TimestampError> {
        let mut number = 0;
        for _ in 0..digits {
            let digit = self.next().filter(u8::is_ascii_digit).ok_or(TimestampError)?;
            number = number * 10 + i64::from(digit - b'0');
        }
        Ok(number)
    }

    fn literal(&mut self, byte: u8) -> Result<(), TimestampError> {
        if self.next() == Some(byte) { Ok(()) } else { Err(TimestampError) }
    }

    /// `hh:mm:ss` as seconds; a leap second counts as the second that follows it.
    fn clock(&mut self) -> Result<i64, TimestampError> {
        let hour = self.number(2)?;
        self.literal(b':')?;
        let minute = self.number(2)?;
        self.literal(b':')?;
        let second = self.number(2)?;
        if hour > 23 || minute > 59 || second > 60 {
            return Err(TimestampError);
        }
        Ok(hour * 3600 + minute * 60 + second)
    }

    /// The digits after a point; those beyond the ninth are read and dropped.
    fn fraction(&mut self) -> Result<u32, TimestampError> {
        let Some(b'.') = self.0.first() else { return Ok(0) };
        self.next();
        let (mut nanos, mut weight, mut any) = (0, NANOS / 10, false);
        while let Some(digit) = self.0.first().copied().filter(u8::is_ascii_digit) {
            self.next();
            nanos += u32::from(digit - b'0') * weight;
            weight /= 10;
            any = true;
        }
        if any { Ok(nanos) } else { Err(TimestampError) }
    }

    /// The zone's offset from UTC in seconds.
    fn zone(&mut self) -> Result<i64, TimestampError> {
        let sign = match self.next() {
            Some(b'Z') => return Ok(0),
            Some(b'+') => 1,
            Some(b'-') => -1,
            _ => return Err(TimestampError),
        };
        let hours = self.number(2)?;
        self.literal(b':')?;
        let minutes = self.number(2)?;
        if hours > 23 || minutes > 59 {
            return Err(TimestampError);
        }
        Ok(sign * (hours * 3600 + minutes * 60))
    }

    const fn end(&self) -> Result<(), TimestampError> {
        if self.0.is_empty() { Ok(()) } else { Err(TimestampError) }
    }
}

/// Days from the start of 1970 to a date of the Gregorian calendar.
///
/// Years are counted from March, so that a leap day ends its year.
fn days(year: i64, month: i64, day: i64) -> Result<i64, TimestampError> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return Err(TimestampError),
    };
    if !(1..=longest).contains(&day) {
        return Err(TimestampError);
    }
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // The months from March on have 30.6 days each, as it were.
    Ok(year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468)
}

/// The date so many days after the start of 1970.
const fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (year * 365 + year / 4 - year / 100);
    let month = (of_year * 5 + 2) / 153;
    let day = of_year - (month * 153 + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + later, month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_and_writes() {
        let cases = [
            ("1970-01-01T00:00:00Z", 0, 0, "1970-01-01T00:00:00Z"),
            ("2000-02-29T12:00:00.25Z", 951_825_600, 250_000_000, "2000-02-29T12:00:00.250Z"),
            ("2026-03-01T00:00:00+01:30", 1_772_317_800, 0, "2026-02-28T22:30:00Z"),
            ("2016-12-31T23:59:60Z", 1_483_228_800, 0, "2017-01-01T00:00:00Z"),
            ("0000-01-01T00:00:00Z", -62_167_219_200, 0, "0000-01-01T00:00:00Z"),
            ("0000-01-01T00:00:00+10:00", -62_167_219_200, 0, "0000-01-01T00:00:00Z"),
            ("9999-12-31T23:59:60Z", 253_402_300_799, NANOS - 1, "9999-12-31T23:59:59.999999999Z"),
            ("1969-12-31T23:59:59.0000001239Z", -1, 123, "1969-12-31T23:59:59.000000123Z"),
        ];
        for (text, seconds, nanos, written) in cases {
            let moment: Timestamp = text.parse().expect(text);
            assert_eq!((moment.unix_seconds(), moment.subsec_nanos()), (seconds, nanos), "{text}");
            assert_eq!(moment.to_string(), written);
        }
        let legacy = Timestamp::parse_legacy("20010215T14:24:34").expect("legacy");
        assert_eq!(legacy.to_string(), "2001-02-15T14:24:34Z");
        assert_eq!(legacy.legacy().to_string(), "20010215T14:24:34");
    }

    #[test]
    fn refuses() {
        for text in [
            "",
            "2026-01-01",
            "2026-01-01T00:00:00",
            "2026-01-01T00:00:00z",
            "2026-01-01T00:00:00.Z",
            "2026-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:61Z",
            "2026-01-01T00:00:00+24:00",
            "2026-01-01T00:00:00Z ",
            "+026-01-01T00:00:00Z",
            "20010215T14:24:34",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(TimestampError), "{text:?}");
        }
        for text in ["", "20010215T14:24:34Z", "2001-02-15T14:24:34Z", "20010229T14:24:34"] {
            assert_eq!(Timestamp::parse_legacy(text), Err(TimestampError), "{text:?}");
        }
    }

    #[test]
    fn counts() {
        let start = Timestamp::from_unix(10, 600_000_000);
        let later = start.plus(Duration::new(1, 500_000_000));
        assert_eq!(later, Timestamp::from_unix(12, 100_000_000));
        assert_eq!(later.since(start), Duration::from_millis(1500));
        assert_eq!(start.since(later), Duration::ZERO);
        assert_eq!(later.minus(Duration::from_millis(1500)), start);
        assert_eq!(Timestamp::MAX.plus(Duration::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MIN.minus(Duration::MAX), Timestamp::MIN);
        assert_eq!(Timestamp::MAX.since(Timestamp::MIN).subsec_nanos(), NANOS - 1);
        assert_eq!(start.unix_millis(), 10_600);
        let before = SystemTime::UNIX_EPOCH - Duration::from_millis(1);
        assert_eq!(Timestamp::from(before), Timestamp::from_unix(-1, 999_000_000));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            seconds in Timestamp::MIN.seconds..=Timestamp::MAX.seconds,
            nanos in 0..NANOS,
        ) {
            let moment = Timestamp::from_unix(seconds, nanos);
            prop_assert_eq!(moment.to_string().parse(), Ok(moment));
            let legacy = moment.legacy().to_string();
            prop_assert_eq!(Timestamp::parse_legacy(&legacy), Ok(moment.whole_seconds()));
            let stored = serde_json::to_string(&moment).expect("numbers");
            prop_assert_eq!(serde_json::from_str::<Timestamp>(&stored).expect("moment"), moment);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9TZ:.+-]{0,30}") {
            let _ = text.parse::<Timestamp>();
            let _ = Timestamp::parse_legacy(&text);
        }
    }
}
