// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pages: what a dump holds, page by page, by a reader that is not ours.
 *
 *   pages list FILE        for every page that the file has, 16 bytes on standard
 *                          output: the page frame number and the content's sum
 *                          (Adler-32 above CRC-32), both little-endian
 *   pages find TEXT FILE   "PFN OFFSET TEXT..." for each place that begins with TEXT
 *
 * kdump-compressed files are read with libkdumpfile.  An ELF file's pages are those
 * that its program headers place in the file; a file of neither kind is taken for
 * the memory of a guest, byte for byte (from 1 MiB on: below it firmware and the
 * capture kernel's start-up code lie).
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <libkdumpfile/kdumpfile.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { PAGE_MAX = 64 << 10, RAM_START_PFN = 256 };

struct job {
	const char *text; /* NULL: list */
	size_t page; /* Bytes. */
};

static void die(const char *what, const char *why)
{
	fprintf(stderr, "pages: %s: %s\n", what, why);
	exit(1);
}

static void print_found(const struct job *job, uint64_t pfn, const unsigned char *page)
{
	size_t length = strlen(job->text);
	const unsigned char *at = page;

	while ((at = memmem(at, (size_t)(page + job->page - at), job->text, length))) {
		size_t room = (size_t)(page + job->page - at);

		printf("%llu %zu %.*s\n", (unsigned long long)pfn, (size_t)(at - page), (int)(room < 32 ? room : 32),
		       (const char *)at);
		at += length;
	}
}

static void take(const struct job *job, uint64_t pfn, const unsigned char *page)
{
	if (job->text) {
		print_found(job, pfn, page);
		return;
	}
	uint64_t sum = (uint64_t)adler32(1, page, job->page) << 32 | (uint32_t)crc32(0, page, job->page);
	uint64_t record[2] = {pfn, sum};

	if (fwrite(record, sizeof(record), 1, stdout) != 1)
		die("standard output", strerror(errno));
}

/* Page size of the machine, from VMCOREINFO in the notes, which lie in front of the memory. */
static size_t elf_page_size(const unsigned char *file, size_t size)
{
	static const char key[] = "\nPAGESIZE=";
	const char *found = memmem(file, size < 1 << 20 ? size : 1 << 20, key, strlen(key));

	return found ? strtoul(found + strlen(key), NULL, 10) : 4096;
}

/* Whole pages in the file only: a fraction of a page has no frame of its own. */
static void walk_elf(const struct job *job, const unsigned char *file, size_t size)
{
	const Elf64_Ehdr *header = (const void *)file;
	const size_t page_bytes = job->page;
	const Elf64_Phdr *segment = (const void *)(file + header->e_phoff);

	if (header->e_phnum == PN_XNUM)
		die("ELF", "more than 65534 segments are not handled here");
	for (int i = 0; i < header->e_phnum; i++, segment++) {
		if (segment->p_type != PT_LOAD)
			continue;
		if (segment->p_offset + segment->p_filesz > size)
			die("ELF", "a segment lies beyond the end of the file");
		uint64_t first = (segment->p_paddr + page_bytes - 1) / page_bytes;
		uint64_t end = (segment->p_paddr + segment->p_filesz) / page_bytes;

		for (uint64_t pfn = first; pfn < end; pfn++)
			take(job, pfn, file + segment->p_offset + pfn * page_bytes - segment->p_paddr);
	}
}

static void walk_ram(const struct job *job, const unsigned char *file, size_t size)
{
	for (uint64_t pfn = RAM_START_PFN; pfn < size / job->page; pfn++)
		take(job, pfn, file + pfn * job->page);
}

static void walk_kdump(struct job *job, int fd)
{
	kdump_ctx_t *ctx = kdump_new();
	kdump_attr_t map = {.type = KDUMP_BITMAP};
	kdump_num_t frames = 0;
	static unsigned char page[PAGE_MAX];
	kdump_num_t page_size = 0;

	if (!ctx)
		die("libkdumpfile", strerror(ENOMEM));
	if (kdump_set_number_attr(ctx, KDUMP_ATTR_FILE_FD, (kdump_num_t)fd) != KDUMP_OK ||
	    kdump_get_number_attr(ctx, "max_pfn", &frames) != KDUMP_OK ||
	    kdump_get_number_attr(ctx, KDUMP_ATTR_PAGE_SIZE, &page_size) != KDUMP_OK ||
	    kdump_get_typed_attr(ctx, KDUMP_ATTR_FILE_PAGEMAP, &map) != KDUMP_OK)
		die("libkdumpfile", kdump_get_err(ctx));
	if (page_size > PAGE_MAX)
		die("libkdumpfile", "a page that is too large");
	job->page = page_size;
	/* The map's index is the frame; a read of each frame that is not there takes minutes on a large machine. */
	for (kdump_addr_t pfn = 0; kdump_bmp_find_set(map.val.bitmap, &pfn) == KDUMP_OK && pfn < frames; pfn++) {
		size_t length = page_size;
		/* Whoever made the dump could not read a page of size 0: it is not there, as one that was left out. */
		kdump_status status = kdump_read(ctx, KDUMP_MACHPHYSADDR, pfn * page_size, page, &length);

		if (status == KDUMP_OK && length == page_size) {
			take(job, pfn, page);
		} else if (status != KDUMP_ERR_NODATA && !strstr(kdump_get_err(ctx), "Wrong page size: 0")) {
			fprintf(stderr, "pages: frame %llu: %s\n", (unsigned long long)pfn, kdump_get_err(ctx));
			exit(1);
		} else {
			kdump_clear_err(ctx);
		}
	}
	kdump_free(ctx);
}

int main(int argc, char **argv)
{
	struct job job = {NULL, 4096};
	struct stat status;

	if (argc == 4 && strcmp(argv[1], "find") == 0)
		job.text = argv[2];
	else if (argc != 3 || strcmp(argv[1], "list") != 0)
		die("usage", "pages list FILE | pages find TEXT FILE");
	const char *name = argv[argc - 1];
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &status) < 0)
		die(name, strerror(errno));
	size_t size = (size_t)status.st_size;
	const unsigned char *file = size < job.page ? MAP_FAILED : mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);

	if (file == MAP_FAILED)
		die(name, size < job.page ? "too short" : strerror(errno));
	if (memcmp(file, ELFMAG, SELFMAG) == 0) {
		job.page = elf_page_size(file, size);
		walk_elf(&job, file, size);
	} else if (memcmp(file, "KDUMP   ", 8) == 0 || memcmp(file, "makedumpfile", 12) == 0) {
		walk_kdump(&job, fd);
	} else {
		walk_ram(&job, file, size);
	}
	if (fflush(stdout) != 0)
		die("standard output", strerror(errno));
	return 0;
}
