//! Durations and dates of a command line.

use symbolon::Time;

/// `90m`, `12h`, `3d` or `2w`, in milliseconds.
pub(super) fn parse_duration(text: &str) -> Result<u64, String> {
    let wrong = || "a number and m, h, d or w are expected, such as 12h or 3d".to_owned();
    let unit = text.chars().last().and_then(|unit| UNITS.iter().find(|(name, _)| *name == unit)).ok_or_else(wrong)?;
    let number = text.get(..text.len() - 1).filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
    let number: u64 = number.and_then(|number| number.parse().ok()).filter(|number| *number > 0).ok_or_else(wrong)?;
    number.checked_mul(unit.1).filter(|millis| *millis <= LONGEST).ok_or_else(|| "366 days are the most".to_owned())
}

/// `2026-12-31`, which is that day's end, or `2026-12-31T18:00Z`; UTC.
pub(crate) fn parse_date(text: &str) -> Result<Time, String> {
    moment(text)
        .ok_or_else(|| "a day such as 2026-12-31, or a time such as 2026-12-31T18:00Z, is expected (UTC)".to_owned())
}

fn moment(text: &str) -> Option<Time> {
    let (day, time) = match text.split_once('T') {
        Some((day, time)) => (day, Some(time.strip_suffix('Z')?)),
        None => (text, None),
    };
    let [year, month, day] = numbers(day, '-', [4, 2, 2])?;
    let days = days_since_1970(year, month, day)?;
    let seconds = match time {
        None => 86_400,
        Some(time) => {
            let [hour, minute, second] =
                numbers(time, ':', [2; 3]).or_else(|| numbers(time, ':', [2; 2]).map(|[h, m]| [h, m, 0]))?;
            (hour < 24 && minute < 60 && second < 60).then_some(hour * 3600 + minute * 60 + second)?
        }
    };
    Some(Time::from_secs(days * 86_400 + seconds))
}

/// `N` numbers of these lengths with `between` between them.
fn numbers<const N: usize>(text: &str, between: char, lens: [usize; N]) -> Option<[u64; N]> {
    let mut parts = text.split(between);
    let mut numbers = [0; N];
    for (number, len) in numbers.iter_mut().zip(lens) {
        let part = parts.next().filter(|part| part.len() == len && part.bytes().all(|byte| byte.is_ascii_digit()))?;
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

/// Of the Gregorian calendar, for the years that a grant can end in.
fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    let is_leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let len = |month: u64| match month {
        2 => 28 + u64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let exists = (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=len(month)).contains(&day);
    let years: u64 = (1970..year).map(|year| 365 + u64::from(is_leap(year))).sum();
    exists.then(|| years + (1..month).map(len).sum::<u64>() + day - 1)
}

const UNITS: [(char, u64); 4] = [('m', 60_000), ('h', 3_600_000), ('d', 86_400_000), ('w', 7 * 86_400_000)];

const LONGEST: u64 = 366 * 86_400_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::utc;

    #[test]
    fn durations() {
        assert_eq!(parse_duration("90m"), Ok(5_400_000));
        assert_eq!(parse_duration("366d"), Ok(LONGEST));
        for bad in ["", "3", "d", "0d", "-1d", "+1d", "3 d", "1.5h", "367d", "99999999999999999999d", "3日"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn dates() {
        for (text, time) in [
            ("2026-12-31", "2027-01-01T00:00:00Z"),
            ("2028-02-28", "2028-02-29T00:00:00Z"),
            ("2026-06-24T09:30Z", "2026-06-24T09:30:00Z"),
            ("2100-03-01T23:59:59Z", "2100-03-01T23:59:59Z"),
        ] {
            assert_eq!(parse_date(text).map(utc), Ok(time.to_owned()));
        }
        for bad in ["", "2026-02-29", "2026-13-01", "26-01-01", "2026-01-01T24:00Z", "2026-01-01T10:00", "2026-01-01 "]
        {
            assert!(parse_date(bad).is_err(), "{bad}");
        }
    }
}
