//! The figures of conversations.

use std::fmt::{self, Write};

use super::head;
use crate::http::chats::Chats;

pub(super) fn write(f: &mut fmt::Formatter<'_>, chats: &Chats) -> fmt::Result {
    let help = "Replies to customers' turns, by where they come from.";
    head(f, "cs_chat_turns_total", "counter", help)?;
    for (source, count) in chats.replies() {
        let source = source.name();
        writeln!(f, "cs_chat_turns_total{{source=\"{source}\"}} {count}")?;
    }
    let help = "Turns without a reply, by the status that says why, also in streams.";
    head(f, "cs_chat_failed_total", "counter", help)?;
    for (status, count) in chats.failed() {
        writeln!(f, "cs_chat_failed_total{{status=\"{status}\"}} {count}")?;
    }
    let help = "Conversations that were handed over to a person, by reason.";
    head(f, "cs_chat_handovers_total", "counter", help)?;
    for (reason, count) in chats.handovers() {
        let reason = Escaped(&reason);
        writeln!(f, "cs_chat_handovers_total{{reason=\"{reason}\"}} {count}")?;
    }
    if !chats.is_guarded() {
        return Ok(());
    }
    let help = "Texts of turns by what filters did with them.";
    head(f, "cs_filtered_total", "counter", help)?;
    for (direction, action, count) in chats.filtered() {
        let (direction, action) = (direction.name(), action.name());
        writeln!(
            f,
            "cs_filtered_total{{direction=\"{direction}\",action=\"{action}\"}} {count}"
        )?;
    }
    Ok(())
}

/// The value of a label, as the format has it.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}
