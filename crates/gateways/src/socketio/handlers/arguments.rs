//! What events and acknowledgements carry: as it came, and as handlers put it together.

use bytes::Bytes;
use chat::Content;
use serde::Deserialize;
use serde_json::Value;

/// What an event or an acknowledgement is to carry: values of JSON, and bytes among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// Each as JSON, with a placeholder for each attachment.
    texts: Vec<Box<str>>,
    attachments: Vec<Bytes>,
}

/// What an event or an acknowledgement of a client carries.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a> {
    pub(in crate::socketio) texts: &'a [&'a str],
    pub(in crate::socketio) attachments: &'a [Vec<u8>],
}

impl Arguments {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One value more. It must hold no object with a member `_placeholder` when bytes are to go along: that is how their places are marked.
    #[must_use]
    pub fn with(mut self, value: impl Into<Value>) -> Self {
        self.texts.push(value.into().to_string().into());
        self
    }

    /// A piece of bytes more.
    #[must_use]
    pub fn with_bytes(mut self, bytes: impl Into<Bytes>) -> Self {
        let placeholder = format!("{{\"_placeholder\":true,\"num\":{}}}", self.attachments.len());
        self.texts.push(placeholder.into());
        self.attachments.push(bytes.into());
        self
    }

    pub(in crate::socketio) fn texts(&self) -> Vec<&str> {
        self.texts.iter().map(|text| &**text).collect()
    }

    pub(in crate::socketio) fn attachments(&self) -> &[Bytes] {
        &self.attachments
    }
}

impl<'a> Values<'a> {
    /// How many values there are.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// A value, if it is there and of that type.
    pub fn get<T: Deserialize<'a>>(&self, index: usize) -> Option<T> {
        serde_json::from_str(self.texts.get(index)?).ok()
    }

    /// A value as the JSON that it came as. Where it has attachments, `{"_placeholder":true,"num":0}` stands for the first of them.
    pub fn json(&self, index: usize) -> Option<&'a str> {
        self.texts.get(index).copied()
    }

    /// The attachments, in the order of their numbers.
    pub fn attachments(&self) -> &'a [Vec<u8>] {
        self.attachments
    }
}

/// The same values, untouched.
impl From<Values<'_>> for Arguments {
    fn from(values: Values<'_>) -> Self {
        let attachments = values.attachments.iter().map(|bytes| Bytes::copy_from_slice(bytes));
        Self {
            texts: values.texts.iter().map(|&text| text.into()).collect(),
            attachments: attachments.collect(),
        }
    }
}

impl From<Arguments> for Content {
    fn from(arguments: Arguments) -> Self {
        Self { arguments: arguments.texts.join(",").into(), attachments: arguments.attachments }
    }
}

/// No values.
impl From<()> for Arguments {
    fn from((): ()) -> Self {
        Self::new()
    }
}

/// One value.
impl From<Value> for Arguments {
    fn from(value: Value) -> Self {
        Self::new().with(value)
    }
}

/// One string.
impl From<&str> for Arguments {
    fn from(text: &str) -> Self {
        Self::new().with(text)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bytes_have_their_places_among_the_values() {
        let arguments =
            Arguments::new().with(json!({ "a": [1, null] })).with_bytes(vec![1]).with_bytes(vec![2]);
        let [first, second] = [r#"{"_placeholder":true,"num":0}"#, r#"{"_placeholder":true,"num":1}"#];
        assert_eq!(arguments.texts(), [r#"{"a":[1,null]}"#, first, second]);
        assert_eq!(arguments.attachments(), [vec![1], vec![2]]);
        let content = Content::from(arguments.with("b"));
        assert_eq!(*content.arguments, format!("{{\"a\":[1,null]}},{first},{second},\"b\""));
        assert_eq!((Arguments::from(()).texts(), Arguments::from("a").texts()), (vec![], vec!["\"a\""]));
    }

    #[test]
    fn what_came_goes_out_untouched() {
        let values = Values { texts: &["1", r#"{ "3":[true] }"#], attachments: &[vec![9]] };
        let arguments = Arguments::from(values);
        assert_eq!(
            (arguments.texts(), arguments.attachments()),
            (values.texts.to_vec(), &[Bytes::from(vec![9])][..])
        );
        assert_eq!(
            (values.get::<u8>(0), values.get::<String>(0), values.get::<u8>(2)),
            (Some(1), None, None)
        );
    }
}
