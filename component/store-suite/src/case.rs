//! `cases.json`.

use serde::Deserialize;
use tollgate_core::store::{Commit, Condition, Put, Record, UnixSeconds};

/// A case: steps that are carried out in their order, on partitions that were never written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What holds, in a few words.
    pub name: String,
    pub(crate) steps: Vec<Step>,
}

/// All cases.
///
/// # Panics
/// If `cases.json` is not what this module says.
#[must_use]
pub fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("../cases.json")).expect("cases.json")
}

#[derive(Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(crate) enum Step {
    Commit { commit: CommitStep, expect: String },
    Read { read: ReadStep, expect: ReadResult },
    List { list: ListStep, expect: ListResult },
    Race { race: Race, expect: RaceResult },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommitStep {
    pub(crate) partition: Option<Text>,
    #[serde(default = "default_now")]
    pub(crate) now: UnixSeconds,
    #[serde(default)]
    conditions: Vec<(Text, ConditionText)>,
    #[serde(default)]
    puts: Vec<RecordText>,
    #[serde(default)]
    deletes: Vec<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReadStep {
    pub(crate) partition: Option<Text>,
    #[serde(default = "default_now")]
    pub(crate) now: UnixSeconds,
    pub(crate) keys: Vec<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum ReadResult {
    Records(Vec<Option<RecordText>>),
    Error(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListStep {
    pub(crate) partition: Option<Text>,
    #[serde(default = "default_now")]
    pub(crate) now: UnixSeconds,
    pub(crate) prefix: Text,
    pub(crate) after: Option<Text>,
    pub(crate) limit: u32,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum ListResult {
    Keys { keys: Vec<Text>, more: bool },
    Count { count: usize, more: bool },
    Error(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Race {
    pub(crate) times: usize,
    pub(crate) commit: CommitStep,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct RaceResult {
    pub(crate) done: usize,
    pub(crate) conflict: usize,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Text {
    Plain(String),
    Repeated { repeat: String, times: usize },
    Hex { hex: String },
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ConditionText {
    Absent,
    Version(Text),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordText {
    key: Text,
    version: Text,
    value: Text,
    expires_at: Option<UnixSeconds>,
}

fn default_now() -> UnixSeconds {
    1000
}

impl Text {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.bytes()).expect("hex is for values only")
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Plain(text) => text.clone().into_bytes(),
            Self::Repeated { repeat, times } => repeat.repeat(*times).into_bytes(),
            Self::Hex { hex } => (0..hex.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex"))
                .collect(),
        }
    }
}

impl CommitStep {
    pub(crate) fn commit(&self) -> Commit {
        let condition = |condition: &ConditionText| match condition {
            ConditionText::Absent => Condition::Absent,
            ConditionText::Version(version) => Condition::Version(version.text()),
        };
        let conditions = self.conditions.iter();
        Commit {
            conditions: conditions
                .map(|(key, wanted)| (key.text(), condition(wanted)))
                .collect(),
            puts: self.puts.iter().map(RecordText::put).collect(),
            deletes: self.deletes.iter().map(Text::text).collect(),
        }
    }

    /// The commit with this number in a race.
    pub(crate) fn numbered(&self, number: usize) -> Commit {
        let named = |text: String| text.replace('$', &number.to_string());
        let mut commit = self.commit();
        for (key, _) in &mut commit.conditions {
            *key = named(std::mem::take(key));
        }
        for put in &mut commit.puts {
            put.key = named(std::mem::take(&mut put.key));
            put.version = named(std::mem::take(&mut put.version));
        }
        commit
    }
}

impl RecordText {
    fn put(&self) -> Put {
        let record = self.record();
        Put {
            key: record.key,
            version: record.version,
            value: record.value,
            expires_at: record.expires_at,
        }
    }

    pub(crate) fn record(&self) -> Record {
        Record {
            key: self.key.text(),
            version: self.version.text(),
            value: self.value.bytes(),
            expires_at: self.expires_at,
        }
    }
}
