"""Bounds of the one-sided normal mixture and of Fieller's ratio by root finding, for rollout/statistics.rs.

    pip install numpy scipy && python3 make_sequences.py
"""
import math

from scipy.optimize import brentq
from scipy.stats import norm


def errors(risk, effect, information):
    """Howard et al. (2021), equation 12: the root of the mixture martingale, in standard errors."""
    rho = (5.4 / effect) ** 2 / 14
    spread = information + rho

    def log_martingale(score):
        y = score / math.sqrt(spread)
        return math.log(2) + math.log(rho / spread) / 2 + y * y / 2 + norm.logcdf(y)

    score = brentq(lambda s: log_martingale(s) - math.log(1 / risk), 0, 100 * math.sqrt(spread), xtol=1e-12)
    return score / math.sqrt(information)


def bound(canary, stable, risk, effect, side):
    """The ratio at which canary - ratio * stable is the bound's number of standard errors from 0."""
    (nc, mc, vc), (ns, ms, vs) = canary, stable

    def off(ratio):
        error = math.sqrt(vc / nc + ratio**2 * vs / ns)
        return (mc - ratio * ms) / error + side * errors(risk, effect, error**-2)

    return brentq(off, 0.01, 3, xtol=1e-14) - 1


for risk, effect, information in [
    (0.01, 0.1, 500.0),
    (0.01, 0.1, 5000.0),
    (0.01 / 6, 0.07, 5000.0),
    (0.01 / 6, 0.07, 50000.0),
    (0.0001, 0.007, 400000.0),
    (0.1, 0.1, 3000.0),
]:
    print(f"({risk}, {effect}, {information}, {errors(risk, effect, information):.9f}),")
for canary, stable in [
    ((2000, 0.72, 0.72 * 0.28), (38000, 0.8, 0.16)),
    ((300, 0.85, 0.85 * 0.15), (700, 0.8, 0.16)),
    ((5000, 0.99, 0.0099), (95000, 0.995, 0.004975)),
]:
    lower, upper = bound(canary, stable, 0.01, 0.1, -1), bound(canary, stable, 0.01 / 6, 0.07, 1)
    print(f"({canary}, {stable}, {lower:.9f}, {upper:.9f}),")
