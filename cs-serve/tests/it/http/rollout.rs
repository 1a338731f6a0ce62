//! A candidate beside the model that answers, by a clock that tests set.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use cs_serve::dialogue::{Chat, ChatConfig, Flows, MemorySessions, SessionsConfig};
use cs_serve::engine::{Engine, EngineConfig};
use cs_serve::http::{Api, Candidate, CandidateConfig, HttpConfig, LastRatings, Slot};
use cs_serve::reply::{Asked, Reply, Sink, Source};
use cs_serve::rollout::shadow::ShadowConfig;
use cs_serve::rollout::{
    Approval, Candidates, Event, FileJournal, Guardrail, Journal, JournalError, Key, Margins,
    MemoryJournal, Plan, Reader, Rollout, RolloutConfig, RolloutError, Traffic,
};
#[cfg(feature = "redis")]
use cs_serve::rollout::{RedisJournal, RedisJournalConfig};
use cs_serve::{Assistant, BackendError};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::service::{ask, post, with_key};
use crate::engine::models::{Gate, folder, folder_of, open, start, workers};
#[cfg(feature = "redis")]
use crate::redis_server::{Server, Way};

/// A service with a candidate.
pub(super) struct Rolling {
    _folder: TempDir,
    _engines: [Engine; 2],
    pub(super) api: Api,
    clock: Arc<AtomicU64>,
    pub(super) versions: [String; 2],
}

/// Half of the conversations, and few are enough.
pub(super) fn quick() -> RolloutConfig {
    let margins = Margins {
        slight: 0.1,
        marked: 0.3,
        most: 0.5,
    };
    RolloutConfig {
        shares: vec![0.5],
        guardrails: [(Guardrail::Satisfaction, margins)].into(),
        least: 20,
        min_step: Duration::from_secs(60),
        approval: Approval::None,
        ..RolloutConfig::default()
    }
}

/// The candidate sees whatever the stable model has.
pub(super) fn eager() -> ShadowConfig {
    ShadowConfig {
        share: 1.0,
        ..ShadowConfig::default()
    }
}

pub(super) fn greet(_: &Asked<'_>, _: &mut Sink<'_>) -> Result<Option<Reply>, BackendError> {
    Ok(Some(Reply {
        text: "Hello.".into(),
        source: Source::Faq,
        evidence: Vec::new(),
        checked: None,
    }))
}

pub(super) fn version(model: &Assistant) -> String {
    model.bundle().version().unwrap().to_owned()
}

/// The model that answers, and the candidate, before which `script` runs.
pub(super) fn models(script: impl Fn() + Send + Sync + 'static) -> [Arc<Assistant>; 2] {
    let candidate = folder_of("plain", "candidate candidate");
    let candidate = open(candidate.path(), move |_| {
        script();
        Ok(())
    });
    [open(folder("plain").path(), |_| Ok(())), candidate]
}

impl Rolling {
    pub(super) fn new(
        models: &[Arc<Assistant>; 2],
        journal: Box<dyn Journal>,
        watch: CandidateConfig,
    ) -> Self {
        Self::with_engine(models, journal, watch, workers(1))
    }

