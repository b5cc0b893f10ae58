"""A training without MindSpore, for tests of everything that supervises one.

It prints what mindformers 0.6, 0.8 and 1.6 print, byte for byte where it
matters, saves checkpoints that are complete by the rules of MindSpore 2.0 and
2.7, and misbehaves on command. It runs on Python 3.7 to 3.12 and needs nothing
but the standard library.

    python trainer.py --format 1.6 --steps 50 --step-ms 20 --save-every 10
    python trainer.py --steps 50 --crash-at 7 --status 3
    python trainer.py --steps 50 --workers 2 --orphans 1 --ignore SIGTERM
"""

import argparse
import datetime
import os
import signal
import subprocess
import sys
import time
from typing import Any, List, Optional, TextIO, Tuple

import checkpoints
import formats


class Crash(RuntimeError):
    """The error that --crash-at raises."""


def parse(argv: Optional[List[str]] = None) -> argparse.Namespace:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--format", choices=sorted(formats.FORMATS), default="1.6")
    p.add_argument("--epochs", type=int, default=1)
    p.add_argument("--steps", type=int, default=10, help="steps of an epoch")
    p.add_argument(
        "--start", type=int, default=1, help="first step of the first epoch, as after a resume"
    )
    p.add_argument("--step-ms", type=float, default=10.0)
    p.add_argument("--compile-ms", type=float, default=0.0, help="silence before the first step")
    p.add_argument("--out", default="output", help="directory of checkpoints")
    p.add_argument("--save-every", type=int, default=0, metavar="N")
    p.add_argument("--save-kind", choices=("ckpt", "safetensors"), default=None)
    p.add_argument(
        "--overflow",
        type=int,
        default=0,
        metavar="N",
        help="first N steps overflow, the loss scale halves",
    )
    p.add_argument(
        "--nan-at",
        type=int,
        default=0,
        metavar="STEP",
        help="the loss is not finite from this step on",
    )
    p.add_argument("--flat", action="store_true", help="the loss never changes")
    p.add_argument(
        "--resumed",
        type=int,
        default=0,
        metavar="STEP",
        help="go on after this step; it is not the attempt that --...-at is meant for",
    )
    p.add_argument(
        "--load-checkpoint", default="", metavar="FILE", help="must be there, as after a resume"
    )

    p.add_argument("--crash-at", type=int, default=0, metavar="STEP", help="raise an exception")
    p.add_argument(
        "--say",
        default="",
        help="message of the exception, or last line with --kill-at and --status",
    )
    p.add_argument("--kill-at", type=int, default=0, metavar="STEP", help="SIGKILL itself")
    p.add_argument("--status", type=int, default=0, help="exit status at the end")
    p.add_argument("--hang-at", type=int, default=0, metavar="STEP", help="print nothing any more")
    p.add_argument(
        "--spin-at",
        type=int,
        default=0,
        metavar="STEP",
        help="print nothing any more, and use the CPU",
    )
    p.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="SIGNAL",
        help="such as SIGTERM; the workers too",
    )
    p.add_argument(
        "--clock-jump-at",
        type=int,
        default=0,
        metavar="STEP",
        help="from this step on the clock is --clock-jump seconds ahead: of the log and of files",
    )
    p.add_argument("--clock-jump", type=int, default=-3600, metavar="SECONDS")
    p.add_argument(
        "--polite", action="store_true", help="save and end when FTD_EXIT_REQUEST asks for it"
    )
    p.add_argument(
        "--workers",
        type=int,
        default=0,
        help="children, each in a session of its own, as msrun starts them",
    )
    p.add_argument(
        "--helpers", type=int, default=0, help="children in the same session, as data loaders are"
    )
    p.add_argument(
        "--orphans",
        type=int,
        default=0,
        help="grandchildren whose parent has ended, with an empty environment",
    )
    p.add_argument("--leave", action="store_true", help="do not end the children at the end")
    p.add_argument(
        "--fork-every-step", action="store_true", help="a short-lived child at each step"
    )
    p.add_argument(
        "--long-line",
        type=int,
        default=0,
        metavar="BYTES",
        help="a line without end before the first step",
    )
    p.add_argument("--torn", action="store_true", help="write each line in two pieces")
    p.add_argument(
        "--carriage-returns",
        action="store_true",
        help="a progress bar that is redrawn before the first step",
    )
    p.add_argument(
        "--ranks",
        type=int,
        default=0,
        help="be msrun: start so many trainers, each with its worker_N.log in --log-dir",
    )
    p.add_argument("--log-dir", default="msrun_log")
    p.add_argument("--port-taken", default="", metavar="FILE", help="once, until FILE is there")
    p.add_argument("--lame", type=int, default=-1, help="the only rank that --...-at is meant for")
    p.add_argument("--as-rank", type=int, default=-1, help=argparse.SUPPRESS)
    p.add_argument(
        "--pids", default="", metavar="FILE", help="append the pid of each process that is started"
    )
    return p.parse_args(argv)


