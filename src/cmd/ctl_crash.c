// SPDX-License-Identifier: GPL-2.0-or-later
// The list of the last test is lines: "time SECONDS", "boot ID", "known NAME" for each dump that was told of before it, and when it
// is known what came, "dump NAME" or "none".
#include "cmd/ctl_crash.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "boot/kexec.h"
#include "boot/text.h"
#include "boot/words.h"
#include "capture/dumpdir.h"
#include "cmd/ctl_known.h"

enum { LIST_MAX_BYTES = 16 << 20, ANSWER_BYTES = 64 };

#define ANSWER "crash"

struct last {
	char *boot, *dump;
	struct words known;
	int64_t time_s;
	bool is_told; // What came of it is written down.
};

static void last_deinit(struct last *last)
{
	free(last->boot);
	free(last->dump);
	words_deinit(&last->known);
}

static struct error *read_line(const struct host *host, const char *path, char **ret)
{
	struct error *err = host_read(host, path, 4096, ret, NULL);

	if (!err)
		(*ret)[strcspn(*ret, "\n")] = '\0';
	return err;
}

static struct error *write_last(const struct host *host, const struct last *last)
{
	_cleanup_text_ struct text text = {0};
	_cleanup_free_ char *buf = NULL;
	struct error *err;

	text_add(&text, "time %" PRId64 "\nboot %s\n", last->time_s, last->boot);
	for (size_t i = 0; i < last->known.count; i++)
		text_add(&text, "known %s\n", last->known.list[i]);
	if (last->is_told)
		text_add(&text, "%s%s\n", last->dump ? "dump " : "none", last->dump ? last->dump : "");
	err = text_take(&text, &buf);
	return err ? err : host_replace(host, CTL_CRASH_PATH, buf, strlen(buf), 0600);
}

static struct error *take_line(const char *line, struct last *ret)
{
	char **word = NULL;

	if (strncmp(line, "time ", 5) == 0)
		ret->time_s = strtoimax(line + 5, NULL, 10);
	else if (strncmp(line, "boot ", 5) == 0)
		word = &ret->boot;
	else if (strncmp(line, "known ", 6) == 0)
		words_add(&ret->known, line + 6);
	else if (strncmp(line, "dump ", 5) == 0)
		word = &ret->dump;
	else if (strcmp(line, "none") != 0)
		return error_new(ERROR_BAD_DATA, CTL_CRASH_PATH ": \"%s\" is not understood; remove the file", line);
	ret->is_told |= word == &ret->dump || strcmp(line, "none") == 0;
	if (!word || *word)
		return NULL;
	*word = strdup(line + 5);
	return *word ? NULL : error_new(ERROR_NOMEM, "no memory for a test");
}

// Boot is NULL if there was no test.
static struct error *read_last(const struct host *host, struct last *ret)
{
	_cleanup_free_ char *text = NULL;
	struct error *err = host_read(host, CTL_CRASH_PATH, LIST_MAX_BYTES, &text, NULL);
	char *rest = text, *line;

	if (error_catch_os(&err, ENOENT))
		return NULL;
	while (!err && (line = strsep(&rest, "\n")))
		if (*line)
			err = take_line(line, ret);
	if (!err && !ret->boot)
		err = error_new(ERROR_BAD_DATA, CTL_CRASH_PATH ": it has no boot; remove the file");
	return err ? err : words_check(&ret->known);
}

static struct error *ask(const struct ctl *ctl)
{
	char answer[ANSWER_BYTES] = "";

	if (ctl_options_has(&ctl->options, CTL_OPTION_YES))
		return NULL;
	fprintf(stderr,
	        "%s: this machine will panic NOW: programs end without saving anything, and it is away until the dump "
	        "is "
	        "written\n%s: type " ANSWER " to go on: ",
	        ctl->program, ctl->program);
	if (!fgets(answer, sizeof(answer), stdin))
		answer[0] = '\0';
	answer[strcspn(answer, "\r\n")] = '\0';
	return strcmp(answer, ANSWER) == 0 ? NULL
	                                   : error_new(ERROR_CANCELED, "nothing was done: that was not \"" ANSWER "\"");
}

static struct error *check_loaded(const struct host *host)
{
	bool is_loaded = false;
	struct error *err = kexec_is_loaded(host, &is_loaded);

	if (!err && !is_loaded)
		err = error_new(ERROR_CONFIG,
		                "no capture kernel is loaded, there would be no dump: run kdumpctl start");
	return err;
}

static struct error *note(const struct host *host)
{
	_cleanup_(last_deinit) struct last last = {.time_s = time(NULL)};
	struct error *err = read_line(host, "/proc/sys/kernel/random/boot_id", &last.boot);

	if (!err)
		err = ctl_known_read(host, &last.known);
	return err ? err : error_wrap(write_last(host, &last), "write down that this is a test");
}

struct error *ctl_crash(const struct ctl *ctl)
{
	_cleanup_close_ int fd = -1;
	struct error *err = check_loaded(&ctl->host);

	if (!err)
		err = ask(ctl);
	if (!err)
		err = note(&ctl->host);
	if (!err)
		err = host_open(&ctl->host, "/proc/sysrq-trigger", O_WRONLY, 0, &fd);
	if (err)
		return err;
	fflush(NULL);
	sync();
	// Whatever kernel.sysrq allows at the keyboard, this works.
	return error_wrap(io_write(fd, "c", 1), "/proc/sysrq-trigger");
}

// Whether a name is that of a dump of this machine, and not of another one that has the same directory.
static bool is_ours(const char *name, const char *hostname)
{
	return dumpdir_host_size(name) == strlen(hostname) && strncmp(name, hostname, strlen(hostname)) == 0;
}

// The first dump that was not there before.
static struct error *find_dump(const struct host *host, struct last *last)
{
	_cleanup_words_ struct words known = {0};
	_cleanup_free_ char *hostname = NULL;
	struct error *err = read_line(host, "/proc/sys/kernel/hostname", &hostname);

	if (!err)
		err = ctl_known_read(host, &known);
	for (size_t i = 0; !err && i < known.count && !last->dump; i++) {
		if (words_has(&last->known, known.list[i]) || !is_ours(known.list[i], hostname))
			continue;
		last->dump = strdup(known.list[i]);
		if (!last->dump)
			err = error_new(ERROR_NOMEM, "no memory for a test");
	}
	last->is_told = !err;
	return err ? err : write_last(host, last);
}

struct error *ctl_crash_tell(const struct ctl *ctl, bool is_new)
{
	_cleanup_(last_deinit) struct last last = {0};
	_cleanup_free_ char *boot = NULL;
	char when[32] = "";
	struct tm parts;
	struct error *err = read_last(&ctl->host, &last);

	if (err || !last.boot)
		return err;
	err = read_line(&ctl->host, "/proc/sys/kernel/random/boot_id", &boot);
	// Written, and this is the same boot: it did not panic.
	if (err || strcmp(boot, last.boot) == 0)
		return err;
	if (!last.is_told && is_new)
		err = find_dump(&ctl->host, &last);
	// A document has its own shape.
	if (err || !last.is_told || ctl->is_json)
		return err;
	if (gmtime_r(&(time_t){last.time_s}, &parts))
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &parts);
	if (last.dump)
		printf("test of %s: dump %s\n", when, last.dump);
	else
		printf("test of %s: no dump came\n", when);
	return ctl_flush("what came of the test");
}
