// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/methods.h"

#include <sys/resource.h>
#include <time.h>

// What is chosen from, lightest first, and what each costs until it was tried: measured on 4 KiB pages of kernel data with one
// core of a Xeon of 2 GHz. Only their order matters, and not for long.
static const struct {
	const char *name;
	double page_ns, share;
} candidates[] = {
	{"none", 400, 1},
	{"lzo", 5500, 0.33},
	{"zstd-fast", 9000, 0.25},
	{"zstd", 15000, 0.21},
};

enum {
	// Pages after which what was learnt before counts half.
	MEMORY_PAGES = 512,
	// The same for the time of writes: the page cache of a target fills in less.
	MEMORY_NS = 100000000,
	// The same for how busy we are.
	MEMORY_BUSY_NS = 10000000,
};

// A machine that is busy with other things gives this much at least.
static const double CPUS_MIN = 0.25;

// What a target took before it was tried, which counts until writes took so long: the first may wait for a reader that starts.
static const double first_sink_ns = 2000000, first_sink_bytes = 8 << 20, first_ns = 10000000;

// While we use so much of the CPUs, the target is not what we wait for.
static const double CPUS_BUSY = 0.75;

// A denser method is worth this much more time: the dump is copied on, and kept.
static const double dense_bonus = 1.02;

void methods_init(struct methods *ret, const struct compressor *fixed, unsigned int cpu_count, unsigned int sink_count,
                  uint64_t page_bytes)
{
	*ret = (struct methods){.cpu_count = cpu_count ? cpu_count : 1, .sink_count = sink_count};
	pthread_mutex_init(&ret->lock, NULL);
	for (size_t i = 0; !fixed && i < array_size(candidates); i++) {
		struct error *err = compressor_find(candidates[i].name, &ret->list[ret->count]);

		// Not built in.
		if (error_catch(&err, ERROR_UNSUPPORTED))
			continue;
		ret->costs[ret->count++] =
			(struct methods_cost){candidates[i].page_ns, candidates[i].share * (double)page_bytes};
	}
	if (fixed) {
		ret->list[0] = fixed;
		ret->count = 1;
	}
}

void methods_use_densest(struct methods *methods)
{
	methods->list[0] = methods->list[methods->count - 1];
	methods->count = 1;
}

void methods_deinit(struct methods *methods)
{
	pthread_mutex_destroy(&methods->lock);
}

unsigned int methods_threads(const struct methods *methods)
{
	return methods->cpu_count + (methods->count > 1);
}

// CPUs that the threads get, when all of them could run.
static double free_cpus(const struct methods *methods)
{
	double most = methods->cpu_count, got = most;

	if (methods->ready_ns > 0)
		got = methods_threads(methods) * methods->run_ns / methods->ready_ns;
	got = got < most ? got : most;
	return got > CPUS_MIN ? got : CPUS_MIN;
}

// Time that one file takes for a byte.
static double sink_byte_ns(const struct methods *methods)
{
	if (methods->sink_ns < first_ns)
		return (methods->sink_ns + first_sink_ns) / (methods->sink_bytes + first_sink_bytes);
	return methods->sink_ns / methods->sink_bytes;
}

// Time for one page when everything runs side by side: the CPUs compress and copy, the target takes.
static double page_time(const struct methods *methods, size_t index)
{
	const struct methods_cost *cost = &methods->costs[index];
	double write_ns = methods->write_bytes > 0 ? methods->write_ns / methods->write_bytes : 0;
	double cpu = (cost->page_ns + write_ns * cost->page_bytes) / free_cpus(methods);
	double sink = sink_byte_ns(methods) * cost->page_bytes / methods->sink_count;

	return cpu > sink ? cpu : sink;
}

size_t methods_choose(struct methods *methods)
{
	size_t best = 0;
	double least;

	if (methods->count == 1)
		return 0;
	pthread_mutex_lock(&methods->lock);
	least = page_time(methods, 0);
	for (size_t i = 1; i < methods->count; i++) {
		double time = page_time(methods, i);

		if (time > least * dense_bonus)
			continue;
		best = i;
		least = time < least ? time : least;
	}
	pthread_mutex_unlock(&methods->lock);
	return best;
}

