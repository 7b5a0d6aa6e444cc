//! Headers of tokens that were verified before, by their text.

use std::cell::RefCell;
use std::rc::Rc;

use super::{JwsError, JwsHeader, base64url};

/// How many headers are known. An issuer's tokens have the same header until its key changes, and
/// most gates have one issuer or two. A header is at most as long as a token.
const HEADERS: usize = 4;

/// The last headers of verified tokens. A header with exactly the same text is not decoded and
/// parsed again.
#[derive(Debug, Default)]
pub struct KnownHeaders {
    /// The newest comes first.
    headers: RefCell<Vec<(String, Rc<JwsHeader>)>>,
}

impl KnownHeaders {
    /// Reads a header as it stands in a token.
    pub(super) fn read(&self, text: &str) -> Result<Rc<JwsHeader>, JwsError> {
        let headers = self.headers.borrow();
        if let Some((_, header)) = headers.iter().find(|(known, _)| known == text) {
            return Ok(Rc::clone(header));
        }
        let bytes = base64url::decode(text).ok_or(JwsError::Base64)?;
        JwsHeader::parse(&bytes).map(Rc::new)
    }

    /// Keeps the header of a verified token, so that tokens of others cannot displace it.
    pub(super) fn keep(&self, text: &str, header: &Rc<JwsHeader>) {
        let mut headers = self.headers.borrow_mut();
        if headers.iter().any(|(_, known)| Rc::ptr_eq(known, header)) {
            return;
        }
        headers.truncate(HEADERS - 1);
        headers.insert(0, (text.to_owned(), Rc::clone(header)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(kid: usize) -> String {
        base64url::encode(format!(r#"{{"alg":"ES256","kid":"{kid}"}}"#).as_bytes())
    }

    fn is_known(headers: &KnownHeaders, text: &str) -> bool {
        let read = || headers.read(text).unwrap();
        Rc::ptr_eq(&read(), &read())
    }

    #[test]
    fn only_headers_that_were_kept_are_known() {
        let headers = KnownHeaders::default();
        let header = headers.read(&text(1)).unwrap();
        assert!(!is_known(&headers, &text(1)));
        headers.keep(&text(1), &header);
        assert!(is_known(&headers, &text(1)));
        assert!(!is_known(&headers, &text(2)));
        // Another text of the same header is read for itself, and refused for its stray bits.
        assert_eq!(headers.read(&text(1)).unwrap(), header);
        let stray = format!("{}1", &text(1)[..text(1).len() - 1]);
        assert_eq!(headers.read(&stray), Err(JwsError::Base64));
    }

    #[test]
    fn the_oldest_of_too_many_headers_is_dropped() {
        let headers = KnownHeaders::default();
        for kid in 0..=HEADERS {
            for _ in 0..2 {
                headers.keep(&text(kid), &headers.read(&text(kid)).unwrap());
            }
        }
        assert!(!is_known(&headers, &text(0)));
        assert!((1..=HEADERS).all(|kid| is_known(&headers, &text(kid))));
        assert_eq!(headers.headers.borrow().len(), HEADERS);
    }
}
