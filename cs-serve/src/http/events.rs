//! Server-sent events: an answer that comes in parts.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use hyper::body::{Body as HttpBody, Frame};
use serde::Serialize;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, Sleep, sleep};

const KIND: &str = "text/event-stream";

/// Whether a request asks for events.
pub(super) fn are_wanted(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter();
    let mut kinds = accepted
        .filter_map(|it| it.to_str().ok())
        .flat_map(|it| it.split(','));
    kinds.any(|kind| {
        let mut parts = kind.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default();
        essence.eq_ignore_ascii_case(KIND) && !parts.any(is_refusal)
    })
}

/// Whether a parameter of a kind says that it is not wanted: a weight of 0.
fn is_refusal(parameter: &str) -> bool {
    let weight = parameter.split_once('=');
    let weight = weight.filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
    weight.is_some_and(|(_, weight)| weight.trim().parse() == Ok(0.0))
}

/// Where the events of an answer go. They wait here for a client that reads slowly: no more than one
/// reply.
#[derive(Clone)]
pub(super) struct Events(UnboundedSender<Bytes>);

impl Events {
    /// Gives where events go, and the response that they are.
    pub(super) fn open() -> (Self, Response) {
        let (sender, receiver) = unbounded_channel();
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static(KIND)),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        let response = (headers, Body::new(EventBody::new(receiver))).into_response();
        (Self(sender), response)
    }

    /// Breaks if the client has gone.
    pub(super) fn go_on(&self) -> ControlFlow<()> {
        match self.0.is_closed() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    /// Sends an event. It breaks if the client has gone.
    pub(super) fn send(&self, name: &str, data: &impl Serialize) -> ControlFlow<()> {
        let data = match serde_json::to_string(data) {
            Ok(data) => data,
            Err(error) => {
                tracing::error!(%error, "an event does not serialise");
                return ControlFlow::Break(());
            }
        };
        // JSON has no line break of its own.
        let event = format!("event: {name}\ndata: {data}\n\n");
        match self.0.send(event.into()) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}

/// A comment, as often as nothing else has come for [`QUIET`]: what lies in between takes no connection for dead.
const COMMENT: &str = ":\n\n";
/// How long nothing may come.
const QUIET: Duration = Duration::from_secs(15);

struct EventBody {
    events: UnboundedReceiver<Bytes>,
    /// Ends when a comment is due.
    quiet: Pin<Box<Sleep>>,
}

impl EventBody {
    fn new(events: UnboundedReceiver<Bytes>) -> Self {
        Self {
            events,
            quiet: Box::pin(sleep(QUIET)),
        }
    }
}

impl HttpBody for EventBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let event = match self.events.poll_recv(context) {
            Poll::Ready(event) => event,
            Poll::Pending if self.quiet.as_mut().poll(context).is_ready() => {
                Some(Bytes::from_static(COMMENT.as_bytes()))
            }
            Poll::Pending => return Poll::Pending,
        };
        self.quiet.as_mut().reset(Instant::now() + QUIET);
        Poll::Ready(event.map(|it| Ok(Frame::data(it))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_sent_to_those_who_ask_for_them() {
        for (accept, expected) in [
            ("text/event-stream", true),
            ("application/json, Text/Event-Stream;q=0.9", true),
            ("text/event-stream;q=0, application/json", false),
            ("text/event-stream; Q=0.000", false),
            ("text/event-stream; charset=utf-8; q=0.1", true),
            ("application/json", false),
            ("*/*", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(are_wanted(&headers), expected, "{accept}");
        }
    }
}
