// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A fake machine: a root in a temporary directory, and programs that are recorded and not run.
 *
 * Does not know what is in the files.
 */
#ifndef FAKE_H
#define FAKE_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/host.h"
#include "test.h"

/** Programs that a fake machine remembers. */
enum { FAKE_RUNS_MAX = 8 };

/** A fake machine. fake_init() it, fake_deinit() it. */
struct fake {
	struct host host;
	char root[64];
	char *runs[FAKE_RUNS_MAX]; /**< Command lines, words separated by "|". */
	size_t run_count;
	int statuses[FAKE_RUNS_MAX]; /**< Exit status of each run. */
	const char *outputs[FAKE_RUNS_MAX]; /**< What each run prints; NULL for nothing. */
	const char *makes; /**< A file that each run makes; NULL for none. */
	const char *makes_too; /**< Another one, after a tick of the clock that stamps files; NULL for none. */
	const char *made; /**< What is in it. */
	size_t made_bytes;
	int errnum; /**< Not 0: no run can be started. */
};

/** Wait until the coarse clock has passed now: files made before have older stamps, coarse or fine, than those made then. */
static inline void fake_tick(void)
{
	struct timespec was, now;

	clock_gettime(CLOCK_REALTIME, &was);
	do
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
	while (now.tv_sec < was.tv_sec || (now.tv_sec == was.tv_sec && now.tv_nsec <= was.tv_nsec));
}

static inline struct error *fake_run(const struct host *host, const struct host_command *command,
                                     struct host_result *ret)
{
	struct fake *fake = host->context;
	size_t number = fake->run_count;
	char line[8192] = "";

	check(number < FAKE_RUNS_MAX);
	for (const char *const *word = command->argv; *word; word++) {
		strncat(line, word == command->argv ? "" : "|", sizeof(line) - strlen(line) - 1);
		strncat(line, *word, sizeof(line) - strlen(line) - 1);
	}
	fake->runs[number] = strdup(line);
	fake->run_count++;
	if (fake->errnum)
		return error_os(fake->errnum, "%s", command->argv[0]);
	if (fake->makes)
		check_ok(host_replace(host, fake->makes, fake->made, fake->made_bytes, 0644));
	if (fake->makes_too) {
		fake_tick();
		check_ok(host_replace(host, fake->makes_too, "made", 4, 0644));
	}
	ret->status = fake->statuses[number];
	ret->output = strdup(fake->outputs[number] ? fake->outputs[number] : "");
	return NULL;
}

static inline void fake_init(struct fake *fake)
{
	const char *base = getenv("TMPDIR");

	*fake = (struct fake){.made = "image", .made_bytes = 5};
	snprintf(fake->root, sizeof(fake->root), "%s/kdump-fake.XXXXXX", base && strlen(base) < 40 ? base : "/tmp");
	check(mkdtemp(fake->root) != NULL);
	check_ok(host_init(&fake->host, fake->root));
	fake->host.run = fake_run;
	fake->host.context = fake;
}

static inline void fake_file(struct fake *fake, const char *path, const char *text)
{
	check_ok(host_replace(&fake->host, path, text, strlen(text), 0644));
}

static inline void fake_link(struct fake *fake, const char *path, const char *target)
{
	char full[512], dir[512];

	snprintf(dir, sizeof(dir), "%s", path);
	*strrchr(dir, '/') = '\0';
	check_ok(host_mkdirs(&fake->host, dir));
	snprintf(full, sizeof(full), "%s%s", fake->root, path);
	check(symlink(target, full) == 0);
}

static inline int fake_remove(const char *path, const struct stat *info, int type, struct FTW *walk)
{
	(void)info;
	(void)type;
	(void)walk;
	return remove(path);
}

static inline void fake_deinit(struct fake *fake)
{
	for (size_t i = 0; i < fake->run_count; i++)
		free(fake->runs[i]);
	host_deinit(&fake->host);
	nftw(fake->root, fake_remove, 16, FTW_DEPTH | FTW_PHYS);
}

#define _cleanup_fake_ _cleanup_(fake_deinit)

#endif
