//! What a turn means: by the candidate, if it is its conversation, or by the models that answer.

use std::sync::Arc;

use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::answering;
use super::api::Api;
use super::blocking::on_thread;
use super::canary::Canary;
use super::chats::Chats;
use super::problem::Problem;
use super::said::Said;
use super::watched::Watched;
use crate::dialogue::wishes;
use crate::engine::Options;
use crate::rollout::{Arm, Arrival};
use crate::route::Route;
use crate::{Intent, Understanding};

/// What a text means: the event `understanding`.
#[derive(Serialize, ToSchema)]
pub(super) struct Understood {
    /// What the text means.
    pub(super) understanding: Understanding,
    /// Where that is from.
    pub(super) route: Route,
    /// The light model's likeliest intent, if there are two models and it has read the text.
    #[serde(skip)]
    pub(super) light: Option<Intent>,
    /// What each of its wishes means, if it has several.
    #[serde(skip)]
    pub(super) parts: Vec<Understanding>,
}

/// Has the turn understood: by the candidate, if it is its conversation and it does not fail.
pub(super) async fn understand(
    api: &Api,
    chats: &Arc<Chats>,
    said: &Said,
    options: Options,
) -> Result<(Understood, Option<Watched>), Problem> {
    let watched = match api.canary() {
        Some(canary) => watched(canary, chats, said).await?,
        None => None,
    };
    let is_canarys = watched.as_ref().is_some_and(|it| it.arm() == Arm::Canary);
    let mut lapse = None;
    if let Some(canary) = api.canary().filter(|_| is_canarys) {
        match canary.understand(texts(&said.text)).await {
            Ok((understanding, parts)) => {
                let understood = Understood {
                    understanding,
                    route: api.answering().place(),
                    light: None,
                    parts,
                };
                return Ok((understood, watched));
            }
            Err(why) => lapse = Some(why),
        }
    }
    let request = answering::Request::new(texts(&said.text), options);
    let (answered, parts) = match api.answering().answer_first(request).await {
        Ok(answers) => answers,
        Err(problem) => {
            // A service that is full is not the model's failure.
            if problem.status == StatusCode::INTERNAL_SERVER_ERROR
                && let Some(watched) = watched
            {
                watched.has_no_reply();
            }
            return Err(problem);
        }
    };
    let understood = Understood {
        understanding: answered.understanding,
        route: answered.route.unwrap_or_else(|| api.answering().place()),
        light: answered.light,
        parts: parts
            .into_iter()
            .map(answering::Answered::into_understanding)
            .collect(),
    };
    Ok((understood, watched.map(|it| it.by_stable(lapse))))
}

/// What is to be understood of a turn, at once: its text, and each of its wishes if it has several.
fn texts(text: &str) -> Vec<String> {
    let mut texts = vec![text];
    let wishes = wishes(text);
    if wishes.len() > 1 {
        texts.extend(wishes);
    }
    texts.into_iter().map(str::to_owned).collect()
}

/// Which model the turn is for, if a candidate has been given conversations.
async fn watched(
    canary: &Arc<Canary>,
    chats: &Arc<Chats>,
    said: &Said,
) -> Result<Option<Watched>, Problem> {
    if !canary.has_begun() {
        return Ok(None);
    }
    if let Some(turn) = said.turn {
        let arrival = Arrival {
            conversation: &said.session,
            customer: said.customer.as_deref(),
            turn: turn.0,
        };
        if let Some(watched) = canary.known_to_be(&arrival) {
            return Ok(Some(watched));
        }
    }
    let (canary, chats) = (Arc::clone(canary), Arc::clone(chats));
    let (session, customer, turn) = (said.session.clone(), said.customer.clone(), said.turn);
    let work = move || {
        // The session's own number: who sends the first turn again begins nothing, nor does a turn that comes before the
        // one in front of it has its reply.
        let next = chats.turns(&session)?.saturating_add(1);
        let is_next = turn.is_none_or(|it| it.0 == next || it.0.saturating_add(1) == next);
        let next = if is_next { next } else { next.max(2) };
        let arrival = Arrival {
            conversation: &session,
            customer: customer.as_deref(),
            turn: next,
        };
        Ok::<_, Problem>(canary.assign(&arrival))
    };
    on_thread(work).await?.map(Some)
}
