//! Customers' turns in other words, by a chat model, and whether they still ask for the same.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use cs_data::Tokenizer;
use cs_data::augment::{IntentClassifier, RephraseRequest, Rephraser};
use cs_model::chat::{ChatFormat, Role, Turn};
use cs_model::generate::{Decoder, GenerateConfig, Generator, Prompt, Sampling};
use cs_quant::{NativeCausalLm, RuntimeConfig};
use cs_serve::Assistant;

use crate::error::{Error, Result};

/// Texts rephrased at a time.
const BATCH: usize = 16;
/// The most tokens of a rephrased text.
const MOST_TOKENS: usize = 128;
/// How words are drawn if the model's folder does not say.
const SAMPLING: Sampling = Sampling {
    temperature: 0.7,
    top_k: 0,
    top_p: 0.9,
    min_p: 0.0,
    seed: 0,
};
/// In which words a model is asked, in a language.
struct Task {
    system: &'static str,
    /// What stands before a text.
    ask: &'static str,
    /// What stands before that which is to be kept of it.
    keep: &'static str,
    examples: [Example; 4],
}

/// What a customer writes, what is to be kept of it, and a good answer.
struct Example {
    text: &'static str,
    keep: &'static str,
    answer: &'static str,
}

const ENGLISH: Task = Task {
    system: "You are a paraphrasing tool. You never answer a message. You write the same message again in other \
        words, as the customer who sends it. What stands after Keep is copied exactly.",
    ask: "Paraphrase: ",
    keep: "Keep: ",
    examples: [
        Example {
            text: "Where is my order 12345?",
            keep: "12345",
            answer: "Could you tell me when order 12345 will get here?",
        },
        Example {
            text: "How do I change my password",
            keep: "",
            answer: "I'd like to set a new password, what do I have to do?",
        },
        Example {
            text: "I want to send back the red coat I bought last week.",
            keep: "red coat",
            answer: "The red coat from last week should go back, please.",
        },
        Example {
            text: "Why was I charged twice?",
            keep: "",
            answer: "The money has been taken two times, what is the reason?",
        },
    ],
};
const CHINESE: Task = Task {
    system: "你是改写工具，从不回答消息。你以顾客的口吻，用别的说法把同一条消息重写一遍。“保留”后面的词要原样照抄。",
    ask: "改写：",
    keep: "保留：",
    examples: [
        Example {
            text: "查一下订单12345到哪了",
            keep: "12345",
            answer: "请问订单12345现在送到什么地方了？",
        },
        Example {
            text: "怎么修改密码",
            keep: "",
            answer: "我想换一个新密码，该如何操作？",
        },
        Example {
            text: "我要退掉上周买的红色外套",
            keep: "红色外套",
            answer: "上周买的那件红色外套，我想办理退货",
        },
        Example {
            text: "为什么扣了我两次钱",
            keep: "",
            answer: "同一笔钱被重复收取，是什么原因？",
        },
    ],
};

impl Task {
    /// The task in a text's language.
    fn of(text: &str) -> &'static Self {
        match text
            .chars()
            .any(|char| ('\u{4e00}'..='\u{9fff}').contains(&char))
        {
            true => &CHINESE,
            false => &ENGLISH,
        }
    }

    /// The conversation in which another wording of a text comes next; what it begins with is the
    /// same for all.
    fn turns(&self, text: &str, keep: &str) -> Vec<Turn> {
        let mut turns = vec![Turn::new(Role::System, self.system)];
        for example in &self.examples {
            turns.push(self.asked(example.text, example.keep));
            turns.push(Turn::new(Role::Assistant, example.answer));
        }
        turns.push(self.asked(text, keep));
        turns
    }

    fn asked(&self, text: &str, keep: &str) -> Turn {
        let text = match keep {
            "" => format!("{}{text}", self.ask),
            keep => format!("{}{text}\n{}{keep}", self.ask, self.keep),
        };
        Turn::new(Role::User, text)
    }
}

/// A chat model, which one thread at a time may ask.
#[derive(Debug)]
pub(crate) struct ChatRephraser {
    name: String,
    tokenizer: Tokenizer,
    format: ChatFormat,
    config: GenerateConfig,
    decoder: Mutex<NativeCausalLm>,
}

