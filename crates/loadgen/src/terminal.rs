//! Progress on a terminal: one line that is written over. Silent where there is no terminal.

use std::io::{IsTerminal, Write};

use crate::report::Point;

/// The line.
#[derive(Debug)]
pub struct ProgressLine {
    is_terminal: bool,
}

impl ProgressLine {
    /// Looks whether anybody would see it.
    pub fn new() -> Self {
        Self { is_terminal: std::io::stderr().is_terminal() }
    }

    /// Shows where the run stands.
    pub fn show(&self, phase: &str, point: &Point) {
        let text = format!(
            "{:6.1} s  {phase:<10} {:6} in  {:9.0} deliveries/s  p99 {:7.2} ms  server {:4.0} %  generator {:4.0} %",
            point.at_s,
            point.open,
            point.deliveries_per_second,
            point.p99_ms,
            point.server_cpu_percent,
            point.generator_cpu_percent
        );
        self.write(&format!("\r\x1b[2K{text}"));
    }

    /// Takes the line away.
    pub fn clear(&self) {
        self.write("\r\x1b[2K");
    }

    fn write(&self, text: &str) {
        if self.is_terminal {
            // A terminal that has gone away is no reason to end a measurement.
            let _ = std::io::stderr().write_all(text.as_bytes());
        }
    }
}

impl Default for ProgressLine {
    fn default() -> Self {
        Self::new()
    }
}
