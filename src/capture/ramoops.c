// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/ramoops.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"

enum {
	// PERSISTENT_RAM_SIG, which zones of the kernel's log have as it is.
	SIGNATURE = 0x43474244,
	// MIN_MEM_SIZE: what each size is where it is not given.
	USUAL_BYTES = 4096,
	// As the kernel keeps of a log by itself (kmsg_bytes), and far more than a panic says.
	RECORDS = 10,
	// What a record is at most, and an area: nobody reserves more.
	RECORD_MAX_BYTES = 1 << 20,
	AREA_MAX_BYTES = 1 << 30,
};

// struct persistent_ram_buffer, in memory that is not cached.
struct zone {
	uint32_t signature;
	uint32_t start; // Where the oldest byte of data is.
	uint32_t size;
	uint8_t data[];
};

struct sizes {
	uint64_t mem_address, mem_size, record_size, console_size, ftrace_size, pmsg_size, ecc;
};

// Numbers with K, M and G behind them, as the kernel's memparse(). The last one counts.
static void take_word(const char *word, size_t size, struct sizes *sizes)
{
	static const char *const names[] = {"mem_address", "mem_size",  "record_size", "console_size",
	                                    "ftrace_size", "pmsg_size", "ecc"};
	uint64_t *const values[] = {&sizes->mem_address, &sizes->mem_size,  &sizes->record_size, &sizes->console_size,
	                            &sizes->ftrace_size, &sizes->pmsg_size, &sizes->ecc};

	for (size_t i = 0; i < array_size(names); i++) {
		size_t name_size = strlen(names[i]);
		char *end;

		if (size <= name_size || strncmp(word, names[i], name_size) != 0 || word[name_size] != '=')
			continue;
		*values[i] = strtoull(word + name_size + 1, &end, 0);
		for (const char *unit = "KMG"; *unit; unit++)
			if ((*end | ' ') == (*unit | ' '))
				*values[i] <<= 10 * (unit - "KMG" + 1);
	}
}

static uint64_t round_down(uint64_t size)
{
	while (size & (size - 1))
		size &= size - 1;
	return size;
}

bool ramoops_parse(const char *command_line, struct ramoops_area *ret)
{
	static const char prefix[] = "ramoops.";
	struct sizes sizes = {.record_size = USUAL_BYTES,
	                      .console_size = USUAL_BYTES,
	                      .ftrace_size = USUAL_BYTES,
	                      .pmsg_size = USUAL_BYTES};
	uint64_t others, left;

	for (const char *word = command_line; *word;) {
		size_t size = strcspn(word, " \n");

		if (strncmp(word, prefix, strlen(prefix)) == 0)
			take_word(word + strlen(prefix), size - strlen(prefix), &sizes);
		word += size + (word[size] != '\0');
	}
	sizes.record_size = round_down(sizes.record_size);
	others = round_down(sizes.console_size) + round_down(sizes.ftrace_size) + round_down(sizes.pmsg_size);
	if (!sizes.mem_address || sizes.ecc || sizes.mem_size > AREA_MAX_BYTES || others >= sizes.mem_size)
		return false;
	left = sizes.mem_size - others;
	if (sizes.record_size <= sizeof(struct zone) || left < sizes.record_size)
		return false;
	ret->paddr = sizes.mem_address;
	ret->zones = (unsigned int)(left / sizes.record_size);
	// ALIGN_DOWN(zone_sz, 2); what older kernels do with odd ones is theirs.
	ret->zone_bytes = left / ret->zones & ~UINT64_C(1);
	return true;
}

// Some machines take neither unaligned nor wide accesses to such memory.
static void put(volatile uint8_t *to, const uint8_t *from, size_t size_bytes)
{
	for (size_t i = 0; i < size_bytes; i++)
		to[i] = from[i];
}

static struct error *write_zone(volatile struct zone *zone, unsigned int part, time_t time, int fd, size_t room,
                                off_t *end)
{
	_cleanup_free_ char *record = malloc(room);
	size_t used, size, got = 0;
	struct error *err;

	if (!record)
		return error_new(ERROR_NOMEM, "no memory for a record");
	// "D": it is not compressed.
	used = (size_t)snprintf(record, room, "====%" PRId64 ".000000-D\nPanic#1 Part%u\n", (int64_t)time, part);
	if (used >= room)
		return error_new(ERROR_NOSPC, "records of ramoops are too small");
	size = (uint64_t)*end < room - used ? (size_t)*end : room - used;
	err = io_pread(fd, record + used, size, (uint64_t)*end - size, &got);
	if (err)
		return err;
	put(zone->data, (const uint8_t *)record, used + got);
	zone->start = 0;
	zone->size = (uint32_t)(used + got);
	zone->signature = SIGNATURE;
	*end -= (off_t)size;
	return NULL;
}

// What is there and was not read yet is of another crash, or what this one's kernel wrote itself.
static bool is_free(const volatile struct zone *zone)
{
	return zone->signature != SIGNATURE || zone->size == 0;
}

static struct error *write_zones(volatile uint8_t *memory, const struct ramoops_area *area, int fd, time_t time,
                                 unsigned int *count_ret)
{
	size_t room = area->zone_bytes - sizeof(struct zone);
	off_t end = lseek(fd, 0, SEEK_END);
	struct error *err = end < 0 ? error_os(errno, "size of the log") : NULL;

	if (room > RECORD_MAX_BYTES)
		room = RECORD_MAX_BYTES;
	for (unsigned int i = 0; i < area->zones && *count_ret < RECORDS && end > 0 && !err; i++) {
		volatile struct zone *zone = (volatile struct zone *)(memory + i * area->zone_bytes);

		if (!is_free(zone))
			continue;
		err = write_zone(zone, *count_ret + 1, time, fd, room, &end);
		*count_ret += !err;
	}
	if (err || *count_ret)
		return err;
	return end > 0 ? error_new(ERROR_NOSPC, "ramoops is full of records that nobody has read")
	               : error_new(ERROR_OS, "the log is empty");
}

struct error *ramoops_write(const char *path, const struct ramoops_area *area, int fd, time_t time,
                            unsigned int *count_ret)
{
	uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE), before = area->paddr % page_bytes;
	size_t size = before + area->zone_bytes * area->zones;
	_cleanup_close_ int memory_fd = open(path, O_RDWR | O_SYNC | O_CLOEXEC);
	struct error *err;
	void *memory;

	*count_ret = 0;
	if (memory_fd < 0)
		return error_os(errno, "%s", path);
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory_fd, (off_t)(area->paddr - before));
	if (memory == MAP_FAILED)
		return error_os(errno, "%s: map %zu bytes at 0x%" PRIx64, path, size, area->paddr);
	err = write_zones((volatile uint8_t *)memory + before, area, fd, time, count_ret);
	munmap(memory, size);
	return err;
}
