//! `POST /v1/chat`: a turn of a conversation and its reply.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::api::Api;
use super::blocking::on_thread;
use super::body;
use super::caller::Here;
use super::canary::Canary;
use super::chat_log::{ChatLog, Logged};
use super::chats::{Chats, Place, chats};
use super::events::{self, Events};
use super::problem::Problem;
use super::said::Said;
use super::shadow::Copied;
use super::understand::json;
use super::understood::{Understood, understand};
use super::watched::Watched;
use crate::Understanding;
use crate::dialogue::{Filtered, Shown, Told, Turn};
use crate::engine::Options;
use crate::knowledge::check::Checked;
use crate::reply::{Evidence, Sink, Source};
use crate::rollout::Arm;
use crate::safety::Action;

/// The reply to a turn, and what it came from.
#[derive(Serialize, ToSchema)]
pub(super) struct ChatAnswer {
    /// The conversation's name.
    session: String,
    /// The number of the turn in its session, from 1.
    turn: u32,
    #[serde(flatten)]
    understood: Understood,
    /// What is said to the customer.
    reply: Spoken,
    /// Where the conversation stands now.
    state: Shown,
    /// What the facts say of the reply; null if there are none, or nothing had to be checked.
    checked: Option<Checked>,
    /// What filters did to the text and to the reply; null without any.
    filtered: Option<Filtered>,
}

/// What is said to a customer.
#[derive(Serialize, ToSchema)]
pub(super) struct Spoken {
    /// The text.
    text: String,
    /// Where it comes from.
    source: Source,
    /// What it rests on, what matters most first.
    evidence: Vec<Evidence>,
}

/// A part of a reply: the event `token`.
#[derive(Serialize)]
struct Part<'a> {
    text: &'a str,
}

/// Replies to a customer's turn. With `Accept: text/event-stream` the answer comes as events:
/// `understanding`, then `token` with each part of the reply's `text`, then `reply` with all that is
/// answered otherwise, or `error` with a problem.
#[utoipa::path(post, path = "/v1/chat", tag = "chat", request_body = Said, responses(
    (status = 200, description = "The reply, and what it came from.", content(
        (ChatAnswer = "application/json"), (String = "text/event-stream")
    ))
))]
pub(super) async fn chat(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let caller = api.admit(&parts)?;
    let chats = chats(&api)?;
    let body = body::read(&parts.headers, body, api.config()).await?;
    let said = Said::read(&body, api.config())?;
    let place = chats.enter()?;
    let options = Options {
        caller,
        priority: api.config().text_priority,
        deadline: None,
    };
    let (understood, watched) = understand(&api, &chats, &said, options).await?;
    let is_canarys = watched.as_ref().is_some_and(|it| it.arm() == Arm::Canary);
    let turn = Pending {
        shown: api.canary().filter(|_| !is_canarys).cloned(),
        chats,
        log: api.log().cloned(),
        said,
        understood,
        watched,
        _place: place,
    };
    if events::are_wanted(&parts.headers) {
        return Ok(turn.stream());
    }
    let here = Here::default();
    let caller = here.caller();
    json(&on_thread(move || turn.reply(&mut |_| caller.go_on())).await??)
}

/// A turn that is understood and has no reply yet.
struct Pending {
    chats: Arc<Chats>,
    log: Option<Arc<ChatLog>>,
    said: Said,
    understood: Understood,
    /// What the roll-out is to be told of it.
    watched: Option<Watched>,
    /// The candidate that is shown a copy of it.
    shown: Option<Arc<Canary>>,
    _place: Place,
}

impl Pending {
    /// Finds the reply; blocks. `sink` gets it part by part.
    fn reply(self, sink: &mut Sink<'_>) -> Result<ChatAnswer, Problem> {
        let Self {
            said, understood, ..
        } = &self;
        let turn = Turn {
            session: &said.session,
            turn: said.turn.map(|it| it.0),
            text: &said.text,
            understanding: &understood.understanding,
            parts: &understood.parts,
        };
        let resumed = |told: &Told| self.log(told, None);
        let told = self.chats.turn(&turn, &resumed, sink);
        let told = told.inspect_err(|problem| {
            // Nor is one whose customer has gone, or whose store fails.
            let is_failure = problem.status == StatusCode::INTERNAL_SERVER_ERROR;
            if let Some(watched) = self.watched.as_ref().filter(|_| is_failure)
                && sink("").is_continue()
            {
                watched.has_no_reply();
            }
        })?;
        self.log(&told, Some(understood));
        if let Some(watched) = &self.watched {
            watched.has_reply(&understood.understanding, &told);
        }
        self.show(&told);
        Ok(self.answer(told))
    }

    /// Has a turn logged, with what a model made of it if that is still known.
    fn log(&self, told: &Told, understood: Option<&Understood>) {
        let Some(log) = &self.log else { return };
        let unknown = Understanding::default();
        log.turn(&Logged {
            session: &self.said.session,
            customer: self.said.customer.as_deref(),
            understanding: understood.map_or(&unknown, |it| &it.understanding),
            route: understood.map(|it| it.route),
            told,
        });
    }

    /// Has the candidate shown a copy of the turn.
    fn show(&self, told: &Told) {
        if let Some(canary) = self.shown.as_ref().filter(|_| !told.is_repeated) {
            canary.copy(|| Copied {
                chats: Arc::clone(&self.chats),
                session: self.said.session.clone(),
                turn: told.turn,
                at: told.at,
                understanding: self.understood.understanding.clone(),
                light: self.understood.light.clone(),
                is_blocked: told.filtered.is_some_and(|it| it.input == Action::Block),
                log: self.log.clone(),
            });
        }
    }

    fn answer(self, told: Told) -> ChatAnswer {
        let Told {
            turn,
            reply,
            state,
            filtered,
            ..
        } = told;
        ChatAnswer {
            session: self.said.session,
            turn,
            understood: self.understood,
            reply: Spoken {
                text: reply.text,
                source: reply.source,
                evidence: reply.evidence,
            },
            state,
            checked: reply.checked,
            filtered,
        }
    }

    /// Finds the reply beside this task, and answers with events as they come.
    fn stream(self) -> Response {
        let (events, response) = Events::open();
        // A client that has gone by now is noticed by whoever sends next.
        let _ = events.send("understanding", &self.understood);
        tokio::spawn(async move {
            let parts = events.clone();
            let mut sink = move |text: &str| match text {
                "" => parts.go_on(),
                text => parts.send("token", &Part { text }),
            };
            let replied = on_thread(move || self.reply(&mut sink)).await;
            let _ = match replied.and_then(|it| it) {
                Ok(answer) => events.send("reply", &answer),
                Err(problem) => events.send("error", &problem.document()),
            };
        });
        response
    }
}
