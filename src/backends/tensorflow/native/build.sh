#!/usr/bin/env bash
# Gives `--backend tensorflow` the libtensorflow inside a current TensorFlow wheel: `make native`.
#
#   TENSORFLOW=DIR  an installed `tensorflow` package (python3 -c 'import tensorflow; print(tensorflow.__path__[0])')
#   GPU=1           otherwise the wheel with CUDA, and the CUDA and cuDNN wheels that it names
#   GPU=0           or the wheel without, which is also what a first run takes; later ones keep what is there
#
# The wheel is only unpacked: neither its Python part nor this machine's Python version matters. The binding of
# @tensorflow/tfjs-node-gpu is two C++ files on Node-API, so what is built here serves every Node from 20 on. It is built by
# the compiler itself rather than by node-gyp, which wants the headers of one Node version; signals.cc and quiet.cc go with it.
# It is initialised before the libraries (initfirst), or they have said what quiet.cc keeps them from saying. It looks for them in
# the folder of the wheel: they find CUDA from there ($ORIGIN/../nvidia/...), not from a link.
#
# In .native/ afterwards: tfjs-node-gpu (a copy, with the binding), google-protobuf (which it needs), tensorflow (a link to
# the folder in use), wheel-* (what pip unpacked). Started again, it does only what is missing.
set -euo pipefail
cd "$(dirname "$0")/../../../.."

