//! How many tokens are worth proposing.

/// The most tokens that are proposed at once.
const MOST: usize = 8;
/// What reading a token beside another one takes of a step with one: the most that was measured,
/// with weights in int4, of which the processor and not the memory bounds the reading.
const ROW: f64 = 0.4;
/// What may be lost at first, in steps.
const START: f64 = 1.0;
/// What may be lost for each token, in steps.
const INCOME: f64 = 0.01;
/// The most that is kept of what was won, so that a text that no longer repeats soon costs nothing.
const RICHEST: f64 = 4.0;

/// What a continuation may spend on proposals: what those before have won, and little more. So a
/// text of which nothing is accepted takes at most a step and a hundredth longer, and one that
/// repeats another soon has all of it proposed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::generate) struct Budget {
    /// In steps.
    balance: f64,
}

impl Default for Budget {
    fn default() -> Self {
        Self { balance: START }
    }
}

impl Budget {
    /// Gives the number of tokens that are to be proposed at this price.
    pub(in crate::generate) fn affords(self, price: f64) -> usize {
        ((self.balance / price) as usize).min(MOST)
    }

    /// Gives what is left after a step for which `proposed` tokens were proposed at this price, and
    /// `accepted` of them taken.
    pub(in crate::generate) fn after(self, price: f64, proposed: usize, accepted: usize) -> Self {
        let won = accepted as f64 - price * proposed as f64;
        Self {
            balance: (self.balance + INCOME + won).min(RICHEST),
        }
    }
}

/// Gives what a proposed token costs, of what a token of a step costs in which `sequences` sequences
/// are read together, if proposing it takes the part `proposing` of one.
pub(in crate::generate) fn price(sequences: usize, proposing: f64) -> f64 {
    let sequences = sequences.max(1) as f64;
    ROW * sequences / (1.0 + ROW * (sequences - 1.0)) + proposing
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The steps that a text takes of which so many tokens are proposed rightly, of as many as are
    /// proposed, and what it would take by itself.
    fn steps(tokens: usize, right: impl Fn(usize) -> usize) -> [f64; 2] {
        let (mut budget, mut come, mut took, price) = (Budget::default(), 0, 0.0, price(1, 0.0));
        while come < tokens {
            let proposed = budget.affords(price);
            let accepted = right(proposed);
            budget = budget.after(price, proposed, accepted);
            took += 1.0 + price * proposed as f64;
            come += 1 + accepted;
        }
        [took, come as f64]
    }

    #[test]
    fn a_text_without_repetition_takes_little_longer() {
        for tokens in [1, 10, 64, 1000, 10_000] {
            let [took, alone] = steps(tokens, |_| 0);
            assert!(took <= alone * (1.0 + INCOME) + START, "{tokens}: {took}");
        }
    }

    #[test]
    fn a_text_that_is_proposed_rightly_takes_half_as_long() {
        let [took, alone] = steps(300, |proposed| proposed);
        assert!(took < 0.5 * alone, "{took}");
        // Half of them are enough to be no loss.
        let [took, alone] = steps(300, |proposed| proposed.div_ceil(2));
        assert!(took < 0.9 * alone, "{took}");
    }

    #[test]
    fn what_was_won_long_ago_is_not_spent() {
        let won = (0..100).fold(Budget::default(), |budget, _| budget.after(0.4, 8, 8));
        let spent = (0..20).fold((won, 0), |(budget, spent), _| {
            let proposed = budget.affords(0.4);
            (budget.after(0.4, proposed, 0), spent + proposed)
        });
        assert!(spent.1 <= 10, "{spent:?}");
    }

    #[test]
    fn beside_others_a_proposal_costs_more() {
        let prices = [1, 2, 4, 8, 64].map(|sequences| price(sequences, 0.0));
        assert!((prices[0] - ROW).abs() < 1e-9);
        assert!(prices.is_sorted() && prices[4] < 1.0, "{prices:?}");
        assert!(price(1, 0.25) > prices[0]);
    }
}
