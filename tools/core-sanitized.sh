#!/bin/bash
# The tests of the Python core with its compiled form under AddressSanitizer, whose malloc Python's objects
# then come from, and with Python's own debugging allocator; and 10,000 lives of followers, whose memory
# has to stay flat. Python's own leaks at exit are not looked at.
#
#     tools/core-sanitized.sh VENV        the sanitized core is put into build/sanitized
set -euo pipefail
cd "$(dirname "$0")/.."
python=$PWD/$1/bin/python
folder=$PWD/build/sanitized
runtime=$(gcc -print-file-name=libasan.so)
[ -e "$runtime" ] || { echo "gcc has no libasan.so" >&2; exit 1; }

installed=$("$python" -I -c 'import gofollow; print(gofollow.__path__[0])')
rm -rf "$folder"
mkdir -p "$folder"
cp -r "$installed" "$(dirname "$installed")/cycapture" "$folder"
rm -f "$folder"/gofollow/_*.so
flags=(-O1 -g -fno-omit-frame-pointer -fsanitize=address)
CFLAGS="${flags[*]}" LDFLAGS="-fsanitize=address" "$python" setup.py -q build_ext --build-lib "$folder/compiled" --build-temp "$folder/objects"
mv "$folder"/compiled/gofollow/_*.so "$folder/gofollow"

export GOFOLLOW_CORE=compiled LIVES=10000
tests=("$python" -m pytest -q -c pyproject.toml --rootdir . -p no:cacheprovider)
# Under the sanitizer memory and time are other than these tests allow.
slow="memory or costs or merged or moved_rarely or lives or forms or interrupt or next_to_nothing or copy"
env PYTHONPATH="$folder" LD_PRELOAD="$runtime" PYTHONMALLOC=malloc ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 \
    "${tests[@]}" tests/python/test_{core,turns,streams,stop,snapshots,whole_streams}.py -k "not ($slow)"
env PYTHONMALLOC=debug "${tests[@]}" tests/python/test_{core,turns,streams,stop}.py -k "not ($slow)"
"${tests[@]}" tests/python/test_core.py -k lives
