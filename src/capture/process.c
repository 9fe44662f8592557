// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/process.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum {
	// A killed process is gone at once, unless it waits for a device: then no time is enough.
	KILL_MS = 3000,
	// Between two looks at its progress.
	LOOK_MS = 500,
};

uint64_t process_left_ms(uint64_t end_ms)
{
	uint64_t now_ms = clock_now_ms();

	if (!end_ms)
		return UINT64_MAX;
	return now_ms < end_ms ? end_ms - now_ms : 0;
}

uint64_t process_earlier_ms(uint64_t end_ms, uint64_t limit_ms)
{
	return end_ms && end_ms < limit_ms ? end_ms : limit_ms;
}

struct error *process_share(size_t size_bytes, void **ret)
{
	void *memory = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return error_os(errno, "no memory for %zu shared bytes", size_bytes);
	*ret = memory;
	return NULL;
}

static struct timespec to_timespec(uint64_t ms)
{
	return (struct timespec){.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
}

// Reaps all children that have ended. Returns whether ours was among them.
static bool reap(pid_t pid, struct process_result *ret)
{
	struct rusage usage;
	bool is_found = false;
	pid_t ended;
	int status;

	while ((ended = wait4(-1, &status, WNOHANG, &usage)) > 0) {
		if (ended != pid)
			continue;
		is_found = true;
		ret->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		ret->peak_bytes = (uint64_t)usage.ru_maxrss * 1024;
	}
	return is_found;
}

// Waits with SIGCHLD blocked, so that no end is missed between the look and the wait.
static bool wait_until(pid_t pid, uint64_t end_ms, const sigset_t *child_signal, struct process_result *ret)
{
	for (;;) {
		uint64_t left_ms = process_left_ms(end_ms);
		struct timespec wait;

		if (reap(pid, ret))
			return true;
		if (left_ms == 0)
			return false;
		// Never longer than a second: a signal that gets lost in some way costs no more than that.
		wait = to_timespec(left_ms < 1000 ? left_ms : 1000);
		sigtimedwait(child_signal, NULL, &wait);
	}
}

struct error *process_start(int (*fn)(void *context), void *context, pid_t *pid_ret)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0) {
		sigset_t none;

		setpgid(0, 0);
		// It may run parts of its own, in groups of their own: they end with it.
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(EXIT_FAILED);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		_exit(fn(context));
	}
	if (pid < 0)
		return error_os(errno, "make a process");
	setpgid(pid, pid);
	if (pid_ret)
		*pid_ret = pid;
	return NULL;
}

bool process_wait(pid_t pid, uint64_t end_ms, struct process_result *ret)
{
	struct process_result result;
	sigset_t child_signal, old;
	bool is_ended;

	sigemptyset(&child_signal);
	sigaddset(&child_signal, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child_signal, &old);
	is_ended = wait_until(pid, end_ms, &child_signal, ret ? ret : &result);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return is_ended;
}

void process_stop(pid_t pid, uint64_t timeout_ms)
{
	struct process_result result;
	sigset_t child_signal, old;

	sigemptyset(&child_signal);
	sigaddset(&child_signal, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child_signal, &old);
	kill(pid, SIGTERM);
	if (!wait_until(pid, clock_now_ms() + timeout_ms, &child_signal, &result)) {
		kill(pid, SIGKILL);
		wait_until(pid, clock_now_ms() + KILL_MS, &child_signal, &result);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static struct error *time_is_over(void)
{
	return error_new(ERROR_TIMEOUT, "its time is over");
}

// Waits in short pieces, as long as there is progress. Returns why it has not ended, or NULL.
static struct error *wait_watched(pid_t pid, uint64_t end_ms, const struct process_watch *watch,
                                  const sigset_t *child_signal, struct process_result *ret)
{
	uint64_t seen = watch->steps ? *watch->steps : 0, stuck_ms = clock_now_ms() + watch->stall_ms;

	for (;;) {
		const char *loss;

		if (wait_until(pid, process_earlier_ms(end_ms, clock_now_ms() + LOOK_MS), child_signal, ret))
			return NULL;
		if (watch->steps && *watch->steps != seen) {
			seen = *watch->steps;
			stuck_ms = clock_now_ms() + watch->stall_ms;
		}
		if (!process_left_ms(end_ms))
			return time_is_over();
		if (watch->steps && !process_left_ms(stuck_ms))
			return error_new(ERROR_OS, "nothing has moved for %" PRIu64 " s", watch->stall_ms / 1000);
		loss = watch->find_loss ? watch->find_loss(watch->context) : NULL;
		if (loss)
			return error_new(ERROR_OS, "%s", loss);
	}
}

struct error *process_run_watched(int (*fn)(void *context), void *context, uint64_t end_ms,
                                  const struct process_watch *watch, struct process_result *ret)
{
	sigset_t child_signal, old;
	struct error *err;
	pid_t pid = 0;

	sigemptyset(&child_signal);
	sigaddset(&child_signal, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child_signal, &old);
	err = process_start(fn, context, &pid);
	if (err) {
		sigprocmask(SIG_SETMASK, &old, NULL);
		return err;
	}
	if (watch)
		err = wait_watched(pid, end_ms, watch, &child_signal, ret);
	else if (!wait_until(pid, end_ms, &child_signal, ret))
		err = time_is_over();
	if (err) {
		struct process_result killed;

		kill(-pid, SIGKILL);
		wait_until(pid, clock_now_ms() + KILL_MS, &child_signal, &killed);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	return err;
}

struct error *process_run(int (*fn)(void *context), void *context, uint64_t end_ms, struct process_result *ret)
{
	return process_run_watched(fn, context, end_ms, NULL, ret);
}
