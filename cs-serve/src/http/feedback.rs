//! `POST /v1/feedback`: how a customer rates a reply.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::api::Api;
use super::blocking::on_thread;
use super::body::{self, TurnNumber, given};
use super::chats::{chats, check_session};
use super::problem::Problem;
use crate::error::BackendError;

/// How a customer rated a reply.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Rating {
    /// The number of the turn in its session, from 1.
    pub turn: u32,
    /// How satisfied the customer is, from 0 to 1.
    pub score: f32,
}

/// What keeps ratings. Of several ratings of a turn, the last counts.
pub trait Feedback: Send + Sync {
    /// Keeps a rating of a turn that the session has.
    ///
    /// # Errors
    /// Whatever prevents it; the caller is told that the service failed, and may try again.
    fn rate(&self, session: &str, rating: &Rating) -> Result<(), BackendError>;

    /// Gives the ratings of a session that are at hand, by turn.
    ///
    /// # Errors
    /// Whatever prevents it.
    fn ratings(&self, session: &str) -> Result<Vec<Rating>, BackendError>;
}

/// The last ratings, in memory alone.
///
/// ```
/// use cs_serve::http::{Feedback, LastRatings, Rating};
/// let ratings = LastRatings::new(100);
/// for score in [0.0, 1.0] {
///     ratings.rate("s1", &Rating { turn: 1, score })?;
/// }
/// assert_eq!(ratings.ratings("s1")?, [Rating { turn: 1, score: 1.0 }]);
/// # Ok::<(), cs_serve::BackendError>(())
/// ```
pub struct LastRatings {
    most: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    sessions: HashMap<String, Vec<Rating>>,
    /// The sessions, the one that was rated first at the front.
    order: VecDeque<String>,
    count: usize,
}

impl LastRatings {
    /// Makes a place for so many ratings. One more, and those of the session that was rated first go.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            most,
            kept: Mutex::default(),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for LastRatings {
    /// Makes a place for 65,536 ratings.
    fn default() -> Self {
        Self::new(1 << 16)
    }
}

impl fmt::Debug for LastRatings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LastRatings")
            .field("most", &self.most)
            .field("count", &self.kept().count)
            .finish()
    }
}

impl Feedback for LastRatings {
    fn rate(&self, session: &str, rating: &Rating) -> Result<(), BackendError> {
        let mut kept = self.kept();
        kept.put(session, rating);
        while kept.count > self.most && kept.forget_first() {}
        Ok(())
    }

    fn ratings(&self, session: &str) -> Result<Vec<Rating>, BackendError> {
        let kept = self.kept();
        Ok(kept.sessions.get(session).cloned().unwrap_or_default())
    }
}

impl Kept {
    fn put(&mut self, session: &str, rating: &Rating) {
        if !self.sessions.contains_key(session) {
            self.order.push_back(session.to_owned());
        }
        let ratings = self.sessions.entry(session.to_owned()).or_default();
        match ratings.binary_search_by_key(&rating.turn, |it| it.turn) {
            Ok(at) => ratings[at] = rating.clone(),
            Err(at) => {
                ratings.insert(at, rating.clone());
                self.count += 1;
            }
        }
    }

    fn forget_first(&mut self) -> bool {
        let first = self.order.pop_front();
        let ratings = first.and_then(|session| self.sessions.remove(&session));
        self.count -= ratings.as_ref().map_or(0, Vec::len);
        ratings.is_some()
    }
}

/// A rating of a turn: either whether the reply satisfied, or a score.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rated {
    /// The session's name.
    session: String,
    /// The number of the turn in its session, from 1.
    #[schema(value_type = u32)]
    turn: TurnNumber,
    /// Whether the reply satisfied the customer.
    #[serde(default, deserialize_with = "given")]
    satisfied: Option<bool>,
    /// How satisfied the customer is, from 0 to 1.
    #[serde(default, deserialize_with = "given")]
    score: Option<f32>,
}

const EXPECTED: &str = "an object with `session`, a string, `turn`, a number, either `satisfied`, true or false, or \
                        `score`, a number from 0 to 1, and nothing else";

impl Rated {
    fn score(&self) -> Result<f32, Problem> {
        match (self.satisfied, self.score) {
            (Some(satisfied), None) => Ok(f32::from(u8::from(satisfied))),
            (None, Some(score)) if (0.0..=1.0).contains(&score) => Ok(score),
            _ => Err(body::bad(format!("expected {EXPECTED}"))),
        }
    }
}

/// Notes how a customer rates a reply. Of several ratings of a turn, the last counts.
#[utoipa::path(post, path = "/v1/feedback", tag = "chat", request_body = Rated, responses(
    (status = 204, description = "The rating is kept.")
))]
pub(super) async fn feedback(
    State(api): State<Api>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let (parts, body) = request.into_parts();
    api.admit(&parts)?;
    let chats = chats(&api)?;
    let body = body::read(&parts.headers, body, api.config()).await?;
    let rated: Rated = body::parse(&body, EXPECTED)?;
    check_session(&rated.session)?;
    let rating = Rating {
        turn: rated.turn.0,
        score: rated.score()?,
    };
    let (log, canary) = (api.log().cloned(), api.canary().cloned());
    let rate = move || {
        chats.rate(&rated.session, &rating)?;
        if let Some(log) = log {
            log.rating(&rated.session, &rating);
        }
        if let Some(canary) = canary {
            canary.rate(&rated.session, rating.turn, rating.score);
        }
        Ok::<_, Problem>(())
    };
    on_thread(rate).await??;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratings_beyond_the_most_push_out_the_first_session() {
        let ratings = LastRatings::new(2);
        let rate = |session: &str, turn, score| {
            ratings.rate(session, &Rating { turn, score }).unwrap();
        };
        let turns = |session: &str| -> Vec<u32> {
            let of = ratings.ratings(session).unwrap();
            of.iter().map(|it| it.turn).collect()
        };
        rate("a", 2, 0.0);
        rate("a", 1, 0.0);
        rate("a", 1, 1.0);
        assert_eq!(turns("a"), [1, 2]);
        rate("b", 1, 0.5);
        assert_eq!((turns("a"), turns("b")), (vec![], vec![1]));
    }
}
