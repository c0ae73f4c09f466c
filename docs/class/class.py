import marimo

__generated_with = "0.25.2"
app = marimo.App()


@app.cell
def _():
    import marimo as mo

    return (mo,)


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    # Eight exercises

    In each there is something to fill in, where `...` stands, and a check that says what is still wrong. The solutions are
    folded below.
    """)
    return


@app.cell
def _():
    import json
    import warnings

    import cvxpy as cp
    import numpy as np

    import cvxtoken
    from cvxtoken import verifier
    from cvxtoken.allocation import model
    from cvxtoken.allocation.program.forms import program

    return cp, cvxtoken, json, model, np, program, verifier, warnings


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## 1. Is it convex? (8 minutes)

    The mean number of queries at a server that serves all equally long is $x + \frac{x^2}{2 (1 - x)}$, where the load $x$ is the
    share of time that it works. Take the second part without the 2, $x^2 / (1 - x)$ for $x < 1$. As one would write it, CVXPY refuses it. Is it convex? Write the same function
    so that CVXPY sees that it is.
    """)
    return


@app.cell
def _(cp):
    load = cp.Variable()
    as_written = load**2 / (1 - load)
    accepted = ...  # the same function, in an atom
    return accepted, as_written, load


@app.cell
def _(accepted, as_written, cp, load):
    def check_1():
        print("as written:", as_written.is_dcp())
        assert accepted is not ..., "accepted is still '...': which atom is a square over something linear?"
        assert isinstance(accepted, cp.Expression), "accepted must be a CVXPY expression of load"
        assert accepted.is_dcp(), (
            "CVXPY does not see it yet; look for quad_over_lin or inv_pos in CVXPY's list of atoms"
        )
        for value in (-1.0, 0.0, 0.5, 0.9):
            load.value = value
            right = value**2 / (1 - value)
            assert abs(float(accepted.value) - right) < 1e-9, f"at load = {value} it must be {right:.3f}"
        print("exercise 1 is right: a square over a linear function is jointly convex, and DCP knows it as an atom")


    check_1()
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    <details><summary>Solution</summary>

    ```python
    accepted = cp.quad_over_lin(load, 1 - load)
    ```

    Or divide first: $x^2 / (1 - x) = 1 / (1 - x) - 1 - x$ is `cp.inv_pos(1 - load) - 1 - load`.

    </details>
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## 2. A wait, by hand (10 minutes)

    One type of query: $t^0 = 0.2$ s, $c = 0.002$ s per token, and $\lambda = 0.4$ queries per second. With $l = 500$ tokens,
    how long is a query served, how busy is the server ($\rho = \lambda E[S]$, $S$ the service time), and how long does a query
    wait in the mean (Pollaczek and Khinchine, $E[W] = \lambda E[S^2] / (2 (1 - \rho))$)? Here all are served equally long. How
    long would they wait if every second query took 2.2 s and the others 0.2 s?
    """)
    return


@app.cell
def _():
    served = ...  # s
    busy = ...  # a share
    waits = ...  # s
    uneven = ...  # s, the same mean time of service
    return busy, served, uneven, waits


@app.cell
def _(busy, cvxtoken, served, uneven, waits):
    def check_2():
        for name, value in (("served", served), ("busy", busy), ("waits", waits), ("uneven", uneven)):
            assert value is not ..., f"{name} is still '...': fill it in above, one line"
        assert abs(served - 1.2) < 1e-9, "served is t0 + c l, in seconds"
        assert abs(busy - 0.48) < 1e-9, "busy is rho: the arrival rate times the mean service time"
        assert abs(waits - 2 * 0.4 * 1.2**2 / (2 * 0.52)) > 1e-3, "the 2 in the denominator is missing"
        assert abs(waits - 0.4 * 1.2 / (2 * 0.52)) > 1e-3, (
            "the numerator has the second moment: the square of the time"
        )
        assert abs(waits - 0.4 * 1.2**2 / (2 * 0.52)) < 1e-9, "E[W] = lambda E[S^2] / (2 (1 - rho)), all in seconds"
        assert abs(uneven - waits) > 1e-3, "uneven: E[S] and rho are as before, but E[S^2] is the mean of the squares"
        assert abs(uneven - 0.4 * (2.2**2 + 0.2**2) / 2 / (2 * 0.52)) < 1e-9, (
            "uneven: E[S^2] is half of 2.2 squared and half of 0.2 squared; the rest is as before"
        )
        one = cvxtoken.Workload(
            names=["one"], prior=[1], accuracy_gain=[0.5], saturation_rate=[0.002], base_accuracy=[0.3],
            overhead=[0.2], time_per_token=[0.002], arrival_rate=0.4, accuracy_weight=10, max_tokens=4096,
        )  # fmt: skip
        seen = cvxtoken.simulate(one, [500], num_requests=200_000, seed=1).mean_wait
        print(f"exercise 2 is right: {waits:.3f} s, and a simulated queue has {seen.low:.3f} to {seen.high:.3f} s")


    check_2()
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    <details><summary>Solution</summary>

    ```python
    served = 0.2 + 0.002 * 500
    busy = 0.4 * served
    waits = 0.4 * served**2 / (2 * (1 - busy))
    uneven = 0.4 * (2.2**2 + 0.2**2) / 2 / (2 * (1 - busy))
    ```

    The server is as busy as before, and the wait is two thirds longer: uneven is worse.

    </details>
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## 3. The program (15 minutes)

    Five tasks on one server; a query is of task $k$ with probability $\pi_k$. So $E[S] = \sum_k \pi_k t_k$ and
    $E[S^2] = \sum_k \pi_k t_k^2$. Write the whole convex program: maximise $J = \alpha \sum_k \pi_k p_k - E[S] - E[W]$ over
    $0 \le x \le x_{\max}$, where $x_k$ is the budget in *thousands* of tokens, $p_k = A_k (1 - e^{-b_k x_k}) + D_k$ and
    $t_k = t^0_k + c_k x_k$. The check can be run after each line.
    """)
    return


