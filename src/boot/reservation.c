// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/reservation.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/endian.h"
#include "base/io.h"
#include "boot/cpus.h"
#include "boot/initrd.h"
#include "boot/lastcapture.h"
#include "boot/plan.h"
#include "dump/copy.h"
#include "dump/fmt_pagemap.h"

#define MIB ((uint64_t)1 << 20)

// Fitted to what was measured with one CPU, a minimal image and ext4 on virtio: Debian's cloud kernels, whose init_size is 51.5 and
// 55.9 MiB, captured in 64 and 68 MiB and not in 4 less. So 12 MiB beside the kernel, of which image, copier and page structures
// are counted. The full form captured in 144 MiB and not in 128.
enum {
	// /init, its stacks, caches of the file system while it writes.
	MINIMAL_PROGRAMS_MIB = 1,
	// systemd, udev and lvm.
	FULL_PROGRAMS_MIB = 21,
	// A kernel that does not say how large it is: Debian's for all machines needs as much.
	KERNEL_MIB = 64,
	// Unpacked beside packed; measured 2.5 to 3.
	UNPACK_FACTOR = 3,
	// Images that are not built yet.
	MINIMAL_IMAGE_MIB = 2,
	REMOTE_IMAGE_MIB = 10,
	FULL_IMAGE_MIB = 14,
	// Rings of a card and what waits in sockets; a card with many queues takes more.
	NETWORK_MIB = 8,
	// sizeof(struct page) for each page.
	PAGE_SHARE = 64,
	// Proposed: not less than RESERVATION_USUAL_MIB or PLAN_FULL_MIB, a quarter more than the need, in steps.
	PROPOSED_PERCENT = 125,
	HEADER_BYTES = 0x264,
	MEMINFO_BYTES = 64 * 1024,
};

static struct error *no_memory(void)
{
	return error_new(ERROR_NOMEM, "no memory for the estimate");
}

static printf_format(4, 5) struct error *set(struct reservation *reservation, enum reservation_part part,
                                             uint64_t bytes, const char *fmt, ...)
{
	va_list args;

	reservation->bytes[part] = bytes;
	va_start(args, fmt);
	if (vasprintf(&reservation->why[part], fmt, args) < 0)
		reservation->why[part] = NULL;
	va_end(args);
	return reservation->why[part] ? NULL : no_memory();
}

// Memory that a kernel takes while it starts. x86: init_size, Documentation/x86/boot.rst, protocol 2.10. arm64: image_size,
// Documentation/arm64/booting.rst. 0: it does not say.
static uint64_t size_of_kernel(const uint8_t *header, size_t size_bytes)
{
	if (size_bytes >= HEADER_BYTES && memcmp(header + 0x202, "HdrS", 4) == 0 &&
	    load_u16(header + 0x206, false) >= 0x20a)
		return load_u32(header + 0x260, false);
	if (size_bytes >= 64 && memcmp(header + 56, "ARM\x64", 4) == 0)
		return load_u64(header + 16, false);
	return 0;
}

// The plan's, or where there is none the running one's. NULL: it is not where it usually is.
static char *find_image(const struct host *host, const struct plan *plan)
{
	_cleanup_free_ char *version = NULL;
	_cleanup_error_ struct error *err = NULL;
	char *path = NULL;

	if (plan->kernel_image)
		return strdup(plan->kernel_image);
	err = host_read(host, "/proc/sys/kernel/osrelease", 256, &version, NULL);
	if (err || asprintf(&path, "/boot/vmlinuz-%.*s", (int)strcspn(version, "\n"), version) < 0)
		return NULL;
	return path;
}

static struct error *estimate_kernel(const struct host *host, const struct plan *plan, struct reservation *ret)
{
	_cleanup_free_ char *image = find_image(host, plan);
	uint8_t header[HEADER_BYTES];
	_cleanup_close_ int fd = -1;
	size_t got = 0;
	uint64_t bytes = 0;
	_cleanup_error_ struct error *err = image ? host_open(host, image, O_RDONLY, 0, &fd) : NULL;

	if (fd >= 0)
		err = io_read(fd, header, sizeof(header), &got);
	if (!err)
		bytes = size_of_kernel(header, got);
	// A header that is nonsense must not decide.
	if (bytes >= MIB && bytes < 1024 * MIB)
		return set(ret, RESERVATION_KERNEL, bytes, "%s says so", image);
	return set(ret, RESERVATION_KERNEL, KERNEL_MIB * MIB, "%s does not say how much it takes",
	           image ? image : "the kernel");
}

