//! The configuration file: TOML. Its table `server` is this program's; everything else is the
//! issuer's, and is checked by the component.

use std::fmt;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::secrets;

/// The longest configuration file: what the component accepts as JSON.
const FILE_BYTES: u64 = 1024 * 1024;

/// A configuration that was read.
#[derive(Debug)]
pub(super) struct ConfigFile {
    /// The issuer's configuration, with secrets.
    pub(super) issuer: IssuerOptions,
    /// The table `server`.
    pub(super) server: ServerOptions,
}

/// The issuer's configuration as JSON. It contains secrets.
pub(super) struct IssuerOptions(pub(super) Value);

impl fmt::Debug for IssuerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IssuerOptions(…)")
    }
}

impl IssuerOptions {
    /// The issuer identifier.
    pub(super) fn issuer(&self) -> &str {
        self.0
            .get("issuer")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

/// Where and how this program serves.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ServerOptions {
    /// Where clients and users connect, usually by a proxy with TLS.
    pub(super) listen: SocketAddr,
    /// Where health, readiness and metrics are. None: nowhere.
    pub(super) admin_listen: Option<SocketAddr>,
    /// The file of the store.
    pub(super) database: PathBuf,
    /// Where machine code is cached, so that the next start is faster.
    pub(super) cache: Option<PathBuf>,
    /// Instances of the component. Default: one for each core.
    pub(super) instances: Option<std::num::NonZeroUsize>,
    /// Connections at a time.
    pub(super) connections: usize,
    /// How long a client may take to send the head, and then the body, of a request, in seconds.
    pub(super) read_timeout: u64,
    /// How long a request may take in all, in seconds.
    pub(super) request_timeout: u64,
    /// How long requests may go on after a signal to stop, in seconds.
    pub(super) shutdown_timeout: u64,
    /// Whether the log has the last address of `X-Forwarded-For`, which the proxy has added, instead
    /// of the connection's.
    pub(super) trust_forwarded_for: bool,
}

const SERVER_OPTIONS: [&str; 10] = [
    "admin-listen",
    "cache",
    "connections",
    "database",
    "instances",
    "listen",
    "read-timeout",
    "request-timeout",
    "shutdown-timeout",
    "trust-forwarded-for",
];

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9400),
            admin_listen: None,
            database: PathBuf::from("tollgate-issuer.db"),
            cache: None,
            instances: None,
            connections: 1024,
            read_timeout: 10,
            request_timeout: 60,
            shutdown_timeout: 20,
            trust_forwarded_for: false,
        }
    }
}

impl ServerOptions {
    pub(super) fn read_timeout(&self) -> Duration {
        Duration::from_secs(self.read_timeout)
    }

    pub(super) fn request_timeout(&self) -> Duration {
        Duration::from_secs(self.request_timeout)
    }

    pub(super) fn shutdown_timeout(&self) -> Duration {
        Duration::from_secs(self.shutdown_timeout)
    }

    fn check(&self) -> Result<(), ConfigFileError> {
        let in_range = |field: &str, value: u64, most: u64| {
            if (1..=most).contains(&value) {
                return Ok(());
            }
            Err(ConfigFileError::Option {
                field: format!("server.{field}"),
                message: format!("the value is out of range: set 1 to {most}"),
            })
        };
        let connections = u64::try_from(self.connections).unwrap_or(u64::MAX);
        let instances = self.instances.map_or(1, |instances| instances.get() as u64);
        in_range("connections", connections, 100_000)?;
        in_range("instances", instances, 256)?;
        in_range("read-timeout", self.read_timeout, 600)?;
        in_range("request-timeout", self.request_timeout, 600)?;
        in_range("shutdown-timeout", self.shutdown_timeout, 600)
    }
}

/// Why a configuration file cannot be used. No text of the file is shown: it may be a secret.
#[derive(Debug)]
pub(super) enum ConfigFileError {
    /// The file cannot be read.
    File { path: PathBuf, error: io::Error },
    /// The file is not TOML.
    Syntax {
        path: PathBuf,
        line: usize,
        message: String,
    },
    /// An option cannot be used.
    Option { field: String, message: String },
}

impl fmt::Display for ConfigFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, error } => write!(
                f,
                "{} cannot be read ({error}): name a configuration file with --config, or start a \
                 server for development with --dev",
                path.display()
            ),
            Self::Syntax {
                path,
                line,
                message,
            } => write!(
                f,
                "{}, line {line}: this is not TOML ({message}): correct it",
                path.display()
            ),
            Self::Option { field, message } => write!(f, "{field}: {message}"),
        }
    }
}

impl std::error::Error for ConfigFileError {}

impl ConfigFile {
    /// Reads a file, and the secrets that it refers to.
    pub(super) fn read(path: &Path) -> Result<Self, ConfigFileError> {
        let file_error = |error| ConfigFileError::File {
            path: path.to_owned(),
            error,
        };
        if fs::metadata(path).map_err(file_error)?.len() > FILE_BYTES {
            let error = io::Error::new(io::ErrorKind::FileTooLarge, "it is longer than 1 MiB");
            return Err(file_error(error));
        }
        let text = fs::read_to_string(path).map_err(file_error)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::parse(&text, path, folder)
    }