void methods_note(struct methods *methods, size_t index, uint64_t pages, uint64_t cpu_ns, uint64_t bytes)
{
	struct methods_cost *cost = &methods->costs[index];
	double share = (double)pages / (double)(pages + MEMORY_PAGES);

	if (!pages)
		return;
	pthread_mutex_lock(&methods->lock);
	cost->page_ns += share * ((double)cpu_ns / (double)pages - cost->page_ns);
	cost->page_bytes += share * ((double)bytes / (double)pages - cost->page_bytes);
	pthread_mutex_unlock(&methods->lock);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t methods_cpu_ns(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static long waits(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_nvcsw : 0;
}

static void forget(double *ns, double *other, double memory_ns)
{
	while (*ns > 2 * memory_ns) {
		*ns /= 2;
		*other /= 2;
	}
}

struct methods_span methods_now(const struct methods *methods)
{
	if (methods->count == 1)
		return (struct methods_span){0};
	return (struct methods_span){
		.cpu_ns = methods_cpu_ns(),
		.wall_ns = clock_ns(CLOCK_MONOTONIC),
		.waits = waits(),
	};
}

static void learn_busy(struct methods *methods, uint64_t wall_ns)
{
	uint64_t cpu_ns;

	// Who looked at the clock first may get the lock last.
	if (wall_ns <= methods->looked_ns)
		return;
	cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	if (methods->looked_ns) {
		methods->busy_ns += (double)(cpu_ns - methods->looked_cpu_ns);
		methods->passed_ns += (double)(wall_ns - methods->looked_ns);
		forget(&methods->passed_ns, &methods->busy_ns, MEMORY_BUSY_NS);
	}
	methods->looked_ns = wall_ns;
	methods->looked_cpu_ns = cpu_ns;
}

static void learn_sink(struct methods *methods, double ns, double bytes)
{
	bool is_busy = methods->busy_ns > CPUS_BUSY * methods->cpu_count * methods->passed_ns;

	// A target that gets too little of the CPUs must not look slow: pages would go out denser, which takes even more.
	if (is_busy && ns > sink_byte_ns(methods) * bytes)
		return;
	methods->sink_ns += ns;
	methods->sink_bytes += bytes;
	forget(&methods->sink_ns, &methods->sink_bytes, MEMORY_NS);
}

struct methods_span methods_write_begin(struct methods *methods, struct methods_sink *sink)
{
	struct methods_span now = methods_now(methods);

	if (methods->count == 1)
		return now;
	pthread_mutex_lock(&methods->lock);
	if (!sink->writers++)
		sink->since_ns = now.wall_ns;
	pthread_mutex_unlock(&methods->lock);
	return now;
}

void methods_write_end(struct methods *methods, struct methods_sink *sink, const struct methods_span *begin,
                       uint64_t size_bytes, struct methods_span *sum)
{
	struct methods_span now = methods_now(methods);
	uint64_t cpu_ns = now.cpu_ns - begin->cpu_ns, taken_ns;

	if (methods->count == 1)
		return;
	sum->cpu_ns += cpu_ns;
	sum->wall_ns += now.wall_ns - begin->wall_ns;
	sum->waits += now.waits - begin->waits;
	pthread_mutex_lock(&methods->lock);
	taken_ns = now.wall_ns > sink->since_ns ? now.wall_ns - sink->since_ns : 0;
	sink->since_ns += taken_ns;
	sink->writers--;
	// A thread that only lost its CPU did not wait for the target: then its CPU time tells what the target takes.
	if (now.waits == begin->waits && cpu_ns < taken_ns)
		taken_ns = cpu_ns;
	methods->write_ns += (double)cpu_ns;
	methods->write_bytes += (double)size_bytes;
	forget(&methods->write_ns, &methods->write_bytes, MEMORY_NS);
	learn_busy(methods, now.wall_ns);
	learn_sink(methods, (double)taken_ns, (double)size_bytes);
	pthread_mutex_unlock(&methods->lock);
}

void methods_note_run(struct methods *methods, const struct methods_span *span)
{
	if (span->waits || !span->wall_ns)
		return;
	pthread_mutex_lock(&methods->lock);
	methods->run_ns += (double)span->cpu_ns;
	methods->ready_ns += (double)span->wall_ns;
	forget(&methods->ready_ns, &methods->run_ns, MEMORY_NS);
	pthread_mutex_unlock(&methods->lock);
}
