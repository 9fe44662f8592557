// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/dumps.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "boot/lastcapture.h"
#include "boot/plan.h"
#include "boot/words.h"
#include "capture/dumpdir.h"
#include "capture/encrypt.h"
#include "capture/save.h"
#include "capture/seal.h"

enum {
	MANIFEST_BYTES = 1 << 20,
	// The end of the log, which has the panic, and its call trace behind it.
	LOG_END_BYTES = 256 << 10,
	LINE_BYTES = 200,
};

#define LOG_NAME "vmcore-dmesg.txt"
#define STORY_NAME "capture.log"

const char *dumps_state_name(enum dumps_state state)
{
	static const char *const names[] = {"whole", "incomplete", "damaged", "unchecked", "log", "complete"};

	return names[state];
}

static bool is_incomplete(const char *name)
{
	size_t size = strlen(name), end = strlen(DUMPDIR_INCOMPLETE);

	return size > end && strcmp(name + size - end, DUMPDIR_INCOMPLETE) == 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static struct error *list(int fd, size_t (*is_wanted)(const char *name), char ***names_ret)
{
	_cleanup_words_ struct words words = {0};
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *stream = copy < 0 ? NULL : fdopendir(copy);

	if (!stream) {
		closep(&copy);
		return error_os(errno, "read the directory of dumps");
	}
	for (struct dirent *entry = readdir(stream); entry; entry = readdir(stream))
		if (is_wanted(entry->d_name))
			words_add(&words, entry->d_name);
	if (words.count)
		qsort(words.list, words.count, sizeof(*words.list), compare);
	return words_take(&words, names_ret);
}

struct error *dumps_list(int fd, char ***names_ret)
{
	return list(fd, dumpdir_host_size, names_ret);
}

size_t dumps_part_size(const char *name, unsigned int *number_ret)
{
	char dump[DUMPDIR_NAME_BYTES];
	const char *suffix = strstr(name, DUMPDIR_PART), *digits;
	unsigned long number;
	char *end;

	// The name of a host may have one too.
	for (const char *next = suffix; next; next = strstr(suffix + 1, DUMPDIR_PART))
		suffix = next;
	if (!suffix || (size_t)(suffix - name) >= sizeof(dump))
		return 0;
	digits = suffix + strlen(DUMPDIR_PART);
	number = strtoul(digits, &end, 10);
	if (*digits < '1' || *digits > '9' || number < 2 || number > PLAN_PARTS_MAX ||
	    (*end && strcmp(end, DUMPDIR_INCOMPLETE) != 0))
		return 0;
	snprintf(dump, sizeof(dump), "%.*s", (int)(suffix - name), name);
	if (!dumpdir_host_size(dump) || is_incomplete(dump))
		return 0;
	*number_ret = (unsigned int)number;
	return (size_t)(suffix - name);
}

static size_t is_part(const char *name)
{
	unsigned int number;

	return dumps_part_size(name, &number);
}

struct error *dumps_list_parts(int fd, char ***names_ret)
{
	return list(fd, is_part, names_ret);
}

// A regular file, and nothing that waits or leads elsewhere.
static int open_file(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat info;

	if (fd >= 0 && (fstat(fd, &info) < 0 || !S_ISREG(info.st_mode))) {
		closep(&fd);
		fd = -1;
		errno = EINVAL;
	}
	return fd;
}

// A line of text that came from a machine that broke: nothing in it may reach a terminal.
static char *printable(const char *text)
{
	char *line = strndup(text, strcspn(text, "\n") < LINE_BYTES ? strcspn(text, "\n") : LINE_BYTES);

	for (char *c = line; c && *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	return line;
}

char *dumps_find_panic(int fd)
{
	// An oops that is a panic is captured before the kernel says "panic".
	static const char *const marks[] = {
		"Kernel panic - not syncing: ", "BUG: ", "Oops: ", "Internal error: ", "kernel BUG at ",
		"Unable to handle kernel "};
	_cleanup_free_ char *text = calloc(1, LOG_END_BYTES + 1);
	off_t size = lseek(fd, 0, SEEK_END);
	char *panic = NULL;
	size_t got = 0;
	_cleanup_error_ struct error *err = NULL;

	if (!text)
		return NULL;
	err = io_pread(fd, text, LOG_END_BYTES, size > LOG_END_BYTES ? (uint64_t)(size - LOG_END_BYTES) : 0, &got);
	for (size_t i = 0; i < array_size(marks) && !err && !panic; i++) {
		const char *last = NULL;

		for (const char *at = text; (at = strstr(at, marks[i])); at += strlen(marks[i]))
			last = at;
		if (last)
			panic = printable(last + (i ? 0 : strlen(marks[i])));
	}
	return panic;
}

// What comes behind some words where the log of the capture has them last: each rung of the ladder has such a line, as each target.
static char *find_last(int dir_fd, const char *words)
{
	_cleanup_close_ int fd = open_file(dir_fd, STORY_NAME);
	_cleanup_free_ char *text = calloc(1, LOG_END_BYTES + 1);
	off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	_cleanup_error_ struct error *err = NULL;
	const char *last = NULL;
	size_t got = 0;

	if (!text || size < 0)
		return NULL;
	err = io_pread(fd, text, LOG_END_BYTES, size > LOG_END_BYTES ? (uint64_t)(size - LOG_END_BYTES) : 0, &got);
	for (const char *at = text; !err && (at = strstr(at, words));)
		last = at += strlen(words);
	return last ? printable(last) : NULL;
}

// Each file is as it was written; what was written may lack pages. NULL: none, or no memory.
static char *find_lost(int dir_fd)
{
	_cleanup_free_ char *count = find_last(dir_fd, SAVE_UNREADABLE_WORDS);
	char *text = NULL;
	uint64_t pages = count ? strtoull(count, NULL, 10) : 0;

	if (pages && asprintf(&text, "%" PRIu64 " pages could not be read and are missing", pages) < 0)
		text = NULL;
	return text;
}

static void look_at_log(int dir_fd, struct dumps_about *about)
{
	_cleanup_close_ int fd = open_file(dir_fd, LOG_NAME);

	if (fd >= 0)
		about->panic = dumps_find_panic(fd);
	about->is_encrypted = fd < 0 && faccessat(dir_fd, LOG_NAME ENCRYPT_SUFFIX, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

// What is wrong with the file that a line of the manifest names; NULL: nothing.
static char *check_line(int dir_fd, const char *line, bool is_read)
{
	enum { DIGITS = SEAL_HASH_BYTES - 1 };
	const char *name;
	char digest[SEAL_HASH_BYTES], *problem = NULL;
	_cleanup_close_ int fd = -1;
	_cleanup_error_ struct error *err = NULL;

	if (strlen(line) < DIGITS + 3 || strncmp(line + DIGITS, "  ", 2) != 0 || strchr(line, '/'))
		return strdup("its manifest is not one");
	name = line + DIGITS + 2;
	fd = open_file(dir_fd, name);
	if (fd < 0)
		err = error_os(errno, "%s", name);
	if (!err && is_read)
		err = seal_hash(fd, 0, digest);
	if (err)
		return strdup(err->text);
	if (!is_read)
		return NULL;
	if (strncmp(digest, line, DIGITS) != 0 && asprintf(&problem, "%s is not what the manifest says", name) < 0)
		return NULL;
	return problem;
}

// What is wrong with the files; NULL: nothing. "" if there is no manifest.
static char *check_manifest(int dir_fd, bool is_read)
{
	_cleanup_close_ int fd = open_file(dir_fd, SEAL_MANIFEST);
	_cleanup_free_ char *text = NULL;
	char *rest, *line, *problem = NULL;
	_cleanup_error_ struct error *err = fd < 0 ? NULL : io_read_all(fd, MANIFEST_BYTES, &text, NULL);

	if (fd < 0)
		return strdup("");
	if (err || !*text)
		return strdup(err ? err->text : "its manifest is empty");
	rest = text;
	while (!problem && (line = strsep(&rest, "\n")))
		if (*line)
			problem = check_line(dir_fd, line, is_read);
	return problem;
}

// What comes behind some words of its README. NULL: they are not there, or no memory.
static char *said(int dir_fd, const char *mark)
{
	_cleanup_close_ int fd = open_file(dir_fd, "README.txt");
	_cleanup_free_ char *text = NULL;
	const char *at;

	if (fd >= 0)
		error_free(io_read_all(fd, MANIFEST_BYTES, &text, NULL));
	at = text ? strstr(text, mark) : NULL;
	return at ? printable(at + strlen(mark)) : NULL;
}

// Why the capture left it so.
static char *said_problem(int dir_fd)
{
	return said(dir_fd, "NOT COMPLETE: ");
}

// Over how many file systems it is split: capture_split_describe() wrote that.
static unsigned int said_parts(int dir_fd)
{
	_cleanup_free_ char *text = said(dir_fd, "The dump is split over ");
	unsigned long count = text ? strtoul(text, NULL, 10) : 1;

	return count >= 1 && count <= PLAN_PARTS_MAX ? (unsigned int)count : 1;
}

char *dumps_part_place(int fd, const char *name, unsigned int number)
{
	_cleanup_close_ int dir_fd = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	char mark[32];

	snprintf(mark, sizeof(mark), "\nvmcore.%u ", number);
	text = dir_fd < 0 ? NULL : said(dir_fd, mark);
	return text ? strdup(text + strspn(text, " ")) : NULL;
}

static uint64_t disk_bytes(int dir_fd)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	uint64_t size_bytes = 0;
	struct stat info;

	for (struct dirent *entry = stream ? readdir(stream) : NULL; entry; entry = readdir(stream))
		if (fstatat(dir_fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode))
			size_bytes += (uint64_t)info.st_blocks * 512;
	return size_bytes;
}

static void judge_incomplete(int dir_fd, bool is_read, struct dumps_about *ret)
{
	char *problem = said_problem(dir_fd);
	_cleanup_free_ char *wrong = problem || !is_read ? NULL : check_manifest(dir_fd, true);

	ret->state = DUMPS_INCOMPLETE;
	if (problem)
		ret->problem = problem;
	else if (!wrong && is_read)
		ret->problem = strdup("all its files are whole; the capture was cut off before it gave it its name");
	else
		ret->problem = strdup("the capture was cut off");
}

static struct error *look(int fd, const char *name, bool is_read, struct dumps_about *ret)
{
	_cleanup_close_ int dir_fd = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_free_ char *problem = NULL;

	*ret = (struct dumps_about){0};
	if (dir_fd < 0)
		return error_os(errno, "%s", name);
	ret->size_bytes = disk_bytes(dir_fd);
	look_at_log(dir_fd, ret);
	ret->memory = find_last(dir_fd, LASTCAPTURE_WORDS);
	ret->part_count = said_parts(dir_fd);
	if (is_incomplete(name)) {
		judge_incomplete(dir_fd, is_read, ret);
		return NULL;
	}
	if (!is_read)
		ret->state = DUMPS_COMPLETE;
	problem = check_manifest(dir_fd, is_read);
	if (problem) {
		ret->state = *problem ? DUMPS_DAMAGED : DUMPS_UNCHECKED;
		ret->problem = printable(*problem ? problem : "it has no manifest, for which there was no time");
	} else {
		ret->problem = find_lost(dir_fd);
	}
	return NULL;
}

struct error *dumps_look(int fd, const char *name, struct dumps_about *ret)
{
	return look(fd, name, true, ret);
}

struct error *dumps_glance(int fd, const char *name, struct dumps_about *ret)
{
	return look(fd, name, false, ret);
}

void dumps_deinit(struct dumps_about *about)
{
	free(about->panic);
	free(about->memory);
	free(about->problem);
	*about = (struct dumps_about){0};
}
