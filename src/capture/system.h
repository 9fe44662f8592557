// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What the first process of a system must do, and small facts about the system we run in.
 *
 * Does not know about dumps.
 */
#ifndef CAPTURE_SYSTEM_H
#define CAPTURE_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "capture/log.h"

/**
 * Mount /dev, /proc, /sys and make the console our standard input and output. For PID 1 only.
 *
 * What fails is told on the console as far as there is one; the capture goes on with what there is.
 *
 * @param[out] log A log whose console is the system's.
 */
void system_start(struct log *log);

/** Make the console our standard input and output, in a system that another process has started. @param[out] log A log whose console is the system's. */
void system_join(struct log *log);

/** A value of /proc/meminfo. @param[in] key For example "MemAvailable". @return Bytes; 0 if it is not there. */
uint64_t system_meminfo(const char *key);

/** Memory that this kernel was given, which in a capture kernel is the reservation. @return Bytes; 0: it does not tell. */
uint64_t system_ram(void);

/** Room on a file system. @param[in] fd Any descriptor on it. @return Bytes that a dump can have; 0: none, or it does not tell. */
uint64_t system_room(int fd);

/**
 * Let the kernel end this process first, or last, when memory runs out.
 *
 * @param[in] adjustment -1000 (never) to 1000 (first); see proc(5), oom_score_adj. Failures are ignored.
 */
void system_oom_adjust(int adjustment);

/** Room for the first digits of the boot id, in bytes. */
enum { SYSTEM_BOOT_ID_BYTES = 9 };

/** First 8 digits of this boot's id. @param[out] ret Text; "00000000" if there is none. */
void system_boot_id(char ret[SYSTEM_BOOT_ID_BYTES]);

/**
 * Put the last lines of this kernel's own log into capture.log: they tell why a device did not come or a write failed.
 *
 * @param[in,out] log The log; the lines do not go to the console, where they have been already.
 */
void system_kernel_log(struct log *log);

#endif
