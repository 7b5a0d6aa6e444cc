//! The segments of a path after all decoding, with the ambiguities of each.

/// The maximum number of decoding steps. No server decodes more often.
const DECODINGS: usize = 3;

/// Servers interpret the path differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AmbiguousPath;

/// A byte of the path after all decoding.
#[derive(Clone, Copy)]
pub(super) struct Byte {
    pub(super) value: u8,
    /// Whether it was an escape, which some servers do not decode.
    pub(super) escaped: bool,
}

/// Decodes until no escape is left. Malformed escapes stay.
pub(super) fn decode(path: &str) -> Result<Vec<Byte>, AmbiguousPath> {
    let mut bytes: Vec<Byte> = path
        .bytes()
        .map(|value| Byte {
            value,
            escaped: false,
        })
        .collect();
    for _ in 0..=DECODINGS {
        let decoded = decode_once(&bytes);
        if decoded.len() == bytes.len() {
            return Ok(bytes);
        }
        bytes = decoded;
    }
    Err(AmbiguousPath)
}

fn decode_once(bytes: &[Byte]) -> Vec<Byte> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, behind)) = rest.split_first() {
        let digit = |index: usize| {
            let byte: &Byte = behind.get(index)?;
            char::from(byte.value).to_digit(16)
        };
        match (first.value, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                out.push(Byte {
                    // Two hexadecimal digits are below 256.
                    value: (high * 16 + low) as u8,
                    escaped: true,
                });
                rest = &behind[2..];
            }
            _ => {
                out.push(first);
                rest = behind;
            }
        }
    }
    out
}

/// The text between two slashes of any spelling.
pub(super) struct Segment {
    /// The decoded name, without parts that may be cut off: parameters, a query, a fragment, spaces
    /// at the end.
    pub(super) name: String,
    /// Whether it has escapes or parts to cut off, so that some servers read another name.
    pub(super) uncertain: bool,
    /// The first character after the name, if anything is cut off.
    pub(super) cut: Cut,
    /// Whether it contains a `?` or a `#`, which ends the path for some servers.
    pub(super) ends_path: bool,
    /// Whether the slash after it is an escape or a backslash, which some servers do not read as a
    /// slash.
    pub(super) uncertain_end: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    Nothing,
    Parameters,
    Query,
}

impl Segment {
    pub(super) fn is_empty(&self) -> bool {
        self.name.is_empty() && !self.uncertain
    }

    pub(super) fn is_dots(&self) -> bool {
        matches!(self.name.as_str(), "." | "..")
    }

    /// Whether the order of steps does not matter for it, apart from dot segments.
    pub(super) fn is_certain_beside_dots(&self) -> bool {
        let dots_may_be_letters = self.is_dots() && self.uncertain;
        let may_be_cut = self.cut != Cut::Nothing || self.name.is_empty();
        !(self.uncertain_end || may_be_cut || dots_may_be_letters)
    }

    /// Whether a route or an audience can hold this name.
    pub(super) fn can_be_named(&self) -> bool {
        self.name
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'%')
    }
}

pub(super) fn segments(path: &[Byte]) -> Result<Vec<Segment>, AmbiguousPath> {
    let Some((b'/', rest)) = path.split_first().map(|(first, rest)| (first.value, rest)) else {
        return Err(AmbiguousPath);
    };
    let mut segments = Vec::new();
    let mut start = 0;
    for (index, byte) in rest.iter().enumerate() {
        if matches!(byte.value, b'/' | b'\\') {
            let uncertain_end = byte.escaped || byte.value == b'\\';
            segments.push(segment(&rest[start..index], uncertain_end));
            start = index + 1;
        }
    }
    segments.push(segment(&rest[start..], false));
    Ok(segments)
}

fn segment(bytes: &[Byte], uncertain_end: bool) -> Segment {
    let is_cut = |byte: &Byte| matches!(byte.value, b';' | b'?' | b'#');
    let end = bytes.iter().position(is_cut);
    let cut = match end.map(|end| bytes[end].value) {
        None => Cut::Nothing,
        Some(b';') => Cut::Parameters,
        Some(_) => Cut::Query,
    };
    let name: Vec<u8> = bytes[..end.unwrap_or(bytes.len())]
        .iter()
        .map(|byte| byte.value)
        .collect();
    Segment {
        // A part of UTF-8 text between ASCII characters is valid UTF-8.
        name: String::from_utf8_lossy(&name)
            .trim_end_matches(' ')
            .to_owned(),
        uncertain: cut != Cut::Nothing
            || bytes.iter().any(|byte| byte.escaped || byte.value == b'%'),
        cut,
        ends_path: bytes.iter().any(|byte| matches!(byte.value, b'?' | b'#')),
        uncertain_end,
    }
}

/// Resolves dot segments. The path has no other ambiguity.
pub(super) fn resolve(segments: Vec<Segment>) -> Vec<Segment> {
    let mut resolved = Vec::new();
    for segment in segments {
        match segment.name.as_str() {
            "." => {}
            ".." => {
                resolved.pop();
            }
            _ => resolved.push(segment),
        }
    }
    resolved
}
