"""Our dataset with verl's own classes, in processes of their own: what reaches the model, how often it is decoded,
and what is said of a medium that is not there."""

from __future__ import annotations

import pytest
from fresh_python import needs_verl, run_checks

pytestmark = [needs_verl, pytest.mark.slow]  # together with the other modules that import verl

_SET_UP = """
import asyncio, json, pickle, sys, tempfile, traceback
from pathlib import Path
import numpy as np
from videostr.integrations.verl_cpu.torchvision_ops import declare_missing_operators
declare_missing_operators()
import torch
from omegaconf import OmegaConf
from PIL import Image
from qwen_vl_utils import vision_process
from transformers import AutoProcessor
from verl.utils.dataset.rl_dataset import collate_fn, get_dataset_class
from verl.utils.tokenizer.tokenizer import build_multimodal_processor_inputs
from videostr.data.rows import make_row, write_rows
from videostr.data.media import MediaError
from videostr.data.row_check import RowError
from videostr.data.synth.video import write_mp4
from videostr.testing.tiny_vlm import make_tiny_qwen2_5_vl
import videostr.integrations.row_media as row_media
import videostr.integrations.verl_dataset as module

PROCESSOR = AutoProcessor.from_pretrained(make_tiny_qwen2_5_vl(Path(tempfile.mkdtemp()) / "tiny", 0))
ANSWER = {"version": 1, "answer": {"kind": "number", "value": 1}}
COMMON = dict(source="test", task="any", ability="static", question="q", scene="s", split="train", seed=0,
              builder_version="1")

def folder():
    return Path(tempfile.mkdtemp())

def grey(index):
    return 20 + 6 * index

def clip(path, frames, fps, size=56):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_mp4(path, [np.full((size, size, 3), grey(index), np.uint8) for index in range(frames)], fps)
    return path

def video(path, nframes):
    return {"video": str(path), "nframes": nframes, "resized_height": 56, "resized_width": 56}

def row(index, *, videos=(), images=(), frames=(), prompt=None):
    prompt = prompt or "<video>" * len(videos) + "<image>" * len(images) + f"question {index}"
    return make_row(reference=ANSWER, prompt=prompt, index=index, frames=frames, videos=videos, images=images, **COMMON)

def both(rows):
    return [{**row, "videos": row.get("videos", []), "images": row.get("images", [])} for row in rows]

def made(files, **settings):
    config = OmegaConf.create({"filter_overlong_prompts": False, "custom_cls":
        {"path": "pkg://videostr.integrations.verl_dataset", "name": "VideostrDataset"}, **settings})
    files = [str(file) for file in (files if isinstance(files, list) else [files])]
    return get_dataset_class(config)(files, PROCESSOR.tokenizer, config, PROCESSOR)

def asked(dataset, item, times=1):
    async def ask():
        messages = [collate_fn([dataset[item]])["raw_prompt"][0] for _ in range(times)]
        return await asyncio.gather(*(
            type(dataset).process_multi_modal_info(message, image_patch_size=14, config=dataset.config)
            for message in messages
        ))
    return asyncio.run(ask())

def shown(frames):
    return [round((float(frame.mean()) - 20) / 6) for frame in frames]

def refused(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")
"""

