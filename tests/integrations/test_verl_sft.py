"""Supervised fine-tuning by verl's own trainer on the CPU platform: a real run, its first loss, its export."""

from __future__ import annotations

from pathlib import Path

import pytest
from fresh_python import needs_verl, run_python

pytestmark = [needs_verl, pytest.mark.slow, pytest.mark.timeout(900)]

_CODE = """
import json, os, sys
from pathlib import Path
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
from videostr.data.rows import read_rows, write_rows
from videostr.data.synth import SynthConfig, build_rows
from videostr.testing.tiny_vlm import make_tiny_qwen2_5_vl
from videostr.train.sft import SFTSettings, sft

os.chdir(sys.stdin.read())
config = SynthConfig(objects=(2, 2), supersampling=1, questions_per_clip=2)
clips = list(read_rows(build_rows("rows", 2, 0, config).train))
text = [{**row, "videos": [], "prompt": [{"role": "user", "content": "Which?"}]} for row in clips[:2]]
for row in text:
    row["extra_info"] = {**row["extra_info"], "frames": []}
rows = Path("rows/mixed.parquet")
write_rows(rows, [*clips, *text])
model = make_tiny_qwen2_5_vl("tiny", 0, hidden_size=64, layers=2, vision_layers=1)
settings = SFTSettings(steps=STEPS, batch_size=6, learning_rate=5e-3)
report = sft(rows, model, "tuned", settings, trainer="verl", overrides=["data.micro_batch_size_per_gpu=1"])
assert (report.trainer, report.rows, report.steps) == ("verl", 6, STEPS), report
assert len(report.losses) == STEPS
assert report.losses[-1] < report.losses[0] - 0.5, report.losses
assert json.loads(Path("tuned/sft.json").read_text())["losses"] == report.losses
assert not Path("tuned/checkpoints").exists()
print("trained")

import torch
from omegaconf import OmegaConf
from transformers import AutoModelForImageTextToText, AutoProcessor
from videostr.integrations.verl_sft_rows import VideostrSFTDataset
from videostr.train.targets import target_text

processor = AutoProcessor.from_pretrained(model)
settings = OmegaConf.create(
    {"model_path": str(model), "rollout_dtype": "float32", "data_root": None, "form": None, "decimals": 1}
)
dataset = VideostrSFTDataset(str(rows), processor.tokenizer, settings, processor)
assert len(dataset) == 6 and len(VideostrSFTDataset([str(rows)], None, settings, processor, 2)) == 2
network = AutoModelForImageTextToText.from_pretrained(model, dtype=torch.float32)
lost = tokens = 0
for row, item in zip(read_rows(rows), dataset):
    reply = item["input_ids"][item["loss_mask"].bool()]
    assert processor.tokenizer.decode(reply) == target_text(row) + processor.tokenizer.eos_token
    assert item["position_ids"].shape == (4, len(item["input_ids"]))
    inputs = {name: value for name, value in item["multi_modal_inputs"].items() if name != "second_per_grid_ts"}
    inputs |= {name: item[name][None] for name in ("input_ids",)}
    with torch.no_grad():
        logits = network(**inputs, position_ids=item["position_ids"][:, None]).logits[0]
    logged = logits[:-1].log_softmax(-1).gather(1, item["input_ids"][1:, None])[:, 0]
    lost -= float(logged[item["loss_mask"][1:].bool()].sum())
    tokens += len(reply)
assert abs(lost / tokens - report.losses[0]) < 1e-4, (lost / tokens, report.losses[0])
print("the first loss is that of the targets")

tuned = AutoModelForImageTextToText.from_pretrained("tuned")
AutoProcessor.from_pretrained("tuned")
before, after = network.state_dict(), tuned.float().state_dict()
assert before.keys() == after.keys()
moved = [name for name, weight in before.items() if not torch.equal(weight, after[name])]
assert any("visual" in name for name in moved) and any("language_model" in name for name in moved)
print("the export loads")

from videostr.errors import VideostrError
try:
    sft(rows, model, "other", trainer="verl", overrides=["optim.lrr=1"], settings=SFTSettings(batch_size=2))
except VideostrError as error:
    assert "lrr" in str(error), error
    print("refused in words")
""".replace("STEPS", "8")


def test_a_run_of_verls_trainer(tmp_path: Path) -> None:
    done = run_python(_CODE, text=str(tmp_path), seconds=800)
    for held in (
        "trained",
        "the first loss is that of the targets",
        "the export loads",
        "refused in words",
    ):
        assert held in done.stdout.splitlines(), done.stdout[-3000:] + done.stderr[-6000:]
