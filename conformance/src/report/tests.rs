use std::collections::BTreeMap;

use super::*;

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

#[test]
fn what_a_host_has_not_is_neither_passed_nor_failed_there() {
    let passed = |checks: &[&str]| -> Results {
        let each = checks.iter().map(|&check| (check.to_owned(), Vec::new()));
        each.collect()
    };
    let report = Report {
        specifications: vec![Specification {
            specification: "S".to_owned(),
            title: "T".to_owned(),
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
    let markdown = report.markdown();
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
