// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Read standard input at so many bytes a second, like a disk or a network behind a pipe; print how many there were.
 *
 * Usage: throttle BYTES_PER_SECOND     0: as fast as they come
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { PIPE_BYTES = 64 << 10 };

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void wait_until(uint64_t ns)
{
	struct timespec when = {.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL);
}

int main(int argc, char **argv)
{
	double rate = argc == 2 ? strtod(argv[1], NULL) : 0;
	uint64_t total = 0, start = 0;
	char buf[PIPE_BYTES];
	ssize_t got;

	while ((got = read(STDIN_FILENO, buf, sizeof(buf))) > 0) {
		// The clock of the medium starts with what it has to do, and does not save up time in which it had nothing.
		uint64_t now = now_ns(), took = rate > 0 ? (uint64_t)((double)got / rate * 1e9) : 0;

		start = start + took > now ? start : now;
		start += took;
		total += (uint64_t)got;
		if (rate > 0)
			wait_until(start);
	}
	if (got < 0) {
		perror("read");
		return EXIT_FAILURE;
	}
	printf("%ju\n", (uintmax_t)total);
	return EXIT_SUCCESS;
}
