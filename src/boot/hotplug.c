// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/hotplug.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"

// Between two looks for newer requests.
enum { LOOK_MS = 100, STATE_BYTES = 128 };

struct state {
	uint64_t requested, done; // Requests.
	uint64_t claimed_ms; // When somebody was asked to serve; 0: nobody is.
};

static struct error *lock_file(const struct host *host, const char *path, int *fd_ret)
{
	_cleanup_close_ int fd = -1;
	struct error *err = host_mkdirs(host, "/run/kdump");

	if (!err)
		err = host_open(host, path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600, &fd);
	if (err)
		return err;
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return error_os(errno, "lock %s", path);
	*fd_ret = take_fd(&fd);
	return NULL;
}

static struct error *read_state(int fd, struct state *ret)
{
	char text[STATE_BYTES + 1];
	size_t got = 0;
	struct error *err = io_pread(fd, text, STATE_BYTES, 0, &got);

	*ret = (struct state){0};
	if (err)
		return err;
	text[got] = '\0';
	// A new file is all zeros, and one that is broken too: then there is a load too many.
	if (sscanf(text, "%" SCNu64 " %" SCNu64 " %" SCNu64, &ret->requested, &ret->done, &ret->claimed_ms) != 3)
		*ret = (struct state){0};
	return NULL;
}

// Locked until the file is closed.
static struct error *open_state(const struct host *host, int *fd_ret, struct state *ret)
{
	struct error *err = lock_file(host, HOTPLUG_PATH, fd_ret);

	return err ? err : read_state(*fd_ret, ret);
}

static struct error *write_state(int fd, const struct state *state)
{
	char text[STATE_BYTES];
	int size = snprintf(text, sizeof(text), "%20" PRIu64 " %20" PRIu64 " %20" PRIu64 "\n", state->requested,
	                    state->done, state->claimed_ms);

	return io_pwrite(fd, text, (size_t)size, 0);
}

static bool is_served(const struct host *host)
{
	_cleanup_close_ int fd = -1;
	_cleanup_error_ struct error *err = host_open(host, HOTPLUG_SERVER_PATH, O_RDWR | O_NOFOLLOW, 0, &fd);

	return !err && flock(fd, LOCK_EX | LOCK_NB) < 0;
}

// Who was asked to serve has not begun, and never will; or it has ended in the middle.
static bool is_lost(const struct host *host, const struct state *state)
{
	return clock_now_ms() - state->claimed_ms > HOTPLUG_CLAIM_MS && !is_served(host);
}

struct error *hotplug_request(const struct host *host, bool *is_first_ret)
{
	_cleanup_close_ int fd = -1;
	struct state state;
	struct error *err = open_state(host, &fd, &state);

	if (err)
		return err;
	state.requested++;
	*is_first_ret = !state.claimed_ms || is_lost(host, &state);
	if (*is_first_ret)
		state.claimed_ms = clock_now_ms();
	return write_state(fd, &state);
}

// Takes what there is to be done, or gives the service back. Both are one step, so that no request is between them.
static struct error *take_requests(const struct host *host, uint64_t done, uint64_t *requested_ret)
{
	_cleanup_close_ int fd = -1;
	struct state state;
	struct error *err = open_state(host, &fd, &state);

	if (err)
		return err;
	if (done > state.done)
		state.done = done;
	*requested_ret = state.requested;
	// Whoever comes from here on must start somebody else.
	if (state.requested <= state.done)
		state.claimed_ms = 0;
	return write_state(fd, &state);
}

static void wait_ms(uint64_t ms)
{
	nanosleep(&(struct timespec){.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000}, NULL);
}

// Events come in storms: a bank of memory is hundreds of blocks.
static struct error *wait_for_quiet(const struct host *host, const struct hotplug_work *work, uint64_t done,
                                    uint64_t *requested)
{
	uint64_t start_ms = clock_now_ms(), last_ms = start_ms;

	for (;;) {
		uint64_t now_ms = clock_now_ms(), before = *requested;
		struct error *err;

		if (now_ms - last_ms >= work->quiet_ms || now_ms - start_ms >= work->most_ms)
			return NULL;
		wait_ms(LOOK_MS);
		err = take_requests(host, done, requested);
		if (err)
			return err;
		if (*requested != before)
			last_ms = clock_now_ms();
	}
}

// The last error is told; what was requested behind it is a new try.
static struct error *serve_all(const struct host *host, const struct hotplug_work *work)
{
	_cleanup_error_ struct error *failed = NULL;
	uint64_t requested = 0, done = 0;
	struct error *err = take_requests(host, 0, &requested);

	while (!err && requested > done) {
		err = wait_for_quiet(host, work, done, &requested);
		if (err)
			break;
		error_free(failed);
		failed = work->run(work->context);
		done = requested;
		err = take_requests(host, done, &requested);
	}
	return err ? err : take_ptr(failed);
}

static struct error *is_anything_left(const struct host *host, bool *is_left_ret)
{
	_cleanup_close_ int fd = -1;
	struct state state = {0};
	struct error *err = open_state(host, &fd, &state);

	*is_left_ret = !err && state.requested > state.done;
	return err;
}

struct error *hotplug_serve(const struct host *host, const struct hotplug_work *work)
{
	_cleanup_close_ int server_fd = -1;
	bool is_left = false;
	struct error *err = lock_file(host, HOTPLUG_SERVER_PATH, &server_fd);

	if (!err)
		err = is_anything_left(host, &is_left);
	return err || !is_left ? err : serve_all(host, work);
}
