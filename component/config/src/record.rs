//! One definition for Rust, serde and the contract.

/// Declares records of the contract. Each field is preceded by its name in `wit/`. Serde uses its
/// name in Rust, and refuses unknown fields, except in records that come `from the component`, to
/// which a later version may have added fields.
macro_rules! records {
    (from the component: $($records:tt)*) => {
        records! { @ [serde()] $($records)* }
    };
    (@ [$serde:meta] $(
        $(#[$attribute:meta])*
        $visibility:vis struct $name:ident {
            $(
                $(#[$field_attribute:meta])*
                $wit:literal $field:ident: $type:ty,
            )*
        }
    )*) => {$(
        #[derive(serde::Deserialize, serde::Serialize)]
        $(#[$attribute])*
        #[$serde]
        #[cfg_attr(
            feature = "wasmtime",
            derive(
                wasmtime::component::ComponentType,
                wasmtime::component::Lift,
                wasmtime::component::Lower
            ),
            component(record)
        )]
        $visibility struct $name {
            $(
                $(#[$field_attribute])*
                #[cfg_attr(feature = "wasmtime", component(name = $wit))]
                pub $field: $type,
            )*
        }

        #[cfg(test)]
        impl crate::contract::Contract for $name {
            const NAMES: &'static [(&'static str, &'static str)] =
                &[$(($wit, stringify!($field))),*];
        }
    )*};
    ($($records:tt)*) => {
        records! { @ [serde(deny_unknown_fields)] $($records)* }
    };
}

/// Declares enums of the contract. Each case is preceded by its name in `wit/`.
macro_rules! enums {
    ($(
        $(#[$attribute:meta])*
        $visibility:vis enum $name:ident {
            $(
                $(#[$case_attribute:meta])*
                $wit:literal $case:ident,
            )*
        }
    )*) => {$(
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, serde::Deserialize, serde::Serialize)]
        $(#[$attribute])*
        #[cfg_attr(
            feature = "wasmtime",
            derive(
                wasmtime::component::ComponentType,
                wasmtime::component::Lift,
                wasmtime::component::Lower
            ),
            component(enum)
        )]
        #[repr(u8)]
        $visibility enum $name {
            $(
                $(#[$case_attribute])*
                #[cfg_attr(feature = "wasmtime", component(name = $wit))]
                $case,
            )*
        }

        #[cfg(test)]
        impl crate::contract::Contract for $name {
            const NAMES: &'static [(&'static str, &'static str)] =
                &[$(($wit, stringify!($case))),*];
        }
    )*};
}

/// Declares variants of the contract. Each case is preceded by its name in `wit/`.
macro_rules! variants {
    ($(
        $(#[$attribute:meta])*
        $visibility:vis enum $name:ident {
            $(
                $(#[$case_attribute:meta])*
                $wit:literal $case:ident $(($payload:ty))?,
            )*
        }
    )*) => {$(
        $(#[$attribute])*
        #[cfg_attr(
            feature = "wasmtime",
            derive(
                wasmtime::component::ComponentType,
                wasmtime::component::Lift,
                wasmtime::component::Lower
            ),
            component(variant)
        )]
        $visibility enum $name {
            $(
                $(#[$case_attribute])*
                #[cfg_attr(feature = "wasmtime", component(name = $wit))]
                $case $(($payload))?,
            )*
        }

        #[cfg(test)]
        impl crate::contract::Contract for $name {
            const NAMES: &'static [(&'static str, &'static str)] =
                &[$(($wit, stringify!($case))),*];
        }
    )*};
}

pub(crate) use {enums, records, variants};
