//! URLs of a configuration to which secrets go, or from which keys come.

use std::fmt::Arguments;

use crate::config_error::ConfigError;
use crate::http_url::HttpUrl;

/// Reads a configured URL, which must be `https:` or loopback.
///
/// # Errors
/// It is neither. `field` is the option that has it.
pub(crate) fn trusted_url(field: Arguments<'_>, text: &str) -> Result<HttpUrl, ConfigError> {
    let url = HttpUrl::parse(text)
        .map_err(|error| ConfigError::at(field, format!("this is no URL: {}", error.sentence())))?;
    if !url.is_trustworthy() {
        let message = "plain http is only for loopback addresses: use https";
        return Err(ConfigError::at(field, message));
    }
    Ok(url)
}
