"""A small synthetic world: coloured solids before a moving camera, rendered, with exact references.

    from videostr.data.synth import SynthConfig, build_rows
    report = build_rows("data", clips=48, seed=0, config=SynthConfig(), val_clips=8)

Needs the extra `data` to write clips and rows; scenes, pictures and references need numpy alone.
"""

from videostr.data.synth.build import BuildReport, build_rows, render_clips
from videostr.data.synth.config import SynthConfig
from videostr.data.synth.reference import reference_graph
from videostr.data.synth.render import render
from videostr.data.synth.sample import sample_scene
from videostr.data.synth.scene import Scene, Solid

__all__ = [
    "BuildReport",
    "Scene",
    "Solid",
    "SynthConfig",
    "build_rows",
    "reference_graph",
    "render",
    "render_clips",
    "sample_scene",
]
