// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/encrypt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/io.h"
#include "capture/process.h"
#include "dump/age.h"

enum { PIECE_BYTES = 64 << 10 };

bool encrypt_is_wanted(const struct plan *plan)
{
	return plan->encrypt_to && *plan->encrypt_to;
}

static int wait_child(void *context)
{
	char byte;

	(void)context;
	while (getrandom(&byte, 1, 0) != 1)
		if (errno != EINTR)
			return errno;
	return 0;
}

// In a process of its own: asking is what makes the kernel gather (wait_for_random_bytes(), since Linux v5.4), but the call has
// no time limit.
struct error *encrypt_wait(uint64_t end_ms)
{
	struct process_result result = {0};
	struct error *err = process_run(wait_child, NULL, end_ms, &result);

	if (!err && result.status)
		err = error_new(ERROR_OS, "it failed with status %d", result.status);
	return error_wrap(err, "random numbers of the kernel");
}

struct error *encrypt_sink(const struct plan *plan, bool is_flattened, struct sink **sink)
{
	_cleanup_free_ struct age_recipient *recipients = NULL;
	struct sink *age = NULL, *stream = NULL;
	struct error *err;
	size_t count = 0;

	if (!encrypt_is_wanted(plan))
		return NULL;
	err = age_recipients_parse(plan->encrypt_to, &recipients, &count);
	if (!err)
		err = sink_age_create(*sink, recipients, count, &age);
	if (err)
		return error_wrap(err, "encrypt");
	*sink = age;
	err = is_flattened ? sink_stream_create_upon(age, &stream) : NULL;
	if (!err && is_flattened)
		*sink = stream;
	return err;
}

struct error *encrypt_file(const struct plan *plan, int in_fd, int out_fd)
{
	_cleanup_free_ char *piece = malloc(PIECE_BYTES);
	_cleanup_(sink_destroyp) struct sink *sink = NULL;
	uint64_t offset = 0;
	struct error *err;
	size_t got = 0;

	if (!piece)
		return error_new(ERROR_NOMEM, "no memory to encrypt");
	err = sink_file_create(out_fd, &sink);
	if (!err)
		err = encrypt_sink(plan, false, &sink);
	do {
		if (!err)
			err = io_pread(in_fd, piece, PIECE_BYTES, offset, &got);
		if (!err && got)
			err = sink_write(sink, offset, piece, got);
		offset += got;
	} while (!err && got == PIECE_BYTES);
	explicit_bzero(piece, PIECE_BYTES);
	return err ? err : sink_finish(sink, offset);
}
