//! What is wrong about an issuer, for whoever operates the deployment: each fault is told once,
//! with what to do about it. Callers are told by their answers.

use std::cell::RefCell;

use super::{FetchError, Issuers, KeySource};
use crate::capability::SignatureError;
use crate::jose::JwkError;
use crate::limits;

/// Something about an issuer that somebody has to mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerFault {
    /// The issuer, as it is configured.
    pub issuer: String,
    /// A stable name, such as `issuer-mismatch` or `jwk-weak-key`.
    pub code: &'static str,
    /// What happened and what to do. Nothing of a token is in it.
    pub message: String,
}

/// A fault, as it is compared with those that were told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The document of metadata is not to be had.
    Metadata(FetchError),
    /// The key set is not to be had.
    Keys(FetchError),
    /// A key of the set, by its place in it, is not used.
    Skipped(usize, JwkError),
    /// The host does not take a usable key, by its place among those.
    Refused(usize, SignatureError),
}

/// The faults of one issuer that were told.
#[derive(Debug, Default)]
pub(super) struct ToldFaults(RefCell<Vec<Fault>>);

impl Issuers {
    /// The faults that are there now and were not told before. One that ends and comes back is told
    /// again.
    pub(crate) fn new_faults(&self) -> Vec<IssuerFault> {
        let mut new = Vec::new();
        for source in &self.sources {
            let faults = source.faults();
            let told = source.told_faults().0.replace(faults.clone());
            for fault in faults {
                if !told.contains(&fault) {
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
        // What the keys could not be fetched for is said once.
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

    /// Names of options stand between backticks.
    fn message(self, issuer: &str) -> String {
        let (document, error) = match self {
            Self::Metadata(error) => ("metadata", error),
            Self::Keys(error) => ("keys", error),
            Self::Skipped(index, reason) => {
                return format!(
                    "Key {index} (from 0) in the key set of {issuer} is not used, because it \
                     {reason}. Ask the issuer to replace it."
                );
            }
            Self::Refused(index, SignatureError::Unsupported) => {
                return format!(
                    "Usable key {index} (from 0) in the key set of {issuer} is for an algorithm \
                     that this host does not check. Use the standalone component, or a key of \
                     another type."
                );
            }
            Self::Refused(index, _) => {
                return format!(
                    "Usable key {index} (from 0) in the key set of {issuer} was refused by the \
                     host: its numbers are no key, for example no point on the curve. Ask the \
                     issuer to replace it."
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
    /// What happened and what to do. Names of options stand between backticks.
    fn explanation(self) -> String {
        let text = match self {
            Self::Status(status) => {
                return format!(
                    "it answered with status {status}. Check that the URL of the issuer is \
                     complete, and that it serves its metadata; if it has none, say where its keys \
                     are."
                );
            }
            Self::Unreachable => {
                "there was no connection. Check the name in its URL, its certificate, and whether \
                 this host may call it."
            }
            Self::TimedOut => {
                "there was no answer in time. Check the issuer, or raise `keys.timeout-ms`."
            }
            Self::TooLarge => "the answer is too large. Check that the URL is the issuer's.",
            Self::Redirected => {
                "it answered with a redirect, which is not followed. Configure the URL that it \
                 redirects to, if the issuer calls itself that."
            }
            Self::NotJson => "the answer is not a JSON object. Check that the URL is the issuer's.",
            Self::IssuerMismatch => {
                "its metadata names another issuer. Write the issuer exactly as its metadata do, \
                 with or without the slash at the end."
            }
            Self::NoKeysUri => {
                "its metadata names no usable jwks_uri. Say where its keys are, by a URL or inline."
            }
            Self::CrossOriginKeys => {
                "its metadata names keys on another origin. Set `cross-origin-keys` for this \
                 issuer if that is meant."
            }
            Self::NotKeySet => "the answer is not a JWK Set. Check jwks_uri.",
            Self::NoUsableKey => {
                "the key set has no key that can be used. Check that it has public signing keys."
            }
            Self::TooManyWaiting => "too many requests wait for it already.",
        };
        text.to_owned()
    }
}
