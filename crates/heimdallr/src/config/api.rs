//! The forms of keys about the HTTP API.

use admin::Key;

use super::form::Form;

/// Any number of keys, each with another name.
pub(super) struct ApiKeys;

impl Form for ApiKeys {
    type Value = Vec<Key>;

    fn read(&self, texts: &[String]) -> Option<Vec<Key>> {
        let name = |text: &String| text.split(':').next().map(str::to_owned);
        let has_twins = texts
            .iter()
            .enumerate()
            .any(|(index, text)| texts[..index].iter().any(|other| name(other) == name(text)));
        texts.iter().map(|text| text.parse().ok()).collect::<Option<_>>().filter(|_| !has_twins)
    }

    fn expected(&self) -> String {
        "NAME:SCOPE+SCOPE:DIGEST with different names, as heimdallr key prints them".to_owned()
    }

    fn is_list(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_and_no_two_have_one_name() {
        let digest = "A".repeat(43);
        let read = |names: &[&str]| {
            let texts: Vec<String> = names.iter().map(|name| format!("{name}:read:{digest}")).collect();
            ApiKeys.read(&texts).map(|keys| keys.len())
        };
        assert_eq!(read(&[]), Some(0));
        assert_eq!(read(&["a", "b"]), Some(2));
        assert_eq!(read(&["a", "a"]), None);
        assert_eq!(ApiKeys.read(&["a".to_owned()]), None);
    }
}
