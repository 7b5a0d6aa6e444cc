//! The look of the pages: one style sheet, with variables that the configuration may set.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::config_error::ConfigError;

/// The value of a variable: a colour, a length, or a list of fonts.
const VALUE_BYTES: usize = 128;

/// The variables. The defaults are in [`CSS`]: their contrasts are at least 4.5 to 1 (WCAG 2.2 AA),
/// in light and in dark.
const VARIABLES: [&str; 9] = [
    "accent",
    "accent-text",
    "background",
    "border",
    "font",
    "muted",
    "radius",
    "surface",
    "text",
];

const CSS: &str = "\
:root{color-scheme:light dark;--accent:#1a56db;--accent-text:#fff;--background:#f3f4f6;\
--border:#6b7280;--font:system-ui,sans-serif;--muted:#4b5563;--radius:8px;--surface:#fff;\
--text:#111827}\
@media(prefers-color-scheme:dark){:root{--accent:#93b4ff;--accent-text:#0b1220;\
--background:#0b1220;--border:#9ca3af;--muted:#cbd5e1;--surface:#151e2e;--text:#f3f4f6}}\
*{box-sizing:border-box}\
body{margin:0;padding:1rem;min-height:100vh;display:grid;place-items:center;\
background:var(--background);color:var(--text);font:1rem/1.5 var(--font)}\
main{width:100%;max-width:30rem;padding:1.5rem;background:var(--surface);\
border:1px solid var(--border);border-radius:var(--radius);overflow-wrap:anywhere}\
h1{margin:0 0 1rem;font-size:1.375rem;line-height:1.25}\
h2{margin:1.5rem 0 .5rem;font-size:1rem}\
p,ul{margin:0 0 1rem}\
ul{padding-inline-start:1.25rem}\
.note{color:var(--muted)}\
.warning{padding:.75rem;border:2px solid var(--text);border-radius:var(--radius)}\
.actions{display:flex;flex-wrap:wrap;gap:.75rem;margin-top:1.5rem}\
.action{flex:1 1 8rem;min-height:2.75rem;padding:.5rem 1rem;border:2px solid var(--accent);\
border-radius:var(--radius);background:var(--surface);color:var(--accent);font:inherit;\
font-weight:600;text-align:center;text-decoration:none;cursor:pointer}\
.primary{background:var(--accent);color:var(--accent-text)}\
a{color:var(--accent)}\
:focus-visible{outline:3px solid var(--text);outline-offset:2px}";

/// The style sheet, and what the Content-Security-Policy says about it.
#[derive(Debug, Clone)]
pub(super) struct Theme {
    pub(super) css: String,
    /// `'sha256-…'`
    pub(super) source: String,
}

/// Checks the variables of a theme. They hold in light and in dark.
pub(super) fn compile(variables: &[(String, String)]) -> Result<Theme, ConfigError> {
    let mut css = CSS.to_owned();
    let mut own = String::new();
    for (index, (name, value)) in variables.iter().enumerate() {
        let error = |message: &str| {
            let field = format_args!("pages.theme[{index}]");
            Err(ConfigError::at(field, message))
        };
        if !VARIABLES.contains(&name.as_str()) {
            let message = format!(
                "{name:?} is not a variable of the pages: choose from {}",
                VARIABLES.join(", ")
            );
            return error(&message);
        }
        if variables[..index].iter().any(|(other, _)| other == name) {
            return error("the variable is set twice: remove one");
        }
        if !is_value(value) {
            let message = "the value must be a colour such as #1a56db, a length such as 8px, or \
                           names of fonts: letters, digits and # % . , - ( ) and spaces";
            return error(message);
        }
        own += &format!("--{name}:{value};");
    }
    if !own.is_empty() {
        // More specific than the defaults, the dark ones included.
        css += &format!(":root:root{{{own}}}");
    }
    let hash = STANDARD.encode(Sha256::digest(css.as_bytes()));
    Ok(Theme {
        css,
        source: format!("'sha256-{hash}'"),
    })
}

/// Nothing that ends a declaration or loads a file.
fn is_value(value: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"#%., -()".contains(&byte);
    (1..=VALUE_BYTES).contains(&value.len())
        && value.bytes().all(is_plain)
        && !value.to_ascii_lowercase().contains("url")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn theme(name: &str, value: &str) -> Result<Theme, ConfigError> {
        compile(&[(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn variables_change_the_style_and_its_hash() {
        let plain = compile(&[]).expect("no variables");
        let own = theme("accent", "rgb(1, 2, 3)").expect("a colour");
        assert!(own.css.ends_with(":root:root{--accent:rgb(1, 2, 3);}"));
        assert_ne!(plain.source, own.source);
    }

    #[test]
    fn values_that_could_be_more_than_a_value_are_refused() {
        assert!(theme("font", "Arial, sans-serif").is_ok());
        for bad in [
            "",
            "red;color:blue",
            "red}",
            "</style>",
            "url(x)",
            "URL(x)",
            "\"Arial\"",
            "re\\64",
            "/*",
        ] {
            assert!(theme("accent", bad).is_err(), "{bad}");
        }
        assert!(theme("accent", &"a".repeat(VALUE_BYTES + 1)).is_err());
        assert!(theme("unknown", "red").is_err());
        let twice = [("text", "red"), ("text", "blue")];
        let twice = twice.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert!(compile(&twice).is_err());
    }
}
