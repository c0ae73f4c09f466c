"""What tools call the columns that we read: one table, each name with the tool that writes it.

A name is compared without regard to case, blanks, hyphens and underscores; a unit at its end, as in
`ttft_ms` or `latency (s)`, is taken off first. `a.b` is the field b of an object a in JSON, `*` stands for
any name. Of two names of one tool the first is taken; names of two tools in one table are a question.
"""

from __future__ import annotations

from typing import NamedTuple


class Alias(NamedTuple):
    """A name of another tool.

    Attributes:
        ours: our name of the column.
        theirs: that tool's.
        unit: of the values where the name does not say it; seconds if empty.
        beside: columns that the table must have too, for the name alone says too little.
    """

    ours: str
    theirs: str
    unit: str = ""
    beside: tuple[str, ...] = ()


USUAL = "usual names"  # of nobody in particular: two of them in one table are a question too
SUMMARIES = "summaries"

SOURCES = {
    USUAL: "what people call these columns",
    "OpenAI": "usage of chat completions and of responses (platform.openai.com/docs/api-reference)",
    "vLLM": "vllm bench serve --save-result --save-detailed (vllm/benchmarks/serve.py, commit 009e6d4)",
    "SGLang": "sglang.bench_serving --output-file --output-details (commit 0033168)",
    "guidellm": "requests of a report (schemas/request_stats.py, commit 06cef29)",
    "genai-perf": "profile_export.json, and AIPerf's profile_export.jsonl (ai-dynamo/aiperf, commit 13992db)",
    "lm-evaluation-harness": "samples_*.jsonl of --log_samples",
    "Inspect": "samples_df (analysis/_dataframe/samples/columns.py, commit 0fce450), and logs in JSON",
    "Azure": "the LLM inference traces of 2023 and 2024 (Azure/AzurePublicDataset)",
    "BurstGPT": "BurstGPT_1.csv and _2.csv (HPMLL/BurstGPT)",
    "Mooncake": "the traces in JSON lines (kvcache-ai/Mooncake), in milliseconds",
    "ServeGen": "requests of generate_workload, and data/offline in milliseconds (alibaba/ServeGen, d70c8b2)",
    SUMMARIES: "of serving benchmarks, a row a run, as people make them",
}


def _usual(ours: str, *names: str) -> tuple[Alias, ...]:
    return tuple(Alias(ours, name) for name in names)


_LM = ("doc_id",)
_MOONCAKE = ("timestamp", "input_length", "output_length")
_SERVEGEN = ("request_id", "type", "input_length", "output_length")

