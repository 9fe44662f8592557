// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/workers.h"

#include <stdatomic.h>

struct workers {
	const struct workers_job *job;
	_Atomic uint64_t next_job;
	_Atomic(struct error *) first_error;
};

struct worker {
	struct workers *set;
	unsigned int index;
	pthread_t thread;
};

static void keep_first(struct workers *set, struct error *err)
{
	struct error *none = NULL;

	if (err && !atomic_compare_exchange_strong(&set->first_error, &none, err))
		error_free(err);
}

static bool is_stopped(struct workers *set)
{
	return atomic_load_explicit(&set->first_error, memory_order_relaxed) != NULL;
}

void workers_turns_init(struct workers_turns *turns)
{
	*turns = (struct workers_turns){0};
	pthread_mutex_init(&turns->lock, NULL);
	pthread_cond_init(&turns->passed, NULL);
}

void workers_turns_deinit(struct workers_turns *turns)
{
	pthread_cond_destroy(&turns->passed);
	pthread_mutex_destroy(&turns->lock);
}

bool workers_turns_wait(struct workers_turns *turns, uint64_t job)
{
	bool is_mine;

	pthread_mutex_lock(&turns->lock);
	while (!turns->is_stopped && turns->next != job)
		pthread_cond_wait(&turns->passed, &turns->lock);
	is_mine = !turns->is_stopped;
	pthread_mutex_unlock(&turns->lock);
	return is_mine;
}

// Also a job that failed waits for those before it: what they do counts.
static void pass_turn(struct workers_turns *turns, uint64_t job, bool is_failed)
{
	bool is_mine = workers_turns_wait(turns, job);

	pthread_mutex_lock(&turns->lock);
	turns->next += is_mine;
	turns->is_stopped |= is_failed;
	pthread_cond_broadcast(&turns->passed);
	pthread_mutex_unlock(&turns->lock);
}

static void *work(void *arg)
{
	const struct worker *worker = arg;
	struct workers *set = worker->set;
	const struct workers_job *job = set->job;
	struct error *err = NULL;
	void *state = NULL;

	if (job->start)
		err = job->start(job->context, worker->index, &state);
	keep_first(set, err);
	while (!err && !is_stopped(set)) {
		uint64_t index = atomic_fetch_add_explicit(&set->next_job, 1, memory_order_relaxed);

		if (index >= job->job_count)
			break;
		err = job->run(job->context, state, index);
		keep_first(set, err);
		if (job->turns)
			pass_turn(job->turns, index, err);
	}
	if (job->finish)
		keep_first(set, job->finish(job->context, state, is_stopped(set)));
	return NULL;
}

struct error *workers_run(const struct workers_job *job)
{
	unsigned int count = job->thread_count < WORKERS_MAX ? job->thread_count : WORKERS_MAX;
	struct workers set = {.job = job};
	struct worker workers[WORKERS_MAX];
	unsigned int started = 1;

	workers[0] = (struct worker){.set = &set};
	// A thread that cannot be started is no error: its share is done by the others.
	for (; started < count; started++) {
		workers[started] = (struct worker){.set = &set, .index = started};
		if (pthread_create(&workers[started].thread, NULL, work, &workers[started]) != 0)
			break;
	}
	work(&workers[0]);
	while (started-- > 1)
		pthread_join(workers[started].thread, NULL);
	return atomic_load(&set.first_error);
}
