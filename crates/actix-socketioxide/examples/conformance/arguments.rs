//! Any number of event arguments, binary ones among them.

use rmpv::Value;
use serde::Serialize;
use socketioxide::{adapter::Adapter, extract::Data, handler::FromMessageParts, socket::Socket};
use std::{fmt, sync::Arc};

/// One to three arguments: socketioxide takes an array of N for N arguments, and anything else,
/// a `Vec` too, for the first one alone.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Arguments {
    One([Value; 1]),
    Two([Value; 2]),
    Three([Value; 3]),
}

#[derive(Debug)]
pub struct TooManyArguments;

impl fmt::Display for TooManyArguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("more arguments than the suites send")
    }
}

impl std::error::Error for TooManyArguments {}

impl<A: Adapter> FromMessageParts<A> for Arguments {
    type Error = TooManyArguments;

    fn from_message_parts(
        socket: &Arc<Socket<A>>,
        value: &mut socketioxide_core::Value,
        ack: &Option<i64>,
    ) -> Result<Self, TooManyArguments> {
        // Decoding takes the attachments out of the value, hence a clone for each attempt.
        if let Ok(Data(three)) = Data::from_message_parts(socket, &mut value.clone(), ack) {
            return Ok(Self::Three(three));
        }
        if let Ok(Data(two)) = Data::from_message_parts(socket, &mut value.clone(), ack) {
            return Ok(Self::Two(two));
        }
        match Data::from_message_parts(socket, value, ack) {
            Ok(Data(one)) => Ok(Self::One(one)),
            Err(_) => Err(TooManyArguments),
        }
    }
}
