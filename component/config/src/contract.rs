//! Checks that the types here match those of `wit/types.wit`, with the same names.

use std::collections::BTreeMap;
use std::path::Path;

use wit_parser::{Resolve, TypeDefKind};

use crate::identity::Record;
use crate::token::FailureKind;
use crate::*;

/// A type of the contract.
pub(crate) trait Contract {
    /// Its members or cases: the name in `wit/`, and the name in Rust.
    const NAMES: &'static [(&'static str, &'static str)];
}

type Names = &'static [(&'static str, &'static str)];

/// Every type of this crate by its name in the contract.
fn ours() -> BTreeMap<&'static str, Names> {
    fn of<T: Contract>(name: &'static str) -> (&'static str, Names) {
        (name, T::NAMES)
    }
    BTreeMap::from([
        of::<Access>("access"),
        of::<Actor>("actor"),
        of::<AssertionAudience>("assertion-audience"),
        of::<Client>("client"),
        of::<ClientAuthentication>("client-authentication"),
        of::<ClientKey>("client-key"),
        of::<ClientKeySource>("client-key-source"),
        of::<Config>("config"),
        of::<ConfigError>("config-error"),
        of::<ConfigPart>("config-part"),
        of::<Cors>("cors"),
        of::<ExchangeCache>("exchange-cache"),
        of::<FailureKind>("failure-kind"),
        of::<Grant>("grant"),
        of::<Record>("identity"),
        of::<Issuer>("issuer"),
        of::<IssuerFault>("issuer-fault"),
        of::<KeyLocation>("key-location"),
        of::<KeyPolicy>("key-policy"),
        of::<Metadata>("metadata"),
        of::<Naming>("naming"),
        of::<OauthError>("oauth-error"),
        of::<Route>("route"),
        of::<Setting>("setting"),
        of::<Settings>("settings"),
        of::<TokenTarget>("target"),
        of::<Token>("token"),
        of::<TokenCache>("token-cache"),
        of::<TypedToken>("typed-token"),
        of::<ValueKind>("value-kind"),
    ])
}

/// Every type of the contract, with the names in it.
fn theirs() -> BTreeMap<String, Vec<String>> {
    let mut wit = Resolve::default();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    wit.push_dir(folder).expect("the contract");
    let (_, types) = wit
        .interfaces
        .iter()
        .find(|(_, interface)| interface.name.as_deref() == Some("types"))
        .expect("its interface `types`");
    let names = |kind: &TypeDefKind| match kind {
        TypeDefKind::Record(record) => record.fields.iter().map(|it| it.name.clone()).collect(),
        TypeDefKind::Variant(variant) => variant.cases.iter().map(|it| it.name.clone()).collect(),
        TypeDefKind::Enum(cases) => cases.cases.iter().map(|it| it.name.clone()).collect(),
        other => panic!("a type of another kind: {other:?}"),
    };
    types
        .types
        .iter()
        .map(|(name, id)| (name.clone(), names(&wit.types[*id].kind)))
        .collect()
}

#[test]
fn the_types_are_those_of_the_contract() {
    let ours: BTreeMap<String, Vec<String>> = ours()
        .into_iter()
        .map(|(name, names)| {
            let names = names.iter().map(|&(wit, _)| wit.to_owned()).collect();
            (name.to_owned(), names)
        })
        .collect();
    assert_eq!(ours, theirs());
}

#[test]
fn a_name_in_rust_is_that_of_the_contract() {
    for (name, names) in ours() {
        for (wit, rust) in names {
            let plain = |name: &str| name.replace(['-', '_'], "").to_lowercase();
            assert_eq!(plain(wit), plain(rust), "{name}");
        }
    }
}
