"""The forecast against sums over all that runs, in every future round."""

from __future__ import annotations

import numpy as np

from cvxtoken.scheduling.forecast import Forecast

Running = list[tuple[int, int, int]]  # prompt, start, predicted end


def fits(memory: int, running: Running, now: int, prompt: int, estimate: int) -> bool:
    batch = [(s, k, max(end, now + 1)) for s, k, end in [*running, (prompt, now, now + estimate)]]
    return all(
        sum(s + later - k for s, k, end in batch if later <= end) <= memory
        for later in range(now + 1, max(end for _, _, end in batch) + 1)
    )


def room(memory: int, running: Running, now: int, prompt: int, estimate: int) -> int:
    """The least that is left at a predicted end, until the candidate's own."""
    batch = [*running, (prompt, now, now + estimate)]
    ends = {end for _, _, end in batch if now < end <= now + estimate}
    return memory - max(sum(s + end - k for s, k, c in batch if c >= end) for end in ends)


def test_the_tightest_and_the_volume() -> None:
    """Against sums over all that runs; and when a candidate is no longer in the way of other ends."""
    chosen = asked = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        memory = int(rng.integers(5, 60))
        forecast, running, now = Forecast(memory), list[tuple[int, int, int]](), 0
        for _ in range(15):
            now += int(rng.integers(0, 4))
            running = [each for each in running if each[2] > now]
            forecast.complete(now)
            rest = sum(s + t - k for s, k, end in running for t in range(now + 1, end + 1))
            assert forecast.volume(now) == rest
            prompts = rng.integers(0, 5, 6).tolist()
            told = [(prompt, int(rng.integers(1, memory - prompt + 1))) for prompt in prompts]
            good = [place for place, each in enumerate(told) if fits(memory, running, now, *each)]
            place, again = forecast.copy().tightest(now, told)
            assert place == min(good, key=lambda p: room(memory, running, now, *told[p]), default=None)
            if place is not None:
                forecast.add(now, *told[place])
                running.append((told[place][0], now, now + told[place][1]))
                chosen += len(good) > 1
            elif again is not None and again < min(end for _, _, end in running):
                asked += any(fits(memory, running, again, *each) for each in told)
                assert again > now
    assert chosen > 100
    assert asked > 20


def test_forecast() -> None:
    """Random admissions and departures, overdue ones among them; the first fit is the first, to the round."""
    found_first = found_end = found_none = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        memory = int(rng.integers(5, 60))
        forecast, running, now = Forecast(memory), [], 0
        for _ in range(25):
            now += int(rng.integers(0, 4))
            if running and rng.random() < 0.3:
                prompt, start, end = running.pop(int(rng.integers(len(running))))
                forecast.remove(now, prompt, start, end)
            prompt = int(rng.integers(0, 5))
            estimate = int(rng.integers(1, memory - prompt + 1))
            good = fits(memory, running, now, prompt, estimate)
            assert forecast.fits(now, prompt, estimate) == good, seed
            if good:
                forecast.add(now, prompt, estimate)
                running.append((prompt, now, now + estimate))
                continue
            time = forecast.first_fit(now, prompt, estimate)
            next_end = min((end for _, _, end in running if end > now), default=now + 50)
            assert not any(
                fits(memory, running, later, prompt, estimate)
                for later in range(now, min(next_end, time or next_end))
            ), seed
            if time is None:
                found_none += 1
                assert not fits(memory, running, next_end, prompt, estimate)
            elif time < next_end:
                found_first += 1
                assert fits(memory, running, time, prompt, estimate), seed
            else:
                found_end += 1
                assert time == next_end
    assert min(found_first, found_end, found_none) > 20
