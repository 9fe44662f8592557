// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/workers.h"

#include <stdatomic.h>

#include "test.h"

enum { JOBS_MAX = 200, NEVER = -1 };

// What is to fail, and what was seen.
struct run {
	int fail_start; // Thread whose start fails.
	int fail_job;
	int fail_finish;
	_Atomic unsigned int done[JOBS_MAX];
	_Atomic unsigned int started, finished, failed_finishes, running;
	_Atomic unsigned int count;
};

static struct error *start(void *context, unsigned int thread, void **state_ret)
{
	struct run *run = context;

	if ((int)thread == run->fail_start)
		return error_new(ERROR_NOMEM, "start %u", thread);
	atomic_fetch_add(&run->started, 1);
	*state_ret = run;
	return NULL;
}

static struct error *work(void *context, void *state, uint64_t job)
{
	struct run *run = context;

	check(state == run);
	atomic_fetch_add(&run->done[job], 1);
	if ((int)job == run->fail_job)
		return error_new(ERROR_BAD_DATA, "job %ju", (uintmax_t)job);
	return NULL;
}

static struct error *finish(void *context, void *state, bool is_failed)
{
	struct run *run = context;

	atomic_fetch_add(&run->finished, state != NULL);
	atomic_fetch_add(&run->failed_finishes, is_failed);
	if (run->fail_finish != NEVER && (int)atomic_fetch_add(&run->count, 1) == run->fail_finish)
		return error_new(ERROR_OS, "finish");
	return NULL;
}

static struct error *go(struct run *run, unsigned int threads, uint64_t jobs)
{
	const struct workers_job job = {start, work, finish, run, jobs, threads};

	return workers_run(&job);
}

static struct run fresh(void)
{
	return (struct run){.fail_start = NEVER, .fail_job = NEVER, .fail_finish = NEVER};
}

static const uint64_t job_counts[] = {0, 1, 2, 3, 7, 8, 9, 64, JOBS_MAX};

static void all_well(void)
{
	for (unsigned int threads = 1; threads <= 8; threads++) {
		for (size_t i = 0; i < array_size(job_counts); i++) {
			struct run run = fresh();

			check_ok(go(&run, threads, job_counts[i]));
			for (uint64_t job = 0; job < JOBS_MAX; job++)
				check(run.done[job] == (job < job_counts[i]));
			check(run.started == run.finished && run.started >= 1 && run.started <= threads &&
			      !run.failed_finishes);
		}
	}
}

static void jobs_fail(void)
{
	for (unsigned int threads = 1; threads <= 8; threads++) {
		for (size_t i = 0; i < array_size(job_counts); i++) {
			for (int bad = 0; bad < (int)job_counts[i]; bad += 1 + bad / 2) {
				struct run run = fresh();

				run.fail_job = bad;
				check_error(go(&run, threads, job_counts[i]), ERROR_BAD_DATA, "job ");
				check(run.started == run.finished && run.failed_finishes >= 1);
				for (uint64_t job = 0; job < JOBS_MAX; job++)
					check(run.done[job] <= 1);
			}
		}
	}
}

// A thread that cannot begin stops all.
static void starts_fail(void)
{
	for (unsigned int threads = 1; threads <= 8; threads++) {
		for (unsigned int bad = 0; bad < threads; bad++) {
			struct run run = fresh();

			run.fail_start = (int)bad;
			check_error(go(&run, threads, 50), ERROR_NOMEM, "start");
			check(run.started == run.finished);
		}
	}
}

static void finishes_fail(void)
{
	for (unsigned int threads = 1; threads <= 8; threads++) {
		struct run run = fresh();

		run.fail_finish = 0;
		check_error(go(&run, threads, 20), ERROR_OS, "finish");
		check(run.started == run.finished);
	}
}

static void no_functions(void)
{
	struct run run = fresh();
	struct workers_job job = {NULL, work, NULL, &run, 0, 4};

	check_ok(workers_run(&job));
}

static const struct test tests[] = {
	TEST(all_well), TEST(jobs_fail), TEST(starts_fail), TEST(finishes_fail), TEST(no_functions),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
