//! The `Authorization` request header (RFC 6750 section 2.1, RFC 9110 section 11.4).
//!
//! Tokens in the query or the body are ignored (OAuth 2.1 section 5.1).

use super::rejection::Rejection;
use crate::grammar::{TOKEN68, split_once};
use crate::limits;

/// The offset of the bearer token in the only `Authorization` value. The token extends to the end.
///
/// The token's characters are not checked here, but by [`check_token68`].
///
/// # Errors
/// It is absent, has another scheme, is repeated, or is too long.
pub fn bearer_token_start(values: &[String]) -> Result<usize, Rejection> {
    let value = match values {
        [] => return Err(Rejection::NoCredentials),
        [value] if value.is_empty() => return Err(Rejection::NoCredentials),
        [value] => value,
        _ => return Err(Rejection::SeveralCredentials),
    };
    if value.len() > limits::AUTHORIZATION_BYTES {
        return Err(Rejection::CredentialsTooLarge);
    }
    let (scheme, rest) = split_once(value, b' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(if has_second_bearer(rest) {
            Rejection::SeveralCredentials
        } else {
            Rejection::UnsupportedScheme
        });
    }
    let spaces = rest.bytes().take_while(|&byte| byte == b' ').count();
    Ok(value.len() - rest.len() + spaces)
}

/// Checks that one `token68` follows the scheme. Not needed for a token that was verified before.
///
/// # Errors
/// It is not a `token68`, or other credentials follow it.
pub fn check_token68(token: &str) -> Result<(), Rejection> {
    if is_token68(token) {
        Ok(())
    } else if token.contains(',') {
        // Some platforms join repeated headers with a comma.
        Err(Rejection::SeveralCredentials)
    } else {
        Err(Rejection::MalformedCredentials)
    }
}

fn has_second_bearer(rest: &str) -> bool {
    rest.split(',').skip(1).any(|part| {
        let part = part.trim_start().as_bytes();
        part.len() > 6 && part[..6].eq_ignore_ascii_case(b"bearer") && part[6] == b' '
    })
}

/// RFC 9110 section 11.2.
fn is_token68(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty() && TOKEN68.contains_all(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(values: &[&str]) -> Result<usize, Rejection> {
        let values: Vec<String> = values.iter().map(|&v| v.into()).collect();
        let start = bearer_token_start(&values)?;
        check_token68(&values[0][start..])?;
        Ok(start)
    }

    #[test]
    fn finds_the_token_whatever_the_case_of_the_scheme() {
        assert_eq!(start(&["Bearer abc"]), Ok(7));
        assert_eq!(start(&["bEARER   a.b-c_d~e+f/g=="]), Ok(9));
    }

    #[test]
    fn absent_malformed_and_repeated_credentials_differ() {
        for (values, rejection) in [
            (&[][..], Rejection::NoCredentials),
            (&[""], Rejection::NoCredentials),
            (&["Basic YTpi"], Rejection::UnsupportedScheme),
            (&["DPoP abc"], Rejection::UnsupportedScheme),
            (&["Bearerabc"], Rejection::UnsupportedScheme),
            (&["Digest a=\"b\", c=\"d\""], Rejection::UnsupportedScheme),
            (&["Bearer"], Rejection::MalformedCredentials),
            (&["Bearer "], Rejection::MalformedCredentials),
            (&["Bearer ="], Rejection::MalformedCredentials),
            (&["Bearer a b"], Rejection::MalformedCredentials),
            (&["Bearer a "], Rejection::MalformedCredentials),
            (&["Bearer a=b"], Rejection::MalformedCredentials),
            (&["Bearer a\tb"], Rejection::MalformedCredentials),
            (&["Bearer \"a\""], Rejection::MalformedCredentials),
            (&["Bearer \u{e9}"], Rejection::MalformedCredentials),
            (&["Bearer a\r\nX: y"], Rejection::MalformedCredentials),
            (&["Bearer a", "Bearer b"], Rejection::SeveralCredentials),
            (&["Bearer a", "Basic b"], Rejection::SeveralCredentials),
            (&["Bearer a, Bearer b"], Rejection::SeveralCredentials),
            (&["Basic a, bearer b"], Rejection::SeveralCredentials),
            (&["Basic a, bearer"], Rejection::UnsupportedScheme),
            (&["Basic a, bearerb"], Rejection::UnsupportedScheme),
        ] {
            assert_eq!(start(values), Err(rejection), "{values:?}");
        }
    }

    #[test]
    fn refuses_a_huge_value_before_reading_it() {
        let longest = format!("Bearer {}", "x".repeat(limits::AUTHORIZATION_BYTES - 7));
        assert_eq!(start(&[&longest]), Ok(7));
        let longer = format!("{longest}x");
        assert_eq!(start(&[&longer]), Err(Rejection::CredentialsTooLarge));
        let value = format!("Bearer {}", "\"".repeat(limits::AUTHORIZATION_BYTES));
        assert_eq!(start(&[&value]), Err(Rejection::CredentialsTooLarge));
    }
}
