//! Whose prompt is read in the next step.

use std::collections::VecDeque;

/// Those whose prompts are being read, who take turns: round robin, by tokens.
#[derive(Debug, Default)]
pub(super) struct Turns {
    ring: VecDeque<u64>,
}

impl Turns {
    pub(super) fn join(&mut self, id: u64) {
        self.ring.push_back(id);
    }

    pub(super) fn leave(&mut self, id: u64) {
        self.ring.retain(|&other| other != id);
    }

    /// Divides `tokens` tokens among those who have something to read: each gets all that it has
    /// left, as long as there are enough. Who was served is the last in the next step, so that
    /// nobody waits longer than one turn of each other one. `left` gives what one has left, 0 if it
    /// cannot go on yet.
    pub(super) fn next(
        &mut self,
        tokens: usize,
        mut left: impl FnMut(u64) -> usize,
    ) -> Vec<(u64, usize)> {
        let (mut free, mut chosen) = (tokens, Vec::new());
        for &id in &self.ring {
            let read = left(id).min(free);
            if read > 0 {
                chosen.push((id, read));
                free -= read;
            }
        }
        let is_chosen = |id: &u64| chosen.iter().any(|(other, _)| other == id);
        let (served, waiting): (Vec<u64>, Vec<u64>) = self.ring.drain(..).partition(is_chosen);
        self.ring.extend(waiting.into_iter().chain(served));
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_prompt_does_not_hold_up_short_ones() {
        let mut turns = Turns::default();
        let mut left = [1000, 10, 20, 0];
        (0..4).for_each(|id| turns.join(id));
        let mut step = || {
            let chosen = turns.next(32, |id| left[id as usize]);
            for &(id, tokens) in &chosen {
                left[id as usize] -= tokens;
            }
            chosen
        };
        assert_eq!(step(), [(0, 32)]);
        assert_eq!(step(), [(1, 10), (2, 20), (0, 2)]);
        assert_eq!(step(), [(0, 32)]);
    }

    #[test]
    fn two_long_prompts_take_turns_until_one_leaves() {
        let mut turns = Turns::default();
        (0..2).for_each(|id| turns.join(id));
        let order: Vec<_> = (0..4).flat_map(|_| turns.next(8, |_| 100)).collect();
        assert_eq!(order, [(0, 8), (1, 8), (0, 8), (1, 8)]);
        turns.leave(0);
        assert_eq!(turns.next(8, |_| 100), [(1, 8)]);
        assert!(turns.next(8, |_| 0).is_empty());
    }
}
