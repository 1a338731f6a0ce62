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
                "a step of a loop that may ask the customer nothing, expected a `confirm` in it, or a `collect` \
                 of a slot that the way back clears, without `when`",
            );
        }
    }
}

/// Where a step may lead.
struct Ways<'a> {
    to: Vec<Way<'a>>,
    /// Whether the flow may end with it.
    ends: bool,
}

/// A way from a step to another one.
struct Way<'a> {
    to: usize,
    /// Whether the customer is always asked something on it.
    asks: bool,
    /// The slots that are emptied on it.
    clears: &'a [String],
}

impl<'a> Ways<'a> {
    fn of(step: &'a Step, at: usize, count: usize) -> Self {
        let mut ways = Self {
            to: Vec::new(),
            ends: false,
        };
        let is_passed_over = !step.when.is_empty();
        let goes_on =
            is_passed_over || !matches!(step.task, Task::Goto(_) | Task::End | Task::Handover(_));
        let is_confirmed = matches!(step.task, Task::Confirm { .. });
        if goes_on && at + 1 < count {
            ways.add(at + 1, is_confirmed && !is_passed_over, &[]);
        }
        ways.ends |= goes_on && at + 1 == count;
        match &step.task {
            Task::Goto(to) => ways.add(*to, false, &[]),
            Task::End | Task::Handover(_) => ways.ends = true,
            Task::Confirm {
                denied: Some(otherwise),
                ..
            } => ways.otherwise(otherwise, true),
            Task::Act { failed, .. } => ways.otherwise(failed, false),
            _ => {}
        }
        ways
    }

    fn otherwise(&mut self, otherwise: &'a Otherwise, asks: bool) {
        match otherwise.then {
            Then::Goto(to) => self.add(to, asks, &otherwise.clear),
            Then::End | Then::Handover(_) => self.ends = true,
        }
    }

    fn add(&mut self, to: usize, asks: bool, clears: &'a [String]) {
        self.to.push(Way { to, asks, clears });
    }
}

fn reached(ways: &[Ways<'_>]) -> Vec<bool> {
    let mut reached = vec![false; ways.len()];
    let mut next = vec![0];
    while let Some(at) = next.pop() {
        if !std::mem::replace(&mut reached[at], true) {
            next.extend(ways[at].to.iter().map(|way| way.to));
        }
    }
    reached
}

/// From which steps the flow's end can be reached.
fn ending(ways: &[Ways<'_>]) -> Vec<bool> {
    let mut ends: Vec<bool> = ways.iter().map(|it| it.ends).collect();
    loop {
        let more: Vec<usize> = (0..ways.len())
            .filter(|&at| !ends[at] && ways[at].to.iter().any(|way| ends[way.to]))
            .collect();
        if more.is_empty() {
            return ends;
        }
        more.into_iter().for_each(|at| ends[at] = true);
    }
}

/// Which steps are in a loop that may go on without the customer. A `collect` asks only for what has no value: it is
/// passed unless the way back clears one of its slots.
fn idle_loops(steps: &[Step], ways: &[Ways<'_>]) -> Vec<bool> {
    // From each step, where the flow may go without asking.
    let idle: Vec<Vec<usize>> = (0..ways.len())
        .map(|at| {
            let silent = ways[at].to.iter().filter(|way| !way.asks);
            let silent = silent.filter(|way| !asks_again(steps, ways, at, way));
            silent.map(|way| way.to).collect()
        })
        .collect();
    let follow = |at: usize| idle[at].clone();
    (0..ways.len())
        .map(|start| {
            let mut after = idle[start].iter();
            after.any(|&to| leads(ways.len(), to, start, &follow))
        })
        .collect()
}

/// Whether a way clears slots, and no way leads back to where it begins but by a `collect` of one of them.
fn asks_again(steps: &[Step], ways: &[Ways<'_>], from: usize, way: &Way<'_>) -> bool {
    let follow = |at: usize| {
        let asks = match &steps[at].task {
            Task::Collect(slots) if steps[at].when.is_empty() => {
                slots.iter().any(|slot| way.clears.contains(slot))
            }
            _ => false,
        };
        let on = ways[at].to.iter().filter(|on| !asks && !on.asks);
        on.map(|on| on.to).collect()
    };
    !way.clears.is_empty() && !leads(ways.len(), way.to, from, &follow)
}

/// Whether one of `count` steps leads to another one, or is it.
fn leads(count: usize, from: usize, to: usize, follow: &dyn Fn(usize) -> Vec<usize>) -> bool {
    let mut seen = vec![false; count];
    let mut next = vec![from];
    while let Some(at) = next.pop() {
        if at == to {
            return true;
        }
        if !std::mem::replace(&mut seen[at], true) {
            next.extend(follow(at));
        }
    }
    false
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
