//! Configured URLs that secrets are sent to, or that keys are fetched from.

use std::fmt::Arguments;

use crate::config_error::ConfigError;
use crate::http_url::HttpUrl;

/// Reads a configured URL, which must be `https:` or loopback.
///
/// # Errors
/// The URL is neither, or is malformed. `field` is the option that holds it.
pub(crate) fn trusted_url(field: Arguments<'_>, text: &str) -> Result<HttpUrl, ConfigError> {
    let url = HttpUrl::parse(text).map_err(|error| {
        ConfigError::at(
            field,
            format!("this is not a valid URL: {}", error.sentence()),
        )
    })?;
    if !url.is_trustworthy() {
        let message = "plain http is accepted only for loopback addresses: use https";
        return Err(ConfigError::at(field, message));
    }
    Ok(url)
}
