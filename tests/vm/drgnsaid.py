# SPDX-License-Identifier: GPL-2.0-or-later
"""What drgn says of a dump, with the kernel's debugging information, as JSON: runs in the tree that has drgn.

Arguments: the dump, and the file with the debugging information.
"""

import bisect
import json
import sys

# pylint: disable=import-error
import drgn
from drgn.helpers.linux.cpumask import for_each_possible_cpu
from drgn.helpers.linux.list import list_for_each_entry
from drgn.helpers.linux.pid import for_each_task
from drgn.helpers.linux.printk import get_dmesg
from drgn.helpers.linux.sched import idle_task, task_cpu, task_state_to_char


class Names:
    """Names of code. drgn has those of whole functions; crash and the kernel have also those of labels inside them."""

    def __init__(self, prog):
        symbols = sorted((symbol.address, symbol.name) for symbol in prog.symbols() if not symbol.name.startswith(("$", ".L")))
        self._addresses = [address for address, _ in symbols]
        self._names = [name for _, name in symbols]

    def at(self, address):
        """All names of the place that is nearest before an address."""
        end = bisect.bisect_right(self._addresses, address)
        start = bisect.bisect_left(self._addresses, self._addresses[end - 1]) if end else 0
        return self._names[start:end]


def frames(prog, names, task):
    """[(address, names)] of the frames of a task that are not of inlined functions, and why there are no more."""
    found = []
    try:
        for frame in prog.stack_trace(task):
            if frame.is_inline:
                continue
            try:
                frame.symbol()
                known = names.at(frame.pc - (0 if frame.interrupted else 1))
            except LookupError:
                known = []
            found.append((frame.pc, known))
    except (LookupError, ValueError, drgn.FaultError) as err:
        return found, str(err)
    return found, None


def told_of(prog, names, task):
    """A task."""
    stack, problem = frames(prog, names, task)
    return {"task": f"{task.value_():016x}", "pid": task.pid.value_(), "tgid": task.tgid.value_(),
            "ppid": task.parent.pid.value_(), "cpu": task_cpu(task), "name": task.comm.string_().decode(errors="replace"),
            "state": task_state_to_char(task), "trace": stack, "problem": problem}


def code_of(module):
    """Where the code of a module is: what names it changed in v6.4."""
    return (module.mem[0] if hasattr(module, "mem") else module.core_layout).base.value_()


def main():
    """Print all of it."""
    prog = drgn.Program()
    prog.set_core_dump(sys.argv[1])
    prog.load_debug_info([sys.argv[2]])
    tasks = [*(idle_task(prog, cpu) for cpu in for_each_possible_cpu(prog)), *for_each_task(prog)]
    modules, names = list_for_each_entry("struct module", prog["modules"].address_of_(), "list"), Names(prog)
    json.dump({"log": get_dmesg(prog).decode(errors="replace"), "tasks": [told_of(prog, names, task) for task in tasks],
               "modules": [[f"{module.value_():#x}", module.name.string_().decode(errors="replace"), f"{code_of(module):#x}"]
                           for module in modules]}, sys.stdout)


main()
