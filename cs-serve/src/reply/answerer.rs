//! What answers a turn that no flow takes.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use cs_data::MAX_TEXT_BYTES;

use super::answerer_parts::AnswererParts;
use super::entry::Entry;
use super::known::{Known, KnownFacts, is_long};
use super::question::is_question;
use super::retrieval::{Found, Retrieval, RetrievalConfig};
use super::wording::Wording;
use super::writer::{Answered, Material, Writer, Written};
use super::{Asked, Evidence, Replies, Reply, ReplyError, Sink, Source, Values};
use crate::knowledge::linking::Linker;
use crate::knowledge::questions::{Answer, Questions, Turn};
use crate::knowledge::{CurrentKnowledge, Knowledge, KnowledgeError};

/// The number of questions that are looked at for one that may be answered.
const CANDIDATES: usize = 20;
/// The number of answered questions that a language model is told, and how near the least of
/// [`RetrievalConfig`] each is.
const TOLD: usize = 3;
const TOLD_NEARNESS: f32 = 0.5;
const TOLD_COSINE: f32 = 0.05;

/// Answers turns that no flow takes, from the first of these that has an answer:
///
/// 1. facts: what a reply of the kind `knowledge` asks for the turn's intent; else, of a text that
///    names a thing and a property and asks, the value;
/// 2. the answer to a question that surely is the same;
/// 3. a template for the turn's intent;
/// 4. a language model, from facts about what the conversation is about and from answered questions
///    that are like the turn's, if there are any ([`Writer`] says what of it is given).
///
/// Whatever it is from, a reply that the facts contradict is not given: they are newer than a text
/// that somebody wrote once. A correction of it is not given either, as nobody has read that one. So
/// the next in line is asked, and in the end there is no reply, and a person answers.
///
/// Of two texts that could answer, facts come first because they are the newest, and an answered
/// question before a template because that is for everything else of its intent.
///
/// ```
/// use std::ops::ControlFlow;
///
/// use cs_serve::reply::{Answerer, AnswererParts, Asked, Language, Replies, Source, Values};
/// use cs_serve::{Intent, Understanding};
///
/// let lines = r#"
///     {"id": "hello", "kind": "template", "intent": "greeting", "text": {"zh": "您好！", "en": "Hello!"}}
///     {"id": "returns", "kind": "faq", "question": "怎么退货？", "text": "在订单页点“退货”即可。"}
/// "#;
/// let replies = Replies::parse(lines.as_bytes(), "replies.jsonl".as_ref())?;
/// let answerer = Answerer::new(AnswererParts { replies, ..Default::default() })?;
///
/// let understanding = Understanding::default();
/// let asked = Asked {
///     text: "怎么退货",
///     understanding: &understanding,
///     language: Language::Zh,
///     slots: &Values::new(),
///     history: &[],
/// };
/// let mut shown = String::new();
/// let reply = answerer.answer(&asked, &mut |sentence| {
///     shown += sentence;
///     ControlFlow::Continue(())
/// })?.unwrap();
/// assert_eq!((reply.source, &*reply.evidence[0].id), (Source::Faq, "returns"));
/// assert_eq!(shown, reply.text);
/// let asked = Asked { text: "你们招聘吗", ..asked };
/// assert_eq!(answerer.answer(&asked, &mut |_| ControlFlow::Continue(()))?, None); // nothing is invented
/// # Ok::<(), cs_serve::reply::ReplyError>(())
/// ```
pub struct Answerer {
    replies: Replies,
    config: RetrievalConfig,
    retrieval: Retrieval,
    knowledge: Option<Arc<CurrentKnowledge>>,
    writer: Option<Writer>,
    /// What intents ask of the version of facts that was asked last.
    questions: Mutex<Option<Arc<Resolved>>>,
}

/// An answered question that is like a turn's.
struct Near<'a> {
    /// The id of its reply.
    id: &'a str,
    answered: Answered,
}

