//! Cursors: where a list goes on, in a form that its reader need not understand.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::problem::{Fault, Problem};

/// Nothing that is listed needs a longer one.
const BYTES_MAX: usize = 1024;

pub(super) fn write(place: &str) -> String {
    URL_SAFE_NO_PAD.encode(place)
}

pub(super) fn read(cursor: &str) -> Result<String, Problem> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok().filter(|bytes| bytes.len() <= BYTES_MAX);
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(bad)
}

/// A number and what stands behind it, as `write` has been given them with a `:` between.
pub(super) fn read_pair(cursor: &str) -> Result<(u32, String), Problem> {
    let place = read(cursor)?;
    let (number, rest) = place.split_once(':').ok_or_else(bad)?;
    Ok((number.parse().map_err(|_| bad())?, rest.to_owned()))
}

pub(super) fn bad() -> Problem {
    Fault::BadCursor.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_no_other() {
        assert_eq!(read_pair(&write("7:a:b/é")), Ok((7, "a:b/é".to_owned())));
        for cursor in ["", "7", "!", &write("x:y"), &write("7"), &write(&"7:".repeat(600))] {
            assert_eq!(read_pair(cursor), Err(bad()), "{cursor}");
        }
    }
}
