"""A synthetic world: named solids that stand and move in rooms and on streets, filmed, with exact references.

    from videostr.data.world import WorldConfig, build_world
    report = build_world("data", clips=200, seed=0, config=WorldConfig(objects=(2, 5)), workers=2)

Needs the extra `data` to write clips and rows; scenes, pictures, facts and questions need numpy alone.
"""

from videostr.data.world.build import BuildReport, build_world
from videostr.data.world.clip import Clip, Shot, load_clip, make_clip, record_path, sample_scene
from videostr.data.world.config import WorldConfig
from videostr.data.world.observe import observe
from videostr.data.world.picture import render
from videostr.data.world.scene import Room, Scene, Street
from videostr.data.world.sheet import contact_sheet

__all__ = [
    "BuildReport",
    "Clip",
    "Room",
    "Scene",
    "Shot",
    "Street",
    "WorldConfig",
    "build_world",
    "contact_sheet",
    "load_clip",
    "make_clip",
    "observe",
    "record_path",
    "render",
    "sample_scene",
]
