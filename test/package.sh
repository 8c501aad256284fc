#!/usr/bin/env bash
# package.sh: packs, says what the package holds, installs it in an empty folder as who gets it from the registry would, without a
# compiler and without the optional packages, and runs the pipeline of the README in it, on little data.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
  printf 'package: %s\n  %s\n' "$1" "$2" >&2
  exit 1
}

FOLDER=$(realpath -m build/package)
rm -rf "$FOLDER"
mkdir -p "$FOLDER/empty" "$FOLDER/bin"

tarball=$FOLDER/$(npm pack --silent --pack-destination "$FOLDER")
# what is not compiled code, its types and kernels, MNIST, a model of digits, or about the package itself
needless=$(tar -tzf "$tarball" | sed 's,^package/,,' | grep -vE \
  -e '^(package\.json|README\.md|LICENSE|bin/air\.js|fixtures/models/digits\.safetensors)$' \
  -e '^dist/.+(\.js|\.d\.ts|/kernels(-relaxed)?\.wasm|/resize\.wasm)$' \
  -e '^fixtures/mnist/(README\.md|(train|t10k)-(images-idx3|labels-idx1)-ubyte\.gz)$' || true)
[[ -z $needless ]] || fail "the package holds what nobody needs: $(head -3 <<< "$needless" | paste -sd' ')" 'see "files" in package.json'
scripts=$(node -p "Object.keys(require('./package.json').scripts).filter((name) => /^(pre|post)?install\$|^prepare\$/.test(name)).join(' ')")
[[ -z $scripts ]] || fail "package.json runs $scripts where the package is installed" 'nothing of ours runs before somebody calls air'

# A PATH with no compiler on it: only what npm and a shell need
for tool in node npm bash sh env mkdir rm ls cat head; do ln -s "$(command -v "$tool")" "$FOLDER/bin/$tool"; done
cd "$FOLDER/empty"
export PATH=$FOLDER/bin
npm install --silent --no-audit --no-fund --omit=optional --prefix . "$tarball"
export PATH=$PWD/node_modules/.bin:$PATH
air --version

air gen-data --count 600 -q -o train.air
air gen-data --split test --count 100 --seed 7 -q -o test.air
air train train.air --preset small --steps 40 -q -o air.safetensors
air infer air.safetensors test.air -q -o latents.air
air render latents.air --limit 20 -o boxes.png
air eval latents.air
air gen-data --split test --count 100 --seed 7 -q | air infer digits -q | air eval --min-accuracy 0.9
air plot confusion latents.air -o confusion.svg
air check train.air test.air latents.air air.safetensors boxes.png
echo "package: $(ls -l "$tarball" | head -1 | { read -r _ _ _ _ bytes _; echo $((bytes / 1000000)); }) MB, installed and run without a compiler and without optional packages"
