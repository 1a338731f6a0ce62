//! What `serve` is told about conversations.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use cs_serve::dialogue::{
    Actions, Answers, Chat, ChatConfig, Flows, Guard, HttpActions, HttpActionsConfig,
    MemorySessions, NoAnswers, RedbSessions, RedisSessions, RedisSessionsConfig, Sessions,
    SessionsConfig,
};
use cs_serve::knowledge::CurrentKnowledge;
use cs_serve::log::{Log, LogConfig};
use cs_serve::reply::{Answerer, AnswererParts, Replies, Writer};
use cs_serve::safety::personal::{Keys, Masker};
use cs_serve::safety::words::{CurrentFilter, FilterConfig};

use crate::candidate_args::CandidateArgs;
use crate::error::{Error, Result};
use crate::filters::{Semantic, open_embedder, open_words};
use crate::generator::Generator;
use crate::scripted_actions::ScriptedActions;
use crate::serve_args::ServeSettings;

impl ServeSettings {
    /// Whether conversations are held.
    pub fn chats(&self) -> bool {
        self.flows.is_some() || self.replies.is_some()
    }

    /// The same settings for a service that is asked in its own process: whoever asks needs no key and may ask at any
    /// rate, conversations are kept in memory, and nothing is logged or
    /// done: actions give what a file says, `scripted` if given.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] for actions that a service would do, without a file in their place.
    pub fn in_process(self, scripted: Option<PathBuf>) -> Result<Self> {
        let is_scripted = scripted.is_some();
        if self.actions.is_some() && !is_scripted && self.scripted_actions.is_none() {
            let line = "`actions`: the service would do them for what is only played: give what they give by \
                        --scripted-actions";
            return Err(Error::Usage(line.to_owned()));
        }
        Ok(Self {
            api_keys: None,
            models_dir: None,
            rate: None,
            state: None,
            redis: None,
            log_dir: None,
            mask_key: None,
            rolling: CandidateArgs::default(),
            actions: self.actions.filter(|_| !is_scripted),
            scripted_actions: scripted.or(self.scripted_actions),
            ..self
        })
    }

    /// The conversations, if any are held, by models that find entities with these labels.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] for flows whose actions nobody does; replies with places that never have a value; files that cannot be read or hold something else; a store that
    /// cannot be opened.
    pub fn chat(
        &self,
        knowledge: Option<&Arc<CurrentKnowledge>>,
        generator: Option<&Generator>,
        entities: BTreeSet<String>,
    ) -> Result<Option<Chat>> {
        if !self.chats() {
            return Ok(None);
        }
        let flows = match &self.flows {
            Some(path) => Flows::open(path)?,
            None => Flows::default(),
        };
        let actions = self.flow_actions(&flows)?;
        let writer = generator.map(Generator::writer).transpose()?;
        let replies = match &self.replies {
            Some(path) => Replies::open(path)?,
            None => Replies::default(),
        };
        let mut names = entities;
        names.extend(flows.slots().map(str::to_owned));
        replies.check_names(&names)?;
        let answers = self.answers(replies, knowledge, writer)?;
        let sessions = self.sessions()?;
        let mut chat = Chat::new(flows, answers, sessions, ChatConfig::default())?;
        if let Some(actions) = actions {
            chat = chat.with_actions(actions);
        }
        if let Some(guard) = self.guard()? {
            chat = chat.with_guard(guard);
        }
        Ok(Some(chat))
    }

    /// What customers' texts and replies are held against.
    fn guard(&self) -> Result<Option<Guard>> {
        let mut guard = None;
        if !self.words.is_empty() {
            let paths = self.words.clone();
            let read = move || open_words(&paths, FilterConfig::default());
            let words = Arc::new(CurrentFilter::open(read)?);
            guard = Some(Guard::default().with_words(words));
        }
        if let Some(dir) = &self.semantic {
            let Semantic { meaning, embedder } = Semantic::open(dir, &self.runtime())?;
            let words = guard.unwrap_or_default();
            guard = Some(words.with_meaning(meaning, embedder));
        }
        Ok(guard)
    }

    /// The log of conversations, if there is one, and what masks them.
    ///
    /// # Errors
    ///
    /// A folder in which another process logs, that is by other keys, or that cannot be used; a file that has no keys.
    pub fn log(&self) -> Result<Option<(Log, Masker)>> {
        let (Some(folder), Some(keys)) = (&self.log_dir, &self.mask_key) else {
            return Ok(None);
        };
        let masker = Masker::new(Keys::open(keys)?);
        let log = Log::open(folder, LogConfig::default(), &masker)?;
        Ok(Some((log, masker)))
    }

