//! What a customer says: the body of `POST /v1/chat`.

use serde::Deserialize;
use utoipa::ToSchema;

use super::body::{self, TurnNumber, bad, given};
use super::chats::check_session;
use super::config::HttpConfig;
use super::problem::Problem;
use super::understand::check as check_texts;

/// What a customer wrote, and in which conversation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Said {
    /// The conversation's name: one of the caller's choice, that nobody else can guess.
    pub(super) session: String,
    /// What the customer wrote.
    pub(super) text: String,
    /// The number of the turn in its session, from 1. With it, a turn that is sent once more is answered
    /// once.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u32>)]
    pub(super) turn: Option<TurnNumber>,
    /// Who the customer is, by a name of the caller's choice. It is logged as a tag, by which what a customer said can
    /// be deleted, a roll-out knows it by a keyed hash, and it goes nowhere else.
    #[serde(default, deserialize_with = "given")]
    pub(super) customer: Option<String>,
}

const EXPECTED: &str = "an object with `session` and `text`, strings, perhaps `turn`, a number, perhaps `customer`, a string, \
                        and nothing else";

/// The most characters of a customer's name.
const CUSTOMER: usize = 256;

impl Said {
    /// Reads one, and refuses what cannot be.
    pub(super) fn read(body: &[u8], config: &HttpConfig) -> Result<Self, Problem> {
        let said: Self = body::parse(body, EXPECTED)?;
        check_session(&said.session)?;
        check_customer(said.customer.as_deref())?;
        check_texts(std::slice::from_ref(&said.text), config)?;
        Ok(said)
    }
}

/// Refuses a customer's name that is none.
fn check_customer(name: Option<&str>) -> Result<(), Problem> {
    let is_name = |name: &str| (1..=CUSTOMER).contains(&name.chars().count());
    match name.is_none_or(is_name) {
        true => Ok(()),
        false => Err(bad(format!(
            "`customer`: expected 1 to {CUSTOMER} characters"
        ))),
    }
}
