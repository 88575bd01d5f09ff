//! The forms that values take: how one is read, and what is said to someone who got it wrong.

use std::net::SocketAddr;
use std::num::NonZero;
use std::ops::RangeInclusive;
use std::time::Duration;

use wire::proxy::Network;

use super::value::{Contents, OutagePolicy, RoomPolicy, SlowPolicy};

/// The form of a key's value. A value is one text, or several where the form is a list.
pub(super) trait Form {
    type Value;

    /// `None` when the texts do not have this form.
    fn read(&self, texts: &[String]) -> Option<Self::Value>;

    /// The form in words, bounds included.
    fn expected(&self) -> String;

    /// Whether TOML writes such a value between quotes.
    fn is_quoted(&self) -> bool {
        true
    }

    /// Whether its flag alone says enough.
    fn is_switch(&self) -> bool {
        false
    }

    /// Whether there may be any number of texts.
    fn is_list(&self) -> bool {
        false
    }
}

/// One address and port.
pub(super) struct Address;

impl Form for Address {
    type Value = SocketAddr;

    fn read(&self, texts: &[String]) -> Option<SocketAddr> {
        single(texts)?.parse().ok()
    }

    fn expected(&self) -> String {
        "an address and a port, for example 127.0.0.1:8080 or [::1]:8080".to_owned()
    }
}

/// One or more different addresses and ports. Port 0 is a new port each time.
pub(super) struct Addresses;

impl Form for Addresses {
    type Value = Vec<SocketAddr>;

    fn read(&self, texts: &[String]) -> Option<Vec<SocketAddr>> {
        let addresses: Option<Vec<SocketAddr>> = texts.iter().map(|text| text.parse().ok()).collect();
        addresses.filter(|addresses| !addresses.is_empty() && !has_twins(addresses))
    }

    fn expected(&self) -> String {
        "different addresses with their ports, for example 127.0.0.1:8080 or [::1]:8080".to_owned()
    }

    fn is_list(&self) -> bool {
        true
    }
}

