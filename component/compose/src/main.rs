//! `tollgate-compose SOCKET PLUG OUTPUT`: gives one component's exports to another's imports.

use std::error::Error;
use std::{env, fs, process::ExitCode};

use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, plug};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [socket, provider, output] = arguments.as_slice() else {
        eprintln!("Usage: tollgate-compose SOCKET PLUG OUTPUT");
        return ExitCode::from(2);
    };
    match compose(socket, provider, output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Could not compose {socket} with {provider}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compose(socket: &str, provider: &str, output: &str) -> Result<(), Box<dyn Error>> {
    let mut graph = CompositionGraph::new();
    let mut register = |name: &str, file: &str| -> Result<_, Box<dyn Error>> {
        let bytes = fs::read(file).map_err(|error| format!("{file}: {error}"))?;
        let package = Package::from_bytes(name, None, bytes, graph.types_mut())?;
        Ok(graph.register_package(package)?)
    };
    let provider = register("tollgate:provider", provider)?;
    let socket = register("tollgate:socket", socket)?;
    plug(&mut graph, vec![provider], socket)?;
    fs::write(output, graph.encode(EncodeOptions::default())?)?;
    Ok(())
}
