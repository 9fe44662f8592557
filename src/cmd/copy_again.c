// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/copy_again.h"

#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Tells the second start that it is one, and the deadline of the first: milliseconds on its clock, 0: none.
#define VARIABLE "KDUMP_COPY_AGAIN"

static struct {
	char **argv; // NULL: it cannot start again.
	const char *path; // Of the input.
	atomic_flag is_taken;
} again = {.is_taken = ATOMIC_FLAG_INIT};

static void say(const char *text)
{
	ssize_t unused = write(STDERR_FILENO, text, strlen(text));

	(void)unused;
}

static void tell(const char *what_now)
{
	say("kdump-copy: ");
	say(again.path);
	say(" cannot be read everywhere where it is mapped; ");
	say(what_now);
	say("\n");
}

static void on_bus_error(int number)
{
	(void)number;
	// Another thread is at it, and ends this one.
	while (atomic_flag_test_and_set(&again.is_taken))
		pause();
	if (again.argv) {
		tell("once more: read, not mapped, which is slower");
		execv("/proc/self/exe", again.argv);
	}
	tell("--non-mmap reads it");
	_exit(EXIT_BAD_DATA);
}

static void arm(char **argv, const struct arguments *args)
{
	// The signal comes again, if it must: it is not blocked in the program that is started.
	struct sigaction action = {.sa_handler = on_bus_error, .sa_flags = SA_NODEFER};
	char deadline[32];

	snprintf(deadline, sizeof(deadline), "%" PRIu64, args->copy.deadline_ms);
	again.path = args->inputs[0];
	// What goes to standard output cannot be taken back.
	if ((args->output || args->copy.is_dry_run) && setenv(VARIABLE, deadline, true) == 0)
		again.argv = argv;
	sigaction(SIGBUS, &action, NULL);
}

void copy_again_prepare(char **argv, struct arguments *args)
{
	const char *deadline = getenv(VARIABLE);

	if (deadline) {
		args->is_read = true;
		if (args->copy.deadline_ms)
			args->copy.deadline_ms = strtoull(deadline, NULL, 10);
	} else if (!args->is_read) {
		arm(argv, args);
	}
}