@app.cell
def _(cp, cvxtoken):
    w = cvxtoken.load("qwen3-8b").replace(arrival_rate=0.1, accuracy_weight=30)
    pi, A, D, t0 = w.prior, w.accuracy_gain, w.base_accuracy, w.overhead
    b, c, top = 1000 * w.saturation_rate, 1000 * w.time_per_token, w.max_tokens / 1000
    lam, alpha = w.arrival_rate, w.accuracy_weight

    x = cp.Variable(5)
    p = ...  # the five accuracies
    t = ...  # the five service times, in s
    y = ...  # the idle share, 1 - lam * E[S]
    wait = ...  # E[W], in s
    problem = ...  # cp.Problem(cp.Maximize(...), [...])
    return A, D, alpha, b, c, lam, p, pi, problem, t, t0, top, w, wait, x, y


@app.cell
def _(
    A,
    D,
    b,
    c,
    cp,
    cvxtoken,
    lam,
    np,
    p,
    pi,
    problem,
    t,
    t0,
    top,
    w,
    wait,
    x,
    y,
):
    def check_3():
        blank = "{} is still '...': fill it in above, one line"
        product = "by elements; CVXPY's * of two vectors is their inner product, cp.multiply is by elements"
        x.value = np.ones(5)
        assert p is not ..., blank.format("p")
        assert p.shape == (5,), f"p must have one number a task, {product}"
        assert np.allclose(p.value, A * (1 - np.exp(-b)) + D), f"p: A (1 - exp(-b x)) + D, {product}"
        assert t is not ..., blank.format("t")
        assert t.shape == (5,), f"t must have one number a task, {product}"
        assert np.allclose(t.value, t0 + c), f"t: t0 + c x, {product}"
        assert y is not ..., blank.format("y")
        assert y.size == 1, "y is one number, of the whole server: 1 - lam times the mean of t, pi @ t"
        assert np.isclose(float(y.value), 1 - lam * pi @ (t0 + c)), "y: 1 - lam times the mean of t, pi @ t"
        assert wait is not ..., blank.format("wait")
        assert wait.size == 1, "wait is one number, the mean of all: the mean of the squares is pi @ t**2"
        right = lam * pi @ (t0 + c) ** 2 / (2 * float(y.value))
        assert np.isclose(float(wait.value), right), (
            f"wait is {float(wait.value):.4f} s at x = 1; it must be {right:.4f} s "
            "(a factor inside a square is squared)"
        )
        assert wait.is_dcp(), (
            "wait is right, but not DCP: one quad_over_lin whose first argument is sqrt(pi) t, by elements"
        )
        assert problem is not ..., blank.format("problem")
        assert problem.is_dcp(), "the problem is not DCP: maximise something concave"
        for outside in (-np.ones(5), top + 1):
            x.value = outside
            assert not all(limit.value() for limit in problem.constraints), "the limits are missing: 0 <= x <= top"
        problem.solve(solver=cp.CLARABEL)
        known = cvxtoken.solve(w)
        assert abs(problem.value - known.objective) < 1e-4, (
            f"the optimum is {problem.value:.4f} s and must be {known.objective:.4f} s: which part of J is missing?"
        )
        print(
            "exercise 3 is right: J =", round(problem.value, 4), "s at", (1000 * x.value).round().tolist(), "tokens"
        )


    check_3()
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    <details><summary>Solution</summary>

    ```python
    p = cp.multiply(A, 1 - cp.exp(cp.multiply(-b, x))) + D
    t = t0 + cp.multiply(c, x)
    y = 1 - lam * (pi @ t)
    wait = lam / 2 * cp.quad_over_lin(cp.multiply(np.sqrt(pi), t), y)
    J = alpha * (pi @ p) - pi @ t - wait
    problem = cp.Problem(cp.Maximize(J), [x >= 0, x <= top])
    ```

    </details>
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## 4. What a second costs (10 minutes)

    Serve every query of type $k$, a share $\pi_k$ of all, a little longer: for each second of it the mean time of *everybody*
    rises by $\pi_k h_k$ seconds, where

    $$
    h_k = \frac{1}{\pi_k} \frac{\partial E[T]}{\partial t_k} = 1 + \frac{\lambda t_k}{y} + \frac{\lambda^2 E[S^2]}{2 y^2}
    $$

    Derive it, compute it at the optimum, and see that there the last token brings what it costs.
    """)
    return


@app.cell
def _(cvxtoken, lam, pi, w):
    l = cvxtoken.solve(w).tokens
    seconds = w.overhead + w.time_per_token * l
    idle = 1 - lam * (pi @ seconds)
    h = ...  # five numbers
    return h, l


@app.cell
def _(A, alpha, cp, h, l, model, np, w):
    def check_4():
        assert h is not ..., "h is still '...': the formula above, for all five at once"
        assert not isinstance(h, cp.Expression), (
            "h must be numbers, at the optimum: of seconds and idle, not of t and y"
        )
        assert np.shape(h) == (5,), "h must have one number a task: t_k differs"
        assert np.all(h > 1), "the query itself is one of those who wait: h is more than 1"
        assert np.allclose(h, model.delay_price(w, l)), (
            "three terms; the last has the second moment, pi @ seconds**2, and y**2"
        )
        brings = alpha * A * w.saturation_rate * np.exp(-w.saturation_rate * l)
        print("a token brings", brings.round(6).tolist(), "s")
        print("and costs     ", (w.time_per_token * h).round(6).tolist(), "s: exercise 4 is right")


    check_4()
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    <details><summary>Solution</summary>

    ```python
    h = 1 + lam * seconds / idle + lam**2 * (pi @ seconds**2) / (2 * idle**2)
    ```

    </details>
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## 5. A target in place of alpha (8 minutes)

    Nobody knows $\alpha$; everybody knows a delay that is too long. Find the best budgets with $E[T] \le 2$ s, and the $\alpha$
    that would have given them: $\alpha$ is the seconds that full accuracy is worth, the price is the accuracy that a second buys.
    """)
    return


