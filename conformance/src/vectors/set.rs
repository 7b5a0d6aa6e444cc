//! The results of a group of vectors.

use std::collections::BTreeMap;

use serde::Serialize;

use super::ways::Answers;
use super::{Answer, Expected, Group, Vector};

/// One group of vectors with its results.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct VectorSet {
    /// Its id in requirements.
    pub(crate) id: String,
    /// The source of the vectors.
    pub(crate) source: String,
    /// How many there are.
    pub(crate) total: usize,
    /// How many had the expected result in every variant.
    pub(crate) agree: usize,
    /// The same for each variant: `native, lent` and so on. Empty if no signature is checked.
    pub(crate) agree_by_way: BTreeMap<&'static str, usize>,
    /// Valid signatures that a rule of Tollgate refuses: the rule and the count.
    pub(crate) refused_by_policy: Vec<(String, usize)>,
    /// Vectors that allow both results, and how many of them were accepted.
    pub(crate) acceptable: usize,
    pub(crate) acceptable_accepted: usize,
    /// Every difference from the source or between two variants.
    pub(crate) wrong: Vec<String>,
}

impl VectorSet {
    pub(super) fn new(id: &str, source: &str) -> Self {
        Self {
            id: id.to_owned(),
            source: source.to_owned(),
            total: 0,
            agree: 0,
            agree_by_way: BTreeMap::new(),
            refused_by_policy: Vec::new(),
            acceptable: 0,
            acceptable_accepted: 0,
            wrong: Vec::new(),
        }
    }

    /// Compares the results of all variants with the expectation and with each other.
    pub(super) fn judge(group: &Group, answers: &Answers) -> Self {
        let mut set = Self::new(&group.id, &group.source);
        set.agree_by_way = answers.ways().map(|way| (way, 0)).collect();
        for (at, vector) in group.vectors.iter().enumerate() {
            set.total += 1;
            let mut wrong = answers.difference(at, group.reasons_differ);
            for (way, answer) in answers.of(at) {
                if vector.is_as_expected(answer) {
                    *set.agree_by_way.entry(way).or_default() += 1;
                } else if wrong.is_none() {
                    // The result of all variants.
                    let expected = vector.expected.words();
                    wrong = Some(format!("expected {expected}, got {answer}"));
                }
            }
            match wrong {
                Some(wrong) => set.wrong.push(format!("{}: {wrong}", vector.name)),
                None => set.count(&vector.expected, answers.first(at)),
            }
        }
        set
    }

    /// Counts a vector without problems.
    pub(super) fn count(&mut self, expected: &Expected, got: &Answer) {
        self.agree += 1;
        match expected {
            Expected::Valid | Expected::Invalid => {}
            Expected::Either => {
                self.acceptable += 1;
                self.acceptable_accepted += usize::from(got.is_valid());
            }
            Expected::Refused { rule, .. } => {
                let known = self.refused_by_policy.iter_mut().find(|(r, _)| r == rule);
                match known {
                    Some((_, count)) => *count += 1,
                    None => self.refused_by_policy.push((rule.clone(), 1)),
                }
            }
        }
    }

    /// Whether all results are as expected.
    pub(crate) fn holds(&self) -> bool {
        self.wrong.is_empty() && self.total > 0
    }
}

impl Vector {
    fn is_as_expected(&self, answer: &Answer) -> bool {
        match self.expected {
            Expected::Valid => *answer == Answer::Valid(self.payload.clone()),
            Expected::Invalid => answer.is_verdict() && !answer.is_valid(),
            Expected::Refused { ref code, .. } => {
                let for_this_reason = code.is_none() || answer.code() == code.as_deref();
                answer.is_verdict() && !answer.is_valid() && for_this_reason
            }
            Expected::Either => answer.is_verdict(),
        }
    }
}

