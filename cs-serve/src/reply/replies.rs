//! The replies that somebody wrote.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use cs_data::file::{line_column, read_at_most};

use super::entry::{Entry, FACT_PLACES, Says};
use super::{Evidence, Language, Reply, ReplyError, Source, Values};
use crate::knowledge::questions;

/// The most bytes of a file, and the most replies in it.
const MOST_BYTES: u64 = 256 << 20;
const MOST_REPLIES: usize = 200_000;

/// The replies of a file, JSON line by line. Each has an `id` and a `kind`:
///
/// - `template`: the `text` that answers an `intent`;
/// - `faq`: the `text` that answers a `question`, or each of a list of them, and whatever asks the same;
/// - `knowledge`: what turns of an `intent` `ask` of the facts, as
///   [`Template`](crate::knowledge::questions::Template) has it. Without a `text` the answer is put in
///   words of our own; one has places for `thing`, `property` and `value`, or for `things` or `count`.
///
/// A text is a [`Text`](super::Text) in one language (`lang`, or the one that it is written in) or in
/// both. Slots have to have the values that `when` gives, where there is one, and a `faq` with an
/// `intent` answers only turns of that.
///
/// ```
/// use cs_serve::reply::{Language, Replies, Values};
/// let lines = r#"
///     {"id": "hello", "kind": "template", "intent": "greeting", "text": {"zh": "您好！", "en": "Hello!"}}
///     {"id": "vip", "kind": "template", "intent": "greeting", "when": {"level": "gold"}, "text": "尊贵的会员，您好！"}
///     {"id": "returns", "kind": "faq", "question": "怎么退货？", "text": "在订单页点“退货”即可。"}
/// "#;
/// let replies = Replies::parse(lines.as_bytes(), "replies.jsonl".as_ref())?;
/// let reply = replies.template("greeting", Language::En, &Values::new())?.unwrap();
/// assert_eq!((&*reply.text, &*reply.evidence[0].id), ("Hello!", "hello"));
/// let gold = Values::from([("level".to_owned(), "gold".to_owned())]);
/// let reply = replies.template("greeting", Language::Zh, &gold)?.unwrap();
/// assert_eq!(reply.text, "尊贵的会员，您好！");
/// # Ok::<(), cs_serve::reply::ReplyError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Replies {
    path: PathBuf,
    entries: Vec<Entry>,
    /// Those that answer an intent, by it: the most conditions first, then as in the file.
    by_intent: HashMap<String, Vec<usize>>,
    /// Each question that is answered: its reply, and its number there.
    answered: Vec<(usize, usize)>,
    /// What intents ask of the facts.
    asks: BTreeMap<String, usize>,
}

impl Replies {
    /// Reads a file of at most 256 MiB and 200,000 replies.
    ///
    /// # Errors
    /// The file cannot be read, or [`ReplyError::File`] says what is wrong where.
    pub fn open(path: &Path) -> Result<Self, ReplyError> {
        let io = |source| ReplyError::Io {
            path: path.into(),
            source,
        };
        let Some(bytes) = read_at_most(path, MOST_BYTES).map_err(io)? else {
            let problem = format!("more than {MOST_BYTES} bytes, expected at most as many");
            return Err(wrong(path, 1, 1, problem));
        };
        Self::parse(&bytes, path)
    }

