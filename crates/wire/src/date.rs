//! Dates in text: as the JSON of JavaScript has them, and RFC 3339 where the year has four digits.

const DAY_MS: i64 = 86_400_000;
/// The days that the calendar repeats itself after: 400 years.
const CYCLE_DAYS: i64 = 146_097;
/// From the 1st of March of the year 0 to 1970.
const EPOCH_DAYS: i64 = 719_468;
/// What JavaScript has dates for (ECMA-262, "Time Values and Time Range").
const MAX_MS: i64 = 8_640_000_000_000_000;

/// `1970-01-01T00:00:00.000Z` and so many milliseconds (ECMA-262, "Date Time String Format"); `None`: JavaScript has no date for it.
pub fn iso(time_ms: i64) -> Option<String> {
    if !(-MAX_MS..=MAX_MS).contains(&time_ms) {
        return None;
    }
    let (year, month, day) = calendar(time_ms.div_euclid(DAY_MS));
    let year = if (0..=9999).contains(&year) { format!("{year:04}") } else { format!("{year:+07}") };
    let in_day = time_ms.rem_euclid(DAY_MS);
    let (hour, minute, second) = (in_day / 3_600_000, in_day / 60_000 % 60, in_day / 1000 % 60);
    Some(format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", in_day % 1000))
}

/// Year, month and day of a day counted from 1970. Years begin with March here, so that the day that is not in every year
/// is the last one.
fn calendar(day: i64) -> (i64, i64, i64) {
    let day = day + EPOCH_DAYS;
    let in_cycle = day.rem_euclid(CYCLE_DAYS);
    let leap_days = in_cycle / 1460 - in_cycle / 36_524 + in_cycle / 146_096;
    let year = (in_cycle - leap_days) / 365;
    let in_year = in_cycle - (365 * year + year / 4 - year / 100);
    // Months of 31, 30, 31, 30, 31 days, again and again.
    let month = (5 * in_year + 2) / 153;
    let day_of_month = in_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + 400 * day.div_euclid(CYCLE_DAYS);
    (if month <= 2 { year + 1 } else { year }, month, day_of_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (951_868_799, "2000-02-29T23:59:59.000Z"),
            (1_709_251_199, "2024-02-29T23:59:59.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.000Z"),
        ] {
            assert_eq!(iso(seconds * 1000).as_deref(), Some(expected));
        }
        assert_eq!(iso(MAX_MS).as_deref(), Some("+275760-09-13T00:00:00.000Z"));
        assert_eq!(iso(MAX_MS + 1), None);
    }
}
