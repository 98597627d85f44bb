//! `herald-load MODE [options]`: see `--help`. Its last line of output is one JSON object.

use herald_load::{modes, options, sys};
use std::{
    io::{self, Write},
    process::ExitCode,
};

fn main() -> ExitCode {
    let options = match options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("{problem}\n\n{}", options::HELP);
            return ExitCode::from(2);
        }
    };
    sys::process::raise_descriptors();
    // All of it, connecting as well: whoever watches the machine takes it away from what others used.
    let result = modes::run(options).map(|json| json.number("loadgen_cpu_s", sys::process::own_cpu() as f64 / 1e9));
    match result.and_then(|line| writeln!(io::stdout(), "{line}")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("herald-load: {error}");
            ExitCode::FAILURE
        }
    }
}
