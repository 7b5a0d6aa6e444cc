//! Writes JSON: compact, and safe to embed in other text.

use std::fmt::{self, Display, Formatter, Write};

use super::{Json, Number, Object, Repr};

impl Display for Json<'_> {
    /// Compact JSON.
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => out.write_str("null"),
            Self::Bool(true) => out.write_str("true"),
            Self::Bool(false) => out.write_str("false"),
            Self::Number(number) => number.fmt(out),
            Self::String(text) => write_string(out, text),
            Self::Array(items) => {
                out.write_char('[')?;
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.write_char(',')?;
                    }
                    item.fmt(out)?;
                }
                out.write_char(']')
            }
            Self::Object(object) => object.fmt(out),
        }
    }
}

impl Display for Object<'_> {
    /// Compact JSON.
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_char('{')?;
        for (i, (name, value)) in self.iter().enumerate() {
            if i > 0 {
                out.write_char(',')?;
            }
            write_string(out, name)?;
            out.write_char(':')?;
            value.fmt(out)?;
        }
        out.write_char('}')
    }
}

impl Display for Number {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Repr::Unsigned(whole) => whole.fmt(out),
            Repr::Negative(whole) => whole.fmt(out),
            Repr::Double(value) => write_double(out, value),
        }
    }
}

/// Writes a double with 15 digits, which any decimal keeps in a double: `1.5e0`. The standard
/// library's shortest exact form would add 5 KB to the component (compressed), and only extensions
/// of an issuer's metadata have such numbers.
fn write_double(out: &mut Formatter<'_>, value: f64) -> fmt::Result {
    if value < 0.0 {
        out.write_char('-')?;
    }
    let mut rest = value.abs();
    if rest == 0.0 {
        return out.write_char('0');
    }
    // One digit before the point, one power of ten at a time. Each step rounds, but for common
    // numbers the total error is below the last digit.
    let mut exponent = 0;
    while rest >= 10.0 {
        rest /= 10.0;
        exponent += 1;
    }
    while rest < 1.0 {
        rest *= 10.0;
        exponent -= 1;
    }
    let mut digits = ((rest * 1e14).round() as u64).to_string();
    if digits.len() > 15 {
        digits.pop();
        exponent += 1;
    }
    let (first, others) = digits.split_at(1);
    out.write_str(first)?;
    let others = others.trim_end_matches('0');
    if !others.is_empty() {
        write!(out, ".{others}")?;
    }
    write!(out, "e{exponent}")
}

/// Writes a string. Escapes the characters that RFC 8259 section 7 requires, and DEL.
fn write_string(out: &mut Formatter<'_>, text: &str) -> fmt::Result {
    out.write_char('"')?;
    let mut plain = 0;
    for (i, byte) in text.bytes().enumerate() {
        if !matches!(byte, b'"' | b'\\' | 0x00..=0x1F | 0x7F) {
            continue;
        }
        out.write_str(&text[plain..i])?;
        plain = i + 1;
        match byte {
            b'"' => out.write_str("\\\"")?,
            b'\\' => out.write_str("\\\\")?,
            _ => write!(out, "\\u{byte:04x}")?,
        }
    }
    out.write_str(&text[plain..])?;
    out.write_char('"')
}
