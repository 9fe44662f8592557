// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/dumpcheck.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/workers.h"
#include "dump/pagemap_reader.h"

// Frames of one job.
enum { JOB_FRAMES = 1 << 13 };

struct run {
	const struct vmcore *core;
	const struct dumpcheck_options *options;
	struct dumpcheck *check;
	pthread_mutex_t lock; // Guards check, done, and the calls of progress.
	uint64_t done, total, max_pfn;
};

// One thread's, and of its job what was found so far.
struct worker {
	struct vmreader reader;
	struct pagemap_reader *map;
	struct dumpcheck found;
	uint8_t states[JOB_FRAMES];
};

static void note(struct dumpcheck *found, uint64_t pfn, uint64_t pfn_end, const struct presence *presence)
{
	struct dumpcheck_problem *last = found->problem_count ? &found->problems[found->problem_count - 1] : NULL;

	if (last && last->pfn_end == pfn && last->found == presence->state &&
	    last->is_conflict == presence->is_conflict) {
		last->pfn_end = pfn_end;
		return;
	}
	if (found->problem_count == DUMPCHECK_PROBLEMS_MAX) {
		found->has_more = true;
		return;
	}
	last = &found->problems[found->problem_count++];
	*last = (struct dumpcheck_problem){pfn, pfn_end, presence->state, presence->is_conflict, ""};
	snprintf(last->text, sizeof(last->text), "%s", presence->text);
}

// What the dump has is known: compare it with what the map says of it, and count.
static void judge(struct worker *worker, uint64_t pfn, uint64_t pfn_end, struct presence *presence,
                  const struct pagemap_answer *answer)
{
	struct dumpcheck *found = &worker->found;
	enum presence_state state = presence->state;
	uint64_t frames = pfn_end - pfn;

	if (answer)
		state = presence->state = presence_settle(answer, state, &presence->is_conflict);
	if (presence->is_conflict) {
		found->conflicts += frames;
		snprintf(presence->text, sizeof(presence->text), "the page map says: %s", pagemap_reader_text(answer));
	}
	found->counts[state] += frames;
	if (presence->is_conflict || state == PRESENCE_LOST || state == PRESENCE_DAMAGED)
		note(found, pfn, pfn_end, presence);
}

// A disk that cannot be read is a page that cannot be.
static struct error *look(struct worker *worker, uint64_t pfn, struct presence *ret)
{
	struct error *err = presence_in_dump(&worker->reader, pfn, ret);

	if (!err || err->code != ERROR_OS)
		return err;
	*ret = (struct presence){.state = PRESENCE_DAMAGED, .code = FMT_PAGEMAP_UNKNOWN};
	snprintf(ret->text, sizeof(ret->text), "%.*s", (int)sizeof(ret->text) - 1, err->text);
	error_free(err);
	return NULL;
}

// What the map says of frames: all have one code, and those that are kept a state each.
static struct error *ask(struct worker *worker, uint64_t pfn, uint64_t pfn_end, struct pagemap_answer *ret)
{
	struct error *err = pagemap_reader_find(worker->map, pfn, ret);

	if (err)
		return err;
	ret->pfn_end = ret->pfn_end < pfn_end ? ret->pfn_end : pfn_end;
	if (ret->is_known && ret->is_kept)
		return pagemap_reader_states(worker->map, ret->cell, worker->states, ret->pfn_end - pfn);
	memset(worker->states, 0, ret->pfn_end - pfn);
	return NULL;
}

static struct error *check_frames(struct worker *worker, uint64_t pfn, uint64_t pfn_end, bool is_present)
{
	struct pagemap_answer answer = {.pfn_end = pfn};
	struct presence presence;
	bool is_told = false;
	uint64_t first = pfn;
	struct error *err;

	while (pfn < pfn_end) {
		uint64_t end = pfn + 1;

		if (worker->map && pfn >= answer.pfn_end) {
			first = pfn;
			err = ask(worker, pfn, pfn_end, &answer);
			is_told = !err;
			if (err && err->code != ERROR_BAD_DATA)
				return err;
			if (err) {
				// A damaged block is one problem; its pages are checked for themselves.
				answer.pfn_end = pfn_end;
				presence = (struct presence){.state = PRESENCE_ABSENT, .is_conflict = true};
				snprintf(presence.text, sizeof(presence.text), "%.*s", (int)sizeof(presence.text) - 1,
				         err->text);
				error_free(err);
				worker->found.conflicts += pfn_end - pfn;
				note(&worker->found, pfn, pfn_end, &presence);
			}
		}
		answer.state = is_told ? worker->states[pfn - first] : FMT_PAGEMAP_PENDING;
		// Of frames that are not in the dump those are told together of which the map says one thing.
		if (!is_present)
			while (end < (worker->map ? answer.pfn_end : pfn_end) &&
			       (!is_told || worker->states[end - first] == answer.state))
				end++;
		err = look(worker, pfn, &presence);
		if (err)
			return err;
		if (!is_present && !worker->map && presence.state != PRESENCE_DROPPED)
			end = pfn + 1;
		judge(worker, pfn, end, &presence, is_told ? &answer : NULL);
		pfn = end;
	}
	return NULL;
}

// Frames that are not in the dump: memory that was left out, and no memory, which is told apart by the dump.
static struct error *check_absent(struct run *run, struct worker *worker, uint64_t pfn, uint64_t pfn_end)
{
	struct error *err = NULL;