impl Expected {
    fn words(&self) -> String {
        match self {
            Self::Valid => "valid, with its own payload".to_owned(),
            Self::Invalid => "invalid".to_owned(),
            Self::Refused { rule, code } => {
                let code = code.as_deref().unwrap_or("any reason");
                format!("refused ({code}) by the rule: {rule}")
            }
            Self::Either => "a verdict".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Check, Kind};
    use super::*;

    fn vector(expected: Expected) -> Vector {
        Vector {
            name: "7 (example)".to_owned(),
            check: Check::Jws {
                keys: String::new(),
                jws: String::new(),
            },
            expected,
            payload: b"payload".to_vec(),
        }
    }

    fn judged(expected: Expected, own: Answer, lent: Answer) -> VectorSet {
        let group = Group {
            id: "group".to_owned(),
            source: "a test".to_owned(),
            reasons_differ: false,
            vectors: vec![vector(expected)],
        };
        let answers = Answers::new(vec![("own", vec![own]), ("lent", vec![lent])]);
        VectorSet::judge(&group, &answers)
    }

    fn refused(code: Option<&str>) -> Expected {
        Expected::Refused {
            rule: "rule".to_owned(),
            code: code.map(str::to_owned),
        }
    }

    fn valid() -> Answer {
        Answer::Valid(b"payload".to_vec())
    }

    fn invalid() -> Answer {
        Answer::failed(Kind::Invalid, "bad-signature")
    }

    #[test]
    fn equal_expected_results_pass() {
        assert!(judged(Expected::Valid, valid(), valid()).holds());
        assert!(judged(Expected::Invalid, invalid(), invalid()).holds());
        assert!(judged(Expected::Either, valid(), valid()).holds());
        assert!(judged(Expected::Either, invalid(), invalid()).holds());
        let refused = judged(refused(None), invalid(), invalid());
        assert!(refused.holds());
        assert_eq!(refused.refused_by_policy, [("rule".to_owned(), 1)]);
    }

    #[test]
    fn equal_unexpected_results_fail() {
        let set = judged(Expected::Invalid, valid(), valid());
        assert_eq!(set.wrong, ["7 (example): expected invalid, got valid"]);
        assert!(!judged(Expected::Valid, invalid(), invalid()).holds());
        let other = Answer::Valid(b"other".to_vec());
        assert!(!judged(Expected::Valid, other.clone(), other).holds());
        assert!(!judged(refused(None), valid(), valid()).holds());
    }

    #[test]
    fn a_refusal_has_its_reason() {
        let weak = || Answer::failed(Kind::Invalid, "jwk-weak-key");
        assert!(judged(refused(Some("jwk-weak-key")), weak(), weak()).holds());
        assert!(!judged(refused(Some("jwk-weak-key")), invalid(), invalid()).holds());
    }

    #[test]
    fn differing_results_fail() {
        for expected in [Expected::Valid, Expected::Invalid, Expected::Either] {
            let set = judged(expected, valid(), invalid());
            let line = "7 (example): own says valid, lent says invalid (bad-signature)";
            assert_eq!(set.wrong, [line]);
            assert!(!set.holds());
        }
        let refused = Answer::failed(Kind::BadKey, "jwk-weak-key");
        assert!(!judged(Expected::Invalid, refused, invalid()).holds());
    }

    #[test]
    fn only_reasons_may_differ_if_allowed() {
        let refused = || Answer::failed(Kind::NoVerdict, "signatures-key-refused");
        let answers = |own, lent| Answers::new(vec![("own", vec![own]), ("lent", vec![lent])]);
        assert_eq!(answers(refused(), invalid()).difference(0, true), None);
        assert!(answers(refused(), invalid()).difference(0, false).is_some());
        assert!(answers(refused(), valid()).difference(0, true).is_some());
    }

    #[test]
    fn a_host_that_fails_refuses_nothing() {
        let failed = || Answer::failed(Kind::NoVerdict, "signatures-failed");
        for expected in [Expected::Invalid, Expected::Either] {
            assert!(!judged(expected, failed(), failed()).holds());
        }
        let refused = || Answer::failed(Kind::NoVerdict, "signatures-key-refused");
        assert!(judged(Expected::Invalid, refused(), refused()).holds());
    }

    #[test]
    fn each_way_has_its_own_count() {
        let set = judged(Expected::Valid, valid(), invalid());
        assert_eq!(set.agree_by_way, BTreeMap::from([("own", 1), ("lent", 0)]));
        assert_eq!((set.agree, set.total), (0, 1));
    }
}
