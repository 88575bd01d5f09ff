//! JSON strings and base64, beside what others make of them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::collection::vec;
use proptest::prelude::*;
use wire::json::{write_base64, write_json_string};

fn quoted(text: &str) -> String {
    let mut out = b"x".to_vec();
    write_json_string(&mut out, text);
    String::from_utf8(out).expect("UTF-8 stays UTF-8").split_off(1)
}

#[test]
fn only_what_must_be_escaped_is() {
    for (text, expected) in [
        ("", r#""""#),
        ("plain, grüße €😀/", r#""plain, grüße €😀/""#),
        ("a\"b\\c", r#""a\"b\\c""#),
        ("\n\r\t\0\u{1f}\u{7f}", "\"\\n\\r\\t\\u0000\\u001f\u{7f}\""),
        (
            "long enough for a block, then \" a quote, and on and on",
            r#""long enough for a block, then \" a quote, and on and on""#,
        ),
    ] {
        assert_eq!(quoted(text), expected);
    }
}

proptest! {
    #[test]
    fn a_json_string_says_what_it_was_made_from(text in vec(prop_oneof![any::<char>(), Just('"'), (0..0x22u8).prop_map(char::from)], 0..90)) {
        let text: String = text.into_iter().collect();
        prop_assert_eq!(serde_json::from_str::<String>(&quoted(&text)).ok(), Some(text));
    }

    #[test]
    fn base64_decodes_to_itself(bytes in vec(any::<u8>(), 0..100)) {
        let mut out = b"x".to_vec();
        write_base64(&mut out, &bytes);
        prop_assert_eq!(STANDARD.decode(&out[1..]), Ok(bytes));
    }
}