_CHECKS = {
    "the_model_gets_the_frames_that_the_row_names": """
path = folder()
indices = [1, 2, 6, 9]  # no even spacing gives these
clip(path / "a.mp4", 12, 4)
write_rows(path / "r.parquet", [row(0, videos=[video("a.mp4", 4)], frames=[i / 4 for i in indices])])
dataset = made(path / "r.parquet")
(images, videos, audios), = asked(dataset, 0)
assert images is None and audios is None
(frames, metadata), = videos
assert frames.dtype == torch.float32 and frames.shape == (4, 3, 56, 56)
assert shown(frames) == indices, shown(frames)
assert metadata["frames_indices"] == indices and metadata["fps"] == 4.0 and metadata["total_num_frames"] == 12
# and after verl's call of the processor, as patches in pairs of frames
text = PROCESSOR.apply_chat_template(dataset[0]["raw_prompt"], add_generation_prompt=True, tokenize=False)
inputs = build_multimodal_processor_inputs(PROCESSOR, text=[text], images=None, videos=videos)
assert inputs["video_grid_thw"].tolist() == [[2, 4, 4]]
patches = torch.as_tensor(inputs["pixel_values_videos"]).reshape(2, 16, 3, 2, 14 * 14).mean(dim=(1, 4))
own = PROCESSOR.video_processor
pixels = (patches * torch.tensor(own.image_std)[:, None] + torch.tensor(own.image_mean)[:, None]) * 255
greys = pixels.mean(dim=1).flatten().tolist()
assert [round((value - 20) / 6) for value in greys] == indices, greys
assert inputs["input_ids"][0].tolist().count(PROCESSOR.tokenizer.convert_tokens_to_ids("<|video_pad|>")) == 8
""",
    "the_frames_of_a_rendered_clip_are_recognised": """
from videostr.data.rows import read_rows
from videostr.data.synth import SynthConfig, build_rows
from videostr.data.synth.render import render
from videostr.data.synth.sample import sample_scene
config = SynthConfig(frames=8, fps=4, nframes=4, questions_per_clip=1)
path = folder()
build_rows(path, 1, 3, config)
(images, videos, _), = asked(made(path / "train.parquet"), 0)
frames, metadata = videos[0]
scene = sample_scene(config, 3, 0)
rendered = np.stack([render(scene, time, config.lens, config.supersampling) for time in config.frame_times])
taken = frames.permute(0, 2, 3, 1).numpy()
distance = np.abs(taken[:, None] - rendered[None].astype(np.float32)).mean(axis=(2, 3, 4))
assert distance.argmin(axis=1).tolist() == metadata["frames_indices"] == [0, 2, 5, 7], distance
assert distance.min(axis=1).max() < 4, distance
times = next(read_rows(path / "train.parquet"))["extra_info"]["frames"]
assert [index / metadata["fps"] for index in metadata["frames_indices"]] == times
""",
    "it_gives_what_verls_own_reader_gives_where_both_take_the_same_frames": """
from verl.utils.dataset.rl_dataset import RLHFDataset
path = folder()
rng = np.random.default_rng(0)
soft = [np.asarray(Image.fromarray(rng.integers(0, 255, (6, 8, 3), np.uint8)).resize((160, 120))) for _ in range(8)]
write_mp4(path / "a.mp4", soft, 4)
for struct in ({"nframes": 4, "resized_height": 84, "resized_width": 112}, {"nframes": 4},
               {"nframes": 4, "max_pixels": 56 * 84, "min_pixels": 28 * 28}):
    write_rows(path / "r.parquet", [row(0, videos=[{"video": str(path / "a.mp4"), **struct}],
                                        frames=[0.0, 0.5, 1.25, 1.75])])
    dataset = made(path / "r.parquet")
    (_, ours, _), = asked(dataset, 0)
    message = dataset[0]["raw_prompt"]
    _, theirs, _ = asyncio.run(RLHFDataset.process_multi_modal_info(message, 14, dataset.config))
    (a, ours_of), (b, theirs_of) = ours[0], theirs[0]
    assert a.shape == b.shape and a.dtype == b.dtype, (a.shape, b.shape)
    assert (a - b).abs().mean() < 2, (a - b).abs().mean()
    same = ("fps", "frames_indices", "total_num_frames")
    assert [ours_of[key] for key in same] == [theirs_of[key] for key in same], (ours_of, theirs_of)
""",
    "eight_rollouts_decode_a_clip_once": """
path = folder()
clip(path / "a.mp4", 8, 4)
write_rows(path / "r.parquet", [row(i, videos=[video("a.mp4", 4)], frames=[0.0, 0.5, 1.25, 1.75]) for i in range(2)])
dataset = made(path / "r.parquet", media_cache_bytes=10_000_000)
decoded, real = [], row_media.read_frames
row_media.read_frames = lambda *given: decoded.append(given) or real(*given)
answers = asked(dataset, 0, times=8)
assert len(decoded) == 1, decoded
answers[0][1][0][0].zero_()  # what one rollout does to its frames no other sees
answers[0][1][0][1]["frames_indices"].clear()
assert shown(answers[1][1][0][0]) == shown(asked(dataset, 0)[0][1][0][0]) == [0, 2, 5, 7]
assert asked(dataset, 1)[0][1][0][1]["frames_indices"] == [0, 2, 5, 7]
dataset._process_multi_modal_info(dataset[0]["raw_prompt"], 14, dataset.config)
assert len(decoded) == 1 and module.media_cache(dataset.config).loads == 1
assert module.media_cache(dataset.config).size == 4 * 3 * 56 * 56
clip(path / "a.mp4", 10, 4)  # another clip under the same name
asked(dataset, 0)
assert len(decoded) == 2
row_media.read_frames = real
""",
    "relative_paths_start_at_the_rows_or_at_the_root": """
path = folder()
clip(path / "rows" / "clips" / "a.mp4", 4, 2), clip(path / "elsewhere" / "clips" / "a.mp4", 6, 3)
write_rows(path / "rows" / "r.parquet", [row(0, videos=[video("clips/a.mp4", 4)], frames=[0.0, 0.5, 1.0, 1.5])])
assert asked(made(path / "rows" / "r.parquet"), 0)[0][1][0][1]["total_num_frames"] == 4
write_rows(path / "rows" / "s.parquet", [row(0, videos=[video("clips/a.mp4", 4)], frames=[0.0, 1/3, 2/3, 1.0])])
rooted = made(path / "rows" / "s.parquet", data_root=str(path / "elsewhere"))
assert asked(rooted, 0)[0][1][0][1]["total_num_frames"] == 6
error = refused(MediaError, lambda: made(path / "rows" / "s.parquet", data_root="/nowhere"))
assert "/nowhere/clips/a.mp4: there is no such file" in str(error), error
assert str(error).startswith(f"{path / 'rows' / 's.parquet'}: row 0: videos[0].video: "), error
""",
    "a_missing_file_is_named_with_the_row_of_its_own_file": """
path = folder()
clip(path / "a.mp4", 4, 2)
good = [row(i, videos=[video("a.mp4", 4)], frames=[0.0, 0.5, 1.0, 1.5]) for i in range(3)]
write_rows(path / "one.parquet", good)
write_rows(path / "two.parquet", [good[0], row(1, videos=[video("b.mp4", 4)], frames=[0.0, 0.5, 1.0, 1.5])])
error = refused(MediaError, lambda: made([path / "one.parquet", path / "two.parquet"]))
assert error.where == f"{path / 'two.parquet'}: row 1" and error.field == "videos[0].video", error
assert error.path == str(path / "b.mp4")
again = pickle.loads(pickle.dumps(error))
assert str(again) == str(error) and again.path == error.path
""",
    "an_unreadable_clip_is_named_with_file_row_and_path": """
path = folder()
clip(path / "a.mp4", 4, 2)
(path / "b.mp4").write_bytes(b"no clip" * 50)
(path / "c.png").write_bytes(b"no picture" * 50)
times = [0.0, 0.5, 1.0, 1.5]
write_rows(path / "r.parquet", both([
    row(0, videos=[video("a.mp4", 4)], frames=times), row(1, videos=[video("b.mp4", 4)], frames=times),
    row(2, videos=[video("a.mp4", 4)], frames=[0.0, 0.5, 1.0, 9.0]), row(3, images=[{"image": "c.png"}]),
    row(4, videos=[video("b.mp4", 4)] * 2)]))
dataset = made(path / "r.parquet")
assert asked(dataset, 0)
for number, field, said in (
    (1, "videos[0].video", "b.mp4: cannot be decoded"), (2, "videos[0].video", "no frame at 9 s"),
    (3, "images[0].image", "c.png: cannot be read"), (4, "videos[0].video", "b.mp4: cannot be read: RuntimeError"),
):
    error = refused(MediaError, lambda: asked(dataset, number))
    assert str(error).startswith(f"{path / 'r.parquet'}: row {number}: {field}: {path}"), error
    assert said in str(error), error
(path / "a.mp4").unlink()
assert "cannot be read" in str(refused(MediaError, lambda: asked(dataset, 0)))
""",
    "clips_pictures_and_text_mix_in_a_file_and_over_files": """
path = folder()
clip(path / "a.mp4", 4, 2)
for name, value in (("x.png", 40), ("y.png", 90)):
    Image.fromarray(np.full((56, 56, 3), value, np.uint8)).save(path / name)
times = [0.0, 0.5, 1.0, 1.5]
size = {"resized_height": 56, "resized_width": 56}
rows = [
    row(0, videos=[video("a.mp4", 4)], frames=times), row(1, prompt="text alone, with no mark"),
    row(2, images=[{"image": "x.png", **size}]),
    row(3, images=[{"image": "x.png", **size}, {"image": "y.png", **size}]),
    row(4, videos=[video("a.mp4", 2), video("a.mp4", 4)]),
    row(5, videos=[video("a.mp4", 4)], images=[{"image": "y.png", **size}], frames=times,
        prompt="first <image> then <video> what?")]
write_rows(path / "all.parquet", both(rows))
for number, one in enumerate((rows[0], rows[2], rows[1])):
    write_rows(path / f"{number}.parquet", [one])

def told(dataset, item):
    (images, videos, _), = asked(dataset, item)
    return ([round(float(np.asarray(image).mean())) for image in images or ()],
            [shown(frames) for frames, _ in videos or ()])

expected = [([], [[0, 1, 2, 3]]), ([], []), ([40], []), ([40, 90], []), ([], [[0, 3], [0, 1, 2, 3]]),
            ([90], [[0, 1, 2, 3]])]
dataset = made(path / "all.parquet")
assert [told(dataset, item) for item in range(6)] == expected
apart = made([path / "0.parquet", path / "1.parquet", path / "2.parquet"])
assert [told(apart, item) for item in range(3)] == [expected[0], expected[2], expected[1]]
for item in range(6):
    assert "videostr_row" not in dataset[item] and "videos" not in dataset[item]
    text = PROCESSOR.apply_chat_template(dataset[item]["raw_prompt"], add_generation_prompt=True, tokenize=False)
    (images, videos, _), = asked(dataset, item)
    inputs = build_multimodal_processor_inputs(PROCESSOR, text=[text], images=images, videos=videos)
    assert len(inputs["input_ids"][0]) > 0
batch = collate_fn([dataset[item] for item in range(6)])
assert len(batch["raw_prompt"]) == 6
""",
    "files_whose_structs_differ_are_united_or_refused_in_words": """
path = folder()
clip(path / "a.mp4", 4, 2)
write_rows(path / "0.parquet", [row(0, videos=[video("a.mp4", 4)], frames=[0.0, 0.5, 1.0, 1.5])])
write_rows(path / "1.parquet", [row(0, videos=[{"video": "a.mp4", "fps": 2.0}])])
error = refused(RowError, lambda: made([path / "0.parquet", path / "1.parquet"]))
assert "0.parquet" in str(error) and "columns" in str(error), error
# Nulls that Arrow fills in when somebody unites the structs himself do not reach the reader.
import pyarrow as pa, pyarrow.parquet as pq
tables = [pq.read_table(path / f"{number}.parquet") for number in range(2)]
records = [record for table in tables for record in table.to_pylist()]
pq.write_table(pa.Table.from_pylist(records), path / "both.parquet")
assert pq.read_table(path / "both.parquet").to_pylist()[1]["videos"][0].get("nframes", 0) is None
dataset = made(path / "both.parquet")
assert shown(asked(dataset, 0)[0][1][0][0]) == shown(asked(dataset, 1)[0][1][0][0]) == [0, 1, 2, 3]
""",
    "a_choice_of_samples_is_the_same_in_every_start": """
path = folder()
write_rows(path / "r.parquet", [row(i, prompt=f"text {i}") for i in range(50)])
def chosen(**settings):
    config = OmegaConf.create({"filter_overlong_prompts": False, "shuffle": True, **settings})
    dataset = module.VideostrDataset([str(path / "r.parquet")], PROCESSOR.tokenizer, config, PROCESSOR, max_samples=8)
    return [dataset[item]["index"] for item in range(len(dataset))]
assert chosen() == chosen() == chosen(seed=None) and len(set(chosen())) == 8
assert chosen(seed=3) == chosen(seed=3) != chosen(seed=4)
""",
    "a_loader_that_is_resumed_gives_the_rows_that_an_unbroken_one_gives": """
from torchdata.stateful_dataloader import StatefulDataLoader
from verl.trainer.ppo.utils import create_rl_sampler
path = folder()
write_rows(path / "r.parquet", [row(i, prompt=f"text {i}") for i in range(7)])

class Loader:  # as verl's trainer uses it (verl/trainer/ppo/v1/trainer_base.py:743, :1466)
    def __init__(self, workers, state=None, **settings):
        self.dataset = made(path / "r.parquet", shuffle=True, **settings)
        sampler = create_rl_sampler(self.dataset.config, self.dataset)
        self.loader = StatefulDataLoader(self.dataset, batch_size=2, num_workers=workers, drop_last=True,
                                         collate_fn=collate_fn, sampler=sampler)
        if state is not None:
            self.loader.load_state_dict(pickle.loads(state))
        self.iterator = None
    def step(self):
        try:
            self.iterator = self.iterator or iter(self.loader)
            return next(self.iterator)["index"].tolist()
        except StopIteration:
            self.iterator = iter(self.loader)
            return next(self.iterator)["index"].tolist()
    def state(self):
        return pickle.dumps(self.loader.state_dict())

for workers, cuts, settings in ((0, range(1, 9), {"seed": 5}), (0, (3, 4), {}), (2, (2, 3, 4), {"seed": 5})):
    whole = Loader(workers, **settings)
    steps, states = [], {}
    for number in range(1, 10):
        steps.append(whole.step())
        states[number] = whole.state()
    assert len({str(sorted(sum(steps[at:at + 3], []))) for at in (0, 3, 6)} | {str(steps[:3]), str(steps[3:6])}) > 2
    for cut in cuts:
        resumed = Loader(workers, states[cut], **settings)
        rest = [resumed.step() for _ in range(cut, 9)]
        assert rest == steps[cut:], (workers, settings, cut, rest, steps)
""",
}


@pytest.fixture(scope="module")
def held() -> tuple[set[str], str]:
    """The names of the checks that held, and what the process said of the others."""
    return run_checks(_SET_UP, _CHECKS)


@pytest.mark.parametrize("name", _CHECKS)
def test_the_dataset(held: tuple[set[str], str], name: str) -> None:
    names, said = held
    assert name in names, said
