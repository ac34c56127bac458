#!/usr/bin/env bash
# Everything that needs a GPU, in at most ten minutes, the most valuable first; each part has its own limit, and one that
# fails does not stop the next. It needs nvcc, CMake and a C++20 compiler, no network; PyTorch and compute-sanitizer are
# used where they are. Results go to $OUT (benchmarks/results/gpu by default), eight files at most:
#
#   summary.txt   what passed, failed or ran out of time, and how long it took
#   gpu.json      the benchmark of cuda/check, with device, driver and commit
#   python.json   steps of training by `fit` and `train_on_batch`, and each instruction beside its prediction
#   torch.json    steps of the same networks by PyTorch: eager, compiled, as CUDA graphs
#   build.log  check.log (with the tests in Python)  benchmark.log (with PyTorch's)  sanitizer.log
#
# Arguments keep only the parts that are named: build check python torch benchmark sanitizer. DLNATIVE_COMMIT names the
# commit where there is no git. `python3 cuda/report.py RESULTS` makes benchmarks/results/gpu.md of them.
set -uo pipefail
cd "$(dirname "$0")/.."
out=$(realpath -m "${OUT:-benchmarks/results/gpu}")
build=${DLNATIVE_GPU_BUILD:-build/gpu}
mkdir -p "$out"
export PYTHONUNBUFFERED=1
export DLNATIVE_COMMIT=${DLNATIVE_COMMIT:-$(git rev-parse HEAD 2> /dev/null || echo unknown)}
parts=${*:-build check python torch benchmark sanitizer}
wanted() { [[ " $parts " == *" $1 "* ]]; }

{
  echo "commit $DLNATIVE_COMMIT"
  nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm,clocks.max.mem --format=csv,noheader 2>&1
  nvcc --version 2>&1 | tail -n 2
  echo "$(nproc) cores"
} > "$out/summary.txt"

# run LIMIT LOG COMMAND...: the command with its output in the log; one line in the summary. None goes on past ten minutes.
run() {
  local limit=$1 log=$out/$2 begin=$SECONDS status left=$((590 - SECONDS))
  shift 2
  [ "$limit" -gt "$left" ] && limit=$left
  if [ "$limit" -lt 5 ]; then
    echo "left out, no time: $*" | tee -a "$out/summary.txt"
    return 1
  fi
  echo "== $*" >> "$log"
  timeout --kill-after=5 "$limit" "$@" >> "$log" 2>&1
  status=$?
  local word=passed
  [ $status -ne 0 ] && word="FAILED ($status)"
  [ $status -eq 124 ] && word="ran out of its $limit s"
  echo "$word, $((SECONDS - begin)) s: $*" | tee -a "$out/summary.txt"
  return $status
}

if wanted build; then
  generator=()
  command -v ninja > /dev/null && generator=(-G Ninja)
  run 60 build.log cmake "${generator[@]}" -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DDLNATIVE_PYTHON=OFF \
    -DDLNATIVE_CUDA=ON -DDLNATIVE_ISAS=portable -DCMAKE_CUDA_ARCHITECTURES="${DLNATIVE_GPU_ARCHITECTURES:-90-real}"
  run 150 build.log cmake --build "$build" --parallel "$(nproc)" -- -k 0 ||
    run 60 build.log cmake --build "$build" --parallel 4
fi

if wanted check; then
  run 30 check.log "$build/cuda/cuda_device_check"
  run 90 check.log "$build/cuda/cuda_parity"
  run 60 check.log "$build/cuda/cuda_training"
fi

if wanted python; then
  # The backend from Python: what the executor keeps on the device, steps of training beside their prediction, every op of
  # the table, and programs as Keras runs them.
  if python3 -c "import pybind11, pytest" 2> /dev/null; then
    run 60 build.log cmake -S . -B "$build" -DDLNATIVE_PYTHON=ON -Dpybind11_DIR="$(python3 -m pybind11 --cmakedir)" \
      -DPython_EXECUTABLE="$(command -v python3)"
    run 120 build.log cmake --build "$build" --parallel "$(nproc)"
    package=$(mktemp -d)
    cp -r python/dlnative "$package"
    rm -f "$package"/dlnative/_*.so
    cp "$build"/csrc/_native*.so "$build"/cuda/_cuda*.so "$package/dlnative"
    export PYTHONPATH=$package DLNATIVE_REQUIRE_CUDA=1
    run 60 check.log python3 -m pytest -q -p no:cacheprovider tests/test_cuda.py tests/test_cuda_arrays.py
    run 60 benchmark.log python3 cuda/check/python_steps.py "$out/python.json"
    run 80 check.log python3 -m pytest -q -p no:cacheprovider tests/test_op_table.py -k cuda
    DLNATIVE_BACKEND=cuda run 90 check.log python3 -m pytest -q -p no:cacheprovider tests/keras tests/test_learning.py
    unset PYTHONPATH DLNATIVE_REQUIRE_CUDA
    rm -rf "$package"
  else
    echo "left out: no pybind11 or pytest" | tee -a "$out/summary.txt"
  fi
fi

if wanted torch; then
  if python3 -c "import torch" 2> /dev/null; then
    run 90 benchmark.log python3 cuda/check/torch_steps.py "$out/torch.json"
  else
    echo "left out: no PyTorch" | tee -a "$out/summary.txt"
  fi
fi

if wanted benchmark; then
  if [ -z "${DLNATIVE_CUBLAS:-}" ]; then
    DLNATIVE_CUBLAS=$(python3 - <<'PYTHON' 2> /dev/null
import glob, sysconfig
found = sorted(glob.glob(sysconfig.get_paths()["purelib"] + "/nvidia/*/lib/libcublas.so.*"))
found += sorted(glob.glob("/usr/local/cuda*/lib64/libcublas.so.*"))
print(found[0] if found else "")
PYTHON
    )
    export DLNATIVE_CUBLAS
  fi
  export LD_LIBRARY_PATH="$(dirname "${DLNATIVE_CUBLAS:-/}"):${LD_LIBRARY_PATH:-}"
  run 150 benchmark.log "$build/cuda/cuda_benchmark" "$out/gpu.json"
fi

if wanted sanitizer; then
  if command -v compute-sanitizer > /dev/null; then
    for tool in memcheck racecheck; do
      run 60 sanitizer.log compute-sanitizer --tool $tool --error-exitcode 9 "$build/cuda/cuda_parity"
    done
    run 30 sanitizer.log compute-sanitizer --tool memcheck --error-exitcode 9 "$build/cuda/cuda_training" 2
  else
    echo "left out: no compute-sanitizer" | tee -a "$out/summary.txt"
  fi
fi

echo "== $SECONDS s" | tee -a "$out/summary.txt"
tail -n 400 "$out/benchmark.log" 2> /dev/null
grep -h -E "FAILED|failures|passed|ERROR SUMMARY|RACECHECK SUMMARY|error:" "$out"/check.log "$out"/build.log "$out"/sanitizer.log 2> /dev/null | head -n 60
cat "$out/summary.txt"
