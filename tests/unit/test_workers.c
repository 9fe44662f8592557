// SPDX-License-Identifier: GPL-2.0-or-later
// Threads × jobs × what fails: every job runs once or not at all, every thread that started ends, the error comes back.
#include "base/workers.h"

#include <stdatomic.h>

#include "test.h"

enum { JOBS_MAX = 200, NEVER = -1 };

struct sweep {
	_Atomic int runs[JOBS_MAX];
	_Atomic int started;
	_Atomic int finished;
	long fail_job;
	int fail_start; // Thread whose start fails.
	bool fail_finish;
	_Atomic int failures_told; // finish() calls that were told of a failure.
};

static struct error *start(void *context, unsigned int thread, void **state_ret)
{
	struct sweep *sweep = context;

	if ((int)thread == sweep->fail_start)
		return error_new(ERROR_NOMEM, "start failed");
	atomic_fetch_add(&sweep->started, 1);
	*state_ret = sweep;
	return NULL;
}

static struct error *run(void *context, void *state, uint64_t job)
{
	struct sweep *sweep = context;

	check(state == sweep && job < JOBS_MAX);
	atomic_fetch_add(&sweep->runs[job], 1);
	return (long)job == sweep->fail_job ? error_new(ERROR_BAD_DATA, "job failed") : NULL;
}

static struct error *finish(void *context, void *state, bool is_failed)
{
	struct sweep *sweep = context;

	if (state)
		atomic_fetch_add(&sweep->finished, 1);
	atomic_fetch_add(&sweep->failures_told, is_failed);
	return sweep->fail_finish ? error_new(ERROR_OS, "finish failed") : NULL;
}

static void sweep_once(unsigned int threads, uint64_t jobs, long fail_job, int fail_start, bool fail_finish)
{
	struct sweep sweep = {.fail_job = fail_job, .fail_start = fail_start, .fail_finish = fail_finish};
	struct workers_job job = {
		.start = start,
		.run = run,
		.finish = finish,
		.context = &sweep,
		.job_count = jobs,
		.thread_count = threads,
	};
	struct error *err = workers_run(&job);
	bool is_job_failing = fail_job != NEVER && fail_job < (long)jobs;

	check(atomic_load(&sweep.started) == atomic_load(&sweep.finished));
	for (uint64_t i = 0; i < JOBS_MAX; i++)
		check(atomic_load(&sweep.runs[i]) <= (i < jobs));
	if (fail_start == 0) {
		check(err);
	} else if (is_job_failing || fail_finish) {
		check(err);
	} else if (fail_start == NEVER || fail_start >= (int)threads) {
		check_ok(err);
		for (uint64_t i = 0; i < jobs; i++)
			check(atomic_load(&sweep.runs[i]) == 1);
		check(atomic_load(&sweep.failures_told) == 0);
	}
	error_free(err);
}

static void all_sweeps(void)
{
	static const uint64_t jobs[] = {0, 1, 2, 7, JOBS_MAX};
	static const long fails[] = {NEVER, 0, 1, 6, JOBS_MAX - 1};

	for (unsigned int threads = 1; threads <= 8; threads++) {
		for (size_t i = 0; i < array_size(jobs); i++) {
			for (size_t j = 0; j < array_size(fails); j++)
				sweep_once(threads, jobs[i], fails[j], NEVER, false);
			for (int thread = 0; thread < (int)threads; thread++)
				sweep_once(threads, jobs[i], NEVER, thread, false);
			sweep_once(threads, jobs[i], NEVER, NEVER, true);
		}
	}
}

static void no_functions_but_run(void)
{
	struct sweep sweep = {.fail_job = NEVER};
	struct workers_job job = {.run = run, .context = &sweep, .job_count = 0, .thread_count = 3};

	check_ok(workers_run(&job));
}

// Jobs that note when it was their turn.
struct queue {
	struct workers_turns turns;
	_Atomic unsigned int busy; // At most one has its turn.
	uint64_t seen[JOBS_MAX];
	size_t count;
	uint64_t fail_job;
	bool is_failing_early; // Before its turn.
};

static struct error *take_turn(void *context, void *state, uint64_t job)
{
	struct queue *queue = context;

	(void)state;
	if (queue->is_failing_early && job == queue->fail_job)
		return error_new(ERROR_BAD_DATA, "job failed");
	if (!workers_turns_wait(&queue->turns, job))
		return error_new(ERROR_OS, "too late");
	check(atomic_fetch_add(&queue->busy, 1) == 0);
	queue->seen[queue->count++] = job;
	atomic_fetch_sub(&queue->busy, 1);
	return job == queue->fail_job ? error_new(ERROR_BAD_DATA, "job failed") : NULL;
}

static void turns_come_in_order(void)
{
	for (unsigned int round = 0; round < 200; round++) {
		struct queue queue = {.fail_job = round % 2 ? round : UINT64_MAX, .is_failing_early = round % 4 == 1};
		struct workers_job job = {
			.run = take_turn,
			.context = &queue,
			.job_count = JOBS_MAX,
			.thread_count = 1 + round % 8,
			.turns = &queue.turns,
		};
		bool is_failing = queue.fail_job < JOBS_MAX;
		struct error *err;

		workers_turns_init(&queue.turns);
		err = workers_run(&job);
		if (is_failing)
			check_error(err, ERROR_BAD_DATA, "job failed");
		else
			check_ok(err);
		// All before the one that failed had their turn, none behind it.
		check(queue.count == (is_failing ? queue.fail_job + !queue.is_failing_early : JOBS_MAX));
		for (size_t i = 0; i < queue.count; i++)
			check(queue.seen[i] == i);
		workers_turns_deinit(&queue.turns);
	}
}

static const struct test tests[] = {TEST(all_sweeps), TEST(no_functions_but_run), TEST(turns_come_in_order)};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
