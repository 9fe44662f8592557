// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A process that answers gdb: connections of a socket, one after the other, until the process that started it ends.
 *
 * Does not know what requests mean (report/gdbstub.h). Each command that a human gives gdb for us (monitor) runs in a process of its own.
 */
#ifndef CMD_INSPECT_SERVE_H
#define CMD_INSPECT_SERVE_H

#include "base/cleanup.h"
#include "cmd/inspect_dump.h"
#include "report/gdbstub.h"

/** What it serves. All borrowed. */
struct inspect_serve {
	const struct inspect_dump *dump; /**< With its kernel. */
	struct gdbstub *stub;
	int listen_fd; /**< A socket that listens. */
	int signal_fd; /**< Readable: it ends (signalfd(2)). */
};

/** Serve. It returns when it has to end. @param[in] serve What. */
void inspect_serve_run(const struct inspect_serve *serve);

#endif
