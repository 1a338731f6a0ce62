//! Texts with several wishes over HTTP: they are understood at once with their text, or not at all.

use std::sync::{Arc, Mutex};

use cs_serve::dialogue::NoAnswers;
use cs_serve::http::{Api, CandidateConfig, HttpConfig, LastRatings, Slot};
use serde_json::{Value, json};

use super::chat::{FLOWS, chat, say};
use super::rollout::{Rolling, version};
use super::service::Service;
use crate::engine::models::{folder, folder_of, model, open, start, workers};

const TWO: &str = "where is order 12345 and refund order 54321";

/// Whether one of the texts is the second wish alone.
fn has_second(seen: &[String]) -> bool {
    seen.iter().any(|text| text.starts_with("refund"))
}

fn two(session: &str) -> Value {
    json!({"session": session, "text": TWO})
}

#[tokio::test]
async fn the_wishes_of_a_text_are_understood_together_with_it() {
    let batches = Arc::<Mutex<Vec<Vec<String>>>>::default();
    let seen = Arc::clone(&batches);
    let model = model("plain", move |texts| {
        seen.lock().unwrap().push(texts.to_vec());
        Ok(())
    });
    let (engine, handle) = start(&model, workers(1));
    let api = Api::new(Slot::Light, handle, HttpConfig::default()).unwrap();
    let api = api.with_chat(chat(FLOWS, NoAnswers), LastRatings::default());
    let service = Service { engine, api };
    let told = say(&service, two("s")).await.json();
    assert_eq!(told["understanding"]["text"], TWO);
    let reply = told["reply"]["text"].as_str().unwrap();
    assert!(
        reply.contains("12345 is on its way.") && reply.contains("54321 is on its way."),
        "{reply}"
    );
    let batches = batches.lock().unwrap();
    let [batch] = batches.as_slice() else {
        panic!("{batches:?}")
    };
    assert!(batch.len() == 3 && has_second(batch), "{batch:?}");
}

#[tokio::test]
async fn a_turn_of_which_a_wish_cannot_be_understood_fails_as_a_whole() {
    let model = model("plain", |texts| match has_second(texts) {
        true => Err("out of order".into()),
        false => Ok(()),
    });
    let (engine, handle) = start(&model, workers(1));
    let api = Api::new(Slot::Light, handle, HttpConfig::default()).unwrap();
    let api = api.with_chat(chat(FLOWS, NoAnswers), LastRatings::default());
    let service = Service { engine, api };
    assert_eq!(say(&service, two("s")).await.problem().0, 500);
    assert_eq!(service.get("/v1/chat/s").await.problem().0, 404);
}

#[tokio::test]
async fn a_candidate_that_fails_on_a_wish_has_the_stable_model_understand_the_turn() {
    let stable = open(folder("plain").path(), |_| Ok(()));
    let dir = folder_of("plain", "candidate candidate");
    let candidate = open(dir.path(), |texts| match has_second(texts) {
        true => Err("out of order".into()),
        false => Ok(()),
    });
    let watch = CandidateConfig {
        shadow: None,
        ..CandidateConfig::default()
    };
    let rolling = Rolling::in_memory(&[Arc::clone(&stable), candidate], watch);
    rolling
        .send("/v1/rollout", json!({"action": "start"}))
        .await;
    for number in 0..10 {
        let (status, told) = rolling.send("/v1/chat", two(&format!("s{number}"))).await;
        assert_eq!(status, 200, "{told}");
        assert_eq!(told["understanding"]["model"], version(&stable));
    }
    // Some of them were the candidate's.
    let figures = rolling.get("/metrics").await;
    assert!(
        figures.contains("cs_rollout_failed_total")
            && !figures.contains("cs_rollout_failed_total 0"),
        "{figures}"
    );
}
