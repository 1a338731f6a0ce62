//! Whether flows come to an end.

use cs_data::file::yaml::Node;

use super::Flows;
use super::fields::{Fields, Members, shown};
use super::flow::{Otherwise, Step, Task, Then};

/// Checks that each step can be reached, and that each loop has an exit and asks something.
pub(super) fn steps(steps: &[Step], nodes: &[Node], fields: &mut Fields) {
    let ways: Vec<Ways> = steps
        .iter()
        .enumerate()
        .map(|(at, step)| Ways::of(step, at, steps.len()))
        .collect();
    let reached = reached(&ways);
    let ends = ending(&ways);
    let idle = idle_loops(steps, &ways);
    for (at, node) in nodes.iter().enumerate() {
        if !reached[at] {
            fields.at(node, "a step that is never reached");
        } else if !ends[at] {
            fields.at(node, "a step of a loop without exit");
        } else if idle[at] {
            fields.at(
                node,
                "a step of a loop that asks the customer nothing, expected a `collect` or `confirm` in it",
            );
        }
    }
}

/// Where a step may lead.
struct Ways {
    to: Vec<usize>,
    /// Whether the flow may end with it.
    ends: bool,
}

impl Ways {
    fn of(step: &Step, at: usize, count: usize) -> Self {
        let mut ways = Self {
            to: Vec::new(),
            ends: false,
        };
        let goes_on = !step.when.is_empty()
            || !matches!(step.task, Task::Goto(_) | Task::End | Task::Handover(_));
        if goes_on && at + 1 < count {
            ways.to.push(at + 1);
        }
        ways.ends |= goes_on && at + 1 == count;
        match &step.task {
            Task::Goto(to) => ways.to.push(*to),
            Task::End | Task::Handover(_) => ways.ends = true,
            Task::Confirm {
                denied: Some(otherwise),
                ..
            } => ways.otherwise(otherwise),
            Task::Act { failed, .. } => ways.otherwise(failed),
            _ => {}
        }
        ways
    }

    fn otherwise(&mut self, otherwise: &Otherwise) {
        match otherwise.then {
            Then::Goto(to) => self.to.push(to),
            Then::End | Then::Handover(_) => self.ends = true,
        }
    }
}

fn reached(ways: &[Ways]) -> Vec<bool> {
    let mut reached = vec![false; ways.len()];
    let mut next = vec![0];
    while let Some(at) = next.pop() {
        if !std::mem::replace(&mut reached[at], true) {
            next.extend(&ways[at].to);
        }
    }
    reached
}

/// From which steps the flow's end can be reached.
fn ending(ways: &[Ways]) -> Vec<bool> {
    let mut ends: Vec<bool> = ways.iter().map(|it| it.ends).collect();
    loop {
        let more: Vec<usize> = (0..ways.len())
            .filter(|&at| !ends[at] && ways[at].to.iter().any(|&to| ends[to]))
            .collect();
        if more.is_empty() {
            return ends;
        }
        more.into_iter().for_each(|at| ends[at] = true);
    }
}

/// Which steps are in a loop of steps that do not wait for the customer.
fn idle_loops(steps: &[Step], ways: &[Ways]) -> Vec<bool> {
    let waits = |at: usize| matches!(steps[at].task, Task::Collect(_) | Task::Confirm { .. });
    let returns = |start: usize| {
        let mut seen = vec![false; ways.len()];
        let mut next = vec![start];
        while let Some(at) = next.pop() {
            for &to in ways[at].to.iter().filter(|&&to| !waits(to)) {
                if to == start {
                    return true;
                }
                if !std::mem::replace(&mut seen[to], true) {
                    next.push(to);
                }
            }
        }
        false
    };
    (0..ways.len())
        .map(|start| !waits(start) && returns(start))
        .collect()
}

/// The most flows that may call one another, one in the other.
const MOST_DEPTH: usize = 8;

/// Checks that flows do not call each other in a circle, and that each is started or called.
pub(super) fn calls(flows: &Flows, nodes: &Members<'_>, fields: &mut Fields) {
    let count = flows.flows.len();
    let calls: Vec<Vec<usize>> = flows
        .flows
        .iter()
        .map(|flow| {
            let called = flow.steps.iter().filter_map(|step| match step.task {
                Task::Call(id) => Some(id),
                _ => None,
            });
            called.collect()
        })
        .collect();
    // The longest chain of calls from each flow; what still grows after as many rounds goes in a circle.
    let mut depth = vec![0_usize; count];
    for _ in 0..=MOST_DEPTH {
        for id in 0..count {
            let below = calls[id].iter().map(|&to| depth[to] + 1).max();
            depth[id] = below.unwrap_or(0).min(MOST_DEPTH + 1);
        }
    }
    let mut is_used = vec![false; count];
    flows.by_intent.values().for_each(|&id| is_used[id] = true);
    calls.iter().flatten().for_each(|&id| is_used[id] = true);
    for (id, (key, _)) in nodes.iter().enumerate() {
        if depth[id] > MOST_DEPTH {
            let problem = format!(
                "{}: its calls go round, or more than {MOST_DEPTH} deep",
                shown(&key.text)
            );
            fields.at_key(key, problem);
        } else if !is_used[id] {
            let problem = format!(
                "{} is never run, expected `starts` or a `call` of it",
                shown(&key.text)
            );
            fields.at_key(key, problem);
        }
    }
}
