# SPDX-License-Identifier: GPL-2.0-or-later
"""The measurements: rows of works.table(), sinks against methods, and simulated machines of growing size."""

import contextlib
import json
import pathlib
import statistics
import time

import hugememory
import machine_info
import measure
import programs
import simulated
import vmcores
import works
from vmlab.command import LabError, run

HERE = pathlib.Path(__file__).resolve().parent
# makedumpfile with other numbers of threads is stopped when it is slower than the best so far by more than this.
SLOWER = 1.2
# What is shorter is measured more than once to choose a number of threads.
SHORT_S, SHORT_TRIES = 1.0, 3
# What is short is measured more often than was asked for, or one disturbance would decide. Each method into a sink has this part of
# the time that a row has.
ROUNDS_MAX, METHOD_PART = 25, 0.1
# Where the hypervisor took more of the CPUs, something is measured again, for at most so many times as long.
STOLEN_PERCENT, PATIENCE = 20, 3


def say(text):
    """Where the run is."""
    print(f"     {text}", flush=True)


class Bench:
    """Programs, vmcores and places for dumps."""

    def __init__(self, options, memory, disk, cores):
        self.options = options
        self.folders = {"memory": pathlib.Path(memory), "disk": pathlib.Path(disk), "cores": pathlib.Path(cores)}
        self.threads = [int(word) for word in options.threads.split(",")]
        self.theirs = programs.Theirs([options.makedumpfile] if options.makedumpfile else vmcores.makedumpfile())
        self.ours = programs.Ours(options.program)
        self.reader, self.throttle, self.codec = (self.folders["disk"] / name for name in ("pages", "throttle", "codec"))
        run(["gcc", "-O2", "-o", self.reader, HERE.parent / "vm/pages.c", "-lkdumpfile", "-lz"])
        run(["gcc", "-O2", "-o", self.throttle, HERE / "throttle.c"])
        run(["gcc", "-O2", "-I", HERE.parent.parent / "src", "-o", self.codec, HERE / "codec.c", "-llzo2", "-lsnappy", "-lzstd"])
        self.log, self.stats_path = self.folders["disk"] / "log", self.folders["disk"] / "stats"
        self.simulated = None        # The one that there is.
        self._cores = {}
        self._fastest = {}           # (vmcore, options) -> number of threads
        self._pages = {}             # (vmcore, level) -> what makedumpfile's dump holds

    def core(self, name):
        """Path of a vmcore in memory, made at the first need; of the simulated ones there is one at a time."""
        given = {"small": self.options.small, "large": self.options.large}
        guests = {"small": (15, vmcores.WORKLOAD), "reference": (15, vmcores.REFERENCE_WORKLOAD),
                  "large": (self.options.large_gib * 10, vmcores.WORKLOAD)}
        if not self._cores.get(name):
            if name in guests:
                tenths, workload = guests[name]
                source = given.get(name) or vmcores.vmcore(tenths, workload=workload, say=say)
                self._cores[name] = self.folders["cores"] / name
                hugememory.copy(source, self._cores[name])
            else:
                self._cores[name] = self.simulate("cores", name, works.SIMULATED_GIB, works.SIMULATED_DISTINCT)
        return self._cores[name]

    def simulate(self, place, pattern, size_gib, distinct):
        """A simulated vmcore, in memory; takes the place of the one before."""
        self.drop_simulated()
        say(f"writing a vmcore of {size_gib} GiB, {pattern}")
        self.simulated = self.folders[place] / "simulated"
        simulated.write(self.simulated, pattern, size_gib << 30, distinct)
        return self.simulated

    def drop_simulated(self):
        """Give back the memory of the simulated vmcore."""
        if self.simulated:
            self.simulated.unlink()
        self._cores = {name: path for name, path in self._cores.items() if path != self.simulated}
        self.simulated = None

    def rounds(self, core):
        """How often something is measured with a vmcore, at least."""
        return self.options.rounds if core in ("small", "reference") else self.options.large_rounds

    def targets(self, who, place="memory", parts=1):
        """Files that a program is to write."""
        return [self.folders[place] / f"{who}{part or ''}" for part in range(parts)]

    def _announced(self):
        """The bound of its memory that our program wrote beside its last dump, if it did."""
        try:
            return json.loads(self.stats_path.read_text(encoding="utf-8")).get("memory_bound_bytes")
        except FileNotFoundError:
            return None

    def fastest(self, core, options):
        """The number of threads with which makedumpfile is fastest at this."""
        key = core, tuple(word for word in options if not word.startswith("--work-dir"))
        if key not in self._fastest:
            best_s, best = None, 0
            targets = self.targets("theirs")
            for count in (0, 1, 2):
                argv = self.theirs.command(options, count, [self.core(core), *targets])
                limit_s = best_s and max(best_s * SLOWER, best_s + 0.05)
                try:
                    tries = [measure.timed(argv, targets, self.log, limit_s=limit_s).seconds]
                    while tries[0] < SHORT_S and len(tries) < SHORT_TRIES:
                        tries.append(measure.timed(argv, targets, self.log).seconds)
                except (measure.TooLong, LabError):
                    if not count:
                        raise
                    continue
                took_s = statistics.median(tries)
                if best_s is None or took_s < best_s:
                    best_s, best = took_s, count
            self._fastest[key] = best
            targets[0].unlink(missing_ok=True)
        return self._fastest[key]

    # Rows.

    def row(self, work):
        """Measure one work; return what goes into the table. A run that fails takes only its row with it."""
        result = {"group": work.group, "name": work.name, "core": work.core, "wanted": work.wanted, "place": work.place,
                  "options": {"theirs": " ".join(work.theirs), "ours": " ".join(work.ours)}, "size_limit": work.size_limit}
        for who, program, words in (("theirs", self.theirs, work.theirs), ("ours", self.ours, work.ours)):
            reason = program.refuses(words)
            if reason:
                return result | {"absent": who, "reason": reason}
        try:
            return result | self._measured(work)
        except LabError as err:
            return result | {"absent": "failed", "reason": str(err).replace("\n", " ")}

    def _measured(self, work):
        chosen = self.fastest(work.core, work.theirs) if work.is_fastest else 0
        runs = {"theirs": self._their_run(work, chosen)} | {count: self._our_run(work, count) for count in self.threads}
        # Once without counting, with an eye on the memory.
        memory, bounds = {}, {}
        for key, one in runs.items():
            memory[str(key)] = one(is_watched=True).memory_bytes
            bounds[str(key)] = self._announced()
        rounds, start = Rounds(self.options.rounds if work.is_dry else self.rounds(work.core)), time.monotonic()
        with self._raw_pages(work) as raw:
            if raw:
                runs["codec"] = lambda: measure.Sample(float(run([self.codec, work.codec, raw])[1]))
            while rounds.has_more(time.monotonic() - start, self.options.row_seconds):
                rounds.measure(lambda: {key: one() for key, one in runs.items()})
        result = summary(rounds.undisturbed()) | {"rounds": len(rounds.all)}
        result["theirs_threads"] = chosen
        result["memory_bytes"] = {key: value for key, value in memory.items() if value}
        result["memory_bound_bytes"] = bounds
        if work.same_pages:
            result["same_pages"] = self._same_pages(work)
        for who in ("theirs", "ours"):
            for path in self.targets(who, work.place, work.parts):
                path.unlink(missing_ok=True)
        self.drop_simulated()
        return result

    @contextlib.contextmanager
    def _raw_pages(self, work):
        """A dump with the pages of a row as they are, where the codec is measured alone; else None."""
        raw = self.folders["cores"] / "raw" if work.codec else None
        if raw:
            level = work.ours[work.ours.index("-d") + 1]
            run([*self.ours.words, "-q", "-f", "-d", level, *works.RAW, self.core(work.core), raw], timeout_s=600)
        try:
            yield raw
        finally:
            if raw:
                raw.unlink()

    def _their_run(self, work, threads):
        targets = self.targets("theirs", work.place, work.parts)
        argv = self.theirs.command(work.theirs, threads, [self.core(work.core), *targets], work.is_dry)

        def once(is_watched=False):
            if work.is_dry and not is_watched:
                sample = measure.printed(argv, works.EXCLUDING, work.passes)
                sample.seconds = works.excluding(sample.text)
                return sample
            if work.core == "mixed":  # Most of its pages would be read, for nothing.
                return measure.Sample(0)
            return measure.timed(argv, targets, self.log, is_flushed=work.place == "disk", is_watched=is_watched)
        return once

    def _our_run(self, work, threads):
        targets = [] if work.is_dry else self.targets("ours", work.place, work.parts)
        argv = {is_watched: self.ours.command(work.ours, threads, [self.core(work.core), *targets],
                                              stats=self.stats_path if is_watched or work.is_dry else None)
                for is_watched in (False, True)}

        def once(is_watched=False):
            self.stats_path.unlink(missing_ok=True)
            sample = measure.timed(argv[is_watched], targets, self.log, is_flushed=work.place == "disk",
                                   is_watched=is_watched)
            if work.is_dry:
                sample.seconds = json.loads(self.stats_path.read_text(encoding="utf-8"))["filter_us"] / 1e6
            return sample
        return once

    def _same_pages(self, work):
        key = work.core, work.theirs[:2]
        if key not in self._pages:
            self._pages[key] = measure.pages(self.reader, self.targets("theirs", work.place)[0])
        return self._pages[key] == measure.pages(self.reader, self.targets("ours", work.place)[0])

    # Sinks.

    def sink(self, sink):
        """Methods of both programs into one kind of place."""
        runs, absent = {}, {}
        for method in sink.theirs:
            options = works.THEIR_METHODS[method]
            if self.theirs.refuses(options):
                absent[f"makedumpfile {method}"] = self.theirs.refuses(options)
                continue
            threads = self.fastest(sink.core, ("-d", "31", *options))
            runs[f"makedumpfile {method}"] = self._sink_run(self.theirs, options, threads, sink)
        for method in sink.ours:
            options = works.OUR_METHODS[method]
            if self.ours.refuses(options):
                absent[f"kdump-copy {method}"] = self.ours.refuses(options)
                continue
            for threads in self.threads:
                runs[f"kdump-copy {method} {threads}"] = self._sink_run(self.ours, options, threads, sink)
        memory = {key: one(is_watched=True).memory_bytes for key, one in runs.items()}
        rounds, spent_s = {key: Rounds(self.rounds(sink.core)) for key in runs}, dict.fromkeys(runs, 0.0)
        enough_s = self.options.row_seconds * METHOD_PART
        while wanted := [key for key in runs if rounds[key].has_more(spent_s[key], enough_s)]:
            for key in wanted:
                rounds[key].measure(runs[key])
                spent_s[key] += rounds[key].all[-1][1].seconds
        samples = {key: found.undisturbed() for key, found in rounds.items()}
        return {"sink": sink.key, "absent": absent, "methods": {
            key: {"seconds": statistics.median(sample.seconds for sample in found),
                  "all_s": [sample.seconds for sample in found], "bytes": found[-1].output_bytes,
                  "memory_bytes": memory[key]} for key, found in samples.items()}}

    def _sink_run(self, program, options, threads, sink):
        core = self.core(sink.core)
        if sink.place:
            targets = self.targets("sink", sink.place)
            argv = program.command(("-d", "31", *options), threads, [core, *targets])
            return lambda is_watched=False: measure.timed(argv, targets, self.log, is_flushed=sink.place == "disk",
                                                          is_watched=is_watched)
        argv = program.command(("-d", "31", *options, "-F"), threads, [core])
        reader = [self.throttle, str(sink.rate)]
        return lambda is_watched=False: measure.streamed(argv, reader, self.log, is_watched=is_watched)

    # Size.

    def scale(self, pattern, size_gib):
        """One simulated machine: dry runs and a dump, each once."""
        # Pages of 4 KiB: where huge ones hold a few pages of data each, the largest vmcore would need 256 GiB.
        core, points = self.simulate("memory", pattern, size_gib, works.SCALE_DISTINCT), []
        for who, what, threads in self._scale_runs(pattern, size_gib):
            is_dry = what == "dry run"
            target, options = self.targets("scale")[0], ("-d", "31", "--dry-run" if is_dry else "-l")
            if who == "makedumpfile":
                argv = self.theirs.command(options, threads, [core, target], is_dry)
            else:
                argv = self.ours.command(options, threads, [core] if is_dry else [core, target])
            sample = measure.timed(argv, [target], self.log, is_watched=True)
            points.append({"pattern": pattern, "gib": size_gib, "who": who, "what": what, "threads": threads,
                           "seconds": sample.seconds, "cpu_s": sample.cpu_s, "memory_bytes": sample.memory_bytes,
                           "bytes": sample.output_bytes})
            if who == "makedumpfile" and is_dry:
                points[-1]["filter_s"] = works.excluding(sample.text)
            say(f"{pattern}, {size_gib} GiB: {who} {what}, {threads} threads: {sample.seconds:.2f} s, "
                f"{sample.memory_bytes / 2**20:.1f} MiB")
            target.unlink(missing_ok=True)
        self.drop_simulated()
        return points

    def _scale_runs(self, pattern, size_gib):
        for (who, what), limits in works.SCALE_MAX_GIB.items():
            if size_gib > limits[pattern]:
                continue
            what, is_single, _ = what.partition(", 1 thread")
            threads = 0 if who == "makedumpfile" else 1 if is_single else self.threads[-1]
            yield who, what, threads


