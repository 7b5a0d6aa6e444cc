//! Faults of issuers, for the operator's log. Each fault is reported once, with what to do about
//! it. Callers learn of a fault by the response to their request.

use std::cell::RefCell;

use super::{FetchError, Issuers, KeySource};
use crate::capability::SignatureError;
use crate::jose::JwkError;
use crate::limits;

/// A fault of an issuer or of its configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerFault {
    /// The issuer, as it is configured.
    pub issuer: String,
    /// A stable name, such as `issuer-mismatch` or `jwk-weak-key`.
    pub code: &'static str,
    /// What happened and what to do. It contains no part of a token.
    pub message: String,
}

/// A fault, as it is compared with those already reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The metadata could not be fetched.
    Metadata(FetchError),
    /// The key set could not be fetched.
    Keys(FetchError),
    /// The key at this index in the set is not used.
    Skipped(usize, JwkError),
    /// The host refused the key at this index among the usable keys.
    Refused(usize, SignatureError),
}

/// The faults of one issuer that were already reported.
#[derive(Debug, Default)]
pub(super) struct ReportedFaults(RefCell<Vec<Fault>>);

impl Issuers {
    /// The current faults that were not reported before. A fault that ends and returns is reported
    /// again.
    pub(crate) fn new_faults(&self) -> Vec<IssuerFault> {
        let mut new = Vec::new();
        for source in &self.sources {
            let faults = source.faults();
            let reported = source.reported_faults().0.replace(faults.clone());
            for fault in faults {
                if !reported.contains(&fault) {
                    new.push(IssuerFault {
                        issuer: source.issuer().to_owned(),
                        code: fault.code(),
                        message: self.naming.sentence(&fault.message(source.issuer())),
                    });
                }
            }
        }
        new
    }
}

impl KeySource {
    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let (metadata, keys) = self.fetch_errors();
        if let Some(error) = keys {
            faults.push(Fault::Keys(error));
        }
        // If both failed for the same reason, report it once.
        if let Some(error) = metadata.filter(|error| keys != Some(*error)) {
            faults.push(Fault::Metadata(error));
        }
        if let Some(set) = self.known_keys() {
            let skipped = set.skipped.iter().filter(|key| key.reason.is_fault());
            faults.extend(skipped.map(|key| Fault::Skipped(key.index, key.reason)));
            let keys = set.keys.iter().enumerate();
            faults.extend(keys.filter_map(|(i, key)| Some(Fault::Refused(i, key.refusal()?))));
        }
        faults.truncate(limits::FAULTS);
        faults
    }
}

impl Fault {
    fn code(self) -> &'static str {
        match self {
            Self::Metadata(error) | Self::Keys(error) => error.code(),
            Self::Skipped(_, reason) => reason.code(),
            Self::Refused(_, error) => error.code(),
        }
    }

    /// Option names are between backticks.
    fn message(self, issuer: &str) -> String {
        let (document, error) = match self {
            Self::Metadata(error) => ("metadata", error),
            Self::Keys(error) => ("keys", error),
            Self::Skipped(index, reason) => {
                return format!(
                    "The key at index {index} in the key set of {issuer} is not used, because it \
                     {reason}. Ask the issuer to replace it."
                );
            }
            Self::Refused(index, SignatureError::Unsupported) => {
                return format!(
                    "The key at index {index} among the usable keys of {issuer} is for an \
                     algorithm that this host does not verify. Use the standalone component, or a \
                     key of another type."
                );
            }
            Self::Refused(index, _) => {
                return format!(
                    "The host refused the key at index {index} among the usable keys of {issuer}, \
                     because its numbers do not form a valid key. Ask the issuer to replace it."
                );
            }
        };
        format!(
            "The {document} of {issuer} could not be fetched: {}",
            error.explanation()
        )
    }
}

impl FetchError {
    /// What happened and what to do. Option names are between backticks.
    fn explanation(self) -> String {
        let text = match self {
            Self::Status(status) => {
                return format!(
                    "it answered with status {status}. Check that the issuer's URL is complete and \
                     that the issuer serves its metadata. If it has no metadata, configure where \
                     its keys are."
                );
            }
            Self::Unreachable => {
                "the connection failed. Check the host name in its URL, its certificate, and \
                 whether this host may call it."
            }
            Self::TimedOut => {
                "there was no answer in time. Check the issuer, or raise `keys.timeout-ms`."
            }
            Self::TooLarge => "the response is too large. Check that the URL is the issuer's.",
            Self::Redirected => {
                "it answered with a redirect, which is not followed. If the issuer's identifier is \
                 the URL that it redirects to, configure that URL."
            }
            Self::NotJson => {
                "the response is not a JSON object. Check that the URL is the issuer's."
            }
            Self::IssuerMismatch => {
                "its metadata names another issuer. Configure the issuer exactly as its metadata \
                 writes it, with or without the slash at the end."
            }
            Self::NoKeysUri => {
                "its metadata names no usable jwks_uri. Configure its keys as a URL or inline."
            }
            Self::CrossOriginKeys => {
                "its metadata names keys on another origin. Set `cross-origin-keys` for this \
                 issuer if that is intended."
            }
            Self::NotKeySet => "the response is not a JWK Set. Check jwks_uri.",
            Self::NoUsableKey => {
                "the key set has no usable key. Check that it has public signing keys."
            }
            Self::TooManyWaiting => "too many requests are already waiting for it.",
        };
        text.to_owned()
    }
}
