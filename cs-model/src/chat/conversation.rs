//! A conversation that grows, and the prompt that is left of it.

use std::time::SystemTime;

use cs_data::Tokenizer;

use super::format::ChatFormat;
use super::turn::{Role, Turn};
use crate::error::{Error, Result};

/// A conversation: what the model is told beforehand, which stays, and turns, of which the oldest
/// are left out once there are too many for a budget of tokens.
///
/// ```
/// use cs_model::chat::{Conversation, Role};
///
/// let mut conversation = Conversation::new(Some("You answer for a shop."));
/// conversation.know("Order 12345: shipped on Monday.");
/// conversation.push(Role::User, "Where is 12345?");
/// assert_eq!(conversation.turns().len(), 2);
/// assert!(conversation.turns()[0].content.ends_with("shipped on Monday."));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Conversation {
    system: Option<String>,
    knowledge: Vec<String>,
    turns: Vec<Turn>,
}

/// What a decoder has to read to give the assistant's next turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatPrompt {
    /// The tokens, all of them.
    pub tokens: Vec<u32>,
    /// The number of turns that were left out for this prompt.
    pub left_out: usize,
    /// Whether the beginning of the oldest turn is missing too, as in Blenderbot's format.
    pub is_cut: bool,
}

impl Conversation {
    /// Makes a conversation without turns, with what the system says to the model.
    pub fn new(system: Option<&str>) -> Self {
        Self {
            system: system.map(str::to_owned),
            ..Self::default()
        }
    }

    /// Adds to what the model is told after the system's prompt, in a paragraph of its own.
    pub fn know(&mut self, text: impl Into<String>) {
        self.knowledge.push(text.into());
    }

    /// Takes back all that was added as knowledge.
    pub fn forget(&mut self) {
        self.knowledge.clear();
    }

    /// Adds a turn.
    pub fn push(&mut self, role: Role, text: impl Into<String>) {
        self.turns.push(Turn::new(role, text));
    }

    /// Gives the turns that are left, after one of the system's with its prompt and the knowledge.
    pub fn turns(&self) -> Vec<Turn> {
        self.turns_from(0)
    }

    fn turns_from(&self, first: usize) -> Vec<Turn> {
        let told = self.system.iter().chain(&self.knowledge);
        let told: Vec<&str> = told.map(String::as_str).collect();
        let system = (!told.is_empty()).then(|| Turn::new(Role::System, told.join("\n\n")));
        system
            .into_iter()
            .chain(self.turns[first..].iter().cloned())
            .collect()
    }

    /// Gives the prompt for the assistant's next turn, of at most `budget` tokens. The oldest turns
    /// are left out for that, for good, so that the first that is left is the user's.
    ///
    /// # Errors
    /// No turn, a last turn that is longer than the budget with what the model is told beforehand,
    /// and as [`ChatFormat::tokens`].
    pub fn prompt(
        &mut self,
        format: &ChatFormat,
        tokenizer: &Tokenizer,
        budget: usize,
        now: SystemTime,
    ) -> Result<ChatPrompt> {
        if self.turns.is_empty() {
            return Err(Error::field("turns", "empty", "at least one"));
        }
        let write = |first: usize| format.tokens(&self.turns_from(first), tokenizer, now);
        let mut tokens = write(0)?;
        let is_cut = matches!(format, ChatFormat::Blenderbot { .. }) && tokens.len() > budget;
        if is_cut {
            tokens.drain(..tokens.len() - budget);
        }
        let mut left_out = 0;
        if tokens.len() > budget {
            (left_out, tokens) = self.shortened(budget, tokens.len(), write)?;
        }
        self.turns.drain(..left_out);
        Ok(ChatPrompt {
            tokens,
            left_out,
            is_cut,
        })
    }

    /// Finds the first of the user's turns from which on a prompt has at most `budget` tokens of
    /// the `whole` one's, and writes it: by bisection, as what begins later is shorter.
    fn shortened(
        &self,
        budget: usize,
        whole: usize,
        write: impl Fn(usize) -> Result<Vec<u32>>,
    ) -> Result<(usize, Vec<u32>)> {
        let later = (0..self.turns.len()).skip(1);
        let starts: Vec<usize> = later
            .filter(|&at| self.turns[at].role == Role::User)
            .collect();
        let (mut low, mut high) = (0, starts.len());
        let (mut found, mut shortest) = (None, whole);
        while low < high {
            let middle = usize::midpoint(low, high);
            let tokens = write(starts[middle])?;
            if tokens.len() > budget {
                (shortest, low) = (tokens.len(), middle + 1);
            } else {
                (found, high) = (Some((starts[middle], tokens)), middle);
            }
        }
        found.ok_or_else(|| {
            let expected = format!("at most {budget} for the last turn and what comes before all");
            Error::field("tokens of the prompt", shortest, expected)
        })
    }
}
