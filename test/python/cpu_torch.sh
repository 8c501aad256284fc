#!/usr/bin/env bash
# cpu_torch.sh VENV [PACKAGE...] : a Python with PyTorch for the CPU in the folder VENV, and these packages beside it, which
# name whatever they need themselves. PYTHON names the Python to begin with.
#
# PyTorch's own index has it for the CPU, where it can be reached. PyPI has it for Linux with CUDA only: that wheel is
# installed without the gigabytes that it names, and where it does not load so, empty libraries take the place of CUDA's,
# which nothing calls on a CPU.
set -euo pipefail

VENV=$1
shift
PYTHON=${PYTHON:-python3}
NEEDS=(filelock typing-extensions sympy mpmath networkx jinja2 MarkupSafe fsspec numpy)

"$PYTHON" -m venv --clear "$VENV"
pip=("$VENV/bin/python" -m pip install --quiet --no-deps)
loads() { "$VENV/bin/python" -c 'import torch; assert torch.ones(2) @ torch.ones(2) == 2' 2> "$VENV/torch.log"; }

folder() { "$VENV/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))'; }

# cuda_runtime : the one library of CUDA that is called as torch is loaded; it is small
cuda_runtime() {
  local version
  version=$(readelf -d "$(folder)"/torch/lib/libtorch_global_deps.so | sed -nE 's/.*NEEDED.*\[libcudart\.so\.([0-9]+)\]/\1/p')
  [[ -n $version ]] || return 0
  if (( version < 13 )); then
    "${pip[@]}" "nvidia-cuda-runtime-cu$version"
  else
    "${pip[@]}" "nvidia-cuda-runtime==$version.*"
  fi
  find "$(folder)/nvidia" -name "libcudart.so.$version" -exec cp {} "$(folder)/torch/lib/" \;
}

# empty_libraries : those of CUDA that torch names and that are not there, under the version that is asked of them, with
# every function of CUDA that any is asked for
empty_libraries() (
  cd "$(folder)/torch/lib"
  local name version
  nm -D --undefined-only lib*.so | sed -nE 's/.* U ((cu|nv|nccl)[A-Za-z0-9_]*)(@.*)?$/void \1(void) {}/p' | sort -u > empty.c
  for name in $(readelf -d lib*.so | sed -nE 's/.*NEEDED.*\[(lib(cu|nv|nccl).*)\]/\1/p' | sort -u); do
    [[ ! -e $name ]] || continue
    version=$(readelf -VW lib*.so | awk -v "file=$name" '/ File: / { ours = index($0, "File: " file " ") } / Name: / && ours' |
      sed -nE '1s/.* Name: ([^ ]+).*/\1/p')
    echo "${version:-$name} { global: *; };" > empty.map
    cc -w -shared -fPIC -fno-builtin -Wl,--version-script=empty.map -Wl,-soname,"$name" -o "$name" empty.c
  done
  rm empty.c empty.map
)

if ! "${pip[@]}" --retries 0 --index-url https://download.pytorch.org/whl/cpu torch 2> /dev/null; then "${pip[@]}" torch; fi
"${pip[@]}" "${NEEDS[@]}" "$@"
if ! loads; then
  cuda_runtime
  empty_libraries
fi
loads || { printf 'PyTorch does not load in %s\n  %s\n' "$VENV" "$(tail -n 1 "$VENV/torch.log")" >&2; exit 1; }