/// A whole number within bounds.
pub(super) struct Count(pub(super) RangeInclusive<usize>, pub(super) &'static str);

impl Form for Count {
    type Value = usize;

    fn read(&self, texts: &[String]) -> Option<usize> {
        single(texts)?.parse().ok().filter(|count| self.0.contains(count))
    }

    fn expected(&self) -> String {
        format!("{} from {} to {}", self.1, self.0.start(), self.0.end())
    }

    fn is_quoted(&self) -> bool {
        false
    }
}

/// A time in whole seconds within bounds.
pub(super) struct Seconds(pub(super) RangeInclusive<usize>);

impl Form for Seconds {
    type Value = Duration;

    fn read(&self, texts: &[String]) -> Option<Duration> {
        Count(self.0.clone(), "").read(texts).map(|seconds| Duration::from_secs(seconds as u64))
    }

    fn expected(&self) -> String {
        Count(self.0.clone(), "whole seconds").expected()
    }

    fn is_quoted(&self) -> bool {
        false
    }
}

/// A time in whole milliseconds within bounds.
pub(super) struct Milliseconds(pub(super) RangeInclusive<usize>);

impl Form for Milliseconds {
    type Value = Duration;

    fn read(&self, texts: &[String]) -> Option<Duration> {
        Count(self.0.clone(), "").read(texts).map(|millis| Duration::from_millis(millis as u64))
    }

    fn expected(&self) -> String {
        Count(self.0.clone(), "whole milliseconds").expected()
    }

    fn is_quoted(&self) -> bool {
        false
    }
}

/// A number of threads; `auto` is one for each core this process may use.
pub(super) struct Threads(pub(super) RangeInclusive<usize>);

impl Form for Threads {
    type Value = usize;

    fn read(&self, texts: &[String]) -> Option<usize> {
        if single(texts)? == "auto" {
            let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
            return Some(cores.min(*self.0.end()));
        }
        Count(self.0.clone(), "").read(texts)
    }

    fn expected(&self) -> String {
        format!("auto (one for each core), or {}", Count(self.0.clone(), "a whole number").expected())
    }
}

/// One word of several, each with its meaning.
pub(super) struct Choice<Value: 'static>(pub(super) &'static [(&'static str, Value)]);

impl<Value: Copy> Form for Choice<Value> {
    type Value = Value;

    fn read(&self, texts: &[String]) -> Option<Value> {
        let text = single(texts)?;
        self.0.iter().find(|(word, _)| *word == text).map(|&(_, value)| value)
    }

    fn expected(&self) -> String {
        let words: Vec<&str> = self.0.iter().map(|&(word, _)| word).collect();
        words.join(" or ")
    }
}

/// `true` or `false`.
pub(super) struct Truth;

impl Form for Truth {
    type Value = bool;

    fn read(&self, texts: &[String]) -> Option<bool> {
        single(texts)?.parse().ok()
    }

    fn expected(&self) -> String {
        "true or false".to_owned()
    }

    fn is_switch(&self) -> bool {
        true
    }

    fn is_quoted(&self) -> bool {
        false
    }
}

/// A text that fits, and what it is in words.
pub(super) struct Text(pub(super) fn(&str) -> bool, pub(super) &'static str);

impl Form for Text {
    type Value = String;

    fn read(&self, texts: &[String]) -> Option<String> {
        single(texts).filter(|text| (self.0)(text)).map(str::to_owned)
    }

    fn expected(&self) -> String {
        self.1.to_owned()
    }
}

/// A file, read while the configuration is; an empty text is none.
pub(super) struct File;

impl Form for File {
    type Value = Contents;

    fn read(&self, texts: &[String]) -> Option<Contents> {
        match single(texts)? {
            "" => Some(Contents::default()),
            path => std::fs::read(path).ok().map(Contents::new),
        }
    }

    fn expected(&self) -> String {
        "a file that can be read, or nothing".to_owned()
    }
}

/// Up to so many different texts that fit, and what they are in words.
pub(super) struct Texts(pub(super) usize, pub(super) fn(&str) -> bool, pub(super) &'static str);

impl Form for Texts {
    type Value = Vec<String>;

    fn read(&self, texts: &[String]) -> Option<Vec<String>> {
        let Self(max, fits, _) = self;
        let has_twins = texts.iter().enumerate().any(|(index, text)| texts[..index].contains(text));
        (texts.len() <= *max && !has_twins && texts.iter().all(|text| fits(text))).then(|| texts.to_vec())
    }

    fn expected(&self) -> String {
        format!("up to {} different {}", self.0, self.2)
    }

    fn is_list(&self) -> bool {
        true
    }
}

/// Any number of networks.
pub(super) struct Networks;

impl Form for Networks {
    type Value = Vec<Network>;

    fn read(&self, texts: &[String]) -> Option<Vec<Network>> {
        texts.iter().map(|text| text.parse().ok()).collect()
    }

    fn expected(&self) -> String {
        "addresses such as 10.0.0.1, or networks such as 10.0.0.0/8 or fd00::/8, without bits behind those that count".to_owned()
    }

    fn is_list(&self) -> bool {
        true
    }
}

/// The words for what happens to slow readers.
pub(super) const SLOW_POLICY: Choice<SlowPolicy> = Choice(&[
    ("disconnect", SlowPolicy::Disconnect),
    ("drop_oldest", SlowPolicy::DropOldest),
    ("latest_only", SlowPolicy::LatestOnly),
]);

/// The words for what happens while Redis cannot be reached.
pub(super) const OUTAGE_POLICY: Choice<OutagePolicy> =
    Choice(&[("refuse", OutagePolicy::Refuse), ("local", OutagePolicy::Local)]);

/// Any number of `PATTERN=POLICY`, the words for policies, and one of them as an example.
pub(super) struct RoomPolicies<Policy: 'static>(pub(super) Choice<Policy>, pub(super) &'static str);

impl<Policy: Copy> Form for RoomPolicies<Policy> {
    type Value = Vec<RoomPolicy<Policy>>;

    fn read(&self, texts: &[String]) -> Option<Self::Value> {
        texts.iter().map(|text| self.read_one(text)).collect()
    }

    fn expected(&self) -> String {
        format!("PATTERN=POLICY, for example {}, where POLICY is {}", self.1, self.0.expected())
    }

    fn is_list(&self) -> bool {
        true
    }
}

impl<Policy: Copy> RoomPolicies<Policy> {
    fn read_one(&self, text: &str) -> Option<RoomPolicy<Policy>> {
        let (pattern, policy) = text.rsplit_once('=')?;
        let policy = self.0.read(&[policy.to_owned()])?;
        let name = pattern.strip_suffix('*').unwrap_or(pattern);
        let is_pattern = !pattern.is_empty() && !name.contains('*');
        is_pattern.then(|| RoomPolicy { pattern: pattern.to_owned(), policy })
    }
}

fn single(texts: &[String]) -> Option<&str> {
    match texts {
        [text] => Some(text),
        _ => None,
    }
}

fn has_twins(addresses: &[SocketAddr]) -> bool {
    let twin =
        |(index, address): (usize, &SocketAddr)| address.port() != 0 && addresses[..index].contains(address);
    addresses.iter().enumerate().any(twin)
}
