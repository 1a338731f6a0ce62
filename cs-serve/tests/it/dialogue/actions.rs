//! Actions over HTTP, asked of a service that is none.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use cs_serve::dialogue::{ActionError, Actions, Call, HttpActions, HttpActionsConfig};
use cs_serve::reply::Values;

/// Calls an action of a service that answers with these bytes; gives what it was asked, too.
fn call(answer: &'static [u8]) -> (Result<Values, ActionError>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let config = HttpActionsConfig {
        url: format!("http://{}/actions/", listener.local_addr().unwrap()),
        timeout: Duration::from_secs(20),
    };
    let service = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let asked = request(&mut stream);
        // Who has enough closes.
        let _ = stream.write_all(answer);
        asked
    });
    let slots = Values::from([("order_id".to_owned(), "订单1".to_owned())]);
    let outcome = HttpActions::new(&config).unwrap().call(&Call {
        action: "create_refund",
        key: "k1",
        session: "s1",
        slots: &slots,
    });
    (outcome, service.join().unwrap())
}

fn request(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    let mut byte = [0];
    let ends = br#"}}"#;
    while !read.ends_with(ends) && stream.read(&mut byte).unwrap() == 1 {
        read.push(byte[0]);
    }
    String::from_utf8(read).unwrap()
}

#[test]
fn a_call_has_its_key_and_gives_values() {
    let (outcome, asked) = call(
        b"HTTP/1.1 200 OK\r\nContent-Length: 52\r\n\r\n{\"id\": \"R7\", \"amount\": 9.5, \"ok\": true, \"more\": [1]}",
    );
    let expected = [("amount", "9.5"), ("id", "R7"), ("ok", "true")];
    let expected = Values::from(expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    assert_eq!(outcome.unwrap(), expected);
    assert!(
        asked.starts_with("POST /actions/create_refund HTTP/1.1\r\n"),
        "{asked}"
    );
    assert!(
        asked.to_lowercase().contains("\r\nidempotency-key: k1\r\n"),
        "{asked}"
    );
    assert!(
        asked.ends_with(r#"{"session":"s1","slots":{"order_id":"订单1"}}"#),
        "{asked}"
    );
    let (outcome, _) = call(b"HTTP/1.1 204 No Content\r\n\r\n");
    assert!(outcome.unwrap().is_empty());
}

#[test]
fn what_is_no_success_fails() {
    for (answer, expected) in [
        (
            &b"HTTP/1.1 422 No\r\nContent-Length: 0\r\n\r\n"[..],
            "refused: create_refund: status 422",
        ),
        (
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
            "refused: create_refund: status 404",
        ),
        (
            b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
            "create_refund: status 500, expected 2xx, or",
        ),
        (
            b"HTTP/1.1 302 Found\r\nLocation: http://x/\r\nContent-Length: 0\r\n\r\n",
            "status 302",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
            "2 bytes, expected nothing or a JSON object",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
            "create_refund: ",
        ),
        (b"no HTTP at all", "create_refund: "),
        (b"", "create_refund: "),
    ] {
        let told = call(answer).0.unwrap_err().to_string();
        assert!(told.contains(expected), "{told}");
    }
    // Whoever has the wrong address or key, or comes too early, is not told that the service refuses.
    for (status, is_refusal) in [
        (400, true),
        (401, false),
        (403, false),
        (404, true),
        (405, false),
        (408, false),
        (409, true),
        (429, false),
        (503, false),
    ] {
        let answer = format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n");
        let error = call(answer.leak().as_bytes()).0.unwrap_err();
        let found = matches!(error, ActionError::Refused { .. });
        assert_eq!(found, is_refusal, "{status}");
    }
    let mut long = b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n\"".to_vec();
    long.resize(100_040, b'a');
    assert!(matches!(
        call(long.leak()).0,
        Err(ActionError::Failed { .. })
    ));
}

#[test]
fn a_service_that_hangs_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let config = HttpActionsConfig {
        url: format!("http://{}", listener.local_addr().unwrap()),
        timeout: Duration::from_millis(50),
    };
    let slots = Values::new();
    let outcome = HttpActions::new(&config).unwrap().call(&Call {
        action: "a",
        key: "k",
        session: "s",
        slots: &slots,
    });
    assert!(matches!(outcome, Err(ActionError::Time)));
}

#[test]
fn an_address_that_is_none_is_refused() {
    for url in [
        "https://shop.example",
        "shop.example/actions",
        "http://",
        "http:///a",
    ] {
        let config = HttpActionsConfig {
            url: url.into(),
            ..HttpActionsConfig::default()
        };
        let told = HttpActions::new(&config).unwrap_err().to_string();
        assert!(told.contains("expected an address without TLS"), "{told}");
    }
    let config = HttpActionsConfig {
        url: "https://shop:s3cret@shop.example/actions".into(),
        ..HttpActionsConfig::default()
    };
    let told = HttpActions::new(&config).unwrap_err().to_string();
    assert!(told.starts_with("url = shop.example/actions,"), "{told}");
}