class Msrun:
    """Behaves as msrun --join=True of MindSpore 2.7 does."""

    def __init__(self, args: argparse.Namespace, out: TextIO) -> None:
        self.args = args
        self.out = out
        self.workers: List[subprocess.Popen[bytes]] = []

    def run(self) -> int:
        signal.signal(signal.SIGINT, self.interrupted)
        os.makedirs(self.args.log_dir, mode=0o700, exist_ok=True)
        for rank in range(self.args.ranks):
            command = [sys.executable, *sys.argv, "--as-rank", str(rank)]
            with open(os.path.join(self.args.log_dir, f"worker_{rank}.log"), "wb") as log:
                self.workers.append(
                    subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
                )
        while any(worker.poll() is None for worker in self.workers):
            for worker in self.workers:
                if worker.poll():
                    self.fail(worker)
            time.sleep(0.02)
        return 0

    def fail(self, worker: "subprocess.Popen[bytes]") -> None:
        self.out.write(
            f"[ERROR] Worker process {worker.pid} exit with exception. "
            f"Error code: {worker.returncode}.\n"
        )
        self.out.flush()
        self.kill()
        raise RuntimeError("Distributed job exited with exception.")

    def kill(self) -> None:
        for worker in self.workers:
            worker.kill()
            worker.wait()

    def interrupted(self, _signal: int, _frame: Any) -> None:
        self.kill()
        sys.exit(0)


def schedule(args: argparse.Namespace, out: TextIO) -> int:
    """Be the scheduler of the real msrun, which waits for all workers to finish.

    The real one gives up when a worker is silent for half a minute; this one
    never does. With --port-taken it finds its port taken, once.
    """
    if args.port_taken and not os.path.exists(args.port_taken):
        with open(args.port_taken, "w", encoding="ascii"):
            pass
        out.write(
            f"[WARNING] DISTRIBUTED({os.getpid()},7f0000000000,python):2026-11-23-23:11:43.738.136 "
            "[mindspore/ccsrc/distributed/rpc/tcp/socket_operation.cc:421] Listen] Failed to call "
            f"bind, url: 127.0.0.1:{os.environ['MS_SCHED_PORT']} Address already in use\n"
        )
        return 1
    workers = int(os.environ["MS_WORKER_NUM"])
    while not all(os.path.exists(f"over_{rank}") for rank in range(workers)):
        time.sleep(0.05)
    return 0


def work(args: argparse.Namespace, out: TextIO) -> int:
    """Be a worker of the real msrun, which says so as MindSpore does."""
    while args.port_taken and not os.path.exists(args.port_taken):
        time.sleep(0.01)  # until there is a scheduler that could not start
    rank = int(os.environ["RANK_ID"])
    args.as_rank = rank
    out.write(
        f"[WARNING] DISTRIBUTED({os.getpid()},7f0000000000,python): This node {rank} is up.\n"
    )
    status = train(args, out)
    with open(f"over_{rank}", "w", encoding="ascii"):
        pass
    return status


