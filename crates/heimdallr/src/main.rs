//! The server as a program, without handlers of anybody's own.

use std::process::ExitCode;

fn main() -> ExitCode {
    heimdallr::main(heimdallr::Application::none())
}
