#!/usr/bin/env bash
# webgpu.sh COMMAND... : runs a command where WebGPU works: on this machine's GPU if there is one, else on SwiftShader, the
# software Vulkan driver inside Debian's chromium packages, which is unpacked into .webgpu/ (no root, nothing installed).
# VK_ICD_FILENAMES=FILE names another driver.
set -euo pipefail
cd "$(dirname "$0")/../.."

WEBGPU=.webgpu
DRIVER=$WEBGPU/driver

fail() {
  printf 'webgpu: %s\n  %s\n' "$1" "$2" >&2
  exit 1
}

adapter() { node bin/air.js backends | grep -E '^. webgpu +works' || true; }

# Unpacks the first package that holds SwiftShader; newer ones have it in chromium-common, older ones in chromium.
unpack_swiftshader() {
  for tool in apt-get dpkg-deb; do
    command -v "$tool" > /dev/null || fail "no GPU here, and no $tool to fetch a software driver with" \
      'name the description of a Vulkan driver: VK_ICD_FILENAMES=FILE make test-webgpu'
  done
  local apt=(apt-get -qq -o "Dir::State::Lists=$PWD/$WEBGPU/lists" -o "Dir::Cache=$PWD/$WEBGPU/cache" -o APT::Sandbox::User=root)
  rm -rf "$DRIVER" "$DRIVER.part" "$WEBGPU"/{lists,cache,debs}
  mkdir -p "$WEBGPU"/{lists/partial,cache/archives/partial,debs}
  "${apt[@]}" update || fail "apt-get cannot read this distribution's package lists" 'is its mirror reachable?'
  local package library
  for package in chromium-common chromium libvulkan1; do
    (cd "$WEBGPU/debs" && "${apt[@]}" download "$package") || continue
    dpkg-deb -x "$WEBGPU"/debs/"$package"_*.deb "$WEBGPU/debs/$package"
    if [[ $package != libvulkan1 && -z $(find "$WEBGPU/debs/$package" -name libvk_swiftshader.so) ]]; then continue; fi
    mkdir -p "$DRIVER.part"
    find "$WEBGPU/debs/$package" \( -name 'libvk_swiftshader.so' -o -name 'vk_swiftshader_icd.json' -o -name 'libvulkan.so.1*' \) \
      ! -name '*.TOC' -exec cp -aL {} "$DRIVER.part" \;
    if [[ -e $DRIVER.part/libvk_swiftshader.so && -e $DRIVER.part/libvulkan.so.1 ]]; then break; fi
  done
  for library in libvk_swiftshader.so vk_swiftshader_icd.json libvulkan.so.1; do
    [[ -e $DRIVER.part/$library ]] || fail "no package of this distribution holds $library" \
      'name the description of a Vulkan driver: VK_ICD_FILENAMES=FILE make test-webgpu'
  done
  mv "$DRIVER.part" "$DRIVER"
  rm -rf "$WEBGPU"/{lists,cache,debs}
}

found=$(adapter)
if [[ -z $found ]]; then
  [[ -d $DRIVER ]] || unpack_swiftshader
  export VK_ICD_FILENAMES=${VK_ICD_FILENAMES:-$PWD/$DRIVER/vk_swiftshader_icd.json}
  export LD_LIBRARY_PATH=$PWD/$DRIVER${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  found=$(adapter)
  [[ -n $found ]] || fail "no adapter, even with $VK_ICD_FILENAMES" "$(node bin/air.js backends | grep -A1 '^. webgpu' | tr -s ' ' | tr '\n' ';')"
fi
echo "${found:2}" >&2
exec "$@"
