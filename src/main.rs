//! Herald: the program. Everything but the serving itself is in [`herald::cli`].

use herald::{cli, config::Config, demo, server::Server};
use std::{env, process::ExitCode};
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    cli::run(env::args_os().skip(1), env::vars_os(), |config| serve(config).map_err(|cause| cause.to_string()))
}

fn serve(config: Config) -> Result<(), Box<dyn std::error::Error>> {
    env_logger::Builder::new().parse_filters(&config.log).init();
    let is_demo = config.demo;
    let server = Server::bind(config)?;
    if is_demo {
        eprintln!("{}", demo::warning(server.addr()));
    }
    Ok(server.run(told_to_stop())?)
}

/// SIGTERM or Ctrl-C.
async fn told_to_stop() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        log::error!("signals can't be heard; stop this server by killing it");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
