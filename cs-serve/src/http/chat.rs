//! `POST /v1/chat`: a turn of a conversation and its reply; `GET /v1/chat/{session}`: what a conversation
//! has come to; `POST /v1/chat/{session}/release`: it goes on without a person.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::api::Api;
use super::blocking::on_thread;
use super::body::{self, bad};
use super::canary::Canary;
use super::chat_log::{ChatLog, Logged};
use super::chats::{Chats, Held, Place, chats, check_session};
use super::events::{self, Events};
use super::feedback::Rating;
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
            chats,
            log,
            said,
            understood,
            watched,
            shown,
            _place,
        } = self;
        let turn = Turn {
            session: &said.session,
            turn: said.turn.map(|it| it.0),
            text: &said.text,
            understanding: &understood.understanding,
            parts: &understood.parts,
        };
        let told = chats.turn(&turn, sink).inspect_err(|problem| {
            // Nor is one whose customer has gone, or whose store fails.
            let is_failure = problem.status == StatusCode::INTERNAL_SERVER_ERROR;
            if let Some(watched) = watched.as_ref().filter(|_| is_failure)
                && sink("").is_continue()
            {
                watched.has_no_reply();
            }
        })?;
        if let Some(log) = &log {
            let logged = Logged {
                session: &said.session,
                customer: said.customer.as_deref(),
                understanding: &understood.understanding,
                route: Some(understood.route),
                told: &told,
            };
            if let Some(resumed) = &told.resumed {
                log.turn(&Logged {
                    understanding: &Understanding::default(),
                    route: None,
                    told: resumed,
                    ..logged
                });
            }
            log.turn(&logged);
        }
        if let Some(watched) = watched {
            watched.has_reply(&understood.understanding, &told);
        }
        if let Some(canary) = shown.filter(|_| !told.is_repeated) {
            canary.copy(|| Copied {
                chats: Arc::clone(&chats),
                session: said.session.clone(),
                turn: told.turn,
                at: told.at,
                understanding: understood.understanding.clone(),
                light: understood.light.clone(),
                is_blocked: told.filtered.is_some_and(|it| it.input == Action::Block),
                log,
            });
        }
        let Told {
            turn,
            reply,
            state,
            filtered,
            ..
        } = told;
        Ok(ChatAnswer {
            session: said.session,
            turn,
            understood,
            reply: Spoken {
                text: reply.text,
                source: reply.source,
                evidence: reply.evidence,
            },
            state,
            checked: reply.checked,
            filtered,
        })
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

/// A request that is waited for. When it goes, [`Caller`] knows.
#[derive(Default)]
struct Here(Arc<AtomicBool>);

impl Here {
    fn caller(&self) -> Caller {
        Caller(Arc::clone(&self.0))
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Whether somebody waits for an answer.
struct Caller(Arc<AtomicBool>);

impl Caller {
    fn go_on(&self) -> ControlFlow<()> {
        match self.0.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}

/// A conversation: where it stands, and how it came to that.
#[derive(Serialize, ToSchema)]
pub(super) struct Conversation {
    /// Its name.
    session: String,
    /// How many turns it has.
    turns: u32,
    /// Where it stands.
    state: Shown,
    /// All that happened, in order.
    #[schema(value_type = Vec<Object>)]
    events: Vec<crate::dialogue::Event>,
    /// How the customer rated replies, as far as that is kept.
    ratings: Vec<Rating>,
}

/// Tells where a conversation stands, and how it came to that.
#[utoipa::path(get, path = "/v1/chat/{session}", tag = "chat", params(
    ("session" = String, Path, description = "The conversation's name.")
), responses(
    (status = 200, description = "The conversation.", body = Conversation)
))]
pub(super) async fn conversation(
    State(api): State<Api>,
    session: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    api.admit(&parts)?;
    let chats = chats(&api)?;
    let session = named(session)?;
    let name = session.clone();
    let Held {
        turns,
        state,
        events,
        ratings,
    } = on_thread(move || chats.held(&name)).await??;
    json(&Conversation {
        session,
        turns,
        state,
        events,
        ratings,
    })
}

/// A request that the service go on with a conversation: an empty object.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Release {}

/// Goes on with a conversation that a person had taken over, from where it was. One that nobody has stays as it is.
#[utoipa::path(post, path = "/v1/chat/{session}/release", tag = "operation", request_body = Release, params(
    ("session" = String, Path, description = "The conversation's name.")
), responses(
    (status = 204, description = "The service answers in the conversation.")
))]
pub(super) async fn release(
    State(api): State<Api>,
    session: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let (parts, body) = request.into_parts();
    api.admit_operator(&parts)?;
    let chats = chats(&api)?;
    let session = named(session)?;
    let body = body::read(&parts.headers, body, api.config()).await?;
    let Release {} = body::parse(&body, "an empty object")?;
    on_thread(move || chats.release(&session)).await??;
    Ok(StatusCode::NO_CONTENT)
}

fn named(session: Result<Path<String>, PathRejection>) -> Result<String, Problem> {
    let Path(session) = session.map_err(|_| bad("`session`: no UTF-8"))?;
    check_session(&session)?;
    Ok(session)
}
