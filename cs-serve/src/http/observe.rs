//! What is noted of each request: an id, a span, a figure. Nothing of what is in it.

use std::future::poll_fn;
use std::hash::{BuildHasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::{Instrument, field};

use super::api::Api;
use super::metrics::{GONE, Requests};
use super::problem::Problem;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The ids of requests that come without one.
#[derive(Default)]
pub(super) struct Ids {
    /// Differs from process to process.
    seed: RandomState,
    next: AtomicU64,
}

impl Ids {
    /// The id that a request brings, if it is one, else a new one.
    fn of(&self, headers: &HeaderMap) -> HeaderValue {
        let given = headers.get(REQUEST_ID).filter(|it| is_id(it.as_bytes()));
        given.cloned().unwrap_or_else(|| {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let id = format!("{:016x}", self.seed.hash_one(number));
            HeaderValue::try_from(id).unwrap_or(HeaderValue::from_static("none"))
        })
    }
}

fn is_id(id: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    (1..=64).contains(&id.len()) && id.iter().all(is_plain)
}

/// A request under way, which is counted however it ends.
struct Counted<'a> {
    requests: &'a Requests,
    place: usize,
    status: u16,
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.requests.count(self.place, self.status);
    }
}

/// Gives each request an id, a span and a place in the figures, and each panic an answer.
pub(super) async fn observe(State(api): State<Api>, request: Request, next: Next) -> Response {
    let requests = api.requests();
    let mut counted = Counted {
        place: requests.place(request.uri().path()),
        requests,
        status: GONE,
    };
    let id = api.ids().of(request.headers());
    let span = tracing::info_span!(
        "request",
        id = id.to_str().unwrap_or_default(),
        method = %request.method(),
        path = requests.label(counted.place),
        status = field::Empty,
    );
    #[cfg(feature = "otel")]
    super::otel::continue_trace(&span, request.headers());
    let mut response = caught(next.run(request)).instrument(span.clone()).await;
    counted.status = response.status().as_u16();
    span.record("status", counted.status);
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// An answer even from a handler that panics.
async fn caught(answer: impl Future<Output = Response>) -> Response {
    let mut answer = pin!(answer);
    poll_fn(|context| {
        let poll = catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(context)));
        poll.unwrap_or_else(|_| {
            tracing::error!("a handler panicked");
            Poll::Ready(Problem::internal("the service failed").into_response())
        })
    })
    .await
}
