//! Money: a decimal number as text and the currency it is in. Herald never counts with it; it keeps
//! what was said, digit by digit, and hands it on. Never a float.

use crate::error::{Error, Result};
use diesel::{
    backend::Backend,
    deserialize::{self, FromSql, FromSqlRow},
    expression::AsExpression,
    serialize::{self, Output, ToSql},
    sql_types::Text,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};
use std::{borrow::Cow, str::FromStr};

/// Most digits before the point: what the ledgers of this world take.
const WHOLE_MAX: usize = 12;
/// Most digits after the point: as many as the finest unit in use has.
const FRACTION_MAX: usize = 8;

macro_rules! checked_text {
    ($($(#[doc = $doc:literal])* $name:ident: $fine:path, $pattern:literal, $message:literal;)*) => { $(
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, AsExpression, FromSqlRow)]
        #[diesel(sql_type = Text)]
        #[serde(transparent)]
        pub struct $name(String);

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "description": concat!($($doc),*), "type": "string", "pattern": $pattern })
            }
        }

        impl FromStr for $name {
            type Err = Error;
            fn from_str(text: &str) -> Result<Self> {
                if $fine(text) { Ok(Self(text.to_owned())) } else { Err(Error::field("body", $message)) }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = String::deserialize(from)?;
                if $fine(&text) { Ok(Self(text)) } else { Err(de::Error::custom($message)) }
            }
        }

        impl<DB: Backend> ToSql<Text, DB> for $name
        where
            str: ToSql<Text, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
                self.0.as_str().to_sql(out)
            }
        }

        impl<DB: Backend> FromSql<Text, DB> for $name
        where
            String: FromSql<Text, DB>,
        {
            fn from_sql(raw: DB::RawValue<'_>) -> deserialize::Result<Self> {
                String::from_sql(raw).map(Self)
            }
        }
    )* };
}

checked_text! {
    /// An amount above zero: 1 to 12 digits, and up to 8 after a point. `"19.90"`
    Money: is_amount, r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,8})?$", "has to be a decimal number above 0 as text, such as \"19.90\"";
    /// A currency by its three letters (ISO 4217). `"EUR"`
    Currency: is_currency, "^[A-Z]{3}$", "has to be three capital letters, such as EUR";
}

fn is_amount(text: &str) -> bool {
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, rest)| (whole, Some(rest)));
    let one_spelling = whole == "0" || !whole.starts_with('0');
    (1..=WHOLE_MAX).contains(&whole.len())
        && digits(whole)
        && one_spelling
        && fraction.is_none_or(|rest| (1..=FRACTION_MAX).contains(&rest.len()) && digits(rest))
        && text.bytes().any(|byte| (b'1'..=b'9').contains(&byte))
}

fn is_currency(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn money_is_a_decimal_number_above_zero_kept_as_it_came() {
        for text in ["1", "19.90", "0.01", "999999999999.99999999", "10.5"] {
            let money: Money = serde_json::from_value(text.into()).expect(text);
            assert_eq!(serde_json::to_value(money).expect("json"), text);
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        let long = ["1000000000000", "1.123456789"];
        for text in
            ["", "0", "0.00", "-1", "+1", "1.", ".5", "01", "1e3", "1,5", " 1", "1 ", "NaN", "١"].iter().chain(&long)
        {
            assert!(serde_json::from_value::<Money>((*text).into()).is_err(), "{text}");
        }
        assert!(serde_json::from_value::<Money>(19.9.into()).is_err(), "a float is no money");
    }

    #[test]
    fn a_currency_is_three_capital_letters() {
        assert!("EUR".parse::<Currency>().is_ok());
        for text in ["", "eur", "EURO", "EU", "E1R", "ÄÖ"] {
            assert!(text.parse::<Currency>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_taken_is_a_number_above_zero(text in "[0-9.]{0,24}") {
            if is_amount(&text) {
                prop_assert!(text.parse::<f64>().expect("a number") > 0.0);
            }
        }
    }
}
