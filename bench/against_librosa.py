#!/usr/bin/env python3
"""Descriptors of `euterpe evaluate signal` beside librosa 0.10.1: errors, and how many times faster.

    bench/against_librosa.py                              # three synthetic clips, 10 to 60 seconds
    bench/against_librosa.py CLIP.wav FOLDER …            # recordings, and all recordings of folders
    bench/against_librosa.py --clips ../shared/reference/librosa …    # or folders that hold an input.wav
    bench/against_librosa.py --json --only stft_magnitude,mfcc …

librosa is no dependency of Euterpe. The first run makes a virtual environment of its own in build/librosa-venv (or in
--venv) from the package index, with Python 3.9 to 3.12; --venv may also name one that has librosa 0.10.1 already.

Both sides get the same samples (mono, 22,050 Hz, cut at --seconds), run on one thread, and are charged CPU time: user +
system of the process, the least of several runs after one that warms up (numba compiles in it). Each side computes each
descriptor from the samples alone. Clips alternate between the two, so that both see the machine in the same state. The
same run checks what is timed: error is ‖ours − theirs‖ / ‖theirs‖, or agreement for frames and pitch.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PINNED = ["librosa==0.10.1", "numpy==1.26.4", "scipy==1.11.4"]
RATE = 22050
SUFFIXES = {".wav", ".flac", ".ogg", ".mp3"}
ONE_THREAD = {
    name: "1"
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
}


def enter_environment(venv: Path) -> None:
    """Runs this script again with the environment's Python, on one thread."""
    if os.environ.get("EUTERPE_BENCH_VENV") == str(venv):
        return
    python = venv / "bin" / "python"
    if not python.exists():
        print(f"making {venv} with {', '.join(PINNED)}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PINNED], check=True)
    environment = {**os.environ, **ONE_THREAD, "EUTERPE_BENCH_VENV": str(venv)}
    os.execve(python, [str(python), __file__, *sys.argv[1:]], environment)


def features(y, sr):
    """Names that one call gives, and the call: librosa at its defaults, from the samples."""
    import librosa
    import numpy as np

    mel = librosa.feature.melspectrogram
    feature = librosa.feature

    def magnitude():
        return np.abs(librosa.stft(y))

    def cqt():
        return np.abs(librosa.cqt(y, sr=sr, res_type="polyphase"))

    def onsets():
        return librosa.onset.onset_detect(y=y, sr=sr)

    def pyin():
        return librosa.pyin(y, fmin=65, fmax=2093, sr=sr)

    return {
        ("stft_magnitude",): magnitude,
        ("melspectrogram",): lambda: mel(y=y, sr=sr),
        ("melspectrogram_htk",): lambda: mel(y=y, sr=sr, htk=True, norm=None),
        ("melspectrogram_db",): lambda: librosa.power_to_db(mel(y=y, sr=sr), ref=np.max),
        ("mfcc",): lambda: feature.mfcc(y=y, sr=sr),
        ("mfcc_delta",): lambda: feature.delta(feature.mfcc(y=y, sr=sr)),
        ("pcen",): lambda: librosa.pcen(mel(y=y, sr=sr) * 2**31, sr=sr),
        ("rms",): lambda: feature.rms(y=y),
        ("spectral_centroid",): lambda: feature.spectral_centroid(y=y, sr=sr),
        ("spectral_bandwidth",): lambda: feature.spectral_bandwidth(y=y, sr=sr),
        ("spectral_rolloff",): lambda: feature.spectral_rolloff(y=y, sr=sr),
        ("spectral_flatness",): lambda: feature.spectral_flatness(y=y),
        ("spectral_contrast",): lambda: feature.spectral_contrast(y=y, sr=sr),
        ("zero_crossing_rate",): lambda: feature.zero_crossing_rate(y),
        ("tuning",): lambda: librosa.estimate_tuning(y=y, sr=sr),
        ("chroma_stft",): lambda: feature.chroma_stft(y=y, sr=sr),
        ("tonnetz",): lambda: feature.tonnetz(chroma=feature.chroma_stft(y=y, sr=sr)),
        ("cqt_magnitude",): cqt,
        ("chroma_cqt",): lambda: feature.chroma_cqt(C=cqt(), sr=sr),
        ("hpss_harmonic", "hpss_percussive"): lambda: librosa.decompose.hpss(magnitude()),
        ("onset_strength",): lambda: librosa.onset.onset_strength(y=y, sr=sr),
        ("onset_frames",): onsets,
        ("tempogram",): lambda: feature.tempogram(y=y, sr=sr),
        ("plp",): lambda: librosa.beat.plp(y=y, sr=sr),
        ("tempo", "beat_frames"): lambda: librosa.beat.beat_track(y=y, sr=sr),
        ("yin",): lambda: librosa.yin(y, fmin=65, fmax=2093, sr=sr),
        ("pyin_f0", "pyin_voiced", "pyin_probability"): pyin,
    }


def cost(call):
    """CPU seconds of one call: the least of as many as half a second holds, at most five."""
    least, total = float("inf"), 0.0
    for _ in range(5):
        begin = time.process_time()
        call()
        taken = time.process_time() - begin
        least, total = min(least, taken), total + taken
        if total > 0.5:
            break
    return least


def write_clip(folder: Path, y) -> None:
    import soundfile

    folder.mkdir(parents=True)
    soundfile.write(folder / "input.wav", y, RATE, subtype="FLOAT")


def run_librosa(folder: Path, y, only):
    """Writes NAME.npy into the folder; CPU seconds by name."""
    import numpy as np

    seconds = {}
    for names, call in features(y, RATE).items():
        if only and not only & set(names):
            continue
        results = call()
        for name, value in zip(names, results if len(names) > 1 else (results,)):
            np.save(folder / f"{name}.npy", np.atleast_1d(np.asarray(value, dtype=np.float32)))
        taken = cost(call)
        seconds.update({name: taken for name in names})
    return seconds


def run_euterpe(program: Path, folder: Path):
    command = [program, "evaluate", "signal", "--data", folder, "--threads", "1", "--json", "-q"]
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def synthetic(seconds: float, seed: int):
    """Plucked chords over a steady beat, and some noise."""
    import numpy as np

    random = np.random.default_rng(seed)
    t = np.arange(int(seconds * RATE)) / RATE
    y = 0.003 * random.standard_normal(len(t))
    for beat in np.arange(0, seconds, 0.5):
        since = t - beat
        on = (since >= 0) & (since < 2)
        decay = np.exp(-3 * since[on])
        for _ in range(3):
            f0 = 110 * 2 ** (random.integers(0, 36) / 12)
            for k in range(1, 6):
                y[on] += 0.1 / k * decay * np.sin(2 * np.pi * k * f0 * since[on])
        y[on] += 0.2 * np.exp(-60 * since[on]) * random.standard_normal(on.sum())
    return (y / np.abs(y).max()).astype(np.float32)


def clips(arguments):
    """(name, samples) of everything asked for."""
    import numpy as np
    import scipy.signal
    import soundfile

    def load(path):
        y, rate = soundfile.read(path, dtype="float32", always_2d=True, stop=None)
        y = y.mean(axis=1)
        if rate != RATE:
            common = np.gcd(rate, RATE)
            y = scipy.signal.resample_poly(y, RATE // common, rate // common)
        return np.ascontiguousarray(y[: int(arguments.seconds * RATE)], dtype=np.float32)

    if not arguments.audio and not arguments.clips:
        for i, seconds in enumerate((10, 30, 60)):
            yield f"synthetic {seconds} s", synthetic(seconds, i)
    for root in arguments.clips:
        for path in sorted(root.glob("**/input.wav")):
            yield path.parent.name, load(path)
    for path in arguments.audio:
        inside = [p for p in sorted(path.glob("**/*")) if p.suffix.lower() in SUFFIXES] if path.is_dir() else [path]
        for file in inside:
            yield file.stem, load(file)


def summarize(found):
    """By feature over all clips: × real time of both, their ratio, and the worst error."""
    table = {}
    for clip in found:
        for name, theirs in clip["librosa"].items():
            row = table.setdefault(name, {"seconds": 0.0, "theirs": 0.0, "ours": 0.0, "worst": {}})
            ours = clip["euterpe"].get(name)
            if not ours or not ours["times_real_time"]:
                row["missing"] = True
                continue
            row["seconds"] += clip["seconds"]
            row["theirs"] += theirs
            row["ours"] += clip["seconds"] / ours["times_real_time"]
            for key in ("relative_error", "agreement", "voicing_agreement", "within_10_cents"):
                if key in ours:
                    pick = max if key == "relative_error" else min
                    row["worst"][key] = pick(row["worst"].get(key, ours[key]), ours[key])
    result = {}
    for name, row in table.items():
        if row["ours"] > 0:
            result[name] = {
                "librosa_times_real_time": row["seconds"] / row["theirs"],
                "euterpe_times_real_time": row["seconds"] / row["ours"],
                "ratio": row["theirs"] / row["ours"],
                **row["worst"],
            }
    return result, sorted(name for name, row in table.items() if row.get("missing"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("audio", nargs="*", type=Path, help="recordings, or folders of recordings")
    parser.add_argument("--clips", action="append", default=[], type=Path, help="folder of folders with an input.wav")
    parser.add_argument("--euterpe", type=Path, default=ROOT / "build" / "release" / "euterpe", help="the program")
    parser.add_argument("--venv", type=Path, default=ROOT / "build" / "librosa-venv", help="where librosa is or will be")
    parser.add_argument("--seconds", type=float, default=60, help="cut recordings to this length (%(default)s)")
    parser.add_argument("--only", default="", help="names of descriptors, comma-separated")
    parser.add_argument("--keep", type=Path, help="keep the clips and librosa's arrays in this new folder")
    parser.add_argument("--json", action="store_true", help="one JSON object with every clip's figures")
    arguments = parser.parse_args()
    enter_environment(arguments.venv.absolute())

    import warnings

    warnings.filterwarnings("ignore")  # librosa says that very short or silent input is odd
    only = set(filter(None, arguments.only.split(",")))
    found = []
    with tempfile.TemporaryDirectory(prefix="euterpe-librosa-") as scratch:
        for i, (name, y) in enumerate(clips(arguments)):
            folder = (arguments.keep or Path(scratch)) / f"{i:03d} {name}"
            print(f"{name}: {len(y) / RATE:.1f} s", file=sys.stderr)
            write_clip(folder, y)
            theirs = run_librosa(folder, y, only)
            ours = run_euterpe(arguments.euterpe, folder)
            found.append({
                "clip": name,
                "seconds": len(y) / RATE,
                "librosa": theirs,
                "euterpe": ours["features"],
            })
    if not found:
        print("no clip found", file=sys.stderr)
        return 1
    table, missing = summarize(found)
    if arguments.json:
        print(json.dumps({"features": table, "missing": missing, "clips": found}, indent=1))
        return 0
    print(f"{'descriptor':<20} {'librosa':>10} {'euterpe':>10} {'ratio':>7}   error or agreement, worst clip")
    for name, row in table.items():
        worst = "  ".join(f"{key} {row[key]:.2g}" if key == "relative_error" else f"{key} {row[key]:.4f}"
                          for key in row if key not in ("librosa_times_real_time", "euterpe_times_real_time", "ratio"))
        print(f"{name:<20} {row['librosa_times_real_time']:>9.0f}× {row['euterpe_times_real_time']:>9.0f}× "
              f"{row['ratio']:>6.1f}×   {worst}")
    print("× real time per CPU second, one thread")
    if missing:
        print("not in this build: " + ", ".join(missing))
    return 0


if __name__ == "__main__":
    sys.exit(main())
