//! How long balancers wait for a silent node: longer than it is silent, or they cut its clients off.

use std::path::Path;
use std::time::Duration;

use super::{Finding, Patient};

/// A directive that says how long a balancer waits, by the balancers that know it.
const PATIENCE: [&str; 10] = [
    // HAProxy
    "timeout client",
    "timeout server",
    "timeout tunnel",
    // nginx
    "proxy_read_timeout",
    "proxy_send_timeout",
    "send_timeout",
    // Apache httpd
    "ProxyTimeout",
    "ProxyWebsocketIdleTimeout",
    "TimeOut",
    "Timeout",
];

pub(super) fn examine(patient: &Patient) -> Vec<Finding> {
    if patient.balancers.is_empty() {
        return vec![Finding::note("balancers: no file of one found here; name it with --balancer FILE")];
    }
    let silence = patient.settings.ping_interval;
    patient.balancers.iter().flat_map(|path| of_file(path, silence)).collect()
}

fn of_file(path: &Path, silence: Duration) -> Vec<Finding> {
    let shown = path.display();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return vec![Finding::bad(format!("{shown}: {error}"))],
    };
    let waits = waits(&text);
    if waits.is_empty() {
        let silence = silence.as_secs();
        return vec![Finding::note(format!(
            "{shown}: says nothing of how long it waits; it has to be longer than ping_interval ({silence} s)"
        ))];
    }
    waits.into_iter().map(|wait| judge(&shown.to_string(), wait, silence)).collect()
}

/// How long a directive lets a balancer wait; `None`: in words unknown here.
type Wait = (&'static str, Option<Duration>);

fn waits(text: &str) -> Vec<Wait> {
    text.lines().filter_map(|line| wait_of(line.trim())).collect()
}

fn wait_of(line: &str) -> Option<Wait> {
    let words: Vec<&str> = line.trim_end_matches(';').split_whitespace().collect();
    let directive = PATIENCE.into_iter().find(|directive| {
        let names: Vec<&str> = directive.split(' ').collect();
        words.len() > names.len() && names.iter().zip(&words).all(|(name, word)| name == word)
    })?;
    let value = words[directive.split(' ').count()];
    // HAProxy counts in milliseconds where nothing else is said, the others in seconds.
    let plain = if directive.starts_with("timeout ") { "ms" } else { "s" };
    Some((directive, duration(value, plain)))
}

fn duration(text: &str, plain: &str) -> Option<Duration> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let millis = match if unit.is_empty() { plain } else { unit } {
        "ms" => 1,
        "s" => 1000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    Some(Duration::from_millis(number.checked_mul(millis)?))
}

fn judge(file: &str, (directive, wait): Wait, silence: Duration) -> Finding {
    let silent = silence.as_secs();
    match wait {
        None => Finding::note(format!("{file}: {directive}: how long that is cannot be read here")),
        Some(wait) if wait > silence => Finding::good(format!(
            "{file}: {directive} {} s is longer than ping_interval ({silent} s)",
            wait.as_secs()
        )),
        Some(wait) => Finding::bad(format!(
            "{file}: {directive} {} s cuts clients off who are silent for ping_interval ({silent} s); make it longer, or the interval shorter",
            wait.as_secs()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_balancer_is_understood() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let cases = [
            ("  timeout client 75s", ("timeout client", seconds(75))),
            ("timeout server 30000", ("timeout server", seconds(30))),
            ("\ttimeout tunnel  1h # long", ("timeout tunnel", seconds(3600))),
            ("proxy_read_timeout 75s;", ("proxy_read_timeout", seconds(75))),
            ("proxy_send_timeout 2m;", ("proxy_send_timeout", seconds(120))),
            ("Timeout 60", ("Timeout", seconds(60))),
            ("ProxyTimeout soon", ("ProxyTimeout", None)),
        ];
        for (line, wait) in cases {
            assert_eq!(waits(line), [wait], "{line}");
        }
        assert_eq!(waits("# timeout client 1s\ntimeout connect 4s\nproxy_connect_timeout 4s;"), []);
    }
}