	while (pfn < pfn_end && !err) {
		struct vmcore_frames ram;
		uint64_t start, end;

		if (!vmcore_next_frames(run->core, VMCORE_FRAMES_RAM, pfn, &ram) || ram.pfn_start >= pfn_end)
			ram = (struct vmcore_frames){pfn_end, pfn_end};
		start = ram.pfn_start > pfn ? ram.pfn_start : pfn;
		end = ram.pfn_end < pfn_end ? ram.pfn_end : pfn_end;
		if (worker->map)
			err = check_frames(worker, pfn, start, false);
		if (!err)
			err = check_frames(worker, start, end > start ? end : start, false);
		pfn = end > start ? end : pfn_end;
	}
	return err;
}

static void merge(struct run *run, const struct dumpcheck *found)
{
	struct dumpcheck *check = run->check;

	pthread_mutex_lock(&run->lock);
	for (unsigned int i = 0; i < PRESENCE_STATES; i++)
		check->counts[i] += found->counts[i];
	check->conflicts += found->conflicts;
	check->has_more |= found->has_more;
	for (size_t i = 0; i < found->problem_count; i++) {
		if (check->problem_count < DUMPCHECK_PROBLEMS_MAX)
			check->problems[check->problem_count++] = found->problems[i];
		else
			check->has_more = true;
	}
	run->done++;
	if (run->options->progress)
		run->options->progress(run->options->context, run->done, run->total);
	pthread_mutex_unlock(&run->lock);
}

static struct error *do_job(void *context, void *state, uint64_t job)
{
	struct run *run = context;
	struct worker *worker = state;
	uint64_t pfn = job * JOB_FRAMES, end = pfn + JOB_FRAMES < run->max_pfn ? pfn + JOB_FRAMES : run->max_pfn;
	struct error *err = NULL;

	worker->found = (struct dumpcheck){0};
	while (pfn < end && !err) {
		struct vmcore_frames there;
		uint64_t start;

		if (!vmcore_next_frames(run->core, VMCORE_FRAMES_PRESENT, pfn, &there) || there.pfn_start >= end)
			there = (struct vmcore_frames){end, end};
		start = there.pfn_start > pfn ? there.pfn_start : pfn;
		there.pfn_end = there.pfn_end < end ? there.pfn_end : end;
		err = check_absent(run, worker, pfn, start);
		if (!err)
			err = check_frames(worker, start, there.pfn_end, true);
		pfn = there.pfn_end > start ? there.pfn_end : end;
	}
	merge(run, &worker->found);
	return err;
}

static struct error *start_worker(void *context, unsigned int thread, void **state_ret)
{
	struct run *run = context;
	struct worker *worker = calloc(1, sizeof(*worker));
	struct error *err;

	(void)thread;
	if (!worker)
		return error_new(ERROR_NOMEM, "no memory for a thread");
	*state_ret = worker;
	vmreader_init(&worker->reader, run->core, VMREADER_WINDOW_DATA_BYTES);
	err = run->options->map_fd < 0 ? NULL : pagemap_reader_create(run->options->map_fd, &worker->map);
	return err;
}

static struct error *end_worker(void *context, void *state, bool is_failed)
{
	struct worker *worker = state;

	(void)context;
	(void)is_failed;
	if (!worker)
		return NULL;
	pagemap_reader_destroy(worker->map);
	vmreader_deinit(&worker->reader);
	free(worker);
	return NULL;
}

static int compare(const void *a, const void *b)
{
	const struct dumpcheck_problem *left = a, *right = b;

	return left->pfn_start < right->pfn_start ? -1 : left->pfn_start > right->pfn_start;
}

// Jobs end where runs do not.
static void join(struct dumpcheck *check)
{
	size_t kept = 0;

	if (check->problem_count)
		qsort(check->problems, check->problem_count, sizeof(*check->problems), compare);
	for (size_t i = 0; i < check->problem_count; i++) {
		const struct dumpcheck_problem *problem = &check->problems[i];
		struct dumpcheck_problem *last = kept ? &check->problems[kept - 1] : NULL;

		if (last && last->pfn_end == problem->pfn_start && last->found == problem->found &&
		    last->is_conflict == problem->is_conflict)
			last->pfn_end = problem->pfn_end;
		else
			check->problems[kept++] = *problem;
	}
	check->problem_count = kept;
}

static struct error *read_map(struct run *run)
{
	_cleanup_(pagemap_reader_destroyp) struct pagemap_reader *map = NULL;
	const struct fmt_pagemap_header *header;
	struct error *err;

	if (run->options->map_fd < 0)
		return NULL;
	err = pagemap_reader_create(run->options->map_fd, &map);
	if (err)
		return err;
	header = pagemap_reader_header(map);
	run->check->is_map_partial = header->status != FMT_PAGEMAP_COMPLETE;
	// The end of memory may be what was left out.
	run->max_pfn = header->max_pfn > run->max_pfn ? header->max_pfn : run->max_pfn;
	return NULL;
}

struct error *dumpcheck_run(const struct vmcore *core, const struct dumpcheck_options *options, struct dumpcheck *ret)
{
	struct run run = {.core = core, .options = options, .check = ret, .max_pfn = vmcore_max_pfn(core)};
	struct workers_job job = {
		.start = start_worker,
		.run = do_job,
		.finish = end_worker,
		.context = &run,
		.thread_count = options->thread_count,
	};
	struct error *err;

	*ret = (struct dumpcheck){0};
	err = read_map(&run);
	if (err)
		return err;
	job.job_count = run.total = (run.max_pfn + JOB_FRAMES - 1) / JOB_FRAMES;
	pthread_mutex_init(&run.lock, NULL);
	err = workers_run(&job);
	pthread_mutex_destroy(&run.lock);
	join(ret);
	return err;
}

bool dumpcheck_is_bad(const struct dumpcheck *check)
{
	return check->counts[PRESENCE_LOST] || check->counts[PRESENCE_DAMAGED] || check->conflicts;
}