    fn with_engine(
        models: &[Arc<Assistant>; 2],
        journal: Box<dyn Journal>,
        watch: CandidateConfig,
        engine: EngineConfig,
    ) -> Self {
        let versions = [version(&models[0]), version(&models[1])];
        let of = Candidates {
            stable: &versions[0],
            candidate: &versions[1],
        };
        let config = quick();
        let key = Key::new([7; 32]);
        let rollout = Rollout::open_with_key(journal, &of, &config, key).unwrap();
        let plan = Plan::new(&config, &Traffic::default()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        std::fs::write(&keys, "secret-key").unwrap();
        let http = HttpConfig {
            api_keys: Some(keys),
            ..HttpConfig::default()
        };
        let (stable, handle) = start(&models[0], workers(1));
        let (engine, candidate) = start(&models[1], engine);
        let clock = Arc::new(AtomicU64::new(1_000_000));
        let now = Arc::clone(&clock);
        let candidate = Candidate::new(candidate, rollout, plan, watch)
            .unwrap()
            .with_clock(move || UNIX_EPOCH + Duration::from_secs(now.load(Ordering::Relaxed)));
        let sessions = MemorySessions::new(&SessionsConfig::default()).unwrap();
        let (flows, config) = (Flows::default(), ChatConfig::default());
        let chat = Chat::new(flows, Box::new(greet), Box::new(sessions), config).unwrap();
        let api = Api::new(Slot::Light, handle, http)
            .unwrap()
            .with_chat(chat, LastRatings::default())
            .with_candidate(candidate)
            .unwrap();
        Self {
            _folder: folder,
            _engines: [stable, engine],
            api,
            clock,
            versions,
        }
    }

    pub(super) fn in_memory(models: &[Arc<Assistant>; 2], watch: CandidateConfig) -> Self {
        Self::new(models, Box::new(MemoryJournal::new()), watch)
    }

    pub(super) async fn send(&self, path: &str, body: Value) -> (u16, Value) {
        let request = with_key(post(path, body.to_string()), "secret-key");
        let reply = ask(self.api.router(), request).await;
        let json = (!reply.body.is_empty()).then(|| reply.json());
        (reply.status.as_u16(), json.unwrap_or_default())
    }

    /// Says something, and gives the version of the model that understood it.
    pub(super) async fn say(&self, session: &str) -> String {
        let said = json!({"session": session, "text": "where is order 12345"});
        let (status, answer) = self.send("/v1/chat", said).await;
        assert_eq!(status, 200, "{answer}");
        answer["understanding"]["model"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    pub(super) async fn act(&self, action: &str) -> (u16, Value) {
        self.send("/v1/rollout", json!({"action": action})).await
    }

    pub(super) async fn rate(&self, session: &str, score: f64) {
        let rating = json!({"session": session, "turn": 1, "score": score});
        assert_eq!(self.send("/v1/feedback", rating).await.0, 204);
    }

    pub(super) async fn get(&self, path: &str) -> String {
        let request = axum::http::Request::get(path).body(axum::body::Body::empty());
        let reply = ask(self.api.router(), with_key(request.unwrap(), "secret-key")).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.body
    }

    pub(super) async fn status(&self) -> Value {
        serde_json::from_str(&self.get("/v1/rollout").await).unwrap()
    }

    /// Holds conversations of a turn, which are rated by the model that had them; until it is over.
    async fn hold(&self, canarys: f64, stables: f64) -> Value {
        for number in 0..1_000 {
            let session = format!("s{number}");
            let is_canarys = self.say(&session).await == self.versions[1];
            // Of four ratings one is otherwise, as customers are.
            let score = if is_canarys { canarys } else { stables };
            let score = if number % 4 == 3 { 0.5 } else { score };
            self.rate(&session, score).await;
            self.clock.fetch_add(2, Ordering::Relaxed);
            let phase = self.status().await["phase"].clone();
            if phase != "running" {
                return phase;
            }
        }
        panic!("it is never over: {}", self.status().await);
    }

    fn later(&self, seconds: u64) {
        self.clock.fetch_add(seconds, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_conversation_keeps_its_model() {
    let rolling = Rolling::in_memory(&models(|| ()), CandidateConfig::default());
    let [stable, candidate] = rolling.versions.clone();
    assert_eq!(rolling.say("before").await, stable);
    assert_eq!(rolling.act("start").await.1["phase"], "running");
    let mut canarys = Vec::new();
    for number in 0..40 {
        let session = format!("s{number}");
        let first = rolling.say(&session).await;
        assert_eq!(rolling.say(&session).await, first);
        if first == candidate {
            canarys.push(session);
        }
    }
    assert!((8..32).contains(&canarys.len()), "{canarys:?}");
    // What has begun before has the stable model, also while the candidate gets no more.
    assert_eq!(rolling.say("before").await, stable);
    assert_eq!(rolling.act("pause").await.1["share"], 0.0);
    assert_eq!(rolling.say(&canarys[0]).await, candidate);
    for number in 40..50 {
        assert_eq!(rolling.say(&format!("s{number}")).await, stable);
    }
    // A rollback takes them all, at their next turn.
    assert_eq!(rolling.act("rollback").await.1["phase"], "rolled-back");
    for session in &canarys {
        assert_eq!(rolling.say(session).await, stable);
    }
    let (status, problem) = rolling.act("promote").await;
    assert_eq!(status, 409, "{problem}");
    let figures = rolling.get("/metrics").await;
    assert!(
        figures.contains("cs_rollout_info{phase=\"rolled-back\""),
        "{figures}"
    );
    assert!(figures.contains("cs_rollout_failed_total 0"));
}

#[tokio::test]
async fn a_candidate_that_does_worse_is_rolled_back() {
    let rolling = Rolling::in_memory(&models(|| ()), CandidateConfig::default());
    rolling.act("start").await;
    assert_eq!(rolling.hold(0.0, 1.0).await, "rolled-back");
    let status = rolling.status().await;
    let history = status["history"].as_array().unwrap();
    assert_eq!(history[0]["cause"]["by"], "key 1");
    assert_eq!(history[1]["cause"]["guardrail"], "satisfaction");
    assert!(!status["curve"].as_array().unwrap().is_empty());
    for number in 0..20 {
        assert_eq!(
            rolling.say(&format!("s{number}")).await,
            rolling.versions[0]
        );
    }
}

#[tokio::test]
async fn a_candidate_that_does_as_well_is_promoted() {
    let rolling = Rolling::in_memory(&models(|| ()), CandidateConfig::default());
    rolling.act("start").await;
    assert_eq!(rolling.hold(1.0, 1.0).await, "promoted");
    assert_eq!(rolling.say("after").await, rolling.versions[1]);
}

#[tokio::test]
async fn without_traffic_it_waits() {
    let rolling = Rolling::in_memory(&models(|| ()), CandidateConfig::default());
    rolling.act("start").await;
    for _ in 0..7 * 24 * 20 {
        rolling.later(180);
        rolling.status().await;
    }
    let status = rolling.status().await;
    assert_eq!(
        (&status["phase"], &status["decision"]["verdict"]),
        (&json!("running"), &json!("too-little-traffic"))
    );
}

#[tokio::test]
async fn a_candidate_that_hangs_costs_nobody_a_reply() {
    let gate = Gate::closed();
    let held = Arc::clone(&gate);
    let watch = CandidateConfig {
        slow_after: Duration::from_millis(20),
        shadow: Some(ShadowConfig {
            queue: 4,
            ..ShadowConfig::default()
        }),
        ..CandidateConfig::default()
    };
    let rolling = Rolling::in_memory(&models(move || held.pass()), watch);
    let stable = rolling.versions[0].clone();
    // It sees copies, of which most are shed.
    for number in 0..40 {
        assert_eq!(rolling.say(&format!("before-{number}")).await, stable);
    }
    let shadow = rolling.status().await["shadow"].clone();
    assert!(shadow["shed"].as_u64().unwrap() >= 20, "{shadow}");
    assert_eq!(shadow["compared"], 0);
    // It gets conversations, which the stable model answers.
    rolling.act("start").await;
    for number in 0..10 {
        assert_eq!(rolling.say(&format!("s{number}")).await, stable);
    }
    let figures = rolling.get("/metrics").await;
    assert!(figures.contains("cs_rollout_turns_total{arm=\"canary\"}"));
    assert!(!figures.contains("cs_rollout_failed_total 0"), "{figures}");
    gate.open();
}

#[tokio::test]
async fn a_candidate_without_room_is_slow_and_has_not_failed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rollout.journal");
    let gate = Gate::closed();
    let held = Arc::clone(&gate);
    let watch = CandidateConfig {
        slow_after: Duration::from_secs(60),
        shadow: None,
        ..CandidateConfig::default()
    };
    let config = EngineConfig {
        queue_texts: 1,
        ..workers(1)
    };
    let journal = Box::new(FileJournal::open(&path).unwrap());
    let models = models(move || held.pass());
    let rolling = Arc::new(Rolling::with_engine(&models, journal, watch, config));
    rolling.act("start").await;
    let say = |number: u32| {
        let rolling = Arc::clone(&rolling);
        tokio::spawn(async move { rolling.say(&format!("s{number}")).await })
    };
    let turns: Vec<_> = (0..20).map(say).collect();
    let is_refused = |figures: &str| !figures.contains("cs_rollout_refused_total 0");
    while !is_refused(&rolling.get("/metrics").await) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    gate.open();
    for turn in turns {
        turn.await.unwrap();
    }
    let status = rolling.status().await;
    let figures = rolling.get("/metrics").await;
    assert!(figures.contains("cs_rollout_failed_total 0"), "{figures}");
    drop(rolling);
    let mut outcomes = Vec::new();
    FileJournal::read(&path, &mut |event| {
        if let Event::Turn { outcome, .. } = event {
            outcomes.push(outcome);
        }
    })
    .unwrap();
    assert_eq!(outcomes.len(), 20, "{status}");
    assert!(outcomes.iter().all(|it| !it.failed));
    let slow = outcomes.iter().filter(|it| it.slow).count();
    let told = format!("cs_rollout_refused_total {slow}");
    assert!(slow > 0 && figures.contains(&told), "{slow}: {figures}");
}

/// A journal in memory, in which nothing can be written while it is told to fail.
#[derive(Debug)]
struct Failing(Arc<AtomicBool>);

impl Journal for Failing {
    fn catch_up(&mut self, _: Reader<'_>) -> Result<(), JournalError> {
        Ok(())
    }

    fn append(&mut self, event: &Event, _: u64, read: Reader<'_>) -> Result<(), JournalError> {
        if self.0.load(Ordering::Relaxed) {
            let source = "no space left".into();
            return Err(JournalError::Store { source });
        }
        read(event.clone());
        Ok(())
    }

    fn decide(&mut self, event: &Event, epoch: u64, read: Reader<'_>) -> Result<(), JournalError> {
        self.append(event, epoch, read)
    }

    fn claim(&mut self, _: bool) -> Result<bool, JournalError> {
        Ok(true)
    }
}

#[tokio::test]
async fn what_comes_while_the_store_is_away_is_counted_as_lost() {
    let fails = Arc::new(AtomicBool::new(false));
    let journal = Box::new(Failing(Arc::clone(&fails)));
    let rolling = Rolling::new(&models(|| ()), journal, CandidateConfig::default());
    rolling.act("start").await;
    for number in 0..5 {
        rolling.say(&format!("s{number}")).await;
    }
    assert_eq!(rolling.status().await["untold"], 0);
    fails.store(true, Ordering::Relaxed);
    for number in 0..5 {
        rolling.say(&format!("s{number}")).await;
    }
    rolling.rate("s0", 1.0).await;
    assert_eq!(rolling.status().await["untold"], 6);
    let figures = rolling.get("/metrics").await;
    assert!(figures.contains("cs_rollout_untold_total 6"), "{figures}");
    fails.store(false, Ordering::Relaxed);
    rolling.rate("s0", 1.0).await;
    let status = rolling.status().await;
    assert_eq!(status["untold"], 6);
    let figure = &status["decision"]["figures"][0];
    let counts = ["stable", "canary"].map(|it| figure[it]["count"].as_u64().unwrap());
    assert_eq!(counts[0] + counts[1], 1, "{figure}");
}

#[tokio::test]
async fn copies_are_compared() {
    let watch = CandidateConfig {
        shadow: Some(eager()),
        ..CandidateConfig::default()
    };
    let rolling = Rolling::in_memory(&models(|| ()), watch);
    let mut compared = 0;
    while compared < 3 {
        rolling.say(&format!("s{compared}")).await;
        compared = rolling.status().await["shadow"]["compared"]
            .as_u64()
            .unwrap();
    }
    let status = rolling.status().await;
    assert_eq!(
        (&status["phase"], &status["begun"]),
        (&json!("ready"), &json!([0, 0]))
    );
    let shadow = &status["shadow"];
    assert_eq!(shadow["fitness"], "unknown");
    let agreements = shadow["agreements"].as_array().unwrap();
    let told: Vec<&str> = agreements
        .iter()
        .map(|it| it["aspect"].as_str().unwrap())
        .collect();
    assert!(
        told.contains(&"entities") && told.contains(&"reply"),
        "{shadow}"
    );
    for agreement in agreements {
        assert_eq!(agreement["turns"], shadow["compared"]);
        assert!(agreement["lower"].as_f64() < agreement["upper"].as_f64());
    }
    let of = |aspect: &str| agreements.iter().find(|it| it["aspect"] == aspect);
    assert_eq!(of("entities").unwrap()["share"], 1.0);
    // Both have intents of their own, by which answers are looked for.
    let ranked = &shadow["ranking"][0];
    assert_eq!(
        (&ranked["aspect"], &ranked["count"]),
        (&json!("intent"), &shadow["compared"])
    );
    assert_eq!(of("reply").unwrap()["share"], 0.0);
    assert_eq!(status["plan"]["steps"][0]["share"], 0.5);
}

#[tokio::test]
async fn a_restart_changes_nobodys_model() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rollout.journal");
    let models = models(|| ());
    let open = || {
        let journal = Box::new(FileJournal::open(&path).unwrap());
        Rolling::new(&models, journal, CandidateConfig::default())
    };
    let rolling = open();
    rolling.act("start").await;
    let mut before = Vec::new();
    for number in 0..20 {
        before.push(rolling.say(&format!("s{number}")).await);
    }
    drop(rolling);
    let rolling = open();
    assert_eq!(rolling.status().await["phase"], "running");
    assert_eq!(rolling.act("pause").await.1["share"], 0.0);
    assert!(before.contains(&rolling.versions[1]), "{before:?}");
    for (number, before) in before.iter().enumerate() {
        // Their sessions are gone, as they were in memory; what each was given is not, though nobody is given the candidate now.
        assert_eq!(rolling.say(&format!("s{number}")).await, *before);
    }
}

#[cfg(feature = "redis")]
#[tokio::test]
async fn replicas_follow_the_one_that_decides_and_one_that_is_cut_off_serves() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let way = Way::to(&server);
    let models = models(|| ());
    let replica = |port: u16| {
        let config = RedisJournalConfig {
            url: format!("redis://127.0.0.1:{port}"),
            timeout: Duration::from_millis(50),
            ..RedisJournalConfig::default()
        };
        let journal = Box::new(RedisJournal::open(&config).unwrap());
        Rolling::new(&models, journal, CandidateConfig::default())
    };
    let (a, b) = (replica(server.port), replica(way.port));
    let [stable, candidate] = a.versions.clone();
    a.act("start").await;
    b.later(2);
    assert_eq!(b.status().await["phase"], "running");
    let mut models = Vec::new();
    for number in 0..20 {
        let session = format!("s{number}");
        models.push(a.say(&session).await);
        assert_eq!(b.say(&session).await, models[number]);
    }
    assert!(models.contains(&candidate) && models.contains(&stable));
    way.cut();
    for (number, model) in models.iter().enumerate() {
        assert_eq!(b.say(&format!("s{number}")).await, *model);
    }
    for number in 20..40 {
        let session = format!("s{number}");
        assert_eq!(b.say(&session).await, stable);
    }
    let mut begun = Vec::new();
    for number in 40..60 {
        begun.push(a.say(&format!("s{number}")).await);
    }
    assert!(begun.contains(&candidate));
    assert_eq!(a.act("rollback").await.1["phase"], "rolled-back");
    way.mend();
    while b.status().await["phase"] != "rolled-back" {
        b.later(2);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for number in 0..60 {
        assert_eq!(b.say(&format!("s{number}")).await, stable);
    }
}

#[tokio::test]
async fn a_turn_that_is_refused_or_sent_again_begins_nothing() {
    let models = models(|| ());
    let rolling = Rolling::in_memory(&models, CandidateConfig::default());
    let stable = rolling.versions[0].clone();
    let said = |session: &str, turn: u32| json!({"session": session, "text": "where is order 12345", "turn": turn});
    for number in 0..20 {
        let session = format!("s{number}");
        assert_eq!(rolling.send("/v1/chat", said(&session, 1)).await.0, 200);
    }
    rolling.act("start").await;
    for number in 0..20 {
        // Its first turn, once more: it has begun with the stable model.
        let session = format!("s{number}");
        let (_, answer) = rolling.send("/v1/chat", said(&session, 1)).await;
        assert_eq!(answer["understanding"]["model"], *stable);
        assert_eq!(rolling.say(&session).await, stable);
    }
    rolling.say("new").await;
    assert_eq!(rolling.send("/v1/chat", said("other", 7)).await.0, 409);
    let status = rolling.status().await;
    let begun = status["begun"].as_array().unwrap();
    let begun: u64 = begun.iter().map(|it| it.as_u64().unwrap()).sum();
    assert_eq!(begun, 1, "{status}");
}

#[tokio::test]
async fn who_may_not_does_not() {
    let rolling = Rolling::in_memory(&models(|| ()), CandidateConfig::default());
    let body = json!({"action": "start"});
    let unkeyed = ask(rolling.api.router(), post("/v1/rollout", body.to_string())).await;
    assert_eq!(unkeyed.problem().0, 401);
    for wrong in [
        json!({}),
        json!({"action": "stop"}),
        json!({"action": "start", "by": "me"}),
    ] {
        assert_eq!(rolling.send("/v1/rollout", wrong).await.0, 400);
    }
    assert_eq!(
        rolling.send("/v1/models", json!({"light": "new"})).await.0,
        409
    );
    let plain = super::service::Service::plain();
    assert_eq!(plain.get("/v1/rollout").await.problem().0, 404);
    let keyless = plain.send(post("/v1/rollout", body.to_string())).await;
    assert_eq!(keyless.problem().0, 403);
}

/// Why a candidate is refused beside a model.
fn refusal(stable: &Path, candidate: &Path, versions: [&str; 2]) -> String {
    let (stable, candidate) = (open(stable, |_| Ok(())), open(candidate, |_| Ok(())));
    let (_stable, handle) = start(&stable, workers(1));
    let (_engine, candidate) = start(&candidate, workers(1));
    let of = Candidates {
        stable: versions[0],
        candidate: versions[1],
    };
    let journal = Box::new(MemoryJournal::new());
    let rollout = Rollout::open(journal, &of, &quick()).unwrap();
    let plan = Plan::new(&quick(), &Traffic::default()).unwrap();
    let watch = CandidateConfig::default();
    let candidate = Candidate::new(candidate, rollout, plan, watch).unwrap();
    let api = Api::new(Slot::Light, handle, HttpConfig::default()).unwrap();
    api.with_candidate(candidate).unwrap_err().to_string()
}

#[test]
fn what_is_no_candidate_is_refused() {
    let (plain, other) = (folder("plain"), folder("other"));
    let told = refusal(plain.path(), other.path(), ["1", "2"]);
    let expected = "the candidate: the candidate has the intent \"other-0\", expected only those of the light model";
    assert_eq!(told, expected);
    let candidate = folder_of("plain", "candidate candidate");
    let told = refusal(plain.path(), candidate.path(), ["1", "2"]);
    assert!(
        told.starts_with("the candidate: the roll-out's stable model is \"1\", expected"),
        "{told}"
    );
    let of = Candidates {
        stable: "1",
        candidate: "1",
    };
    let same = Rollout::open(Box::new(MemoryJournal::new()), &of, &quick());
    assert!(matches!(same, Err(RolloutError::Same { .. })));
}
