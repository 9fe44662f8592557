// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/cpus.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "boot/cmdline.h"
#include "boot/crashkernel.h"
#include "boot/text.h"
#include "dump/copy.h"
#include "dump/fmt_pagemap.h"

enum {
	CPUS_MAX = 8192,
	// Kept for all but the other CPUs, with a copier of one thread on a small machine. The full form captured in 144 MiB
	// with one CPU, and not in 128.
	ONE_CPU_BYTES = 112 << 20,
	ONE_CPU_FULL_BYTES = 160 << 20,
	SMALL_COPIER_BYTES = 4 << 20,
	CPUINFO_BYTES = 4096,
	MEMINFO_BYTES = 64 * 1024,
};

// "0-3,5"
static unsigned int count_list(const char *text)
{
	unsigned int count = 0;

	while (*text >= '0' && *text <= '9') {
		char *end;
		unsigned long first = strtoul(text, &end, 10), last = first;

		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (last < first || last >= CPUS_MAX)
			break;
		count += (unsigned int)(last - first) + 1;
		text = *end == ',' ? end + 1 : end;
	}
	return count ? count : 1;
}

static struct error *count_online(const struct host *host, unsigned int *ret)
{
	_cleanup_free_ char *text = NULL;
	struct error *err = host_read(host, "/sys/devices/system/cpu/online", 4096, &text, NULL);

	*ret = err ? 1 : count_list(text);
	// A kernel for one CPU may be without.
	if (error_catch_os(&err, ENOENT))
		return NULL;
	return err;
}

// Memory of the machine; 0: it is not told, and then the machine is taken for a small one.
static uint64_t count_pages(const struct host *host)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_error_ struct error *err = host_read(host, "/proc/meminfo", MEMINFO_BYTES, &text, NULL);
	const char *at = err ? NULL : strstr(text, "MemTotal:");
	uint64_t kib = 0;

	return at && sscanf(at, "MemTotal: %" SCNu64, &kib) == 1 ? kib / 4 : 0;
}

static uint64_t copier_bytes(unsigned int threads, uint64_t pages)
{
	struct copy_options options = {.dump_level = 31, .format = COPY_KDUMP, .thread_count = threads};

	// And a block of the page map for each.
	return copy_memory_bytes(&options, pages) + (uint64_t)threads * FMT_PAGEMAP_BLOCK_BYTES;
}

// The reservation has room for so many; 1 where there is none. Nothing counts that the plan decides by the number of CPUs, and not
// the size of the image: what follows from the answer must not change it.
static struct error *count_room(const struct host *host, bool is_full, uint64_t *size_bytes_ret, unsigned int *ret)
{
	uint64_t pages = count_pages(host), one = copier_bytes(1, pages), kept;
	uint64_t each = ((uint64_t)CPUS_EACH_MIB << 20) + copier_bytes(2, pages) - one;
	struct error *err = crashkernel_read(host, size_bytes_ret);

	*ret = 1;
	kept = (is_full ? ONE_CPU_FULL_BYTES : ONE_CPU_BYTES) +
	       (one > SMALL_COPIER_BYTES ? one - SMALL_COPIER_BYTES : 0);
	if (err && err->code == ERROR_UNSUPPORTED) {
		error_free(err);
		return NULL;
	}
	if (!err && *size_bytes_ret > kept) {
		uint64_t more = (*size_bytes_ret - kept) / each;

		*ret += more < CPUS_MAX ? (unsigned int)more : CPUS_MAX;
	}
	return err;
}

// The first CPU that /proc/cpuinfo tells of is the one that booted.
static bool find_boot_apicid(const struct host *host, unsigned int *ret)
{
	_cleanup_close_ int fd = -1;
	char text[CPUINFO_BYTES + 1];
	size_t got = 0;
	_cleanup_error_ struct error *err = host_open(host, "/proc/cpuinfo", O_RDONLY, 0, &fd);
	const char *at, *next;

	if (!err)
		err = io_read(fd, text, CPUINFO_BYTES, &got);
	text[got] = '\0';
	at = strstr(text, "initial apicid");
	next = strstr(text, "\n\n");
	return !err && at && (!next || at < next) && sscanf(at, "initial apicid : %u", ret) == 1;
}

struct error *cpus_choose(const struct host *host, const struct config *config, bool is_full, struct cpus *ret)
{
	uint64_t limit = (uint64_t)config_number(config, KEY_CPUS), size_bytes = 0;
	_cleanup_text_ struct text reason = {0}, parameters = {0};
	bool is_x86 = cmdline_is_x86(host);
	unsigned int online, room, apicid = 0;
	struct error *err;

	*ret = (struct cpus){.count = 1};
	err = count_online(host, &online);
	if (!err)
		err = count_room(host, is_full, &size_bytes, &room);
	if (err)
		return err;
	text_add(&reason,
	         "%s: KDUMP_CPUS=%" PRIu64 " is a limit, the machine has %u, the reserved %" PRIu64
	         " MiB have room for %u",
	         config_where(config, KEY_CPUS), limit, online, size_bytes >> 20, room);
	ret->count = online < room ? online : room;
	if (limit && limit < ret->count)
		ret->count = (unsigned int)limit;
	if (ret->count > 1 && is_x86 && !find_boot_apicid(host, &apicid)) {
		ret->count = 1;
		text_add(&reason, "; but /proc/cpuinfo does not tell the APIC ID of the one that booted");
	}
	text_add(&parameters, "nr_cpus=%u", ret->count);
	if (ret->count > 1 && is_x86)
		text_add(&parameters, " disable_cpu_apicid=%u", apicid);
	err = text_take(&parameters, &ret->parameters);
	if (!err)
		err = text_take(&reason, &ret->reason);
	if (err)
		cpus_deinit(ret);
	return err;
}

void cpus_deinit(struct cpus *cpus)
{
	free(cpus->parameters);
	free(cpus->reason);
	*cpus = (struct cpus){0};
}
