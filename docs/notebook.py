"""The interactive notebook: `marimo run docs/notebook.py` (extra `docs`).

`scene` does all the work; the docs' stand-alone page is `scene` at every stop of these sliders.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="cvxtoken: move a slider")

with app.setup:
    from functools import partial
    from typing import NamedTuple

    import marimo as mo
    import matplotlib.pyplot as plt
    import numpy as np

    import cvxtoken
    from cvxtoken.allocation import model
    from cvxtoken.allocation.prices.search import solve_prices
    from cvxtoken.picture import BLUE, GREEN, GREY, INK, ORANGE

    ARRIVAL_RATES = (0.01, 0.09, 0.1, 0.12, 0.2, 0.5, 1.0)  # 1/s
    ACCURACY_WEIGHTS = (10, 30, 100)  # s
    RATE_FACTORS = (0.25, 1, 4)  # on one task's saturation rate b
    TIME_FACTORS = (0.5, 1)  # on its time per token c
    TASK = "GSM8K"
    STEPS = 40  # of each method
    METHODS = {
        "fixed point": partial(cvxtoken.fixed_point, max_iterations=STEPS),
        "fixed point, damped by 0.5": partial(cvxtoken.fixed_point, damping=0.5, max_iterations=STEPS),
        "accelerated gradient": partial(
            cvxtoken.projected_gradient, rule="accelerated", max_iterations=STEPS
        ),
        "two-price Newton": cvxtoken.price_newton,
    }
    COLORS = (ORANGE, BLUE, GREEN, INK)


@app.class_definition
class Scene(NamedTuple):
    """All that is shown at one position of the sliders."""

    workload: cvxtoken.Workload
    certificate: cvxtoken.Certificate
    contraction: cvxtoken.allocation.methods.ContractionBound
    results: dict  # of each method in METHODS


@app.function
def scene(arrival_rate, accuracy_weight, rate_factor=1, time_factor=1, task=TASK):
    """Solve and certify the workload qwen3-8b with one task changed, and run the methods on it.

    The two-price search proposes the optimum; what proposes it does not matter, the certificate decides.
    """
    base = cvxtoken.load("qwen3-8b")
    own = np.array([name == task for name in base.names])
    workload = base.replace(
        arrival_rate=arrival_rate,
        accuracy_weight=accuracy_weight,
        saturation_rate=base.saturation_rate * np.where(own, rate_factor, 1),
        time_per_token=base.time_per_token * np.where(own, time_factor, 1),
    )
    certificate = cvxtoken.certify(workload, solve_prices(workload))
    results = {name: method(workload) for name, method in METHODS.items()}
    return Scene(workload, certificate, cvxtoken.contraction_bound(workload), results)


@app.cell
def _():
    mo.md("""
    # Budgets of thinking tokens

    Five types of task share one server. Move a slider: the certified optimum and the methods
    are computed anew.
    """)
    return


@app.cell
def _():
    arrival_rate = mo.ui.slider(
        steps=ARRIVAL_RATES, value=0.1, label="arrival rate λ (queries per s)", show_value=True
    )
    accuracy_weight = mo.ui.slider(
        steps=ACCURACY_WEIGHTS, value=30, label="accuracy weight α (s)", show_value=True
    )
    task = mo.ui.dropdown(cvxtoken.load("qwen3-8b").names, value=TASK, label="one task")
    rate_factor = mo.ui.slider(
        steps=RATE_FACTORS, value=1, label="its saturation rate b, times", show_value=True
    )
    time_factor = mo.ui.slider(
        steps=TIME_FACTORS, value=1, label="its time per token c, times", show_value=True
    )
    mo.vstack([arrival_rate, accuracy_weight, task, rate_factor, time_factor])
    return accuracy_weight, arrival_rate, rate_factor, task, time_factor


@app.cell
def _(accuracy_weight, arrival_rate, rate_factor, task, time_factor):
    shown = scene(arrival_rate.value, accuracy_weight.value, rate_factor.value, time_factor.value, task.value)
    workload, certificate, contraction, results = shown
    tokens = np.array([float(l) for l in certificate.tokens])
    return certificate, contraction, results, tokens, workload


@app.cell
def _(certificate, tokens, workload):
    _rows = "\n".join(
        f"| {name} | {l:.1f} | {p:.4f} | {t:.3f} |"
        for name, l, p, t in zip(
            workload.names,
            tokens,
            model.accuracy(workload, tokens),
            model.service_time(workload, tokens),
            strict=True,
        )
    )
    mo.md(
        f"""
    | task | tokens | accuracy | service (s) |
    |---|---|---|---|
    {_rows}

    Utilisation **{float(model.utilization(workload, tokens)):.4f}**, mean system time
    **{float(model.mean_system_time(workload, tokens)):.3f} s**, J = **{float(certificate.lower):.6f} s**.
    Certificate: no allocation is better than this one by more than {certificate.relative_gap} relative,
    and each budget is within {max(certificate.radii)} tokens of the optimal one.
    """.replace("\n    ", "\n")
    )
    return


@app.cell
def _(results, tokens, workload):
    _pairs = [plt.subplots(figsize=(4.2, 3.4), layout="constrained") for _ in range(3)]
    _figures, (_budgets, _loads, _gaps) = zip(*_pairs, strict=True)
    _budgets.barh(workload.names, tokens, color=BLUE)
    _budgets.invert_yaxis()
    _budgets.set_xlabel("tokens")
    _budgets.set_title("optimal budgets")
    for (_name, _result), _color in zip(results.items(), COLORS, strict=True):
        _loads.plot(_result.trace.utilization, ".-", color=_color)
        _gaps.semilogy(np.maximum(_result.trace.residuals, 1e-17), ".-", color=_color, label=_name)
    _loads.axhline(1, color=GREY, linestyle="--")
    _loads.set_xlabel("step")
    _loads.set_title("utilisation of the iterates")
    _gaps.set_ylim(1e-17, 1e2)
    _gaps.set_xlabel("step")
    _gaps.set_title("relative dual gap of the iterates")
    _gaps.legend(fontsize=8)
    plt.close("all")
    mo.hstack(_figures, justify="start", wrap=True)
    return


@app.cell
def _(contraction, results):
    mo.md(
        "\n".join(f"- **{name}**, {r.iterations} steps. {r.outcome}" for name, r in results.items())
        + f"\n\nUndamped fixed point: {contraction.reason[0].lower()}{contraction.reason[1:]}"
    )
    return


if __name__ == "__main__":
    app.run()
