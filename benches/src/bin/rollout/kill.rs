//! Kills at random moments under load.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use cs_benches::connection::{Connection, Result};
use cs_data::SplitMix;
use serde_json::{Value, json};

use crate::Of;
use crate::service::{Service, Site, turn};

/// The conversations of a connection that go on at a time.
const LIVE: usize = 8;
/// The turns of a conversation.
const TURNS: u32 = 40;
/// The candidate is rolled back once in so many kills, and a new roll-out begins after the next.
const ROLLED_BACK_EVERY: usize = 20;
/// No reply is too slow to be the candidate's.
const ARGUMENTS: [&str; 2] = ["--slow-ms", "60000"];

/// A conversation, as the customer knows it.
#[derive(Debug, Clone, Default)]
struct Held {
    session: String,
    turn: u32,
    /// The model that answered last.
    model: Option<String>,
    /// Whether a rollback has changed it.
    has_changed: bool,
}

/// What a connection has seen.
#[derive(Debug, Default)]
struct Customer {
    number: usize,
    begun: usize,
    live: Vec<Held>,
    turns: u64,
    by_model: HashMap<String, u64>,
    /// Conversations that changed their model.
    changed: u64,
    /// The same, but not by a rollback.
    wrongly: Vec<String>,
    refused: u64,
}

/// What all see while a service runs.
struct Seen {
    is_over: AtomicBool,
    /// Whether somebody may have rolled it back.
    may_be_rolled_back: AtomicBool,
    stable: String,
}

/// What becomes of the candidate between one kill and the next.
struct Course {
    phase: &'static str,
    rollouts: usize,
    rollbacks: usize,
}

pub(crate) fn run(of: &Of, kills: usize, seed: u64) -> Result<Value> {
    let site = Site::new(of)?;
    let mut chance = SplitMix::new(seed);
    let customers = (0..of.connections).map(|number| Customer {
        number,
        ..Customer::default()
    });
    let customers: Vec<Mutex<Customer>> = customers.map(Mutex::new).collect();
    let mut course = Course {
        phase: "ready",
        rollouts: 1,
        rollbacks: 0,
    };
    for kill in 0..kills {
        let service = start(&site, course.rollouts)?;
        let told = service.rollout()?;
        if told["phase"] != course.phase {
            let (found, expected) = (&told["phase"], course.phase);
            return Err(format!("kill {kill}: {found}, expected {expected}").into());
        }
        if course.phase == "ready" {
            service.act("start")?;
            course.phase = "running";
        }
        let seen = Seen {
            is_over: AtomicBool::new(false),
            may_be_rolled_back: AtomicBool::new(course.phase == "rolled-back"),
            stable: told["stable"].as_str().unwrap_or_default().to_owned(),
        };
        let is_turn = kill % ROLLED_BACK_EVERY == ROLLED_BACK_EVERY - 1;
        let rolls_back = course.phase == "running" && is_turn;
        let time = Duration::from_millis(50 + chance.below(1_000) as u64);
        kill_under_load(service, &customers, &seen, time, rolls_back)?;
        course.go_on(rolls_back, &customers)?;
    }
    report(customers, kills, &course)
}

fn start(site: &Site, rollout: usize) -> Result<Service> {
    let journal = site.path(&format!("rollout-{rollout}.journal"));
    let state = site.path("sessions.redb");
    let state = state.to_str().ok_or("a path without UTF-8")?;
    let mut arguments = ARGUMENTS.to_vec();
    arguments.extend(["--state", state]);
    site.start_with_candidate("50", &journal, &arguments)
}