ALIASES: dict[str, tuple[Alias, ...]] = {
    USUAL: (
        *_usual("task", "task_name", "task_type"),
        *_usual("budget_tokens", "thinking_budget", "reasoning_budget", "token_budget", "budget"),
        *_usual("budget_tokens", "thinking_token_budget", "reasoning_tokens_budget"),
        *_usual("budget_tokens", "max_thinking_tokens", "max_reasoning_tokens", "thinking.budget_tokens"),
        *_usual("thinking_tokens", "reasoning_tokens", "thinking_token_count", "thoughts_token_count"),
        *_usual("correct", "is_correct", "accuracy", "score", "passed", "exact_match"),
        *_usual("seconds", "latency", "duration", "elapsed", "elapsed_time", "response_time", "service_time"),
        *_usual("seconds", "request_latency", "e2e_latency", "total_latency", "wall_time"),
        *_usual("question", "question_id", "problem_id", "item_id", "example_id"),
        Alias("answers", "n", beside=("accuracy",)),
        Alias("answers", "trials", beside=("accuracy",)),
        Alias("answers", "n_samples", beside=("accuracy",)),
        *_usual("timestamp", "time", "datetime", "arrival_time", "arrived_at", "arrival", "received_at"),
        *_usual("timestamp", "created_at", "start_time", "request_time", "request_timestamp"),
        *_usual("prompt_tokens", "input_tokens", "prompt_length", "prompt_len", "input_len"),
        *_usual("output_tokens", "completion_tokens", "generated_tokens", "output_len", "response_length"),
        *_usual("status", "error", "success", "error_message"),
    ),
    "OpenAI": (
        Alias("thinking_tokens", "usage.completion_tokens_details.reasoning_tokens"),
        Alias("thinking_tokens", "usage.output_tokens_details.reasoning_tokens"),
        Alias("thinking_tokens", "completion_tokens_details.reasoning_tokens"),
        Alias("timestamp", "created"),
        Alias("prompt_tokens", "usage.prompt_tokens"),
        Alias("prompt_tokens", "usage.input_tokens"),
        Alias("output_tokens", "usage.completion_tokens"),
        Alias("output_tokens", "usage.output_tokens"),
    ),
    "vLLM": (
        Alias("timestamp", "start_times"),
        Alias("prompt_tokens", "input_lens"),
        Alias("output_tokens", "output_lens"),
        Alias("status", "errors", beside=("output_lens",)),
    ),
    "SGLang": (
        Alias("prompt_tokens", "input_lens"),
        Alias("output_tokens", "output_lens"),
        Alias("status", "errors", beside=("output_lens",)),
    ),
    "guidellm": (
        Alias("timestamp", "request_start_time"),
        Alias("prompt_tokens", "prompt_tokens"),
        Alias("output_tokens", "output_tokens"),
        Alias("seconds", "request_latency", beside=("request_start_time",)),
    ),
    "genai-perf": (
        Alias("timestamp", "metadata.request_start_ns", "ns"),
        Alias("timestamp", "timestamp", "ns", beside=("response_timestamps",)),
        Alias("prompt_tokens", "metrics.input_sequence_length.value"),
        Alias("output_tokens", "metrics.output_sequence_length.value"),
        Alias("thinking_tokens", "metrics.reasoning_token_count.value"),
        Alias("seconds", "metrics.request_latency.value", "ms"),
        Alias("status", "error.message", beside=("metadata.request_start_ns",)),
    ),
    "lm-evaluation-harness": (
        Alias("correct", "exact_match", beside=_LM),
        Alias("correct", "acc", beside=_LM),
        Alias("correct", "pass@1", beside=_LM),
        Alias("question", "doc_id"),
    ),
    "Inspect": (
        Alias("question", "id", beside=("epoch",)),
        Alias("thinking_tokens", "model_usage.*.reasoning_tokens"),
        Alias("seconds", "working_time"),
        Alias("seconds", "total_time"),
        Alias("status", "error", beside=("epoch",)),
    ),
    "Azure": (
        Alias("timestamp", "TIMESTAMP"),
        Alias("prompt_tokens", "ContextTokens"),
        Alias("output_tokens", "GeneratedTokens"),
    ),
    "BurstGPT": (
        Alias("timestamp", "Timestamp"),
        Alias("prompt_tokens", "Request tokens"),
        Alias("output_tokens", "Response tokens"),
    ),
    "Mooncake": (
        Alias("timestamp", "timestamp", "ms", beside=_MOONCAKE),
        Alias("prompt_tokens", "input_length"),
        Alias("output_tokens", "output_length"),
    ),
    "ServeGen": (
        Alias("timestamp", "timestamp", beside=("data.input_tokens",)),
        Alias("prompt_tokens", "data.input_tokens"),
        Alias("output_tokens", "data.output_tokens"),
        Alias("seconds", "duration", "ms", beside=_SERVEGEN),
    ),
    SUMMARIES: (
        *_usual("batch", "n", "batch_size", "batch_mean"),
        *_usual("batch", "concurrency", "concurrency_or_batch", "max_concurrency"),
        *_usual("seconds_per_token", "tpot", "mean_tpot", "itl", "mean_itl", "median_tpot", "median_itl"),
        *_usual("seconds_per_token", "time_per_output_token", "inter_token_latency"),
        *_usual("prompt_tokens", "input_tokens", "input_tokens_mean", "prompt_len", "input_len"),
        *_usual("first_token", "ttft", "mean_ttft", "median_ttft", "time_to_first_token"),
    ),
}