static bool has_server(const struct plan *plan)
{
	for (size_t i = 0; plan->target.device && i < plan_target_count(plan); i++) {
		struct plan_target target = plan_target_at(plan, i);

		if (plan_target_is_server(&target))
			return true;
	}
	return plan->network_routes && *plan->network_routes;
}

static struct error *estimate_image(const struct host *host, const struct plan *plan, struct reservation *ret)
{
	struct stat info = {0};
	_cleanup_error_ struct error *missing = host_stat(host, INITRD_PATH, &info);
	uint64_t bytes = (uint64_t)info.st_size;
	struct error *err;

	if (missing)
		bytes = (ret->is_full ? FULL_IMAGE_MIB : has_server(plan) ? REMOTE_IMAGE_MIB : MINIMAL_IMAGE_MIB) * MIB;
	err = set(ret, RESERVATION_IMAGE, bytes, "%s", missing ? "it is not built yet: a usual one" : INITRD_PATH);
	if (err)
		return err;
	return set(ret, RESERVATION_UNPACKED, UNPACK_FACTOR * bytes, "%d times that", UNPACK_FACTOR);
}

static struct error *read_total(const struct host *host, uint64_t *kib_ret)
{
	_cleanup_free_ char *text = NULL;
	struct error *err = host_read(host, "/proc/meminfo", MEMINFO_BYTES, &text, NULL);
	const char *at = err ? NULL : strstr(text, "MemTotal:");

	if (err)
		return err;
	if (!at || sscanf(at, "MemTotal: %" SCNu64, kib_ret) != 1)
		return error_new(ERROR_BAD_DATA, "/proc/meminfo: there is no MemTotal");
	return NULL;
}

// A split dump has a thread for each of its files at least.
static unsigned int copier_threads(const struct plan *plan, unsigned int wanted)
{
	unsigned int least = plan->parts > 1 ? plan->parts : 1;

	return wanted > least ? wanted : least;
}

static uint64_t copier_bytes(const struct plan *plan, unsigned int thread_count, uint64_t total_kib)
{
	const char *const none[] = {NULL};
	struct copy_options options = {
		.dump_level = plan->dump_level,
		.format = plan->format == PLAN_FORMAT_ELF ? COPY_ELF : COPY_KDUMP,
		.segments_bytes = COPY_CAPTURE_SEGMENTS_BYTES,
		.thread_count = thread_count,
		.more_sink_count = plan->parts > 1 ? plan->parts - 1 : 0,
		.keep_names = plan->keep_processes && *plan->keep_processes ? none : NULL,
	};

	// And the page map, of which each thread has a block.
	return copy_memory_bytes(&options, total_kib / 4) + (uint64_t)thread_count * FMT_PAGEMAP_BLOCK_BYTES;
}

uint64_t reservation_copier_bytes(const struct plan *plan, uint64_t total_kib)
{
	return copier_bytes(plan, copier_threads(plan, plan->threads), total_kib);
}

static struct error *estimate_copier(const struct plan *plan, uint64_t total_kib, struct reservation *ret)
{
	unsigned int threads = copier_threads(plan, plan->threads);

	return set(ret, RESERVATION_COPIER, copier_bytes(plan, threads, total_kib),
	           "for %u thread%s and %" PRIu64 " MiB", threads, threads == 1 ? "" : "s", total_kib / 1024);
}

static struct error *estimate_rest(const struct plan *plan, struct reservation *ret)
{
	unsigned int more = plan->threads > 1 ? plan->threads - 1 : 0;
	bool has_network = plan->network_links && *plan->network_links;
	struct error *err =
		set(ret, RESERVATION_PROGRAMS, (ret->is_full ? FULL_PROGRAMS_MIB : MINIMAL_PROGRAMS_MIB) * MIB, "%s",
	            ret->is_full ? "systemd, udev, and what they start" : "one program");

	if (!err)
		err = set(ret, RESERVATION_CPUS, more * CPUS_EACH_MIB * MIB, "%u beyond the first", more);
	if (!err)
		err = set(ret, RESERVATION_NETWORK, (has_network ? NETWORK_MIB : 0) * MIB, "%s",
		          has_network ? "a card, its rings and sockets" : "none");
	return err;
}

// The parts are there but for the pages, which are a share of the others.
static struct error *sum_up(const struct plan *plan, uint64_t total_kib, struct reservation *ret)
{
	uint64_t sum = 0, least;
	struct error *err;

	for (int i = 0; i < RESERVATION_PAGES; i++)
		sum += ret->bytes[i];
	least = sum - ret->bytes[RESERVATION_CPUS] - ret->bytes[RESERVATION_COPIER] +
	        copier_bytes(plan, copier_threads(plan, 1), total_kib);
	err = set(ret, RESERVATION_PAGES, sum / (PAGE_SHARE - 1), "64 bytes for each page that is reserved");
	ret->need_bytes = sum + ret->bytes[RESERVATION_PAGES];
	ret->least_bytes = least + least / (PAGE_SHARE - 1);
	return err;
}

