//! Server-sent events: an answer that comes in parts.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use hyper::body::{Body as HttpBody, Frame};
use serde::Serialize;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

const KIND: &str = "text/event-stream";

/// Whether a request asks for events.
pub(super) fn are_wanted(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter();
    let mut kinds = accepted
        .filter_map(|it| it.to_str().ok())
        .flat_map(|it| it.split(','));
    kinds.any(|kind| {
        let essence = kind.split(';').next().unwrap_or_default();
        essence.trim().eq_ignore_ascii_case(KIND)
    })
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
        let response = (headers, Body::new(EventBody(receiver))).into_response();
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

struct EventBody(UnboundedReceiver<Bytes>);

impl HttpBody for EventBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.0.poll_recv(context);
        next.map(|event| event.map(|it| Ok(Frame::data(it))))
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
            ("application/json", false),
            ("*/*", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(are_wanted(&headers), expected, "{accept}");
        }
    }
}