    /// The language model that writes replies, if there is one.
    ///
    /// # Errors
    ///
    /// Those of [`Generator::open`].
    pub fn generator(&self) -> Result<Option<Generator>> {
        let open = |path: &PathBuf| Generator::open(path, &self.runtime());
        self.generator.as_ref().map(open).transpose()
    }

    /// Refuses settings about conversations that are without effect.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] names the setting.
    pub fn check_chat(&self) -> Result<()> {
        let refuse = |line: &str| Err(Error::Usage(line.to_owned()));
        if self.generator.is_some() && !self.chats() {
            return refuse("--generator: no conversations to write in: give --flows or --replies");
        }
        let has_facts = self.kb.is_some() || self.sparql.is_some();
        if self.generator.is_some() && self.replies.is_none() && !has_facts {
            return refuse("--generator: nothing to write from: give --kb, --sparql or --replies");
        }
        if self.embedder.is_some() && self.replies.is_none() {
            return refuse("--embedder: it finds answered questions: give them by --replies");
        }
        for (flag, is_given, what) in [
            ("--words", !self.words.is_empty(), "filter"),
            ("--semantic", self.semantic.is_some(), "filter"),
            ("--log-dir", self.log_dir.is_some(), "log"),
        ] {
            if is_given && !self.chats() {
                return refuse(&format!(
                    "{flag}: no conversations to {what}: give --flows or --replies"
                ));
            }
        }
        match (&self.log_dir, &self.mask_key) {
            (Some(_), None) => {
                return refuse("--log-dir: a log is masked: give the keys by --mask-key");
            }
            (None, Some(_)) => {
                return refuse("--mask-key: nothing is logged: say where by --log-dir");
            }
            _ => {}
        }
        if self.state.is_some() && !self.chats() {
            return refuse("--state: no conversations to keep: give --flows or --replies");
        }
        if self.state.is_some() && self.redis.is_some() {
            return refuse("--state, --redis: two places to keep conversations in, expected one");
        }
        let given = [
            ("--actions", self.actions.is_some()),
            ("--scripted-actions", self.scripted_actions.is_some()),
        ];
        for (flag, is_given) in given {
            if is_given && self.flows.is_none() {
                return refuse(&format!(
                    "{flag}: flows ask for actions: give them by --flows"
                ));
            }
        }
        if self.actions.is_some() && self.scripted_actions.is_some() {
            return refuse("--actions, --scripted-actions: expected one of them");
        }
        Ok(())
    }

    /// Who does what the flows ask for.
    fn flow_actions(&self, flows: &Flows) -> Result<Option<Box<dyn Actions>>> {
        let names: Vec<&str> = flows.actions().collect();
        let is_given = self.actions.is_some() || self.scripted_actions.is_some();
        match (names.is_empty(), is_given) {
            (true, false) => return Ok(None),
            (true, true) => {
                let line = "--actions, --scripted-actions: the flows ask for none".to_owned();
                return Err(Error::Usage(line));
            }
            (false, false) => {
                let line = format!(
                    "--flows: they ask for {}: say by --actions or --scripted-actions who does that",
                    names.join(", ")
                );
                return Err(Error::Usage(line));
            }
            (false, true) => {}
        }
        if let Some(path) = &self.scripted_actions {
            return Ok(Some(Box::new(ScriptedActions::open(path, flows)?)));
        }
        let config = HttpActionsConfig {
            url: self.actions.clone().unwrap_or_default(),
            ..HttpActionsConfig::default()
        };
        Ok(Some(Box::new(HttpActions::new(&config)?)))
    }

    /// What answers what no flow takes.
    fn answers(
        &self,
        replies: Replies,
        knowledge: Option<&Arc<CurrentKnowledge>>,
        writer: Option<Writer>,
    ) -> Result<Box<dyn Answers>> {
        if self.replies.is_none() && knowledge.is_none() {
            return Ok(Box::new(NoAnswers));
        }
        let embedder = self.embedder.as_deref();
        let embedder = embedder.map(|dir| open_embedder(dir, &self.runtime()));
        let parts = AnswererParts {
            replies,
            embedder: embedder.transpose()?,
            knowledge: knowledge.cloned(),
            writer,
            ..AnswererParts::default()
        };
        Ok(Box::new(Answerer::new(parts)?))
    }

    fn sessions(&self) -> Result<Box<dyn Sessions>> {
        let config = SessionsConfig::default();
        if let Some(path) = &self.state {
            return Ok(Box::new(RedbSessions::open(path, &config)?));
        }
        if let Some(url) = &self.redis {
            let config = RedisSessionsConfig {
                url: url.clone(),
                ..RedisSessionsConfig::default()
            };
            return Ok(Box::new(RedisSessions::open(&config)?));
        }
        Ok(Box::new(MemorySessions::new(&config)?))
    }
}
