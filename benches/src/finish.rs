//! How a measurement ends.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

/// Prints the figures, or why there are none, and gives what the program exits with: 0, or 2.
pub fn finish<E: Display + From<io::Error>>(figures: Result<impl Display, E>) -> ExitCode {
    let written = figures.and_then(|figures| Ok(writeln!(io::stdout(), "{figures}")?));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody reads stderr: nothing to be done about it.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::from(2)
        }
    }
}