/// Has all customers hold conversations for a time, at whose end the service is killed.
fn kill_under_load(
    mut service: Service,
    customers: &[Mutex<Customer>],
    seen: &Seen,
    time: Duration,
    rolls_back: bool,
) -> Result<()> {
    thread::scope(|scope| {
        for customer in customers {
            let connection = service.connect();
            scope.spawn(move || {
                if let Ok(mut customer) = customer.lock() {
                    customer.hold(connection, seen);
                }
            });
        }
        thread::sleep(time);
        let mut acted = Ok(json!(null));
        if rolls_back {
            seen.may_be_rolled_back.store(true, Ordering::SeqCst);
            acted = service.act("rollback");
        }
        let killed = service.kill();
        seen.is_over.store(true, Ordering::SeqCst);
        acted.and(killed)
    })
}

impl Course {
    /// Says what is expected of the service that is started after a kill.
    fn go_on(&mut self, rolls_back: bool, customers: &[Mutex<Customer>]) -> Result<()> {
        if rolls_back {
            self.rollbacks += 1;
            self.phase = "rolled-back";
        } else if self.phase == "rolled-back" {
            self.rollouts += 1; // the next one begins, with conversations of its own
            for customer in customers {
                let mut customer = customer.lock().map_err(|_| "a customer panicked")?;
                customer.live.clear();
            }
            self.phase = "ready";
        }
        Ok(())
    }
}

fn report(customers: Vec<Mutex<Customer>>, kills: usize, course: &Course) -> Result<Value> {
    let mut all = Customer::default();
    for customer in customers {
        let customer = customer.into_inner().map_err(|_| "a customer panicked")?;
        all.begun += customer.begun;
        all.turns += customer.turns;
        all.changed += customer.changed;
        all.refused += customer.refused;
        all.wrongly.extend(customer.wrongly);
        for (model, turns) in customer.by_model {
            *all.by_model.entry(model).or_default() += turns;
        }
    }
    if !all.wrongly.is_empty() || all.by_model.len() != 2 {
        let found = format!("{:?}; turns by model: {:?}", all.wrongly, all.by_model);
        return Err(format!("conversations that changed their model: {found}").into());
    }
    Ok(json!({
        "kills": kills, "rollouts": course.rollouts, "rollbacks": course.rollbacks, "conversations": all.begun, "turns": all.turns,
        "turns_by_model": all.by_model, "changed_by_rollback": all.changed, "changed_otherwise": 0, "refused": all.refused,
    }))
}

impl Customer {
    /// Holds conversations until the service is gone.
    fn hold(&mut self, mut connection: Connection, seen: &Seen) {
        for at in (0..LIVE).cycle() {
            if seen.is_over.load(Ordering::SeqCst) {
                return;
            }
            if self.live.len() <= at {
                let begun = self.begin();
                self.live.push(begun);
            }
            if self.live[at].turn > TURNS {
                self.live[at] = self.begin();
            }
            let said = turn(&self.live[at].session, self.live[at].turn);
            let Ok((status, body)) = connection.post("/v1/chat", &said) else {
                thread::sleep(Duration::from_millis(5));
                continue; // said once more, with the same number
            };
            let answer: Option<Value> = serde_json::from_slice(body).ok();
            let model = answer
                .as_ref()
                .and_then(|it| it["understanding"]["model"].as_str());
            match (status, model) {
                (200, Some(model)) => self.answered(at, model, seen),
                _ => self.refused += 1,
            }
        }
    }

    fn begin(&mut self) -> Held {
        self.begun += 1;
        Held {
            session: format!("c{}-{}", self.number, self.begun),
            turn: 1,
            ..Held::default()
        }
    }

    fn answered(&mut self, at: usize, model: &str, seen: &Seen) {
        self.turns += 1;
        *self.by_model.entry(model.to_owned()).or_default() += 1;
        let held = &mut self.live[at];
        if held.model.as_deref().is_some_and(|before| before != model) {
            let may_be = seen.may_be_rolled_back.load(Ordering::SeqCst);
            let is_back = model == seen.stable && may_be && !held.has_changed;
            held.has_changed = true;
            self.changed += 1;
            if !is_back {
                self.wrongly.push(format!("{held:?}, then {model}"));
            }
        }
        held.model = Some(model.to_owned());
        held.turn += 1;
    }
}
