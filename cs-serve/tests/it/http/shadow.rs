//! What comes of the copies of turns that a candidate is shown.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use cs_serve::Assistant;
use cs_serve::dialogue::{Chat, ChatConfig, Flows, MemorySessions, SessionsConfig};
use cs_serve::http::{Api, Candidate, CandidateConfig, HttpConfig, LastRatings};
use cs_serve::log::{Log, LogConfig};
use cs_serve::rollout::shadow::ShadowConfig;
use cs_serve::rollout::{Candidates, MemoryJournal, Plan, Rollout, Traffic};
use cs_serve::route::{Cascade, Layers, Policy, RouteConfig};
use serde_json::{Value, json};

use super::rollout::{Rolling, eager, greet, models, quick, version};
use super::service::{ask, post};
use crate::engine::models::{folder_of, open, start, workers};
use crate::log::{files, frames, masker};

#[tokio::test]
async fn what_the_candidate_makes_of_a_turn_otherwise_is_logged_masked() {
    let watch = CandidateConfig {
        shadow: Some(ShadowConfig {
            samples: 1,
            ..eager()
        }),
        ..CandidateConfig::default()
    };
    let mut rolling = Rolling::in_memory(&models(|| ()), watch);
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(folder.path(), LogConfig::default(), &masker()).unwrap();
    let log = Arc::new(log);
    rolling.api = rolling.api.clone().with_log(Arc::clone(&log), masker());
    let said = json!({"session": "session-7", "text": "my number is 13800138000"});
    let mut turns = 0;
    // One of each kind is a sample.
    while rolling.status().await["shadow"]["compared"]
        .as_u64()
        .unwrap()
        < 3
    {
        assert_eq!(rolling.send("/v1/chat", said.clone()).await.0, 200);
        turns += 1;
    }
    let candidate = rolling.versions[1].clone();
    drop(rolling); // which waits for the thread that compares
    assert!(log.drain(Duration::from_secs(20)));
    let names = files(folder.path());
    let all = |name: &String| frames(&folder.path().join(name)).0;
    let records: Vec<Value> = names.iter().flat_map(all).collect();
    let of = |kind: &str| -> Vec<Value> {
        let found = records.iter().map(|it| it[kind].clone());
        found.filter(|it| !it.is_null()).collect()
    };
    let (rows, comparisons) = (of("row"), of("comparison"));
    assert_eq!((rows.len(), comparisons.len()), (turns, 1), "{records:?}");
    let comparison = &comparisons[0];
    let row = rows.iter().find(|it| it["turn"] == comparison["turn"]);
    let row = row.unwrap();
    assert_eq!(
        (&comparison["conversation"], &comparison["time"]),
        (&row["conversation"], &row["time"])
    );
    let disagreement = &comparison["disagreement"];
    assert_eq!(disagreement["model"], *candidate);
    let aspects = disagreement["differences"].as_array().unwrap().iter();
    let aspects: Vec<_> = aspects.map(|it| it["aspect"].clone()).collect();
    assert_eq!(aspects, ["intent", "reply"]);
    for name in names {
        let bytes = std::fs::read(folder.path().join(&name)).unwrap();
        let bytes = String::from_utf8_lossy(&bytes).into_owned();
        for value in ["13800138000", "session-7"] {
            assert!(!bytes.contains(value), "{value} is in {name}");
        }
    }
}

#[tokio::test]
async fn a_threshold_in_front_of_the_candidate_is_proposed_by_whoever_answers() {
    // A light model that answers everything, and one that answers nothing.
    for threshold in [0.0, 1.0] {
        let folders = ["light light", "full full", "candidate candidate"]
            .map(|word| folder_of("plain", word));
        let models = folders.each_ref().map(|it| open(it.path(), |_| Ok(())));
        let (_light, light) = start(&models[0], workers(1));
        let (_full, full) = start(&models[1], workers(1));
        let (_engine, engine) = start(&models[2], workers(1));
        let route = RouteConfig {
            policy: Policy {
                threshold,
                ..Policy::default()
            },
            cache: None,
            in_parallel: false,
        };
        let layers = Layers { light, full };
        let load = |dir: &std::path::Path| Assistant::open(dir);
        let api = Api::routed(layers, Cascade::of(&route), HttpConfig::default(), load).unwrap();
        let (stable, candidate) = (api.version(), version(&models[2]));
        let of = Candidates {
            stable: &stable,
            candidate: &candidate,
        };
        let rollout = Rollout::open(Box::new(MemoryJournal::new()), &of, &quick()).unwrap();
        let plan = Plan::new(&quick(), &Traffic::default()).unwrap();
        let watch = CandidateConfig {
            shadow: Some(eager()),
            ..CandidateConfig::default()
        };
        let sessions = MemorySessions::new(&SessionsConfig::default()).unwrap();
        let (flows, config) = (Flows::default(), ChatConfig::default());
        let chat = Chat::new(flows, Box::new(greet), Box::new(sessions), config).unwrap();
        let api = api.with_chat(chat, LastRatings::default());
        let api = api
            .with_candidate(Candidate::new(engine, rollout, plan, watch).unwrap())
            .unwrap();
        let mut status = Value::Null;
        while status["shadow"]["compared"].as_u64().unwrap_or(0) < 3 {
            let said = json!({"session": "s", "text": "where is order 12345"}).to_string();
            let answer = ask(api.router(), post("/v1/chat", said)).await.json();
            let expected = if threshold == 0.0 { "light" } else { "full" };
            assert_eq!(answer["route"], expected);
            let request = Request::get("/v1/rollout").body(Body::empty()).unwrap();
            status = ask(api.router(), request).await.json();
        }
        let proposal = &status["threshold"];
        assert!(proposal["turns"].as_u64().unwrap() >= 3, "{status}");
        assert_eq!(
            (&proposal["fitted_turns"], &proposal["problem"]),
            (&json!(0), &Value::Null)
        );
        assert_eq!(proposal.get("threshold"), None);
    }
    let rolling = Rolling::in_memory(&models(|| ()), CandidateConfig::default());
    assert_eq!(rolling.status().await["threshold"], Value::Null);
}
