"""Steps of which the reverse is of no use where a branch was not taken, with loops in them."""

import math

from .cases import case

Z = [0.4, -1.2, 0.7, 0.1, -0.3, 1.5, 0.9, -0.8]


@case(1.0, 0.3, 1.05, Z, 2, wrt="spot vol strike")
@case(1.0, 0.3, 1.05, Z, 0, wrt="spot vol strike")
@case(1.0, 0.3, 0.1, Z, 4, wrt="spot vol strike normals")
@case(1.0, 0.3, 10.0, Z, -1, wrt="spot vol strike normals")
def mean_of_paths(spot, vol, strike, normals, steps):
    total = 0.0
    for p in range(2):
        s = spot
        mean = 0.0
        for i in range(steps):
            s = s * math.exp(vol * normals[p * steps + i])
            mean += s * s
        payoff = mean - strike
        if payoff > 0.0:
            total += payoff * payoff
    return total + spot


@case(1.0, 0.3, 1.05, Z, wrt="spot vol strike normals")
def paths_that_are_knocked_out(spot, vol, strike, normals):
    total = 0.0
    for p in range(4):
        x = math.sin(spot)
        alive = True
        for i in range(2):
            x = x + vol * x * normals[2 * p + i]
            if x < 0.5:
                alive = False
                break
        if alive:
            payoff = math.exp(x) - strike
            if payoff > 0.0:
                total += payoff
    return total


@case(1.0, 0.3, 2.2, Z, wrt="spot vol strike")
def paths_that_go_on(spot, vol, strike, normals):
    """A path begins where the last one ended, so that each is reversed, taken or not."""
    total = 0.0
    s = spot
    for p in range(4):
        mean = 0.0
        for i in range(2):
            s = s * math.exp(vol * normals[2 * p + i])
            mean += s * s
        payoff = mean - strike
        if payoff > 0.0:
            total += payoff * payoff
    return total


@case(1.0, 0.3, 2.2, Z, wrt="spot vol strike")
def means_that_are_read_elsewhere(spot, vol, strike, normals):
    total = 0.0
    best = spot
    for p in range(4):
        s = spot
        mean = 0.0
        for i in range(2):
            s = s * math.exp(vol * normals[2 * p + i])
            mean += s * s
        total += 0.1 * math.sin(best)
        best = best * vol + s
        payoff = mean - strike
        if payoff > 0.0:
            total += payoff * payoff
    return total


@case(1.0, 0.3, 2.2, Z, wrt="spot vol strike")
def loops_in_loops(spot, vol, strike, normals):
    total = 0.0
    for p in range(2):
        s = spot
        mean = 0.0
        for i in range(2):
            for j in range(i + 1):
                s = s * math.cos(s) + vol * normals[4 * p + j]
            mean += s * s
        for i in range(3):
            mean = mean * math.cos(mean * vol)
        payoff = mean * strike
        if payoff > 0.1:
            total += payoff * payoff
    return total


@case(1.0, 0.3, 1.1, Z, wrt="spot vol strike")
def values_of_the_step_before(spot, vol, strike, normals):
    """What the inner loop leaves behind is read by the next step, before it is made again."""
    total = 0.0
    s = spot
    for p in range(4):
        total += vol * s * s
        mean = strike * vol
        for i in range(2):
            s = vol + 0.1 * i
            mean = mean * math.cos(mean) + s
        payoff = mean - strike
        if payoff > 0.0:
            total += payoff * payoff * s
    return total


@case(1.0, 0.3, 1.4, Z, wrt="spot vol strike normals")
def branches_in_the_loop(spot, vol, strike, normals):
    total = 0.0
    kept = []
    for p in range(2):
        s = spot
        low = spot
        for i in range(4):
            s = s * math.exp(vol * normals[4 * p + i])
            if s < low:
                low = s * s
        kept.append(s)
        gain = s * low
        if gain > strike:
            total += gain * kept[-1]
    return total * kept[0]


@case(-1.0, 2.0, wrt="x")
@case(1.5, 2.0, wrt="x y")
def root_of_what_is_cut_off(x, y):
    """The slope of the root is infinite where nothing passes."""
    m = max(x, 0.0)
    r = math.sqrt(m * 2.0)
    return r * y + x


@case(0.04, 1.5, 0.3, wrt="v kappa rho")
@case(0.001, 1.5, -0.9, wrt="v kappa rho")
def variance_that_is_cut_off(v, kappa, rho):
    log_s = 0.0
    for z in [0.3, -2.4, -1.9, 0.8]:
        vp = max(v, 0.0)
        root = math.sqrt(vp * 0.1)
        log_s += root * z - 0.05 * vp
        v += kappa * (0.04 - vp) * 0.1 + 0.5 * root * (rho * z + math.sqrt(1.0 - rho * rho))
    return log_s + v


@case(0.001, 1.5, 0.1, wrt="v kappa dt")
def variance_that_a_branch_cuts_off(v, kappa, dt):
    """What is cut off is nothing for the factor beside it too."""
    total = 0.0
    for z in [0.3, -2.4, 1.0]:
        if v < 0.0:
            v = 0.0
        root = math.sqrt(v * dt)
        total += root * z
        v += kappa * (0.04 - v) * dt + 0.5 * root * z
    return total, v


@case(1.2, -0.5, 2.0, wrt="c x h")
def angle_and_powers_of_what_is_cut_off(c, x, h):
    angle = math.acos(max(-1.0, min(1.0, c)))
    above = max(x, 0.0)
    return angle + c + above**0.3 + math.sqrt(above * h) + above**0.5 * h
