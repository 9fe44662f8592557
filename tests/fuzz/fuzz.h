// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What the fuzz targets share: pieces of an input, a fake root, a dump whose kernel memory is the input.
 *
 * Does not know what any parser makes of its input. A target is a file fuzz_NAME.c with LLVMFuzzerTestOneInput(); what it
 * must not do it ends with fuzz_require().
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/host.h"

/** One input; libFuzzer calls it. @param[in] data Bytes. @param[in] size_bytes Their number. @return 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

/** End the run, keeping the input, unless a condition holds. */
#define fuzz_require(condition) fuzz_test(condition, #condition, __FILE__, __LINE__)

static inline void fuzz_test(bool condition, const char *text, const char *file, int line)
{
	if (condition)
		return;
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, text);
	abort();
}

/** Bit of an error code, for fuzz_end(). */
#define FUZZ_CODE(code) (1u << (code))

/** Free an error that may come, and refuse one that the header does not name. ERROR_NOMEM is one: inputs are small. */
static inline void fuzz_end(struct error *err, unsigned int allowed_codes)
{
	if (!err)
		return;
	if (!(allowed_codes & FUZZ_CODE(err->code)))
		fprintf(stderr, "code %d: %s\n", (int)err->code, err->text);
	fuzz_require(allowed_codes & FUZZ_CODE(err->code));
	fuzz_require(*err->text && strlen(err->text) < ERROR_TEXT_BYTES);
	error_free(err);
}

/** An input that is taken apart. */
struct fuzz_input {
	const uint8_t *at;
	size_t left_bytes;
};

/**
 * The next text of an input: up to a line "%%", the end, or a NUL.
 *
 * @param[in,out] input What is left.
 * @return NUL-terminated, in a block of exactly its size, so that a read behind it is seen; free() it.
 */
static inline char *fuzz_text(struct fuzz_input *input)
{
	static const char mark[] = "\n%%\n";
	size_t mark_bytes = sizeof(mark) - 1;
	const uint8_t *end = input->left_bytes ? memmem(input->at, input->left_bytes, mark, mark_bytes) : NULL;
	size_t size = end ? (size_t)(end - input->at) + 1 : input->left_bytes;
	size_t used = end ? size + mark_bytes - 1 : size;
	char *text = calloc(1, size + 1);

	fuzz_require(text);
	if (size)
		memcpy(text, input->at, size);
	input->at += used;
	input->left_bytes -= used;
	return text;
}

/** As fuzz_text(), without the newlines at its end: for what is one word or one value. */
static inline char *fuzz_line(struct fuzz_input *input)
{
	char *text = fuzz_text(input);

	text[strcspn(text, "\n")] = '\0';
	return text;
}

static inline struct error *fuzz_no_program(const struct host *host, const struct host_command *command,
                                            struct host_result *ret)
{
	(void)host;
	(void)ret;
	return error_os(ENOENT, "%s", command->argv[0]);
}

/** A root in a temporary directory, made once; whoever runs the target removes it with TMPDIR. */
static inline struct host *fuzz_host(void)
{
	static struct host host = {.root_fd = -1};
	static char root[256];
	const char *base = getenv("TMPDIR");

	if (host.root_fd >= 0)
		return &host;
	fuzz_require(snprintf(root, sizeof(root), "%s/kdump-fuzz.XXXXXX", base ? base : "/tmp") < (int)sizeof(root));
	fuzz_require(mkdtemp(root));
	fuzz_require(!host_init(&host, root));
	host.run = fuzz_no_program;
	return &host;
}

/** Write a file below the root; its directory must be there. */
static inline void fuzz_file(const struct host *host, const char *path, const char *text)
{
	size_t size = strlen(text);
	int fd = openat(host->root_fd, path + 1, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	fuzz_require(fd >= 0 && write(fd, text, size) == (ssize_t)size && close(fd) == 0);
}

/** Make directories below the root; NULL ends them. */
static inline void fuzz_directories(const struct host *host, const char *const *paths)
{
	for (; *paths; paths++)
		fuzz_require(!host_mkdirs(host, *paths));
}

#endif
