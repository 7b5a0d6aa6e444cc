//! The target of a request.

use std::rc::Rc;

use super::path_readings::{AmbiguousPath, readings};
use super::rejection::Rejection;
use crate::http_url::{HttpUrl, UrlError};
use crate::limits;

/// See the module.
pub(super) struct RequestTarget {
    pub(super) origin: Rc<str>,
    pub(super) url: HttpUrl,
    readings: Option<Vec<String>>,
}

impl RequestTarget {
    /// Reads a URL; `origin` is the configured one, if there is one.
    pub(super) fn read(url: &str, origin: Option<&Rc<str>>) -> Result<Self, Rejection> {
        if url.len() > limits::URL_BYTES {
            return Err(Rejection::BadTarget(UrlError::TooLong));
        }
        let url = HttpUrl::parse(url).map_err(Rejection::BadTarget)?;
        let origin = match origin {
            Some(origin) => Rc::clone(origin),
            None => url.origin().into(),
        };
        let readings = readings(url.path()).map_err(|AmbiguousPath| Rejection::AmbiguousPath)?;
        Ok(Self {
            origin,
            url,
            readings,
        })
    }

    /// All readings of the path.
    pub(super) fn readings(&self) -> &[String] {
        match &self.readings {
            Some(readings) => readings,
            None => self.url.path_alone(),
        }
    }
}
