//! What is told of records, the same for all kinds (CONTRACT 5).

use super::Record;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use std::{borrow::Cow, marker::PhantomData};

/// The payload of `NEW_RECORD` and `CHANGED_RECORD`, but for `seq`.
#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Whole<'a, R: Record> {
    r#type: TypeOf<R>,
    record: &'a R,
}

/// The payload of `DELETED_RECORD`, but for `seq`.
#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Gone<R: Record> {
    r#type: TypeOf<R>,
    id: R::Id,
}

impl<'a, R: Record> Whole<'a, R> {
    /// Of this record.
    pub const fn of(record: &'a R) -> Self {
        Self { r#type: TypeOf(PhantomData), record }
    }
}

impl<R: Record> Gone<R> {
    /// Of the record with this id.
    pub const fn of(id: R::Id) -> Self {
        Self { r#type: TypeOf(PhantomData), id }
    }
}

/// The one word that a kind of record has for `type`.
struct TypeOf<R>(PhantomData<R>);

impl<R: Record> Serialize for TypeOf<R> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(R::TYPE)
    }
}

impl<R: Record> JsonSchema for TypeOf<R> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        R::TYPE.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "const": R::TYPE })
    }
}
