// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Jobs on threads: the first error stops all, the end is orderly, nobody spins. A part of each job may be done in order.
 *
 * Does not know what a job does and hands out no results: jobs write where they belong.
 */
#ifndef BASE_WORKERS_H
#define BASE_WORKERS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

/** Lets jobs do the last part of their work one after the other, in the order of their indexes. For one workers_run(). */
struct workers_turns {
	pthread_mutex_t lock;
	pthread_cond_t passed;
	uint64_t next; /**< The job whose turn it is. */
	bool is_stopped; /**< A job failed: nobody's turn comes any more. */
};

/** What a set of workers does. The functions run on several threads; @p context is shared. */
struct workers_job {
	/** State of one thread, made on it before its first job; NULL function: none. Errors stop all. */
	struct error *(*start)(void *context, unsigned int thread, void **state_ret);
	/** One job. Called with each index in [0, job_count) exactly once, in increasing order of start. */
	struct error *(*run)(void *context, void *state, uint64_t job);
	/** End of a thread's work, on it, after its last job, also after an error; state may be NULL. NULL function: none. */
	struct error *(*finish)(void *context, void *state, bool is_failed);
	void *context;
	uint64_t job_count;
	unsigned int thread_count; /**< At least 1; with 1 all is done on the calling thread. */
	struct workers_turns *turns; /**< Passed on when a job returns; NULL: jobs wait for nobody. */
};

/** Most threads of one set. */
enum { WORKERS_MAX = 256 };

/**
 * Do all jobs and wait for the end.
 *
 * If fewer threads can be started than asked for, those that run do all jobs.
 *
 * @param[in] job What to do.
 * @return NULL; the first error that a function returned, after which no further job starts; ERROR_NOMEM.
 */
struct error *workers_run(const struct workers_job *job) must_check;

/** Begin. @param[out] turns The first is that of job 0; workers_turns_deinit() it. */
void workers_turns_init(struct workers_turns *turns);

/** Free. @param[in] turns Nobody waits. */
void workers_turns_deinit(struct workers_turns *turns);

/**
 * Wait until all jobs before this one returned. It stays this one's turn until it returns itself.
 *
 * @param[in,out] turns Turns.
 * @param[in] job Index of the job that asks.
 * @return false: one of them failed.
 */
bool workers_turns_wait(struct workers_turns *turns, uint64_t job) must_check;

#endif
