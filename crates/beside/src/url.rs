//! Where a Redis is, and who asks.

use wire::url::decode_segment;

/// The port that it listens on unless something else is said.
const PORT: u16 = 6379;

/// A Redis that can be reached by TCP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// Host and port.
    pub(crate) target: String,
    /// A user, perhaps an unnamed one, and a password.
    pub(crate) credentials: Option<(String, String)>,
}

impl Address {
    /// Reads `redis://[[user]:password@]host[:port][/number]`. What is told to all has nothing to do with the number.
    pub(crate) fn read(url: &str) -> Option<Self> {
        let rest = url.strip_prefix("redis://")?;
        let rest = rest.split('/').next()?;
        let (credentials, host) = match rest.rsplit_once('@') {
            None => (None, rest),
            Some((who, host)) => {
                let (user, password) = who.split_once(':').unwrap_or(("", who));
                (Some((decoded(user)?, decoded(password)?)), host)
            }
        };
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let target = if has_port { host.to_owned() } else { format!("{host}:{PORT}") };
        (!host.is_empty() && !host.starts_with(':')).then_some(Self { target, credentials })
    }
}

fn decoded(text: &str) -> Option<String> {
    decode_segment(text).ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(target: &str, credentials: Option<(&str, &str)>) -> Option<Address> {
        let credentials = credentials.map(|(user, password)| (user.to_owned(), password.to_owned()));
        Some(Address { target: target.to_owned(), credentials })
    }

    #[test]
    fn addresses_are_read() {
        assert_eq!(Address::read("redis://a"), address("a:6379", None));
        assert_eq!(Address::read("redis://a:7/3"), address("a:7", None));
        assert_eq!(Address::read("redis://:p%40@a"), address("a:6379", Some(("", "p@"))));
        assert_eq!(Address::read("redis://u:p@[::1]:7"), address("[::1]:7", Some(("u", "p"))));
        for url in ["", "a:7", "rediss://a", "redis://", "redis://:7", "redis+sentinel://a"] {
            assert_eq!(Address::read(url), None, "{url}");
        }
    }
}