    fn parse(text: &str, path: &Path, folder: &Path) -> Result<Self, ConfigFileError> {
        let mut table: toml::Table = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            ConfigFileError::Syntax {
                path: path.to_owned(),
                line: before.unwrap_or_default().matches('\n').count() + 1,
                message: error.message().replace('\n', " "),
            }
        })?;
        let file_error = |error| ConfigFileError::File {
            path: path.to_owned(),
            error,
        };
        let server = match table.remove("server") {
            None => ServerOptions::default(),
            Some(server) => server_options(server)?,
        };
        server.check()?;
        let mut issuer = json(toml::Value::Table(table));
        secrets::resolve(&mut issuer, folder)?;
        let within = |path: PathBuf| folder.join(path);
        // wasmtime takes no other.
        let cache = server.cache.map(|path| std::path::absolute(within(path)));
        Ok(Self {
            issuer: IssuerOptions(issuer),
            server: ServerOptions {
                database: within(server.database),
                cache: cache.transpose().map_err(file_error)?,
                ..server
            },
        })
    }
}

fn server_options(server: toml::Value) -> Result<ServerOptions, ConfigFileError> {
    let names = server.as_table().into_iter().flat_map(toml::Table::keys);
    for name in names {
        if SERVER_OPTIONS.contains(&name.as_str()) {
            continue;
        }
        let near = SERVER_OPTIONS
            .iter()
            .map(|own| (strsim::levenshtein(own, name), own))
            .filter(|(distance, _)| *distance <= 3)
            .min();
        let message = match near {
            Some((_, own)) => format!("there is no such option: did you mean {own:?}?"),
            None => format!(
                "there is no such option: remove it. There are {}",
                SERVER_OPTIONS.join(", ")
            ),
        };
        return Err(ConfigFileError::Option {
            field: format!("server.{name}"),
            message,
        });
    }
    let options = server.try_into();
    options.map_err(|error: toml::de::Error| ConfigFileError::Option {
        field: "server".to_owned(),
        message: format!("an option cannot be used: {}", error.message()),
    })
}

/// TOML's dates, for which no option has a use, become texts.
fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(flag) => Value::Bool(flag),
        toml::Value::Datetime(date) => Value::String(date.to_string()),
        toml::Value::Array(items) => items.into_iter().map(json).collect(),
        toml::Value::Table(members) => members
            .into_iter()
            .map(|(name, member)| (name, json(member)))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ConfigFile, String> {
        ConfigFile::parse(text, Path::new("x/issuer.toml"), Path::new("x"))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_issuers_options_are_passed_on_as_they_are() {
        let text = "issuer = 'https://a.example'\naccess-token-lifetime = 60\n\
                    [sign-in]\nproviders = [{ id = 'x' }]\n[server]\ndatabase = 'a.db'\n";
        let config = parse(text).expect("a configuration");
        assert_eq!(
            config.issuer.0,
            serde_json::json!({
                "issuer": "https://a.example",
                "access-token-lifetime": 60,
                "sign-in": { "providers": [{ "id": "x" }] },
            })
        );
        assert_eq!(config.server.database, Path::new("x/a.db"));
        assert_eq!(config.server.connections, 1024);
        let cache = parse("[server]\ncache = 'machine-code'").expect("a configuration");
        let cache = cache.server.cache.expect("a folder");
        assert!(cache.is_absolute() && cache.ends_with("x/machine-code"));
    }

    #[test]
    fn unknown_server_options_are_refused_with_a_suggestion() {
        let error = parse("[server]\nlisten-adress = 'x'\nlistn = 'x'").expect_err("unknown");
        assert!(error.contains("remove it"), "{error}");
        let error = parse("[server]\nlistn = 'x'").expect_err("unknown");
        assert_eq!(
            error,
            "server.listn: there is no such option: did you mean \"listen\"?"
        );
        let error = parse("[server]\nlisten = 'x'").expect_err("no address");
        assert!(
            error.starts_with("server: an option cannot be used"),
            "{error}"
        );
        let error = parse("[server]\nconnections = 0").expect_err("none");
        assert!(error.contains("set 1 to 100000"), "{error}");
    }

    #[test]
    fn a_syntax_error_names_the_line_and_shows_no_text() {
        let error = parse("issuer = 'a'\nsecrets = [hunter2]\n").expect_err("not TOML");
        assert!(error.contains("line 2"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn every_server_option_has_a_name() {
        for name in SERVER_OPTIONS {
            let value = match name {
                "listen" | "admin-listen" => "'127.0.0.1:0'",
                "database" | "cache" => "'x'",
                "trust-forwarded-for" => "true",
                _ => "1",
            };
            parse(&format!("[server]\n{name} = {value}")).expect(name);
        }
    }
}
