use std::collections::BTreeMap;

use super::*;
use crate::requirement::{Level, Requirement};

fn requirement(id: &str, checks: &[&str], excluded: Option<&str>) -> Requirement {
    Requirement {
        id: id.to_owned(),
        section: "1".to_owned(),
        level: Level::Must,
        text: "Something.".to_owned(),
        checks: checks.iter().map(|&check| check.to_owned()).collect(),
        excluded: excluded.map(str::to_owned),
    }
}

fn passed(checks: &[&str]) -> Results {
    let each = checks.iter().map(|&check| (check.to_owned(), Vec::new()));
    each.collect()
}

#[test]
fn unsupported_checks_are_neither_passed_nor_failed() {
    let report = Report {
        specifications: vec![Specification {
            specification: "S".to_owned(),
            title: "T".to_owned(),
            page: None,
            requirements: vec![
                requirement("S-1", &["everywhere", "js-only"], None),
                requirement("S-2", &["js-only"], None),
                requirement("S-3", &[], Some("no reason to")),
                requirement("S-4", &["forgotten"], None),
            ],
        }],
        targets: BTreeMap::from([
            ("js", passed(&["everywhere", "js-only"])),
            ("native", passed(&["everywhere"])),
        ]),
        not_run_on: BTreeMap::from([(("js-only".to_owned(), "native"), "it is not".to_owned())]),
        twins: BTreeMap::new(),
        without_twin: Vec::new(),
        vectors: Vec::new(),
        mcp: None,
    };
    let markdown = Page::of(&report, None).markdown();
    let line = |id: &str| {
        let mut lines = markdown.lines();
        lines.find(|line| line.starts_with(&format!("| {id} ")))
    };
    let expected = [
        (
            "S-1",
            "pass | pass | `everywhere`, `js-only`; native: it is not |",
        ),
        ("S-2", "pass | — | `js-only`; native: it is not |"),
        ("S-3", "— | — | not checked: no reason to |"),
        ("S-4", "**FAIL** | **FAIL** | `forgotten` |"),
    ];
    for (id, end) in expected {
        let line = line(id).expect("each has a row");
        assert!(line.ends_with(end), "{line}");
    }
    assert_eq!(report.failures(), ["S-4 MUST: js, native"]);
}

#[test]
fn a_surface_has_a_page_of_its_own() {
    let specification = |name: &str, page: Option<&str>, requirements| Specification {
        specification: name.to_owned(),
        title: format!("The title of {name}"),
        page: page.map(str::to_owned),
        requirements,
    };
    let twin = |check: &str| (check.to_owned(), ("errs".to_owned(), true));
    let report = Report {
        specifications: vec![
            specification(
                "RFC",
                None,
                vec![requirement("R-1", &["rule", "shared"], None)],
            ),
            specification(
                "Surface",
                Some("surface"),
                vec![
                    requirement("F-1", &["look", "shared"], None),
                    requirement("F-2", &["failing"], None),
                ],
            ),
        ],
        targets: BTreeMap::from([
            ("js", {
                let mut results = passed(&["rule", "shared", "look"]);
                results.insert("failing".to_owned(), vec!["401".to_owned()]);
                results
            }),
            ("native", passed(&["rule", "shared"])),
        ]),
        not_run_on: ["look", "failing"]
            .map(|check| ((check.to_owned(), "native"), "it is not".to_owned()))
            .into(),
        twins: ["rule", "look", "shared"].map(twin).into(),
        without_twin: vec!["failing".to_owned()],
        vectors: Vec::new(),
        mcp: None,
    };
    let pages = report.pages();
    let [proper, surface] = &pages[..] else {
        panic!("one page, and the surface's");
    };
    let (proper, surface) = (proper.markdown(), surface.markdown());
    assert!(proper.starts_with("# Conformance\n"));
    for here in [
        "| R-1 |",
        "| rule | errs |",
        "| shared | errs |",
        "| native |",
    ] {
        assert!(proper.contains(here), "{here}\n{proper}");
        assert!(!surface.contains(here), "{here}\n{surface}");
    }
    assert!(surface.starts_with("# The title of Surface\n"));
    let failing = "Without a twin: failing.";
    for here in ["| F-1 |", "| F-2 |", "| look | errs |", failing] {
        assert!(surface.contains(here), "{here}\n{surface}");
        assert!(!proper.contains(here), "{here}\n{proper}");
    }
    // A failed requirement on any page makes the run fail.
    assert_eq!(report.failures(), ["F-2 MUST: js"]);
}
