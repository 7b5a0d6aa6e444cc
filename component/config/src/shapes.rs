//! Shapes that files have and the contract has not.

/// Pairs as a map, in their order.
pub(crate) mod map {
    use std::fmt;
    use std::marker::PhantomData;

    use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
    use serde::ser::{Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer, T: Serialize>(
        pairs: &Option<Vec<(String, T)>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match pairs {
            None => serializer.serialize_none(),
            Some(pairs) => serializer.collect_map(pairs.iter().map(|(name, value)| (name, value))),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
        deserializer: D,
    ) -> Result<Option<Vec<(String, T)>>, D::Error> {
        deserializer.deserialize_map(Pairs(PhantomData)).map(Some)
    }

    struct Pairs<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Pairs<T> {
        type Value = Vec<(String, T)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a table")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut pairs = Vec::new();
            while let Some(pair) = map.next_entry()? {
                pairs.push(pair);
            }
            Ok(pairs)
        }
    }
}

/// A text, or a list of them.
pub(crate) mod one_or_many {
    use serde::{Deserialize, Deserializer};

    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a text or a list of texts")]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<String>, D::Error> {
        Ok(match OneOrMany::deserialize(deserializer)? {
            OneOrMany::One(one) => vec![one],
            OneOrMany::Many(many) => many,
        })
    }

    pub(crate) fn some<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Vec<String>>, D::Error> {
        deserialize(deserializer).map(Some)
    }
}

/// A text, or JSON that may stand there as it is: a JWK, or a set of them.
pub(crate) mod json {
    use serde::{Deserialize, Deserializer, de::Error as _};
    use serde_json::Value;

    pub(crate) fn deserialize<'de, D, T>(deserializer: D) -> Result<T, D::Error>
    where
        D: Deserializer<'de>,
        T: From<String>,
    {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(text.into()),
            object @ Value::Object(_) => Ok(object.to_string().into()),
            _ => Err(D::Error::custom("this must be a text or an object")),
        }
    }
}
