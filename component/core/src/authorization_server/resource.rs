//! The resources that tokens are issued for (RFC 8707).

use super::compile::Settings;
use super::rejection::{Rejection, TargetFailure};
use crate::http_url::HttpUrl;
use crate::limits;

impl Settings {
    /// The server's resource of this name, as the configuration writes it. Scheme and host are
    /// compared without case and with the default port, and an origin with and without its slash:
    /// some clients send `https://host/` for `https://host`. Paths are compared exactly.
    pub(super) fn resource(&self, requested: &str) -> Result<&str, Rejection> {
        let malformed = Rejection::Target(TargetFailure::Malformed);
        if requested.len() > limits::TARGET_BYTES {
            return Err(malformed);
        }
        let requested = HttpUrl::parse(requested).map_err(|_| malformed)?;
        let mut own = self.resources.iter();
        own.find(|own| HttpUrl::parse(own).as_ref() == Ok(&requested))
            .map(String::as_str)
            .ok_or(Rejection::Target(TargetFailure::Unknown))
    }

    /// The resources of a request: each once, in its order. The server's first, if it names none.
    pub(super) fn resources_of<'a>(
        &self,
        requested: impl Iterator<Item = &'a str>,
    ) -> Result<Vec<String>, Rejection> {
        let mut resources: Vec<String> = Vec::new();
        for (index, requested) in requested.enumerate() {
            if index == limits::TARGETS {
                return Err(Rejection::Target(TargetFailure::TooMany));
            }
            let own = self.resource(requested)?;
            if !resources.iter().any(|known| known == own) {
                resources.push(own.to_owned());
            }
        }
        if resources.is_empty() {
            resources.push(self.resources[0].clone());
        }
        Ok(resources)
    }
}
