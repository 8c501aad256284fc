"""Reads air's files with Python's own readers, and writes them again with Python's writers.

    python readers.py FILE...                 check each file; one line of JSON about each
    python readers.py --rewrite DIR FILE...   also write each again as DIR/NAME

Streams (.air) need msgpack, checkpoints (.safetensors) safetensors and numpy, arrays (.npy, .npz) numpy, pictures (.png)
Pillow. A rewritten stream has the same content in another form: keys in reverse, one more key in each record, small
integers in nine bytes. A rewritten .npz is deflated, and has one more member: pickled objects.
"""

import argparse
import json
import os
import struct
import zlib


def read_stream(path):
    """[(header, [record])] of each segment, counts and checksums checked."""
    import msgpack

    with open(path, "rb") as file:
        data = file.read()
    segments, start, before = [], 0, 0
    with open(path, "rb") as file:
        unpacker = msgpack.Unpacker(file, raw=False)
        for value in unpacker:
            if "air" in value:
                assert start == before, "a header inside a segment"
                segments.append((value, []))
            elif value.get("end") is True:
                assert value["records"] == len(segments[-1][1]), "count"
                assert value["crc32"] == zlib.crc32(data[start:before]), "checksum"
                start = unpacker.tell()
            else:
                height, width = segments[-1][0]["image"]["shape"]
                assert isinstance(value["image"], bytes) and len(value["image"]) == height * width
                segments[-1][1].append(value)
            before = unpacker.tell()
    assert start == before == len(data), "no end marker"
    return segments


def reverse(value):
    """The same value, the keys of every map in reverse."""
    if isinstance(value, dict):
        return {key: reverse(value[key]) for key in reversed(value)}
    return [reverse(item) for item in value] if isinstance(value, list) else value


def write_stream(path, segments):
    import msgpack

    with open(path, "wb") as file:
        for header, records in segments:
            packed = [msgpack.packb(reverse(header))]
            for record in records:
                body = {key: value for key, value in record.items() if key != "i"}
                parts = [msgpack.packb(part) for pair in reverse(body).items() for part in pair]
                parts += [msgpack.packb("i"), struct.pack(">BQ", 0xCF, record["i"])]
                parts += [msgpack.packb("a key of a later version"), msgpack.packb({"x": [None, 1.5, "é"]})]
                packed.append(msgpack.Packer().pack_map_header(len(body) + 2) + b"".join(parts))
            data = b"".join(packed)
            file.write(data + msgpack.packb({"crc32": zlib.crc32(data), "records": len(records), "end": True}))


def floats(data):
    """float32 values of a bin."""
    return list(struct.unpack(f"<{len(data) // 4}f", data))


def about_stream(path, rewrite):
    segments = read_stream(path)
    if rewrite:
        write_stream(rewrite, segments)
    about = []
    for header, records in segments:
        entry = {"air": header["air"], "records": len(records), "pixels": sum(sum(r["image"]) for r in records)}
        entry["objects"] = [r["objects"] for r in records if "objects" in r]
        if header["air"] == "latents":
            entry["where"] = [floats(step["where"]) for r in records for step in r["steps"]]
            entry["q"] = [r["q"] for r in records]
        about.append(entry)
    return about


def about_safetensors(path, rewrite):
    from safetensors import safe_open
    from safetensors.numpy import load_file, save_file

    tensors = load_file(path)
    with safe_open(path, "np") as file:
        metadata = file.metadata()
    if rewrite:
        save_file(tensors, rewrite, metadata)
    return {
        "metadata": metadata,
        "tensors": {name: {"dtype": str(t.dtype), "shape": list(t.shape), "values": t.ravel().tolist()[:8]} for name, t in tensors.items()},
    }


def about_npy(path, rewrite):
    import numpy

    array = numpy.load(path, allow_pickle=False)
    if rewrite:
        with open(rewrite, "wb") as file:
            numpy.lib.format.write_array(file, array, version=(2, 0))
    return about_array(array)


def about_array(array):
    return {"dtype": str(array.dtype), "shape": list(array.shape), "values": array.ravel().tolist()}


def about_npz(path, rewrite):
    import numpy

    with numpy.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    if rewrite:
        numpy.savez_compressed(rewrite, **arrays, pickled=numpy.array([[1, 2], [3]], dtype=object))
    return {name: about_array(array) for name, array in arrays.items()}


def about_png(path, rewrite):
    from PIL import Image

    image = Image.open(path)
    image.load()
    if rewrite:
        image.save(rewrite)
    luminance = list(image.convert("L").tobytes())
    return {"mode": image.mode, "size": list(image.size), "values": list(image.tobytes()), "luminance": luminance}


READERS = {".air": about_stream, ".safetensors": about_safetensors, ".npy": about_npy, ".npz": about_npz, ".png": about_png}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rewrite", metavar="DIR")
    parser.add_argument("files", nargs="+", metavar="FILE")
    args = parser.parse_args()
    for path in args.files:
        name = os.path.basename(path)
        about = READERS[os.path.splitext(path)[1]](path, args.rewrite and os.path.join(args.rewrite, name))
        print(json.dumps({"file": name, "about": about}))


if __name__ == "__main__":
    main()
