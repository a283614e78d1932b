//! The shapes of requests and responses. Optional members are left out when they have no value.

mod auth;
mod entitlements;
mod mfa;

pub use auth::*;
pub use entitlements::*;
pub use mfa::*;

use schemars::JsonSchema;
use schemars::r#gen::SchemaGenerator;
use schemars::schema::{InstanceType, Schema, SchemaObject};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A member that is always this one boolean, which tells the variants of a `oneOf` apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Always<const VALUE: bool>;

impl<const VALUE: bool> Serialize for Always<VALUE> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(VALUE)
    }
}

impl<'de, const VALUE: bool> Deserialize<'de> for Always<VALUE> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match bool::deserialize(deserializer)? {
            value if value == VALUE => Ok(Self),
            _ => Err(serde::de::Error::custom(format_args!("expected {VALUE}"))),
        }
    }
}

impl<const VALUE: bool> JsonSchema for Always<VALUE> {
    fn schema_name() -> String {
        format!("Always{VALUE}")
    }

    fn is_referenceable() -> bool {
        false
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        SchemaObject {
            instance_type: Some(InstanceType::Boolean.into()),
            enum_values: Some(vec![VALUE.into()]),
            ..SchemaObject::default()
        }
        .into()
    }
}
