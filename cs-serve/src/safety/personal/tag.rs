//! Tags: what stands for a value and does not tell it.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::keys::Keys;
use super::kind::Kind;
use super::numbers::Numbers;
use super::placeholder::TAG;
use super::view::View;

/// Base32 (RFC 4648) in lower case.
const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

pub(super) fn of_value(keys: &Keys, conversation: &str, kind: Kind, value: &str) -> String {
    tag(
        &keys.values,
        &[conversation, kind.name(), &common_form(kind, value)],
    )
}

pub(super) fn of_customer(keys: &Keys, customer: &str) -> String {
    tag(&keys.customers, &[customer])
}

pub(super) fn of_conversation(keys: &Keys, conversation: &str) -> String {
    tag(&keys.values, &["conversation", conversation])
}

fn tag(key: &[u8; 32], parts: &[&str]) -> String {
    #[allow(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    for part in parts {
        // With its length, so that no two lists of parts are one text.
        mac.update(&(part.len() as u64).to_le_bytes());
        mac.update(part.as_bytes());
    }
    let bytes = mac.finalize().into_bytes();
    let bit = |at: usize| u8::from(bytes[at / 8] & (0x80 >> (at % 8)) != 0);
    let letter = |at: usize| (0..5).fold(0, |value, it| value * 2 + bit(at * 5 + it));
    (0..TAG)
        .map(|at| char::from(LETTERS[usize::from(letter(at))]))
        .collect()
}

/// Gives a value as it is however it is written.
fn common_form(kind: Kind, value: &str) -> String {
    let view = View::of(value);
    match kind {
        Kind::Mobile | Kind::Landline | Kind::BankCard => {
            let digits = Numbers::of(&view).all();
            let national = digits.strip_prefix("0086").or(digits.strip_prefix("86"));
            let is_mobile = |it: &&str| kind == Kind::Mobile && it.len() == 11;
            national.filter(is_mobile).unwrap_or(&digits).to_owned()
        }
        Kind::CnId => {
            let letter = view.text.ends_with(['x', 'X', '×', '叉']);
            Numbers::of(&view).all() + if letter { "x" } else { "" }
        }
        _ => {
            let letters = view
                .text
                .chars()
                .filter(|c| c.is_alphanumeric() || "@.:/".contains(*c));
            letters.flat_map(char::to_lowercase).collect()
        }
    }
}
