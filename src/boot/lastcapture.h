// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What the last capture on this machine took of its reservation: kdump-capture says so in capture.log, and the next boot keeps it.
 *
 * Does not look for dumps, and does not measure.
 */
#ifndef BOOT_LASTCAPTURE_H
#define BOOT_LASTCAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/host.h"
#include "boot/plan.h"

/** What the line of capture.log has before "TAKEN of RESERVED MiB with N threads, FORM form, KERNEL". */
#define LASTCAPTURE_WORDS "memory: took "

/** Where it is kept: one such line. */
#define LASTCAPTURE_PATH "/var/lib/kdump/last-capture"

/** What was taken. */
struct lastcapture {
	uint64_t taken_mib; /**< The reservation without what was available when that was least. */
	uint64_t reserved_mib;
	unsigned int threads; /**< Of the copier, as many CPUs. */
	enum plan_form form;
	char kernel[128]; /**< uname -r. */
};

/** Read a line of capture.log, or the file. @param[in] line Behind LASTCAPTURE_WORDS; ends where it likes. @param[out] ret What it says. @return Whether it says so. */
bool lastcapture_parse(const char *line, struct lastcapture *ret);

/** Keep it. @param[in] host The machine. @param[in] capture What was taken. @return NULL; ERROR_OS; ERROR_NOSPC; ERROR_NOMEM. */
struct error *lastcapture_write(const struct host *host, const struct lastcapture *capture) must_check;

/** What is kept. @param[in] host The machine. @param[out] ret Untouched if nothing is. @return Whether something is. */
bool lastcapture_read(const struct host *host, struct lastcapture *ret);

#endif