@app.cell
def _():
    two_seconds = ...  # cvxtoken.solve(w, objective="accuracy", ...), its target max_mean_system_time
    alpha_of_it = ...  # s; the price is two_seconds.shadow_prices[0].accuracy, in accuracy per second
    return alpha_of_it, two_seconds


@app.cell
def _(alpha_of_it, cvxtoken, two_seconds, w):
    def check_5():
        assert two_seconds is not ..., "two_seconds is still '...': solve with the target max_mean_system_time"
        assert abs(two_seconds.mean_system_time - 2) < 1e-6, "E[T] must be 2 s: max_mean_system_time=2.0"
        assert alpha_of_it is not ..., (
            "alpha_of_it is still '...': seconds per accuracy, and the price is accuracy per second"
        )
        again = cvxtoken.solve(w.replace(accuracy_weight=float(alpha_of_it)))
        assert abs(again.mean_system_time - 2) < 1e-3, (
            f"with this alpha E[T] is {again.mean_system_time:.3f} s: how many seconds is full accuracy worth?"
        )
        print(f"exercise 5 is right: alpha = {float(alpha_of_it):.1f} s, and both have the same budgets")


    check_5()
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    <details><summary>Solution</summary>

    ```python
    two_seconds = cvxtoken.solve(w, objective="accuracy", max_mean_system_time=2.0)
    alpha_of_it = 1 / two_seconds.shadow_prices[0].accuracy
    ```

    </details>
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## 6. Prove an optimum by hand (15 minutes)

    From $(t - z y)^2 \ge 0$ follows $t^2 / y \ge 2 z t - z^2 y$, for every $z$. Put it into the wait of each type, with
    $Z = \sum_k \pi_k z_k^2$ and $\kappa_k = 1 + \lambda^2 Z / 2 + \lambda z_k$; then for **every** allocation

    $$
    J(l) \le \alpha \sum_k \pi_k (A_k + D_k) + \frac{\lambda Z}{2}
     - \sum_k \pi_k \left( \kappa_k t^0_k + \min_{0 \le l \le l_{\max}} \left( \alpha A_k e^{-b_k l} + \kappa_k c_k l \right) \right)
    $$

    The minimum is where $e^{-b l} = \kappa c / (\alpha A b)$, or at an end. Write the right side, with $z_k = t_k / y$ at a guess. (There
    $\kappa_k$ is the $h_k$ of exercise 4.)
    """)
    return


@app.function
def upper_bound(w, guess):
    """No allocation of the workload w has a J above this; the guess may be any stable one."""
    b, c, lam, alpha = w.saturation_rate, w.time_per_token, w.arrival_rate, w.accuracy_weight
    t = w.overhead + c * guess
    z = t / (1 - lam * (w.prior @ t))
    ...
    return ...


@app.cell
def _(cvxtoken, model, np, w):
    def check_6():
        best = cvxtoken.solve(w)
        assert upper_bound(w, best.tokens) is not ..., (
            "upper_bound still returns '...': Z, kappa, the best l of each type, and the sum"
        )
        bound = float(upper_bound(w, best.tokens))
        assert bound > best.objective - 1e-9, (
            f"{bound:.6f} is below the optimum, {best.objective:.6f}: it bounds nothing"
        )
        assert bound < best.objective + 1e-6, (
            f"at the optimum the bound must meet J = {best.objective:.6f}; it is {bound:.6f}"
        )
        for guess in np.random.default_rng(1).uniform(0, 6000, (200, 5)):
            assert upper_bound(w, guess) > best.objective - 1e-9, (
                f"from the guess {guess.round()} the bound is below the optimum"
            )
        busy = w.replace(arrival_rate=1.0)
        there = cvxtoken.solve(busy)
        assert upper_bound(busy, there.tokens) < there.objective + 1e-6, (
            "at 1 query a second the best budget of some types is 0: the minimum may be at an end (np.clip)"
        )
        for guess in ([2000.0] * 5, best.tokens.round(-2), best.tokens):
            value, bound = float(model.objective(w, np.array(guess))), float(upper_bound(w, np.array(guess)))
            print(f"J = {value:.6f} s, and no allocation is better than {bound:.6f} s")
        print("exercise 6 is right: you have proven an optimum, and no solver was asked")


    check_6()
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    <details><summary>Solution</summary>

    ```python
    def upper_bound(w, guess):
        b, c, lam, alpha = w.saturation_rate, w.time_per_token, w.arrival_rate, w.accuracy_weight
        t = w.overhead + c * guess
        z = t / (1 - lam * (w.prior @ t))
        Z = w.prior @ z**2
        kappa = 1 + lam**2 * Z / 2 + lam * z
        gain = alpha * w.accuracy_gain
        l = np.clip(np.log(gain * b / (kappa * c)) / b, 0, w.max_tokens)
        least = gain * np.exp(-b * l) + kappa * c * l
        full = alpha * (w.accuracy_gain + w.base_accuracy)
        return w.prior @ full + lam * Z / 2 - w.prior @ (kappa * w.overhead + least)
    ```

    </details>
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## 7. Forge a proof (5 minutes)

    `document` is the proof of the optimum as it is written to a file; `lower` and `upper` enclose $J$. Change it so that it states a $J$ that is a millionth
    higher, and be as cunning as you like. Then let the checker read it.
    """)
    return