VERSION=2.21.0
NATIVE=.native
PACKAGE=$NATIVE/tfjs-node-gpu
OURS=(src/backends/tensorflow/native/*.cc)
BINDING=$PACKAGE/lib/napi-v8/tfjs_binding.node
HEADERS=node_modules/node-api-headers/include

fail() {
  printf 'make native: %s\n  %s\n' "$1" "$2" >&2
  exit 1
}

[[ $(uname -s) == Linux ]] || fail "TensorFlow's wheels are built into a backend on Linux only, this is $(uname -s)" 'use --backend wasm'

# --- libtensorflow ---------------------------------------------------------------------------------------------------

# pip_unpack FOLDER REQUIREMENT... : unpacks the wheels for this processor, whatever the Python
pip_unpack() {
  python3 -m pip --version > /dev/null 2>&1 || fail 'needs python3 with pip to fetch a TensorFlow wheel' \
    'apt-get install python3-pip, or name an installed package: make native TENSORFLOW=DIR'
  local arch platforms=()
  arch=$(uname -m)
  for tag in manylinux_2_28 manylinux_2_27 manylinux_2_17 manylinux2014 manylinux1; do platforms+=(--platform "${tag}_$arch"); done
  PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --no-deps --no-compile --only-binary=:all: --implementation cp --python-version 3.12 \
    "${platforms[@]}" --upgrade --target "$@" || fail "pip could not unpack ${*:2}" \
    'is PyPI reachable? Otherwise: make native TENSORFLOW=DIR with an installed package'
}

current=$(realpath -q "$NATIVE/tensorflow" || true)
if [[ -n ${TENSORFLOW:-} ]]; then
  FOLDER=$(realpath -m "$TENSORFLOW")
elif [[ -z ${GPU:-} && -d $current && ( $current != */wheel-* || $current == *-$VERSION/* ) ]]; then
  FOLDER=$current
else
  kind=cpu
  [[ ${GPU:-0} != 0 ]] && kind=gpu
  if [[ $kind == gpu && $(uname -m) != x86_64 ]]; then
    fail "TensorFlow's wheels have CUDA for x86_64 only, this is $(uname -m)" 'make native TENSORFLOW=DIR with a build of your own'
  fi
  wheel=tensorflow # with CUDA on x86_64, without elsewhere
  [[ $kind == cpu && $(uname -m) == x86_64 ]] && wheel=tensorflow-cpu
  site=$NATIVE/wheel-$kind-$VERSION
  if [[ ! -d $site ]]; then
    echo "make native: unpacking $wheel $VERSION (from PyPI, once)"
    rm -rf "$site.part"
    pip_unpack "$site.part" "$wheel==$VERSION"
    if [[ $kind == gpu ]]; then
      mapfile -t cuda < <(sed -nE 's/^Requires-Dist: *(nvidia-[^;]*);.*and-cuda.*/\1/p' "$site.part"/*.dist-info/METADATA)
      (( ${#cuda[@]} > 0 )) || fail "$wheel $VERSION names no CUDA wheels" 'make native TENSORFLOW=DIR with an installed package'
      echo "make native: unpacking ${#cuda[@]} CUDA wheels (2 GB)"
      pip_unpack "$site.part" "${cuda[@]}"
    fi
    find "$site.part/tensorflow" -mindepth 1 -maxdepth 1 ! -name include ! -name 'libtensorflow*' -exec rm -rf {} +
    mv "$site.part" "$site"
  fi
  FOLDER=$(realpath "$site/tensorflow")
fi
for file in include/tensorflow/c/c_api.h libtensorflow_cc.so.2 libtensorflow_framework.so.2; do
  [[ -e $FOLDER/$file ]] || fail "$FOLDER holds no $file" \
    "TENSORFLOW names the package: python3 -c 'import tensorflow; print(tensorflow.__path__[0])'"
done

# --- the package and its binding -------------------------------------------------------------------------------------

# locked NAME : the version that package-lock.json names
locked() {
  node -p "require('./package-lock.json').packages['node_modules/$1'].version"
}

# copy_package NAME FOLDER : from node_modules, or from the registry where npm left the optional package out
copy_package() {
  rm -rf "$2" "$2.part"
  mkdir -p "$2.part"
  if [[ -d node_modules/$1 ]]; then
    cp -r "node_modules/$1/." "$2.part"
  else
    (cd "$2.part" && tar -xz --strip-components=1 -f "$(npm pack --silent --ignore-scripts "$1@$3")" && rm -f ./*.tgz) \
      || fail "npm could not fetch $1 $3" 'is the npm registry reachable?'
  fi
  mv "$2.part" "$2"
}

package=$(locked @tensorflow/tfjs-node-gpu)
wanted="$package $(uname -m) $FOLDER $(cat "${OURS[@]}" | cksum)"
# version on stdout, or what is wrong with the binding
load() {
  TF_CPP_MIN_LOG_LEVEL=2 TF_ENABLE_ONEDNN_OPTS=0 node -e "try { console.log(require('./$BINDING').TF_Version) }
    catch (error) { console.log(error.message.split('\n')[0]); process.exitCode = 1 }" 2> /dev/null
}

if [[ $(cat "$NATIVE/built" 2> /dev/null) == "$wanted" ]] && version=$(load); then
  echo "make native: libtensorflow $version is there already"
  exit 0
fi
: "${CXX:=g++}"
command -v "$CXX" > /dev/null || fail "needs a C++ compiler, $CXX is not there" 'apt-get install g++, or name one: make native CXX=clang++'
[[ -e $HEADERS/node_api.h ]] || fail "$HEADERS holds no node_api.h" 'npm ci'

rm -f "$NATIVE/built"
mkdir -p "$NATIVE/node_modules"
copy_package @tensorflow/tfjs-node-gpu "$PACKAGE" "$package"
copy_package google-protobuf "$NATIVE/node_modules/google-protobuf" "$(locked google-protobuf)"
rm -rf "$PACKAGE"/{deps,lib,build}
mkdir -p "$(dirname "$BINDING")"
ln -sfn "$FOLDER" "$NATIVE/tensorflow"
echo "make native: compiling the binding of @tensorflow/tfjs-node-gpu $package"
"$CXX" -O2 -std=c++17 -shared -fPIC -DNAPI_VERSION=8 -I"$HEADERS" -I"$NATIVE/tensorflow/include" "$PACKAGE"/binding/*.cc "${OURS[@]}" \
  -L"$NATIVE/tensorflow" -l:libtensorflow_cc.so.2 -l:libtensorflow_framework.so.2 \
  -Wl,-z,initfirst -Wl,-rpath,'$ORIGIN/../../../tensorflow' -o "$BINDING" || fail 'the binding does not compile' 'another TensorFlow: make native TENSORFLOW=DIR'
version=$(load) || fail "the binding does not load: $version" \
  "the system's libraries may be too old for this TensorFlow: make native TENSORFLOW=DIR with another"
echo "$wanted" > "$NATIVE/built"
echo "make native: libtensorflow $version"
