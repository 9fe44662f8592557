// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Which method compresses the next pages, when the choice is ours: the one with which the dump is done first.
 *
 * While the target keeps up, pages go out lighter or as they are; while it is the bottleneck, denser. Learns from what was
 * compressed and written so far. Does not compress (compress.h) and does not write.
 */
#ifndef DUMP_METHODS_H
#define DUMP_METHODS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "dump/compress.h"

/** Most methods that are chosen from. */
enum { METHODS_MAX = 4 };

/** What is known of a method. */
struct methods_cost {
	double page_ns; /**< CPU time of a page of data. */
	double page_bytes; /**< What is left of it. */
};

/** One file that is written to. Zeroed, nobody writes. Guarded by the lock of the choice. */
struct methods_sink {
	unsigned int writers; /**< Threads that write now. */
	uint64_t since_ns; /**< Since then they do, as far as that was not counted yet. */
};

/** A choice. Used by several threads. */
struct methods {
	const struct compressor *list[METHODS_MAX]; /**< Lightest first. */
	size_t count;
	unsigned int cpu_count;
	unsigned int sink_count; /**< Files that are written side by side. */
	pthread_mutex_t lock; /**< Guards what is below. */
	struct methods_cost costs[METHODS_MAX];
	double write_ns, write_bytes; /**< CPU time of writes, and how much they wrote. */
	double sink_ns, sink_bytes; /**< Time in which a file was written to, and how much of it. */
	uint64_t looked_ns, looked_cpu_ns; /**< When it was last looked at, and the CPU time of the process then. */
	double busy_ns, passed_ns; /**< CPU time of the process lately, and time that went by. */
	double run_ns,
		ready_ns; /**< While threads waited for nothing: CPU time that they got, and time that went by. */
};

/** A moment of a thread, or what lies between two of them. */
struct methods_span {
	uint64_t cpu_ns;
	uint64_t wall_ns;
	long waits;
};

/**
 * Begin.
 *
 * @param[out] ret methods_deinit() it.
 * @param[in] fixed The only method, or NULL: all that are fast enough to be worth a choice.
 * @param[in] cpu_count Threads that can run at a time.
 * @param[in] sink_count Files that are written side by side.
 * @param[in] page_bytes Page size.
 */
void methods_init(struct methods *ret, const struct compressor *fixed, unsigned int cpu_count, unsigned int sink_count,
                  uint64_t page_bytes);

/** End. @param[in] methods After methods_init(). */
void methods_deinit(struct methods *methods);

/** Choose from now on only the densest. @param[in,out] methods No other thread uses it. */
void methods_use_densest(struct methods *methods);

/** Threads that are to work: where there is a choice one more than can run, since one of them often waits for the target. @param[in] methods The choice. @return Their number. */
unsigned int methods_threads(const struct methods *methods);

/** Choose. @param[in,out] methods Any thread. @return Index in the list. */
size_t methods_choose(struct methods *methods);

/**
 * Learn what a method cost.
 *
 * @param[in,out] methods Any thread.
 * @param[in] index Of the method.
 * @param[in] pages Pages of data that it compressed.
 * @param[in] cpu_ns CPU time that it took.
 * @param[in] bytes What was left of them.
 */
void methods_note(struct methods *methods, size_t index, uint64_t pages, uint64_t cpu_ns, uint64_t bytes);

/**
 * Learn how many CPUs there are for this: a target that is a program takes its share, too.
 *
 * @param[in,out] methods Any thread.
 * @param[in] span What a thread did between its writes; nothing is learnt from one in which it waited.
 */
void methods_note_run(struct methods *methods, const struct methods_span *span);

/** Now. @param[in] methods Any thread. @return Zeros where there is no choice. */
struct methods_span methods_now(const struct methods *methods);

/** A write begins. @param[in,out] methods Any thread. @param[in,out] sink Where to. @return When; for methods_write_end(). */
struct methods_span methods_write_begin(struct methods *methods, struct methods_sink *sink);

/**
 * A write has ended. Others to the same file may go on: what they wrote together in a time is what the target takes.
 *
 * @param[in,out] methods Any thread.
 * @param[in,out] sink Where to.
 * @param[in] begin When it began.
 * @param[in] size_bytes What was written.
 * @param[in,out] sum The time is added to this.
 */
void methods_write_end(struct methods *methods, struct methods_sink *sink, const struct methods_span *begin,
                       uint64_t size_bytes, struct methods_span *sum);

/** CPU time of the calling thread. @return Nanoseconds. */
uint64_t methods_cpu_ns(void);

#endif
