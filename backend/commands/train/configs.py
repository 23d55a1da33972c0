"""Hyper-parameters and shapes of networks from the command line."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from backend.models.config import GeneratorConfig
from backend.training.config import FinerConfig, TrainingConfig, Value


def given(
    kind: type[TrainingConfig] | type[FinerConfig], args: argparse.Namespace
) -> dict[str, Value | None]:
    """What the command line says of a config's fields, by name; None: nothing."""
    return {item.name: getattr(args, item.name, None) for item in fields(kind)}


def shape_of(args: argparse.Namespace, saved: Mapping[str, Any]) -> GeneratorConfig:
    """A generator's shape; what the command line does not say comes from the saved run."""
    said = {item.name: getattr(args, item.name, None) for item in fields(GeneratorConfig)}
    return GeneratorConfig(**{**saved, **{k: v for k, v in said.items() if v is not None}})
