"""A faithful small fake of roop's descendants, Deep-Live-Cam 2.1 and iRoopDeepFaceCam 1.3: `run.py` of either.

Their exit status is 0 on nearly everything, and a photo is copied to the output before anything is done to it.
"""

import argparse
import os
import shutil
import sys
from pathlib import Path

from misbehaviour import MODE, ORDERS, began, misbehave, paint


def parse() -> argparse.Namespace:
    program = argparse.ArgumentParser()
    program.add_argument("-s", "--source", dest="source_path", help="select an source image")
    program.add_argument("-t", "--target", dest="target_path", help="select an target image or video")
    program.add_argument("-o", "--output", dest="output_path", help="select output file or directory")
    program.add_argument(
        "--frame-processor", nargs="+", default=["face_swapper"], choices=["face_swapper", "face_enhancer"]
    )
    program.add_argument("--keep-fps", action="store_true")
    program.add_argument("--keep-audio", action="store_true", default=True)
    program.add_argument("--keep-frames", action="store_true")
    program.add_argument("--many-faces", action="store_true")
    program.add_argument("--nsfw-filter", action="store_true")
    program.add_argument("--mouth-mask", action="store_true")
    if ORDERS["program"] == "iroop":
        program.add_argument("--both-faces", action="store_true")
        program.add_argument("--face-tracking", action="store_true")
    program.add_argument("--video-encoder", default="libx264", choices=["libx264", "libx265", "libvpx-vp9"])
    program.add_argument("--video-quality", type=int, default=18, choices=range(52), metavar="[0-51]")
    program.add_argument("--max-memory", type=int, default=16)
    program.add_argument("--execution-provider", nargs="+", default=["cpu"], choices=["azure", "cpu"])
    program.add_argument("--execution-threads", type=int, default=8)
    return program.parse_args()


def main() -> None:  # noqa: C901 (one ending after another)
    arguments = parse()
    if not (arguments.source_path or arguments.target_path or arguments.output_path):
        print("it would open a window")
        sys.exit(1)
    began(sys.argv[1:])
    if os.environ.get("QT_QPA_PLATFORM") != "offscreen":
        print('qt.qpa.plugin: Could not load the Qt platform plugin "xcb"')
        os.abort()
    output, target = Path(arguments.output_path), Path(arguments.target_path)
    is_video = target.suffix.lower() in {".mp4", ".mov", ".webm"}
    print("[DLC.CORE] Processing...")
    if is_video:
        frames = target.parent / "temp" / target.stem
        frames.mkdir(parents=True)
        (frames / "0001.png").write_bytes(b"a frame")
    else:
        shutil.copy2(target, output)
    print("[DLC.FACE-SWAPPER] Progressing...")
    if MODE == "missing_model":
        # A damaged or missing model is told, and all goes on.
        print("[DLC.FACE-SWAPPER] Error: Load model from inswapper_128.onnx failed: Protobuf parsing failed.")
        if is_video:
            shutil.copy2(target, output)
        print("[DLC.CORE] Processing to image succeed!")
        return
    if MODE in {"no_face", "no_op"}:
        if MODE == "no_face":
            print("[DLC.FACE-SWAPPER] No face in source path detected.")
        if is_video:
            shutil.copy2(target, output)
        print("[DLC.CORE] Processing to image succeed!")
        return
    if MODE == "no_output":
        output.unlink(missing_ok=True)
        return
    misbehave(output, target.parent)
    if MODE not in {"garbage", "short"}:
        print("Processing:  50%|#####     | 1/2", end="\r", flush=True)
        paint(target, output)
    print("[DLC.CORE] Processing to image succeed!")


if __name__ == "__main__":
    main()