class Trainer:
    def __init__(self, args: argparse.Namespace, out: TextIO) -> None:
        self.args = args
        self.out = out
        self.format = formats.FORMATS[args.format]
        self.kind = args.save_kind or self.format.save_kind
        self.children: List[subprocess.Popen[bytes]] = []
        self.scale = 2147483600.0 if args.overflow else 1.0
        self.losses: List[float] = []
        self.ahead = 0

    def run(self) -> int:
        for name in self.args.ignore:
            signal.signal(getattr(signal, name), signal.SIG_IGN)
        self.note(os.getpid())
        self.start_processes()
        for message in self.format.opening:
            self.say(message)
        self.preamble()
        time.sleep(self.args.compile_ms / 1000)
        for epoch in range(1, self.args.epochs + 1):
            first = self.args.start if epoch == 1 else 1
            for step in range(first, self.args.steps + 1):
                self.step(epoch, step)
                self.meet(epoch, step)
                if self.args.polite and os.path.exists(os.environ["FTD_EXIT_REQUEST"]):
                    self.save(epoch, step)
                    return 0
        if self.args.say:
            self.line(self.args.say)
        if not self.args.leave:
            for child in self.children:
                child.kill()
                child.wait()
        if self.args.status == 0:
            self.say(self.format.over)
        return int(self.args.status)

    def step(self, epoch: int, step: int) -> None:
        a = self.args
        if a.crash_at == step:
            raise Crash(a.say or f"the trainer was told to crash at step {step}")
        if a.kill_at == step:
            if a.say:
                self.line(a.say)
            os.kill(os.getpid(), signal.SIGKILL)
        if a.clock_jump_at == step:
            self.ahead = a.clock_jump
        while a.hang_at == step:
            time.sleep(3600)
        while a.spin_at == step:
            pass
        if a.fork_every_step:
            subprocess.Popen(["true"]).wait()
        time.sleep(a.step_ms / 1000)
        overflow = step <= a.overflow and epoch == 1
        if overflow:
            self.scale /= 2
        for message in self.format.step(
            epoch=epoch,
            epochs=a.epochs,
            step=step,
            steps=a.steps,
            loss=self.loss(epoch, step),
            mean=self.mean(),
            ms=max(a.step_ms, 1.0),
            overflow=overflow,
            scale=self.scale,
        ):
            self.say(message)
        if a.save_every and (step % a.save_every == 0):
            self.save(epoch, step)

    def meet(self, epoch: int, step: int) -> None:
        """Wait until all workers are through with a step, as a collective lets them."""
        if os.environ.get("MS_ROLE") != "MS_WORKER":
            return
        # The port is another one at each attempt, which shares the directory.
        met = f"met_{os.environ['MS_SCHED_PORT']}_"
        here = (epoch, step)
        with open(met + f"{self.args.as_rank}.new", "w", encoding="ascii") as f:
            f.write(f"{epoch} {step}")
        os.replace(met + f"{self.args.as_rank}.new", met + str(self.args.as_rank))
        for rank in range(int(os.environ["MS_WORKER_NUM"])):
            while self.met(met + str(rank)) < here:
                time.sleep(0.001)

    def met(self, path: str) -> Tuple[int, ...]:
        try:
            with open(path, encoding="ascii") as f:
                return tuple(int(word) for word in f.read().split())
        except FileNotFoundError:
            return (0, 0)

    def loss(self, epoch: int, step: int) -> float:
        if self.args.nan_at and step >= self.args.nan_at:
            return float("nan")
        done = (epoch - 1) * self.args.steps + step
        # What a real run printed from the step on at which its weights were lost.
        value = -266.574 if self.args.flat else 7.0 / (1.0 + 0.02 * done)
        self.losses.append(value)
        return value

    def mean(self) -> float:
        return sum(self.losses) / max(1, len(self.losses))

    def save(self, epoch: int, step: int) -> None:
        if self.format.saving:
            self.say(self.format.saving)
        began = time.time()
        checkpoints.save(
            self.args.out,
            self.kind,
            epoch,
            step,
            (epoch - 1) * self.args.steps + step,
            max(0, self.args.as_rank),
            self.ahead,
        )
        if self.format.saved:
            self.say(self.format.saved % (epoch, step, time.time() - began))

    def preamble(self) -> None:
        if self.args.carriage_returns:
            for percent in range(0, 101, 10):
                self.out.write(f"\r{percent:5.1f}%|{'#' * (percent // 10):10}|")
                self.out.flush()
            self.out.write("\n")
        left = self.args.long_line
        while left > 0:
            piece = min(left, 1 << 20)
            self.out.write("x" * piece)
            left -= piece
        if self.args.long_line:
            self.line("")

    def start_processes(self) -> None:
        script = (
            "import signal, time\n"
            f"for name in {self.args.ignore!r}:\n"
            "    signal.signal(getattr(signal, name), signal.SIG_IGN)\n"
            "time.sleep(3600)\n"
        )
        sleeper = [sys.executable, "-c", script]
        for i in range(self.args.workers + self.args.helpers):
            child = subprocess.Popen(sleeper, start_new_session=i < self.args.workers)
            self.children.append(child)
            self.note(child.pid)
        for _ in range(self.args.orphans):
            # The parent ends at once and the grandchild has neither its
            # session nor its environment: only a subreaper can tell whose
            # it is.
            code = (
                "import subprocess, sys\n"
                f"c = subprocess.Popen({sleeper!r}, env={{}}, start_new_session=True,\n"
                "                     stdout=subprocess.DEVNULL)\n"
                "print(c.pid)\n"
            )
            out = subprocess.check_output([sys.executable, "-c", code])
            self.note(int(out))

    def note(self, pid: int) -> None:
        if self.args.pids:
            with open(self.args.pids, "a", encoding="ascii") as f:
                f.write(f"{pid}\n")

    def say(self, message: str) -> None:
        """Prints a record in the form of the logger of mindformers."""
        now = datetime.datetime.now() + datetime.timedelta(seconds=self.ahead)
        stamp = now.strftime("%Y-%m-%d %H:%M:%S") + f",{now.microsecond // 1000:03d}"
        self.line(stamp + self.format.prefix + message)

    def line(self, text: str) -> None:
        if self.args.torn:
            middle = len(text) // 2
            self.out.write(text[:middle])
            self.out.flush()
            time.sleep(0.001)
            text = text[middle:]
        self.out.write(text + "\n")
        self.out.flush()


def train(args: argparse.Namespace, out: TextIO) -> int:
    if args.as_rank != args.lame or args.resumed:
        args.crash_at = args.kill_at = args.hang_at = args.spin_at = 0
    if args.resumed:
        args.start = args.resumed + 1
    if args.load_checkpoint:
        os.stat(args.load_checkpoint)
    return Trainer(args, out).run()


def main() -> int:
    with open(1, "w", encoding="utf-8", closefd=False, newline="\n") as out:
        args = parse()
        if os.environ.get("MS_ROLE") == "MS_SCHED":
            return schedule(args, out)
        if os.environ.get("MS_ROLE") == "MS_WORKER":
            return work(args, out)
        if args.ranks and args.as_rank < 0:
            return Msrun(args, out).run()
        return train(args, out)


if __name__ == "__main__":
    sys.exit(main())
