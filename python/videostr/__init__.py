"""Reward engine for reinforcement learning of spatio-temporal video reasoning.

spec = videostr.RewardSpec.preset("pose-free")
scorer = videostr.Scorer(spec)
ref = scorer.prepare(ground_truth)
batch = scorer.score_batch(texts, ref)
"""

from videostr._core import __version__, build_info
from videostr.errors import GroundTruthError, InternalError, SpecError, VideostrError
from videostr.graph import Edge, Graph, GraphFrame, Node, Reply, parse
from videostr.report import (
    ANSWER_STATUS,
    COMPONENTS,
    GRAPH_STATUS,
    REPAIRS,
    BatchReport,
    Report,
    repair_names,
)
from videostr.scoring import Reference, Scorer
from videostr.spec import PRESETS, SCORING_VERSION, RewardSpec

__all__ = [
    "ANSWER_STATUS",
    "COMPONENTS",
    "GRAPH_STATUS",
    "PRESETS",
    "REPAIRS",
    "SCORING_VERSION",
    "BatchReport",
    "Edge",
    "Graph",
    "GraphFrame",
    "GroundTruthError",
    "InternalError",
    "Node",
    "Reference",
    "Reply",
    "Report",
    "RewardSpec",
    "Scorer",
    "SpecError",
    "VideostrError",
    "__version__",
    "build_info",
    "parse",
    "repair_names",
]
