"""Other ways to tell that a candidate is worse, on the same conversations as `rollout --simulate`: a test at a fixed
number of ratings, the same test at each look, and Kayenta's Mann-Whitney test at each look.

    pip install numpy scipy && python3 benches/peers/rollout.py --runs 10000

Each run has 50 of the candidate's ratings a look at a share of 5 %, 80 % of the stable model's are good, and there are as many
looks as the roll-out's plan has ratings. All tests are one-sided at 1 %.
"""
import argparse
import math

import numpy as np
from scipy.stats import mannwhitneyu, norm

SATISFIED, SHARE, RATINGS, PLANNED, RISK = 0.8, 0.05, 50, 2056, 0.01
LOOKS = math.ceil(PLANNED / RATINGS)


def horizon(margin, drop=0.1, power=0.95):
    """The ratings at which a drop is seen with this power, by the difference to what the margin leaves."""
    canary = SATISFIED * (1 - drop)
    variance = canary * (1 - canary) + (1 - margin) ** 2 * SATISFIED * (1 - SATISFIED) * SHARE / (1 - SHARE)
    errors = norm.ppf(1 - RISK) + norm.ppf(power)
    return math.ceil(variance * (errors / ((drop - margin) * SATISFIED)) ** 2)


def score(canary, ratings, stable, margin):
    """How many standard errors the candidate is below what the margin leaves of the stable model."""
    stable_ratings = ratings * (1 - SHARE) / SHARE
    c, s = canary / ratings, stable / stable_ratings
    error = np.sqrt(c * (1 - c) / ratings + (1 - margin) ** 2 * s * (1 - s) / stable_ratings)
    return ((1 - margin) * s - c) / np.maximum(error, 1e-9)


def told(name, caught):
    """When each run was caught: the ratings, infinity if it was not."""
    share = np.isfinite(caught).mean()
    shown = [np.quantile(caught, q, method="higher") for q in (0.5, 0.95)]
    median, late = ("-" if math.isinf(it) else f"{it:.0f}" for it in shown)
    print(f"| {name} | {100 * share:.1f} % | {median} | {late} |")


def first(hits, ratings):
    return np.where(hits.any(1), ratings[hits.argmax(1)], np.inf)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--runs", type=int, default=10_000)
    runs = arguments.parse_args().runs
    ratings = RATINGS * np.arange(1, LOOKS + 1)
    for drop in (0, 0.03, 0.1, 0.15, 0.2):
        random = np.random.default_rng(7)
        canary = random.binomial(RATINGS, SATISFIED * (1 - drop), (runs, LOOKS))
        stable_ratings = round(RATINGS * (1 - SHARE) / SHARE)
        stable = random.binomial(stable_ratings, SATISFIED, (runs, LOOKS))
        print(f"\nA drop by {100 * drop:.0f} %:\n\n| | rolled back | median | 95 % |\n| --- | --- | --- | --- |")
        for margin in (0, 0.03):
            at = horizon(margin)
            c = random.binomial(at, SATISFIED * (1 - drop), runs)
            s = random.binomial(round(at * (1 - SHARE) / SHARE), SATISFIED, runs)
            hit = score(c, at, s, margin) > norm.ppf(1 - RISK)
            told(f"at {at} ratings, more than {100 * margin:.0f} %", np.where(hit, at, np.inf))
            z = score(canary.cumsum(1), ratings, stable.cumsum(1), margin)
            told("the same at each look", first(z > norm.ppf(1 - RISK), ratings))
        hits = np.zeros((runs, LOOKS), bool)
        for look in range(5, LOOKS + 1):
            x, y = canary[:, :look] / RATINGS, stable[:, :look] / stable_ratings
            test = mannwhitneyu(x, y, alternative="less", axis=1, method="asymptotic")
            hits[:, look - 1] = test.pvalue < RISK
        told("Mann-Whitney at each look", first(hits, ratings))
        at = ratings[-1]
        told(f"Mann-Whitney once, at {at}", np.where(hits[:, -1], at, np.inf))


main()
