//! Conversations that remember: they ask for what is missing, take corrections, and hand over.
//!
//! - [`Chat`] is what a service holds: a customer's [`Turn`] in, what is [`Told`] out.
//! - [`Flows`] are its forms, in YAML; [the schema](flows) is there.
//! - [`decide()`] is the policy, a pure function; [`State`] follows from a session's [`Event`]s alone.
//! - [`Sessions`] keeps these: [`MemorySessions`], [`RedbSessions`], `RedisSessions` (feature `redis`).
//! - [`Actions`] does what flows call for, over HTTP with the feature `actions`; [`Answers`] answers what no flow
//!   takes.
//! - [`Guard`] is what customers' texts and replies are held against: words, and prohibited meanings.
//!
//! ```
//! use std::ops::ControlFlow;
//!
//! use cs_serve::dialogue::{Chat, ChatConfig, Flows, MemorySessions, NoAnswers, SessionsConfig, Turn};
//! use cs_serve::{Intent, Understanding};
//!
//! let flows = Flows::parse(r#"
//! version: 1
//! flows:
//!   refund:
//!     starts: { intent: refund_request }
//!     slots:
//!       order_id: { ask: { zh: "请问订单号是多少？", en: "Which order is it?" }, pattern: "[A-Z]?\\d{4,}" }
//!     steps:
//!       - collect: [order_id]
//!       - confirm: { zh: "为订单{{order_id}}退款，对吗？", en: "Refund order {{order_id}}?" }
//!       - say: { zh: "已提交。", en: "Done." }
//! "#).unwrap();
//! let sessions = MemorySessions::new(&SessionsConfig::default())?;
//! let chat = Chat::new(flows, Box::new(NoAnswers), Box::new(sessions), ChatConfig::default())?;
//!
//! let refund = Intent { label: "refund_request".into(), confidence: 0.9 };
//! let starts = Understanding { intent: Some(refund), ..Understanding::default() };
//! let other = Understanding::default();
//! let say = |text, understanding| {
//!     let turn = Turn { session: "s1", turn: None, text, understanding, parts: &[] };
//!     chat.turn(&turn, &mut |_| (), &mut |_| ControlFlow::Continue(()))
//! };
//! assert_eq!(say("我要退款", &starts)?.reply.text, "请问订单号是多少？");
//! assert_eq!(say("12345", &other)?.reply.text, "为订单12345退款，对吗？");
//! assert_eq!(say("不是12345，是54321", &other)?.reply.text, "为订单54321退款，对吗？");
//! let told = say("对", &other)?;
//! assert_eq!((told.turn, told.reply.text.as_str()), (4, "已提交。"));
//! # Ok::<(), cs_serve::dialogue::ChatError>(())
//! ```

mod actions;
mod answers;
mod chat;
mod decide;
mod error;
mod event;
pub mod flows;
mod guard;
mod hearing;
mod queue;
mod sessions;
mod state;
mod summary;
mod words;

pub use actions::{Actions, Call, NoActions};
#[cfg(feature = "actions")]
pub use actions::{HttpActions, HttpActionsConfig};
pub use answers::{Answers, NoAnswers};
pub use chat::{Chat, ChatConfig, Foreseen, Shown, Told, Turn};
pub use decide::{Decision, Input, Next, Outcome, Said, decide};
pub use error::{ActionError, ChatError, FlowsError, SessionError};
pub use event::{Cause, CustomerSaid, Direction, Event, Filtered, Flagged, Question, Wish};
pub use flows::Flows;
pub use guard::Guard;
pub use sessions::{MemorySessions, RedbSessions, Sessions, SessionsConfig};
#[cfg(feature = "redis")]
pub use sessions::{RedisSessions, RedisSessionsConfig};
pub use state::State;
#[cfg(feature = "http")]
pub(crate) use words::is_apart;
pub use words::wishes;
