//! wrk: plain HTTP requests as fast as a server answers them. Installed from Debian when it is missing.

use super::lab::Place;
use super::server::Server;
use crate::program::Program;
use crate::step::{Failure, Outcome};

/// What wrk is to do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wrk {
    pub(super) connections: u32,
    pub(super) threads: u32,
    pub(super) seconds: f64,
}

/// What wrk says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Answered {
    pub(super) requests_per_second: f64,
    /// Connections, reads, writes and time-outs that went wrong, and answers that were not 2xx or 3xx.
    pub(super) errors: f64,
    /// What the server could answer if it had all of a core: wrk may be at its own limit earlier.
    pub(super) requests_per_core_second: f64,
}

/// Makes sure that it is there.
pub(super) fn install() -> Outcome {
    // It has no way to be asked for its version that ends with 0.
    if Program::new("sh").args(["-c", "command -v wrk"]).succeeds() {
        return Ok(());
    }
    Program::new("apt-get").args(["update", "--quiet"]).run()?;
    Program::new("apt-get").args(["install", "--yes", "--quiet", "wrk"]).run()
}

impl Wrk {
    /// Asks the server for a path, over and over.
    pub(super) fn ask(&self, server: &Server, path: &str, place: Place) -> Result<Answered, Failure> {
        let mut line = place.line(vec!["wrk".to_owned()]);
        line.extend([format!("-c{}", self.connections), format!("-t{}", self.threads)]);
        line.extend([
            format!("-d{:.0}s", self.seconds.max(1.0)),
            format!("http://{}{path}", server.address()),
        ]);
        let before = server.cpu_seconds()?;
        let said = Program::new(&line[0]).args(&line[1..]).capture()?;
        let cpu_seconds = server.cpu_seconds()? - before;
        read(&said, cpu_seconds)
            .ok_or_else(|| Failure::new(format!("wrk said something else than expected:\n{said}")))
    }
}

fn read(said: &str, cpu_seconds: f64) -> Option<Answered> {
    let after = |name: &str| said.lines().find_map(|line| line.trim().strip_prefix(name));
    let numbers = |text: &str| -> f64 {
        text.split(|letter: char| !letter.is_ascii_digit()).filter_map(|word| word.parse::<f64>().ok()).sum()
    };
    let requests_per_second = after("Requests/sec:")?.trim().parse().ok()?;
    let requests: f64 =
        said.lines().find_map(|line| line.trim().split_once(" requests in"))?.0.parse().ok()?;
    let of_sockets = after("Socket errors:").map_or(0.0, numbers);
    let of_answers = after("Non-2xx or 3xx responses:").map_or(0.0, numbers);
    let requests_per_core_second = requests / cpu_seconds;
    Some(Answered { requests_per_second, errors: of_sockets + of_answers, requests_per_core_second })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "Running 1s test @ http://127.0.0.1:1/\n  41389 requests in 1.00s, 5.96MB read\n";

    #[test]
    fn requests_and_errors_are_read() {
        let clean = format!("{SAID}Requests/sec:  41344.18\nTransfer/sec:      5.95MB\n");
        let expected =
            Answered { requests_per_second: 41344.18, errors: 0.0, requests_per_core_second: 82778.0 };
        assert_eq!(read(&clean, 0.5), Some(expected));
        let errors =
            "  Socket errors: connect 1, read 20, write 0, timeout 300\n  Non-2xx or 3xx responses: 4000\n";
        let failed = format!("{SAID}{errors}Requests/sec: 5.00\n");
        assert_eq!(read(&failed, 1.0).map(|answered| answered.errors), Some(4321.0));
    }

    #[test]
    fn other_words_are_not_taken_for_an_answer() {
        assert_eq!(read("unable to connect", 1.0), None);
    }
}