class Rounds:
    """What was measured, each with the percent of the CPUs that the hypervisor took meanwhile; least: how often, at least."""

    def __init__(self, least):
        self.least = least
        self.all = []

    def _calm(self):
        """How many there are in which it took no more than it may."""
        return sum(percent <= STOLEN_PERCENT for percent, _ in self.all)

    def has_more(self, spent_s, enough_s):
        """Whether one more is to be measured."""
        if len(self.all) < self.least:
            return True
        if self._calm() < self.least:
            return spent_s < enough_s * PATIENCE
        return spent_s < enough_s and self._calm() < ROUNDS_MAX

    def measure(self, once):
        """One more."""
        load = machine_info.Load()
        found = once()
        self.all.append((load.stolen_percent(), found))

    def undisturbed(self):
        """Those that count. If there are too few, the least disturbed ones do, too."""
        count = max(self.least, self._calm())
        limit = sorted(percent for percent, _ in self.all)[count - 1]
        return [found for percent, found in self.all if percent <= limit]


def summary(rounds):
    """What the runs of one row come to; each round: "theirs", our numbers of threads, and "codec" if that was measured -> run."""
    samples = {key: [found[key] for found in rounds] for key in rounds[0]}
    codec = [sample.seconds for sample in samples.pop("codec", ())]
    seconds = {key: [sample.seconds for sample in row] for key, row in samples.items()}
    median = {key: statistics.median(row) for key, row in seconds.items()}
    ours = [key for key in samples if key != "theirs"]
    quarters = {key: statistics.quantiles([them / us for them, us in zip(seconds["theirs"], seconds[key])], method="inclusive")
                if len(seconds[key]) > 1 else [0, 0, 0] for key in ours}
    result = {"codec_s": statistics.median(codec)} if codec else {}
    return result | {
        "theirs_s": median["theirs"], "theirs_all_s": seconds["theirs"],
        "ours_s": {str(key): median[key] for key in ours}, "ours_all_s": {str(key): seconds[key] for key in ours},
        "ratio": {str(key): median["theirs"] / median[key] for key in ours},
        "ratio_middle": {str(key): [quarters[key][0], quarters[key][2]] for key in ours},
        "theirs_cpu_s": statistics.median(sample.cpu_s for sample in samples["theirs"]),
        "ours_cpu_s": {str(key): statistics.median(sample.cpu_s for sample in samples[key]) for key in ours},
        "theirs_bytes": samples["theirs"][-1].output_bytes,
        "ours_bytes": samples[ours[-1]][-1].output_bytes,
    }