impl ChatRephraser {
    /// Opens a model's folder on the native runtime. Words are drawn as its `generation_config.json`
    /// says.
    ///
    /// # Errors
    ///
    /// A folder that holds no such model, or none for conversations.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let tokenizer = Tokenizer::open(folder)?;
        let format = ChatFormat::open(folder, &tokenizer)?;
        let mut config = GenerateConfig::open(folder)?.with_beams(1);
        config.max_new_tokens = MOST_TOKENS;
        config.min_new_tokens = config.min_new_tokens.min(MOST_TOKENS);
        config.sampling.get_or_insert(SAMPLING);
        // A turn is a line.
        config.stop_strings.push("\n".to_owned());
        Ok(Self {
            name: folder.display().to_string(),
            tokenizer,
            format,
            config,
            decoder: Mutex::new(NativeCausalLm::open(folder, &RuntimeConfig::default())?),
        })
    }

    fn answers(&self, requests: &[RephraseRequest<'_>]) -> cs_model::Result<Vec<String>> {
        // It holds nothing that a panic could leave half done.
        let mut decoder = self.decoder.lock().unwrap_or_else(PoisonError::into_inner);
        let mut answers = Vec::with_capacity(requests.len());
        for batch in requests.chunks(BATCH) {
            answers.extend(self.answer(&mut *decoder, batch)?);
        }
        Ok(answers)
    }

    /// Answers requests, all at once; one that is too long for the model's positions with nothing.
    fn answer(
        &self,
        decoder: &mut dyn Decoder,
        requests: &[RephraseRequest<'_>],
    ) -> cs_model::Result<Vec<String>> {
        let decode = |tokens: &[u32]| -> cs_model::Result<String> {
            Ok(self.tokenizer.decode(tokens, true)?)
        };
        let generator = Generator::with_text(self.config.clone(), decoder.vocab_size(), decode)?;
        let positions = decoder.max_positions().unwrap_or(usize::MAX);
        // The last token that comes is never read.
        let most = positions.saturating_sub(MOST_TOKENS - 1);
        let tokens = requests.iter().map(|request| self.tokens(request));
        let tokens = tokens.collect::<cs_model::Result<Vec<_>>>()?;
        let fits = |tokens: &[u32]| tokens.len() <= most;
        let prompts = tokens.iter().zip(requests);
        let prompts = prompts.filter(|(tokens, _)| fits(tokens));
        let prompts = prompts.map(|(tokens, request)| Prompt {
            sequence: request.seed,
            ..Prompt::new(tokens)
        });
        let prompts: Vec<Prompt<'_>> = prompts.collect();
        let mut found = generator.run(decoder, &prompts, &mut |_| ())?.into_iter();
        let answers = tokens.iter().map(|tokens| {
            let found = fits(tokens).then(|| found.next()).flatten();
            found.and_then(|found| found.text).unwrap_or_default()
        });
        Ok(answers.collect())
    }

    fn tokens(&self, request: &RephraseRequest<'_>) -> cs_model::Result<Vec<u32>> {
        let turns = Task::of(request.text).turns(request.text, &request.keep.join(" | "));
        // A template that writes the date writes the same one whenever it is asked.
        self.format
            .tokens(&turns, &self.tokenizer, SystemTime::UNIX_EPOCH)
    }
}

impl Rephraser for ChatRephraser {
    fn rephrase(&self, requests: &[RephraseRequest<'_>]) -> cs_data::Result<Vec<String>> {
        self.answers(requests)
            .map_err(|source| failed(&self.name, source))
    }
}

/// A bundle that tells intents.
pub(crate) struct Classifier {
    name: String,
    assistant: Assistant,
}

impl Classifier {
    /// Opens a bundle on the native runtime.
    ///
    /// # Errors
    ///
    /// A folder that holds no bundle, or one that tells no intent.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let assistant = Assistant::open(folder)?;
        if assistant.bundle().tasks().intent.is_none() {
            return Err(Error::Unfit {
                path: folder.to_owned(),
                found: "a model that tells no intent".to_owned(),
                expected: "one with an intent head",
            });
        }
        Ok(Self {
            name: folder.display().to_string(),
            assistant,
        })
    }
}

impl IntentClassifier for Classifier {
    fn intents(&self, texts: &[&str]) -> cs_data::Result<Vec<Option<String>>> {
        let found = self.assistant.understand_batch(texts);
        let found = found.map_err(|source| failed(&self.name, source))?;
        let intents = found.into_iter().map(|found| found.intent);
        Ok(intents
            .map(|intent| intent.map(|intent| intent.label))
            .collect())
    }
}

fn failed(name: &str, source: impl std::error::Error + Send + Sync + 'static) -> cs_data::Error {
    cs_data::Error::Model {
        name: name.to_owned(),
        source: Box::new(source),
    }
}
