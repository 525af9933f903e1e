"""Rules about GPUs: how many an engine is started for, how many it claims, and which of them it sees."""

from __future__ import annotations

import re
from collections.abc import Iterator

from contract.findings import Rule, Said, Severity
from contract.flags import Engine as Kind
from contract.read import Deployment, Engine, Path, mapping, text

_VISIBLE = "CUDA_VISIBLE_DEVICES"
_NUMBERS = re.compile(r"\d{1,4}(,\d{1,4})*")


def _gpus_missing(deployment: Deployment) -> Iterator[Said]:
    for engine in deployment.engines:
        used, claimed = gpus_used(engine), gpus_claimed(engine)
        if used is not None and claimed is not None and used > claimed:
            yield Said(
                engine.serving.flag_at("tensor-parallel-size", "tp", "tp-size"),
                f"Engine {engine.name} is started for {used} GPUs ({_product(engine)}) and claims {claimed}",
                "make the device counts of its members, times their pods, equal to that, or lower the parallel sizes",
            )
        elif unseen := _unseen(engine):
            yield Said(*unseen, "remove it: a container numbers the GPUs that it claims from 0")


def _unseen(engine: Engine) -> tuple[Path, str] | None:
    """Where an engine is told to use GPUs by numbers that its pod does not have, and what is wrong."""
    member, gpus = engine.serving, engine.serving.gpus
    first = member.flags.text("base-gpu-id") if engine.kind is Kind.SGLANG else None
    seen = member.flags.env.get(_VISIBLE)
    numbers = [int(n) for n in seen.split(",")] if isinstance(seen, str) and _NUMBERS.fullmatch(seen) else []
    if gpus and numbers and max(numbers) >= gpus:
        return member.env_at(_VISIBLE), f"{_VISIBLE} of engine {engine.name} is {seen}; its pod has {gpus}, from 0 on"
    if gpus and first and first.isdigit() and int(first) >= gpus:
        return member.flag_at("base-gpu-id"), f"--base-gpu-id of engine {engine.name} is {first}; its pod has {gpus}"
    used = gpus_used(engine) if len(engine.members) == 1 else None
    if numbers and used and len(numbers) < used:
        return member.env_at(_VISIBLE), f"Engine {engine.name} is started for {used} GPUs and sees {seen} only"
    return None


def _claimed_twice(deployment: Deployment) -> Iterator[Said]:
    for member in (m for e in deployment.engines for m in e.members if m.gpus):
        for kind in ("limits", "requests"):
            asked = mapping(mapping(member.container.get("resources")).get(kind))
            if name := next((n for n in asked if text(n).endswith("/gpu")), None):
                yield Said(
                    (*member.at, "resources", kind, name),
                    f"{name} is asked for beside the devices of nodeSelector, which claim the GPUs",
                    "remove it from resources",
                )
                break


def _gpus_idle(deployment: Deployment) -> Iterator[Said]:
    for engine in deployment.engines:
        used, claimed = gpus_used(engine), gpus_claimed(engine)
        if used is not None and claimed is not None and used < claimed:
            yield Said(
                (*engine.serving.path, "nodeSelector", "devices"),
                f"Engine {engine.name} claims {claimed} GPUs and is started for {used} ({_product(engine)}); the rest stand idle",
                f"raise --tensor-parallel-size or --pipeline-parallel-size to use {claimed}, or claim fewer",
            )


def gpus_claimed(engine: Engine) -> int | None:
    """GPUs of one copy of an engine; None when that cannot be told."""
    counts = [m.gpus * m.pods if m.gpus is not None else None for m in engine.members]
    return sum(c for c in counts if c is not None) if None not in counts else None


def gpus_used(engine: Engine) -> int | None:
    """GPUs that one copy of an engine is started for; None when that cannot be told."""
    flags = engine.flags
    if engine.kind not in (Kind.VLLM, Kind.SGLANG, Kind.TRTLLM) or flags.get("device") not in (None, "cuda"):
        return None
    tensor, pipeline, data = flags.tensor_parallel, flags.pipeline_parallel, flags.data_parallel
    if engine.kind is Kind.SGLANG and "enable-dp-attention" in flags.values:
        data = 1
    if engine.kind is Kind.VLLM and any(
        f"data-parallel-{f}" in flags.values for f in ("size-local", "rank", "hybrid-lb")
    ):
        # This copy holds a part of the ranks, the others are elsewhere.
        alone = len(engine.members) == 1
        data = flags.number("data-parallel-size-local", 1) if alone else data
    if tensor is None or pipeline is None or data is None:
        return None
    return tensor * pipeline * max(data, 1)


def _product(engine: Engine) -> str:
    flags = engine.flags
    parts = [f"tensor {flags.tensor_parallel}", f"pipeline {flags.pipeline_parallel}"]
    return " x ".join(parts if flags.data_parallel == 1 else [*parts, f"data {flags.data_parallel}"])


TABLE = (
    Rule(
        "gpus-missing",
        Severity.ERROR,
        "The engine refuses to start: there are fewer GPUs than ranks, or none of that number; clients get 503.",
        "vLLM and SGLang start one process per rank",
        _gpus_missing,
    ),
    Rule(
        "gpus-idle",
        Severity.WARNING,
        "GPUs are claimed that no process uses.",
        "as above",
        _gpus_idle,
    ),
    Rule(
        "gpus-claimed-twice",
        Severity.WARNING,
        "Pods claim twice the GPUs, or stay Pending where no device plugin runs beside the DRA driver.",
        "a device plugin and a DRA driver count on their own",
        _claimed_twice,
    ),
)
