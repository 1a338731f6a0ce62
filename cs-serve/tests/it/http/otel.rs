//! Spans that reach a collector.

use cs_serve::http::SpanExport;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tracing_subscriber::prelude::*;

use super::service::{Service, acquaint, post};

/// Takes one request, and gives its head and body.
async fn collect(listener: TcpListener) -> (String, Vec<u8>) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer).await.unwrap();
        assert!(count > 0, "the exporter broke off");
        bytes.extend_from_slice(&buffer[..count]);
        let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8(bytes[..end].to_vec())
            .unwrap()
            .to_lowercase();
        let length = head.split("content-length: ").nth(1).unwrap();
        let length: usize = length.lines().next().unwrap().parse().unwrap();
        if bytes.len() == end + 4 + length {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                .await
                .unwrap();
            return (head, bytes.split_off(end + 4));
        }
    }
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|it| it == part)
}

#[tokio::test]
async fn a_request_continues_its_trace_and_reaches_the_collector() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    let collected = tokio::spawn(collect(listener));
    let export = SpanExport::start(&endpoint, "support").unwrap();
    let service = Service::plain();
    acquaint().await;
    {
        let subscriber = tracing_subscriber::registry().with(export.layer());
        let _guard = tracing::subscriber::set_default(subscriber);
        let body = json!({ "text": "hidden words" }).to_string();
        let mut request = post("/v1/understand", body);
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        request
            .headers_mut()
            .insert("traceparent", parent.parse().unwrap());
        request
            .headers_mut()
            .insert("x-request-id", "id-7".parse().unwrap());
        assert_eq!(service.send(request).await.status, 200);
    }
    export.stop().await.unwrap();
    let (head, body) = collected.await.unwrap();
    assert!(head.starts_with("post /v1/traces http/1.1\r\n"), "{head}");
    assert!(
        head.contains("content-type: application/x-protobuf"),
        "{head}"
    );
    let trace = [
        0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31,
        0x9c,
    ];
    for part in [
        &trace[..],
        b"support",
        b"request",
        b"/v1/understand",
        b"id-7",
    ] {
        assert!(has(&body, part), "{}", String::from_utf8_lossy(part));
    }
    assert!(!has(&body, b"hidden"));
}

#[tokio::test]
async fn a_collector_that_cannot_be_is_refused() {
    let error = SpanExport::start("no address", "support").unwrap_err();
    assert!(
        error.to_string().starts_with("spans to no address: "),
        "{error}"
    );
    let runtime = std::thread::spawn(|| SpanExport::start("http://127.0.0.1:1", "support"));
    assert!(runtime.join().unwrap().is_err());
}
