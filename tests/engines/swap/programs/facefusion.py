"""A faithful small fake of FaceFusion 3.8's `facefusion.py`: its arguments, exit codes and silences, no networks."""

import argparse
import json
import signal
import sys
from pathlib import Path

from misbehaviour import MODE, ORDERS, began, misbehave, paint


def parser() -> argparse.ArgumentParser:
    program = argparse.ArgumentParser(add_help=False)
    program.add_argument("-v", "--version", version="FaceFusion 3.8.1", action="version")
    commands = program.add_subparsers(dest="command")
    run = commands.add_parser("headless-run", formatter_class=lambda prog: argparse.HelpFormatter(prog, 300))
    commands.add_parser("run")
    run.add_argument("--config-path", default="facefusion.ini")
    run.add_argument("--temp-path", default="/tmp")
    run.add_argument("--jobs-path", default=".jobs")
    run.add_argument("-s", "--source-paths", nargs="+")
    run.add_argument("-t", "--target-path")
    run.add_argument("-o", "--output-path")
    run.add_argument("--face-selector-mode", default="reference", choices=["many", "one", "reference"])
    run.add_argument(
        "--face-selector-order",
        default="large-small",
        choices=["left-right", "right-left", "top-bottom", "bottom-top", "small-large", "large-small", "best-worst"],
    )
    run.add_argument("--output-image-quality", type=int, default=80, choices=range(101), metavar="[0..100:1]")
    run.add_argument("--output-video-encoder", default="libx264", choices=["libx264", "libx265", "libvpx-vp9"])
    run.add_argument("--output-video-preset", default="veryfast", choices=["ultrafast", "veryfast", "medium"])
    run.add_argument("--processors", nargs="+", default=["face_swapper"])
    run.add_argument("--face-swapper-model", default="hyperswap_1a_256", choices=["inswapper_128", "ghost_1_256"])
    if ORDERS.get("version") == "3.3":
        run.add_argument("--execution-device-id", default="0")
    else:
        run.add_argument("--execution-device-ids", nargs="+", default=["0"])
    run.add_argument("--execution-providers", nargs="+", default=["cpu"], choices=["cpu"])
    run.add_argument("--log-level", default="info", choices=["error", "warn", "info", "debug"])
    for option in ORDERS.get("without", ()):
        run._handle_conflict_resolve(None, [(option, run._option_string_actions[option])])
    return program


def main() -> None:
    # The real one leaves quietly, and says that all is well.
    signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
    arguments = parser().parse_args()
    if arguments.command != "headless-run":
        sys.exit(0)
    began(sys.argv[1:])
    if not Path("facefusion.py").is_file():
        print("[FACEFUSION.CORE] the working folder is not the checkout")
        sys.exit(2)
    output, target = Path(arguments.output_path), Path(arguments.target_path)
    jobs, temp = Path(arguments.jobs_path), Path(arguments.temp_path)
    for folder in (jobs / "queued", temp / "facefusion" / target.name):
        folder.mkdir(parents=True)
    (jobs / "queued" / "headless.json").write_text(json.dumps({"paths": sys.argv}))
    models = Path(".assets/models")
    model = models / f"{arguments.face_swapper_model}.onnx"
    if not model.is_file() or not model.with_suffix(".hash").is_file() or MODE == "missing_model":
        print(f"[FACEFUSION.DOWNLOAD] validating hash for {arguments.face_swapper_model} failed", file=sys.stderr)
        sys.exit(1)
    if MODE == "no_face":
        print("[FACEFUSION.FACE_SWAPPER] choose an image for the source", file=sys.stderr)
        sys.exit(1)
    if MODE == "no_op":
        # Selector mode `reference` leaves all others as they are, and so does a face that it does not see.
        output.write_bytes(target.read_bytes())
        print("[FACEFUSION.CORE] processing to image succeeded in 1.20 seconds")
        sys.exit(0)
    if MODE == "no_output":
        sys.exit(0)
    misbehave(output, temp)
    if MODE not in {"garbage", "short"}:
        print("processing:  50%|#####     | 1/2", end="\r", flush=True)
        paint(target, output)
    print("[FACEFUSION.CORE] processing to image succeeded in 1.20 seconds")


if __name__ == "__main__":
    try:
        main()
    except SystemExit:
        raise
    except BaseException as error:
        # Every failure of a step ends as 1.
        print(f"Traceback (most recent call last):\n{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(1)
