//! Numbers as people read them: times, names of codes, tags in hex; and a checkpoint as a line of text.

use std::fmt::{self, Write};

use symbolon::{Cause, Checkpoint, Event, Field, Kind, Purpose, Reason, Time};

/// RFC 3339 in UTC, to the second: `2026-06-24T09:30:00Z`.
#[must_use]
pub fn utc(time: Time) -> String {
    let secs = time.as_millis() / 1000;
    let (days, second) = (secs / 86_400, secs % 86_400);
    // Years begin in March here, so that the leap day is their last.
    let days = days.saturating_add(719_468);
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let march_month = (5 * day + 2) / 153;
    let of_month = day - (153 * march_month + 2) / 5 + 1;
    let (month, next_year) = if march_month < 10 { (march_month + 3, 0) } else { (march_month - 9, 1) };
    let year = era * 400 + year + next_year;
    format!("{year:04}-{month:02}-{of_month:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len().saturating_mul(2)), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

/// The bytes of lower- or upper-case hexadecimal.
#[must_use]
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| {
        let digits = std::str::from_utf8(pair).ok().filter(|digits| digits.bytes().all(|c| c.is_ascii_hexdigit()))?;
        u8::from_str_radix(digits, 16).ok()
    };
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

/// The field of an entry by its name; `none` for 0.
#[must_use]
pub fn field(code: u16) -> String {
    match Field::from_code(code) {
        _ if code == 0 => "none".into(),
        Ok(field) => field.to_string(),
        Err(_) => format!("field {code}"),
    }
}

/// The purpose of an entry by its name.
#[must_use]
pub fn purpose(code: u16) -> String {
    let known = u8::try_from(code).ok().and_then(|code| Purpose::from_code(code).ok());
    known.map_or_else(|| format!("purpose {code}"), |purpose| purpose.to_string())
}

/// What was shown.
#[must_use]
pub const fn view(code: u8) -> &'static str {
    match code {
        1 => "value",
        2 => "mask",
        3 => "sealed anew",
        _ => "nothing",
    }
}

/// A kind of principal, as an entry has it.
#[must_use]
pub fn kind(code: u8) -> &'static str {
    match Kind::from_code(code) {
        Some(Kind::Person) => "person",
        Some(Kind::Staff) => "staff",
        Some(Kind::Service) => "service",
        _ => "nobody verified",
    }
}

/// An event in words: `grant reason`.
#[must_use]
pub fn event(event: Event) -> String {
    spaced(event)
}

/// A reason in words: `does not open`.
#[must_use]
pub fn reason(reason: Reason) -> String {
    spaced(reason)
}

/// An alarm's cause in words.
#[must_use]
pub fn cause(code: u8) -> String {
    Cause::from_code(code).map_or_else(|| format!("cause {code}"), spaced)
}

/// The words of a name like `DoesNotOpen`.
fn spaced(name: impl fmt::Debug) -> String {
    let mut words = String::new();
    for c in format!("{name:?}").chars() {
        if c.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    words
}

/// A checkpoint as a line of text, without the line's end:
///
/// ```text
/// symbolon-checkpoint-1 node=0 next=57 time=2026-11-23T10:00:00Z 0000…  (its 52 bytes in hexadecimal)
/// ```
///
/// The words in front are for people; [`checkpoint_from_text`] refuses a line in which they are others than the bytes say.
#[must_use]
pub fn checkpoint_text(checkpoint: &Checkpoint) -> String {
    let (node, next, time) = (checkpoint.node(), checkpoint.next(), utc(checkpoint.time()));
    format!("{CHECKPOINT} node={node} next={next} time={time} {}", hex(&checkpoint.to_bytes()))
}

/// Reads [`checkpoint_text`]; only a log can say whether it is true.
#[must_use]
pub fn checkpoint_from_text(line: &str) -> Option<Checkpoint> {
    let bytes = unhex(line.rsplit(' ').next()?)?;
    Checkpoint::from_bytes(&bytes).ok().filter(|read| checkpoint_text(read) == line)
}

const CHECKPOINT: &str = "symbolon-checkpoint-1";

#[cfg(test)]
mod tests {
    use super::*;

    /// Leap days, ends of years and of centuries, against known seconds.
    #[test]
    fn known_times() {
        for (secs, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_164_800, "2024-02-29T00:00:00Z"),
            (1_798_761_599, "2026-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(utc(Time::from_secs(secs)), text);
        }
        assert!(!utc(Time::from_millis(u64::MAX)).is_empty(), "a damaged time is no reason to panic");
    }

    #[test]
    fn names() {
        assert_eq!(reason(Reason::DoesNotOpen), "does not open");
        assert_eq!((field(0).as_str(), field(1).as_str(), field(13).as_str()), ("none", "person-name", "field 13"));
        assert_eq!(
            (purpose(1).as_str(), purpose(32).as_str(), purpose(999).as_str()),
            ("shipping", "custom-0", "purpose 999")
        );
        assert_eq!(cause(2), "refusals");
        assert_eq!(unhex("00fF"), Some(vec![0, 255]));
        for bad in ["0", "0g", "+1", "é"] {
            assert_eq!(unhex(bad), None, "{bad}");
        }
    }

    /// A line is read as it was written; changed words or digits are no checkpoint, or another one that the words don't fit.
    #[test]
    fn checkpoints_go_around() {
        let checkpoint = Checkpoint::from_bytes(&[7; Checkpoint::LEN]).unwrap();
        let line = checkpoint_text(&checkpoint);
        assert_eq!(checkpoint_from_text(&line), Some(checkpoint));
        assert!(line.starts_with("symbolon-checkpoint-1 node=117901063 next=506381209866536711 time="), "{line}");
        for bad in [
            line.replace("node=117901063", "node=1"),
            line.to_uppercase(),
            format!("{line} "),
            line[..line.len() - 2].into(),
        ] {
            assert_eq!(checkpoint_from_text(&bad), None, "{bad}");
        }
    }
}