    /// Reads the lines of a file that is in memory; `path` is for errors.
    ///
    /// # Errors
    /// [`ReplyError::File`] says what is wrong where.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self, ReplyError> {
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        let mut replies = Self {
            path: path.into(),
            ..Self::default()
        };
        let mut lines_by_id = HashMap::new();
        for (at, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let entry = Entry::parse(line, at + 1).map_err(|(byte, problem)| {
                wrong(path, at + 1, line_column(line, byte).column, problem)
            })?;
            if let Some(first) = lines_by_id.insert(entry.id.clone(), at + 1) {
                let problem = format!(
                    "id: {:?} stands in line {first} too, expected each once",
                    entry.id
                );
                return Err(wrong(path, at + 1, 1, problem));
            }
            if replies.entries.len() == MOST_REPLIES {
                let problem = format!("another reply, expected at most {MOST_REPLIES}");
                return Err(wrong(path, at + 1, 1, problem));
            }
            replies.add(entry, path)?;
        }
        for of_intent in replies.by_intent.values_mut() {
            of_intent.sort_by_key(|&it| Reverse(replies.entries[it].when.len()));
        }
        Ok(replies)
    }

    fn add(&mut self, entry: Entry, path: &Path) -> Result<(), ReplyError> {
        let at = self.entries.len();
        let intent = entry.intent.clone().unwrap_or_default();
        match &entry.says {
            Says::Faq { questions, .. } => {
                let questions = (0..questions.len()).map(|question| (at, question));
                self.answered.extend(questions);
                if self.answered.len() > MOST_REPLIES {
                    let problem = format!("another question, expected at most {MOST_REPLIES}");
                    return Err(wrong(path, entry.line, 1, problem));
                }
            }
            Says::Template(_) => self.by_intent.entry(intent).or_default().push(at),
            Says::Knowledge { .. } => {
                if let Some(first) = self.asks.insert(intent, at) {
                    let line = self.entries[first].line;
                    let problem = format!(
                        "intent: line {line} says what it asks of the facts, expected one reply of this kind \
                         an intent"
                    );
                    return Err(wrong(path, entry.line, 1, problem));
                }
            }
        }
        self.entries.push(entry);
        Ok(())
    }

    /// Gives the number of replies.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no reply.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Refuses a reply that needs what never has a value: a place or a condition whose name is not
    /// among those of slots and entities.
    ///
    /// # Errors
    /// [`ReplyError::File`] with the line of the reply.
    pub fn check_names(&self, known: &BTreeSet<String>) -> Result<(), ReplyError> {
        for entry in &self.entries {
            let facts: &[&str] = match entry.says {
                Says::Knowledge { .. } => &FACT_PLACES,
                _ => &[],
            };
            let places = entry.text().into_iter().flat_map(|it| it.names());
            let mut names = places.chain(entry.when.slots());
            let is_unknown = |it: &&String| !known.contains(*it) && !facts.contains(&it.as_str());
            if let Some(name) = names.find(is_unknown) {
                let known: Vec<&str> = known
                    .iter()
                    .map(String::as_str)
                    .chain(facts.iter().copied())
                    .collect();
                let problem = format!(
                    "{name:?} never has a value, expected one of {}",
                    known.join(", ")
                );
                return Err(wrong(&self.path, entry.line, 1, problem));
            }
        }
        Ok(())
    }

    /// Answers an intent by a template. Of several whose conditions hold, that with the most
    /// conditions, then one in the customer's language, then the first of the file; one that fails
    /// for want of a value is passed over if there is another.
    ///
    /// # Errors
    /// [`ReplyError::Template`] if all of them fail.
    pub fn template(
        &self,
        intent: &str,
        language: Language,
        values: &Values,
    ) -> Result<Option<Reply>, ReplyError> {
        let of_intent = self.by_intent.get(intent).into_iter().flatten();
        let entries = of_intent.map(|&at| &self.entries[at]);
        let mut holding: Vec<&Entry> = entries.filter(|it| it.when.hold(values)).collect();
        let speaks = |it: &Entry| it.text().is_some_and(|text| text.is_in(language));
        holding.sort_by_key(|it| (Reverse(it.when.len()), !speaks(it)));
        let mut failed = None;
        for entry in holding {
            match entry.render(language, values) {
                Ok(text) => return Ok(Some(entry.reply(text, Source::Template, intent))),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(None), Err)
    }

    /// Gives what turns ask of the facts, each for an intent.
    pub fn asks(&self) -> Vec<questions::Template> {
        let ask = |(intent, &at): (&String, &usize)| match &self.entries[at].says {
            Says::Knowledge { ask, .. } => Some(questions::Template {
                intent: intent.clone(),
                ask: ask.clone(),
            }),
            _ => None,
        };
        self.asks.iter().filter_map(ask).collect()
    }

    /// Gives the questions that are answered, in the file's order.
    pub fn questions(&self) -> impl Iterator<Item = &str> {
        self.answered
            .iter()
            .filter_map(|&(at, question)| self.entries[at].question(question))
    }

    /// Gives the reply to a question, by its number among [`Self::questions`], and the question.
    pub(super) fn answered(&self, question: usize) -> Option<(&Entry, &str)> {
        let &(at, question) = self.answered.get(question)?;
        let entry = &self.entries[at];
        Some((entry, entry.question(question)?))
    }

    /// Gives the reply that says what an intent asks of the facts.
    pub(super) fn ask_of(&self, intent: &str) -> Option<&Entry> {
        self.asks.get(intent).map(|&at| &self.entries[at])
    }
}

impl Entry {
    fn question(&self, number: usize) -> Option<&str> {
        match &self.says {
            Says::Faq { questions, .. } => questions.get(number).map(String::as_str),
            _ => None,
        }
    }

    pub(super) fn render(&self, language: Language, values: &Values) -> Result<String, ReplyError> {
        let failed = |source| ReplyError::Template {
            id: self.id.clone(),
            source,
        };
        let text = self.text().map(|it| it.render(language, values));
        text.transpose()
            .map_err(failed)
            .map(Option::unwrap_or_default)
    }

    /// Makes a reply of its text; `answers` is what that answers.
    pub(super) fn reply(&self, text: String, source: Source, answers: &str) -> Reply {
        let evidence = Evidence {
            source,
            id: self.id.clone(),
            text: answers.to_owned(),
        };
        Reply {
            text,
            source,
            evidence: vec![evidence],
            checked: None,
        }
    }
}

fn wrong(path: &Path, line: usize, column: usize, problem: String) -> ReplyError {
    ReplyError::File {
        path: path.into(),
        line,
        column,
        problem,
    }
}
