//! Another model in the place of the one that answers.

use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use cs_model::Bundle;
use cs_serve::Assistant;
use cs_serve::engine::Engine;
use cs_serve::http::{Api, HttpConfig, Slot};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::service::{Reply, ask, post, with_key};
use crate::engine::models::{Gate, TEXTS, folder, open, plain, start, workers};

/// A service that may load models of a folder.
struct Swapping {
    dir: TempDir,
    engine: Engine,
    api: Api,
}

fn scripted(path: &Path) -> cs_serve::Result<Assistant> {
    Bundle::open(path)?;
    Ok(Arc::into_inner(open(path, |_| Ok(()))).unwrap())
}

impl Swapping {
    fn new() -> Self {
        Self::loading(scripted)
    }

    fn loading(
        load: impl Fn(&Path) -> cs_serve::Result<Assistant> + Send + Sync + 'static,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (keys, models) = (dir.path().join("keys"), dir.path().join("models"));
        std::fs::write(&keys, "key").unwrap();
        std::fs::create_dir(&models).unwrap();
        for name in ["new", "newer"] {
            std::fs::rename(folder(name).path(), models.join(name)).unwrap();
        }
        let config = HttpConfig {
            api_keys: Some(keys),
            models_dir: Some(models),
            ..HttpConfig::default()
        };
        let (engine, handle) = start(&plain(), workers(1));
        let api = Api::with_loader(Slot::Full, handle, config, load).unwrap();
        Self { dir, engine, api }
    }

    async fn send(&self, request: Request<Body>) -> Reply {
        ask(self.api.router(), with_key(request, "key")).await
    }

    async fn swap(&self, body: Value) -> Reply {
        self.send(post("/v1/models", body.to_string())).await
    }

    /// The intents' common name tells the model.
    async fn answering(&self) -> String {
        let body = json!({ "text": "order" }).to_string();
        let reply = self.send(post("/v1/understand", body)).await.json();
        let label = reply["intent"]["label"].as_str().unwrap();
        label.split('-').next().unwrap().to_owned()
    }
}

#[tokio::test]
async fn the_model_that_was_asked_for_answers_from_then_on() {
    let service = Swapping::new();
    assert_eq!(service.answering().await, "plain");
    for name in ["new", "newer", "new"] {
        let reply = service.swap(json!({ "full": name })).await;
        let bundle = Bundle::open(&service.dir.path().join("models").join(name)).unwrap();
        let version = bundle.version().unwrap();
        assert_eq!(reply.json(), json!({ "model": name, "version": version }));
        assert_eq!(service.answering().await, name);
        let metrics = service
            .send(Request::get("/metrics").body(Body::empty()).unwrap())
            .await;
        let info = format!("cs_model_info{{slot=\"full\",version=\"{version}\"}} 1\n");
        assert!(metrics.body.contains(&info), "{}", metrics.body);
    }
}

#[tokio::test]
async fn what_is_no_model_is_refused_and_the_old_one_answers() {
    let service = Swapping::new();
    let models = service.dir.path().join("models");
    let outside = service.dir.path().join("outside");
    std::fs::rename(folder("outside").path(), &outside).unwrap();
    std::os::unix::fs::symlink(&outside, models.join("escape")).unwrap();
    std::os::unix::fs::symlink(models.join("new"), models.join("current")).unwrap();
    std::fs::write(models.join("file"), "").unwrap();
    std::fs::rename(folder("torn").path(), models.join("torn")).unwrap();
    std::fs::write(models.join("torn/tokenizer.json"), "{}").unwrap();
    std::fs::create_dir(models.join("empty")).unwrap();
    for name in [
        "",
        ".",
        "..",
        "../outside",
        "/etc",
        "new/",
        "./new",
        "new/../newer",
        "a\0b",
        ".new",
    ] {
        let problem = service.swap(json!({ "full": name })).await.problem();
        assert_eq!(
            problem,
            (400, "expected a folder's name, without a path".into()),
            "{name:?}"
        );
    }
    for name in ["nothing", "escape", "file"] {
        let problem = service.swap(json!({ "full": name })).await.problem();
        assert_eq!(problem, (404, format!("no model `{name}`")));
    }
    let detail = "this service has no model called `light`";
    let problem = service.swap(json!({ "light": "new" })).await.problem();
    assert_eq!(problem, (404, detail.into()));
    for (name, file) in [("torn", "tokenizer.json"), ("empty", "empty")] {
        let (status, detail) = service.swap(json!({ "full": name })).await.problem();
        assert_eq!(status, 400);
        assert!(detail.contains(file), "{detail}");
    }
    for body in [
        json!({}),
        json!({ "full": 7 }),
        json!({ "full": "new", "light": "new" }),
    ] {
        assert_eq!(service.swap(body).await.problem().0, 400);
    }
    assert_eq!(service.answering().await, "plain");
    assert_eq!(service.swap(json!({ "full": "current" })).await.status, 200);
    assert_eq!(service.answering().await, "new");
}