@app.cell
def _(cvxtoken, json, w):
    document = cvxtoken.solve(w).certificate.to_document()
    forged = json.loads(json.dumps(document))
    ...  # change forged
    return document, forged


@app.cell
def _(document, forged, verifier):
    def check_7():
        print(verifier.check(document)[:60], "...")
        assert forged != document, "forged is the same as document: change what it states, such as forged['lower']"
        higher = float(document["upper"]) + 1e-7
        texts = isinstance(forged["lower"], str) and isinstance(forged["upper"], str)
        assert texts, "numbers stand in the file as texts, such as '9.1': str(...)"
        assert float(forged["lower"]) > higher, f"forged['lower'] must be more than {higher:.7f}, as a text"
        try:
            said = verifier.check(forged)
        except verifier.Refused as error:
            said = f"refused: {error}"
        assert said.startswith("refused"), "it was accepted: a false theorem! Please tell us"
        print(said)
        print("exercise 7 is right: nobody believes you")


    check_7()
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    <details><summary>Solution</summary>

    ```python
    for bound in ("lower", "upper"):
        forged[bound] = str(float(document[bound]) + 1e-6)
    ```

    To move the tokens as well, or to change the instance and its hash, does not help: the checker computes both bounds
    anew, from the data in the file.

    </details>
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## 8. Break a solver (15 minutes)

    Find an instance of the library, a way to write it and options, with which a solver *claims* an optimum that is wrong by
    more than 1 %. Try some; each takes a second or two. The way `raw` takes tokens as they are, thousands; `presolved` scales them. Ids are in
    `[i.id for i in cvxtoken.instances("spread*")]`.
    """)
    return


@app.cell
def _():
    instance = "workloads/qwen3-8b-0.1-30"
    form = "presolved"  # or "raw"
    solver, options = "CLARABEL", {}  # or "SCS", such as {"eps_abs": 1e-6, "eps_rel": 1e-6}
    return form, instance, options, solver


@app.cell
def _(
    cp,
    cvxtoken,
    form,
    instance,
    model,
    np,
    options,
    program,
    solver,
    warnings,
):
    def check_8():
        known = next(i for i in cvxtoken.instances(instance))
        written = program(known.workload, form)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                written.problem.solve(solver=solver, **options)
                claim = written.problem.status
            except cp.SolverError:
                claim = "failed"
        assert claim.startswith("optimal"), f"it says {claim!r}: honest. You want one that claims an optimum"
        reached = np.clip(written.tokens.value, 0, known.workload.max_tokens)
        error = (known.objective - float(model.objective(known.workload, reached))) / (1 + abs(known.objective))
        print(f"{solver} says {claim!r}; J is off by {error:.2%}")
        assert error > 0.01, "that is nearly right. Ask for fewer digits, or write it so that the numbers differ more"
        print("exercise 8 is right: a status is an opinion")


    check_8()
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    <details><summary>Solution</summary>

    ```python
    instance, form = "spread/1-301", "raw"
    solver, options = "SCS", {"eps_abs": 1e-3, "eps_rel": 1e-3}
    ```

    The tolerances are met in the units of the program. In tokens, a thousandth of the largest number is a lot.

    </details>
    """)
    return


if __name__ == "__main__":
    app.run()
