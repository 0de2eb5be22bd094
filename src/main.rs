//! The binary: hands over to the library and turns its result into an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    reknit::cli::main()
}