#[tokio::test]
async fn nobody_swaps_without_a_key() {
    let service = Swapping::new();
    let swap = || post("/v1/models", json!({ "full": "new" }).to_string());
    assert_eq!(ask(service.api.router(), swap()).await.problem().0, 401);
    let wrong = with_key(swap(), "other");
    assert_eq!(ask(service.api.router(), wrong).await.problem().0, 401);

    let (_engine, handle) = start(&plain(), workers(1));
    let open = Api::new(Slot::Full, handle, HttpConfig::default()).unwrap();
    let detail = "this service has no API keys, so nobody may do this";
    let problem = ask(open.router(), with_key(swap(), "key")).await.problem();
    assert_eq!(problem, (403, detail.into()));
    assert_eq!(service.answering().await, "plain");
}

#[tokio::test]
async fn one_model_is_loaded_at_a_time_while_the_old_one_answers() {
    let gate = Gate::closed();
    let passed = Arc::clone(&gate);
    let service = Swapping::loading(move |path| {
        passed.pass();
        scripted(path)
    });
    let api = service.api.clone();
    let body = json!({ "full": "new" }).to_string();
    let request = with_key(post("/v1/models", body), "key");
    let swapping = tokio::spawn(async move { ask(api.router(), request).await });
    let waiting = Arc::clone(&gate);
    tokio::task::spawn_blocking(move || waiting.wait_for(1))
        .await
        .unwrap();
    let reply = service.swap(json!({ "full": "newer" })).await;
    assert_eq!(
        reply.problem(),
        (429, "another model is being loaded".into())
    );
    assert_eq!(reply.header("retry-after"), "1");
    assert_eq!(service.answering().await, "plain");
    gate.open();
    assert_eq!(swapping.await.unwrap().status, 200);
    assert_eq!(service.answering().await, "new");
    assert_eq!(service.swap(json!({ "full": "newer" })).await.status, 200);
}

/// Asks again and again, and checks that an answer is of one model as a whole.
async fn keep_asking(api: Api) {
    let body = json!({ "texts": TEXTS }).to_string();
    for _ in 0..50 {
        let request = with_key(post("/v1/understand", body.clone()), "key");
        let reply = ask(api.router(), request).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let results = reply.json()["results"].take();
        let first = &results[0];
        let name = first["intent"]["label"]
            .as_str()
            .unwrap()
            .split('-')
            .next()
            .unwrap();
        for result in results.as_array().unwrap() {
            assert_eq!(result["model"], first["model"]);
            for intent in result["intents"].as_array().unwrap() {
                assert!(intent["label"].as_str().unwrap().starts_with(name));
            }
        }
    }
}

#[tokio::test]
async fn swaps_under_load_drop_and_tear_no_answer() {
    let service = Swapping::new();
    let asking = [(); 4].map(|()| tokio::spawn(keep_asking(service.api.clone())));
    for name in ["new", "newer"].repeat(5) {
        assert_eq!(service.swap(json!({ "full": name })).await.status, 200);
    }
    for asking in asking {
        asking.await.unwrap();
    }
    assert_eq!(service.engine.handle().snapshot().swaps, 10);
}

#[tokio::test]
async fn a_model_that_vanishes_or_fails_leaves_the_old_one() {
    let service = Swapping::loading(|path| {
        if path.ends_with("newer") {
            let fail = open(path, |_| Err("out of order".into()));
            return Ok(Arc::into_inner(fail).unwrap());
        }
        std::fs::remove_dir_all(path).unwrap();
        scripted(path)
    });
    assert_eq!(
        service.swap(json!({ "full": "new" })).await.problem().0,
        400
    );
    let problem = service.swap(json!({ "full": "newer" })).await.problem();
    assert_eq!(problem, (500, "the model failed".into()));
    assert_eq!(service.answering().await, "plain");
    assert_eq!(service.engine.handle().snapshot().swaps, 0);
}