/// What intents ask of one version of facts.
struct Resolved {
    version: String,
    questions: Questions,
}

impl Answerer {
    /// Puts an answerer together. With an embedder, each answered question takes a forward of it.
    ///
    /// # Errors
    /// [`ReplyError::Config`] for a value or a part that is without effect: an embedder without
    /// answered questions, replies from facts without any, a writer without either; [`ReplyError::Knowledge`] for what the
    /// facts have no name for; [`ReplyError::Embedder`] if that fails.
    pub fn new(parts: AnswererParts) -> Result<Self, ReplyError> {
        parts.validate()?;
        let questions: Vec<&str> = parts.replies.questions().collect();
        let retrieval = Retrieval::new(&questions, parts.embedder)?;
        let answerer = Self {
            retrieval,
            replies: parts.replies,
            config: parts.retrieval,
            knowledge: parts.knowledge,
            writer: parts.writer,
            questions: Mutex::default(),
        };
        if let Some(knowledge) = &answerer.knowledge {
            answerer.resolved(&knowledge.get())?;
        }
        Ok(answerer)
    }

    /// Answers a turn; none if there is no source to answer from. `sink` gets the reply's sentences
    /// as soon as each may be shown, which together are its text; if it breaks, no more is written.
    ///
    /// # Errors
    /// [`ReplyError::TooLong`] for a text of more than [`MAX_TEXT_BYTES`];
    /// [`ReplyError::Template`] if a reply's text fails; and those of the facts and the embedder.
    pub fn answer(
        &self,
        asked: &Asked<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<Option<Reply>, ReplyError> {
        let bytes = asked.text.len();
        if bytes > MAX_TEXT_BYTES {
            return Err(ReplyError::TooLong { bytes });
        }
        let values = values(asked);
        let known = self.known(asked)?;
        let known = known.as_ref();
        let mut reply = self.surely(asked, &values, known)?;
        if reply.is_none() {
            reply = stands(self.by_template(asked, &values)?, known)?;
        }
        match reply {
            Some(reply) => {
                let _ = sink(&reply.text);
                Ok(Some(reply))
            }
            None => self.by_model(asked, &values, known, sink),
        }
    }

    /// Gives the answer to a turn that asks something if it surely is known: from facts, or because the
    /// question surely is one that was answered. It goes before a form that the turn's intent begins.
    ///
    /// # Errors
    /// Those of [`answer`](Self::answer).
    pub fn recall(&self, asked: &Asked<'_>) -> Result<Option<Reply>, ReplyError> {
        if asked.text.len() > MAX_TEXT_BYTES {
            return Ok(None);
        }
        // "Refund!" is no question, though there may be one that has no other word.
        let asks = match &self.knowledge {
            Some(knowledge) => {
                let knowledge = knowledge.get();
                asks(
                    asked.text,
                    &self.resolved(&knowledge)?.questions,
                    knowledge.linker(),
                )
            }
            None => is_question(asked.text, &[]),
        };
        if !asks {
            return Ok(None);
        }
        self.surely(asked, &values(asked), self.known(asked)?.as_ref())
    }

    fn surely(
        &self,
        asked: &Asked<'_>,
        values: &Values,
        known: Option<&Known>,
    ) -> Result<Option<Reply>, ReplyError> {
        if let Some(known) = known
            && let Some(reply) = stands(self.by_facts(asked, values, known)?, Some(known))?
        {
            return Ok(Some(reply));
        }
        Ok(stands(self.by_question(asked, values)?, known)?)
    }

    fn by_facts(
        &self,
        asked: &Asked<'_>,
        values: &Values,
        known: &Known,
    ) -> Result<Option<Reply>, ReplyError> {
        if is_long(asked.text) {
            return Ok(None);
        }
        let (facts, linker) = (known.knowledge.facts(), known.knowledge.linker());
        let about = known.about_before();
        let turn = Turn {
            understanding: asked.understanding,
            about: &about,
        };
        let resolved = self.resolved(&known.knowledge)?;
        let questions = &resolved.questions;
        let entry = intent(asked).and_then(|it| self.replies.ask_of(it));
        let wording = Wording {
            knowledge: &known.knowledge,
            language: asked.language,
            entry,
            values,
        };
        if entry.is_some()
            && let Some(reply) = wording.reply(&questions.answer(facts, linker, turn)?)?
        {
            return Ok(Some(reply));
        }
        if !asks(asked.text, questions, linker) {
            return Ok(None);
        }
        let plain = Wording {
            entry: None,
            ..wording
        };
        match questions.answer_named(facts, linker, turn)? {
            answer @ (Answer::Attribute { .. } | Answer::Things { .. }) => plain.reply(&answer),
            _ => Ok(None),
        }
    }

    fn by_template(&self, asked: &Asked<'_>, values: &Values) -> Result<Option<Reply>, ReplyError> {
        let of_intent = |it| self.replies.template(it, asked.language, values);
        intent(asked).map_or(Ok(None), of_intent)
    }

    /// Answers by the likeliest question that is sure, if possible one that is answered in the
    /// customer's language. An answer that lacks a value is passed over.
    fn by_question(&self, asked: &Asked<'_>, values: &Values) -> Result<Option<Reply>, ReplyError> {
        let found = self.retrieval.search(asked.text, CANDIDATES)?;
        let may_answer = |it: &Found| {
            let answered = self.replies.answered(it.question)?;
            (it.is_sure(&self.config) && fits(answered.0, asked, values)).then_some(answered)
        };
        let mut sure: Vec<(&Entry, &str)> = found.iter().filter_map(may_answer).collect();
        let speaks = |it: &Entry| it.text().is_some_and(|text| text.is_in(asked.language));
        sure.sort_by_key(|&(it, _)| !speaks(it));
        for (entry, question) in sure {
            match entry.render(asked.language, values) {
                Ok(text) => return Ok(Some(entry.reply(text, Source::Faq, question))),
                // Its error may have a customer's value in it.
                Err(_) => tracing::warn!(reply = entry.id, "an answer lacks a value, or fails"),
            }
        }
        Ok(None)
    }

    /// Has a reply written from what is known and from answered questions, if there are any.
    fn by_model(
        &self,
        asked: &Asked<'_>,
        values: &Values,
        known: Option<&Known>,
        sink: &mut Sink<'_>,
    ) -> Result<Option<Reply>, ReplyError> {
        let Some(writer) = self.writer.as_ref().filter(|_| !is_long(asked.text)) else {
            return Ok(None);
        };
        let told = known.map(|it| it.told(asked.language)).transpose()?;
        let told = told.unwrap_or_default();
        let near = self.near(asked, values)?;
        let material = Material {
            facts: told.words.clone(),
            answered: near.iter().map(|it| it.answered.clone()).collect(),
        };
        if material.facts.is_empty() && material.answered.is_empty() {
            return Ok(None);
        }
        let stream = known.map(Known::stream);
        let Some(written) = writer.write(asked, &material, stream, sink)? else {
            return Ok(None);
        };
        // It has been said by now, and each of its sentences was held against the facts before.
        let checked = known.map(|it| it.check(&written.text));
        let checked = checked.and_then(|checked| {
            let failed = |error| tracing::warn!(%error, "a reply is not checked as a whole");
            checked.map_err(failed).ok()
        });
        Ok(Some(Reply {
            evidence: evidence(&written, &told, &near),
            text: written.text,
            source: Source::Generated,
            checked,
        }))
    }

    fn known(&self, asked: &Asked<'_>) -> Result<Option<Known>, KnowledgeError> {
        let known = self.knowledge.as_ref().map(|it| Known::of(it.get(), asked));
        known.transpose()
    }

    /// Gives answered questions that are like a turn's, the likeliest first.
    fn near(&self, asked: &Asked<'_>, values: &Values) -> Result<Vec<Near<'_>>, ReplyError> {
        let least = RetrievalConfig {
            min_overlap: self.config.min_overlap * TOLD_NEARNESS,
            min_cosine: self.config.min_cosine - TOLD_COSINE,
        };
        let found = self.retrieval.search(asked.text, CANDIDATES)?;
        let near = found.iter().filter(|it| it.is_sure(&least));
        let mut told = HashSet::new();
        let answered = near.filter_map(|it| {
            let (entry, question) = self.replies.answered(it.question)?;
            // What lacks a value is not to be told.
            let answer = entry.render(asked.language, values).ok()?;
            let question = question.to_owned();
            let is_new = fits(entry, asked, values) && told.insert(&entry.id);
            is_new.then_some(Near {
                id: &entry.id,
                answered: Answered { question, answer },
            })
        });
        Ok(answered.take(TOLD).collect())
    }

    /// Gives what intents ask of a version of facts, looked up once a version.
    fn resolved(&self, knowledge: &Knowledge) -> Result<Arc<Resolved>, KnowledgeError> {
        let lock = || {
            self.questions
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        let version = knowledge.version();
        if let Some(last) = lock().as_ref().filter(|it| it.version == version) {
            return Ok(Arc::clone(last));
        }
        let resolved = Arc::new(Resolved {
            version: version.to_owned(),
            questions: Questions::new(self.replies.asks(), knowledge.facts())?,
        });
        *lock() = Some(Arc::clone(&resolved));
        Ok(resolved)
    }
}

/// Whether a text asks something, by its words or by what it names.
fn asks(text: &str, questions: &Questions, linker: &Linker) -> bool {
    let named = linker.mentions(text);
    let mut named: Vec<(usize, usize)> = named.iter().map(|it| (it.start, it.end)).collect();
    named.extend(questions.named_end(text));
    is_question(text, &named)
}

/// Gives a reply unless the facts contradict it.
fn stands(reply: Option<Reply>, known: Option<&Known>) -> Result<Option<Reply>, KnowledgeError> {
    match (reply, known) {
        (Some(reply), Some(known)) => known.stands(reply),
        (reply, _) => Ok(reply),
    }
}

/// What a text that was written rests on: facts, then answered questions.
fn evidence(written: &Written, told: &KnownFacts, near: &[Near<'_>]) -> Vec<Evidence> {
    let answered = written.answered.iter().map(|&it| Evidence {
        source: Source::Faq,
        id: near[it].id.to_owned(),
        text: near[it].answered.question.clone(),
    });
    let facts = told.evidence(&written.facts).into_iter();
    facts.chain(answered).collect()
}

/// Whether an answered question is for such a turn.
fn fits(entry: &Entry, asked: &Asked<'_>, values: &Values) -> bool {
    let is_of_intent = match (&entry.intent, intent(asked)) {
        (Some(wanted), Some(intent)) => wanted == intent,
        _ => true,
    };
    is_of_intent && entry.when.hold(values)
}

fn intent<'a>(asked: &Asked<'a>) -> Option<&'a str> {
    asked
        .understanding
        .intent
        .as_ref()
        .map(|it| it.label.as_str())
}

/// The values of slots, and of entities that are no slots: of several with a label, the first.
fn values(asked: &Asked<'_>) -> Values {
    let entities = asked.understanding.entities.iter().rev();
    let mut values: Values = entities
        .map(|it| (it.label.clone(), it.text.clone()))
        .collect();
    values.extend(
        asked
            .slots
            .iter()
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    values
}

impl fmt::Debug for Answerer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answerer")
            .field("replies", &self.replies.len())
            .field("retrieval", &self.retrieval)
            .field("knowledge", &self.knowledge)
            .finish_non_exhaustive()
    }
}
