//! `tollgate issuer`: an authorization server.

mod admin;
mod administration;
mod audit;
mod clients;
mod config_file;
mod development;
mod front;
mod grants;
mod metrics;
mod run;
mod secrets;
mod server;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use tollgate::issuer::sqlite::Settings;
use tollgate::issuer::{Issuer, IssuerBuilder, MemoryStore, Program, SqliteStore};
use tollgate::{BuildError, ProgramOptions};

use config_file::{ConfigFile, ServerOptions};

/// The arguments of `tollgate issuer`.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct IssuerArgs {
    #[command(subcommand)]
    command: Option<IssuerCommand>,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Args)]
struct ServeArgs {
    /// The configuration file [default: tollgate-issuer.toml, and none with --dev].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Run for development: users alice and bob without passwords, a client `demo`, and a store in
    /// memory. Only on a loopback address.
    #[arg(long)]
    dev: bool,
    /// Address to listen on, in place of the configuration's; port 0 selects a free one.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<std::net::SocketAddr>,
    /// Stop when standard input is closed, so that it ends with its parent process.
    #[arg(long)]
    until_stdin_closes: bool,
}

#[derive(Subcommand)]
enum IssuerCommand {
    /// Check a configuration and the secrets that it refers to, without opening the database.
    Check(ConfigArgs),
    /// Copy the database of this moment to a new file, while the issuer runs or not.
    Backup {
        #[command(flatten)]
        config: ConfigArgs,
        /// The new file.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// List or revoke grants of a user, while the issuer runs or not.
    #[command(subcommand)]
    Grants(GrantsCommand),
    /// List, create or delete registered clients, while the issuer runs or not.
    #[command(subcommand)]
    Clients(ClientsCommand),
}

#[derive(Args)]
struct ConfigArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = DEFAULT_CONFIG)]
    config: PathBuf,
}

#[derive(Subcommand)]
enum GrantsCommand {
    /// Print each grant of a user as a line of JSON.
    List {
        #[command(flatten)]
        config: ConfigArgs,
        /// The user's id: the `sub` of tokens.
        #[arg(long)]
        user: String,
    },
    /// Revoke one grant of a user, or all.
    Revoke {
        #[command(flatten)]
        config: ConfigArgs,
        /// The user's id: the `sub` of tokens.
        #[arg(long)]
        user: String,
        /// The grant's id [default: all grants of the user].
        #[arg(long)]
        grant: Option<String>,
    },
}

#[derive(Subcommand)]
enum ClientsCommand {
    /// Print each registered client as a line of JSON. Those of the configuration are not among
    /// them.
    List {
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Register a client, and print it with its id and secret, which is not shown again.
    Create {
        #[command(flatten)]
        config: ConfigArgs,
        /// The name that people see.
        #[arg(long)]
        name: Option<String>,
        /// An exact redirect URI. May be repeated.
        #[arg(long = "redirect-uri", value_name = "URI")]
        redirect_uris: Vec<String>,
        /// More members of RFC 7591 section 2, as a JSON object.
        #[arg(long, value_name = "JSON")]
        metadata: Option<String>,
    },
    /// Delete a registered client. Its tokens are refused from then on.
    Delete {
        #[command(flatten)]
        config: ConfigArgs,
        /// The client's id.
        #[arg(long)]
        id: String,
    },
}

const DEFAULT_CONFIG: &str = "tollgate-issuer.toml";

/// Runs the command.
pub(super) async fn issuer(args: IssuerArgs) -> Result<(), String> {
    match args.command {
        None => run::run(args.serve).await,
        Some(IssuerCommand::Check(config)) => check(&config.config).await,
        Some(IssuerCommand::Backup { config, to }) => {
            let config = read(&config.config)?;
            let store = existing_store(&config.server)?;
            store.backup_to(&to).map_err(|error| error.to_string())?;
            println!("The backup is in {}.", to.display());
            Ok(())
        }
        Some(IssuerCommand::Grants(command)) => grants::run(command).await,
        Some(IssuerCommand::Clients(command)) => clients::run(command).await,
    }
}

async fn check(path: &Path) -> Result<(), String> {
    let config = read(path)?;
    let issuer = config.issuer.issuer().to_owned();
    let builder = Issuer::builder(config.issuer.0, MemoryStore::new());
    build(builder.instances(NonZeroUsize::MIN), &config.server).await?;
    let folder = config.server.database.parent();
    if let Some(folder) = folder.filter(|folder| !folder.as_os_str().is_empty())
        && !folder.is_dir()
    {
        return Err(format!(
            "server.database: there is no folder {}: create it, or name another file",
            folder.display()
        ));
    }
    println!("The configuration of {issuer} can be used.");
    Ok(())
}

fn read(path: &Path) -> Result<ConfigFile, String> {
    ConfigFile::read(path).map_err(|error| error.to_string())
}

/// Compiles the component, with the cache of the configuration, and builds.
async fn build(builder: IssuerBuilder, server: &ServerOptions) -> Result<Issuer, String> {
    let options = ProgramOptions {
        component: None,
        cache: server.cache.clone(),
    };
    let program = tokio::task::spawn_blocking(move || Program::compile(options)).await;
    let program = program
        .map_err(|error| format!("the component was not compiled ({error}): report this"))?
        .map_err(|error| {
            format!("{error}. If `server.cache` is set, check that this user can write to it")
        })?;
    let built = builder.program(program).build().await;
    built.map_err(|error| match error {
        BuildError::Config(error) => error.to_string(),
        other => format!("the issuer does not start: {other}"),
    })
}

/// Opens a database that is there. The running issuer sweeps it.
fn existing_store(server: &ServerOptions) -> Result<SqliteStore, String> {
    let path = &server.database;
    if !path.exists() {
        return Err(format!(
            "there is no database {}: start the issuer once, or correct `server.database`",
            path.display()
        ));
    }
    let mut settings = Settings::default();
    settings.check_pages = false;
    settings.sweep = false;
    settings.readers = 1;
    SqliteStore::open_with(path, settings).map_err(|error| error.to_string())
}