// What a capture took is more than what was counted where something was not thought of. Less is no reason to propose less: the next
// one may have another target, or hooks that do more.
static struct error *correct(const struct host *host, const struct plan *plan, uint64_t total_kib,
                             struct reservation *ret)
{
	struct lastcapture last;
	uint64_t counted, taken, more = 0;
	unsigned int others;

	if (!plan->kernel_version || !lastcapture_read(host, &last))
		return set(ret, RESERVATION_LAST, 0, "nothing is known of a capture");
	if (last.form != plan->form || strcmp(last.kernel, plan->kernel_version) != 0)
		return set(ret, RESERVATION_LAST, 0, "the last capture was of another kernel or form");
	others = last.threads - 1;
	counted = ret->least_bytes + others * CPUS_EACH_MIB * MIB +
	          copier_bytes(plan, copier_threads(plan, last.threads), total_kib) -
	          copier_bytes(plan, copier_threads(plan, 1), total_kib);
	taken = last.taken_mib * MIB;
	if (taken > counted)
		more = taken - counted;
	ret->need_bytes += more;
	ret->least_bytes += more;
	return set(ret, RESERVATION_LAST, more, "the last capture took %" PRIu64 " of %" PRIu64 " MiB with %u thread%s",
	           last.taken_mib, last.reserved_mib, last.threads, last.threads == 1 ? "" : "s");
}

// More CPUs than one are started only where there is room (boot/cpus.c), so that neither they nor their threads count here: what is
// proposed would grow with what is reserved. Where the form is not known it may be the larger one.
static void propose(struct reservation *ret)
{
	uint64_t least = ret->is_full || ret->problem ? PLAN_FULL_MIB : RESERVATION_USUAL_MIB;
	uint64_t mib = (ret->least_bytes * PROPOSED_PERCENT / 100 + MIB - 1) / MIB;

	mib = (mib + RESERVATION_STEP_MIB - 1) / RESERVATION_STEP_MIB * RESERVATION_STEP_MIB;
	ret->proposed_mib = mib > least ? mib : least;
}

static struct error *make_plan(const struct host *host, const struct config *config, struct plan *plan,
                               struct reservation *ret)
{
	struct error *err =
		config ? plan_make(host, config, plan) : error_new(ERROR_CONFIG, "there is no configuration");

	if (!err)
		return NULL;
	if (err->code == ERROR_NOMEM)
		return err;
	ret->problem = strdup(err->text);
	error_free(err);
	return ret->problem ? NULL : no_memory();
}

struct error *reservation_estimate(const struct host *host, const struct config *config, struct reservation *ret)
{
	struct reservation reservation = {0};
	_cleanup_plan_ struct plan plan = {0};
	uint64_t total_kib = 0;
	struct error *err = make_plan(host, config, &plan, &reservation);

	reservation.is_full = !reservation.problem && plan.form == PLAN_FULL;
	if (!err)
		err = read_total(host, &total_kib);
	if (!err)
		err = estimate_kernel(host, &plan, &reservation);
	if (!err)
		err = estimate_image(host, &plan, &reservation);
	if (!err)
		err = estimate_copier(&plan, total_kib, &reservation);
	if (!err)
		err = estimate_rest(&plan, &reservation);
	if (!err)
		err = sum_up(&plan, total_kib, &reservation);
	if (!err)
		err = correct(host, &plan, total_kib, &reservation);
	if (err) {
		reservation_deinit(&reservation);
		*ret = (struct reservation){0};
		return err;
	}
	reservation.total_mib = total_kib / 1024;
	propose(&reservation);
	*ret = reservation;
	return NULL;
}

const char *reservation_part_name(enum reservation_part part)
{
	static const char *const names[] = {
		[RESERVATION_KERNEL] = "kernel",     [RESERVATION_IMAGE] = "initramfs",
		[RESERVATION_UNPACKED] = "unpacked", [RESERVATION_PROGRAMS] = "programs",
		[RESERVATION_COPIER] = "copier",     [RESERVATION_CPUS] = "cpus",
		[RESERVATION_NETWORK] = "network",   [RESERVATION_PAGES] = "pages",
		[RESERVATION_LAST] = "last",
	};

	return names[part];
}

void reservation_deinit(struct reservation *reservation)
{
	for (int i = 0; i < RESERVATION_PARTS; i++)
		free(reservation->why[i]);
	free(reservation->problem);
	*reservation = (struct reservation){0};
}
