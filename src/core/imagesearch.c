// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/imagesearch.h"

#include <string.h>

enum {
	SCAN_BYTES = 4096,
	// Kernel images are 20 to 80 MiB; beyond lies what the boot loader left.
	SCAN_MAX_BYTES = 256 << 20,
	// What is freed of the image (its ends, the code of its start) lies between parts that are aligned to large pages, or to
	// the largest pages that the machine can have (arch/arm64/kernel/vmlinux.lds.S: SEGMENT_ALIGN).
	SKIP_BYTES = 64 << 10,
	// What is worth a search is rare in a kernel; a limit for memory made to mislead.
	TRIES_MAX = 256,
};

// The image, page by page.
struct image {
	const struct xlat *xlat;
	struct vmreader *reader;
	uint64_t vaddr; // Of the next page.
	uint64_t paddr; // The same, if run_bytes is not 0.
	uint64_t run_bytes; // Mapped in one piece from there on.
};

// Reads a page, or passes over what is not mapped.
static bool next_page(struct image *image, uint8_t page[static SCAN_BYTES])
{
	struct error *err;

	if (image->run_bytes < SCAN_BYTES) {
		err = xlat_translate(image->xlat, image->reader, image->vaddr, &image->paddr, &image->run_bytes);
		if (err) {
			error_free(err);
			image->run_bytes = 0;
			image->vaddr = (image->vaddr & ~(uint64_t)(SKIP_BYTES - 1)) + SKIP_BYTES;
			return false;
		}
	}
	err = vmreader_read(image->reader, image->paddr, page, SCAN_BYTES);
	error_free(err);
	image->vaddr += SCAN_BYTES;
	image->paddr += SCAN_BYTES;
	image->run_bytes -= SCAN_BYTES;
	return !err;
}

bool imagesearch(const struct vmcore *core, const struct xlat *xlat, struct vmreader *reader, const void *bytes,
                 size_t size_bytes, bool (*is_it)(void *context, uint64_t vaddr), void *context)
{
	// The end of one page stays in front of the next: what is searched may lie across.
	uint8_t buf[IMAGESEARCH_BYTES_MAX + SCAN_BYTES], *const page = buf + IMAGESEARCH_BYTES_MAX;
	struct image image = {.xlat = xlat, .reader = reader};
	unsigned int tries = 0;
	size_t kept = 0;
	uint64_t start;

	if (!vmcoreinfo_symbol(&core->info, "_stext", &start))
		return false;
	start &= ~(uint64_t)(SCAN_BYTES - 1);
	image.vaddr = start;
	while (image.vaddr - start < SCAN_MAX_BYTES) {
		uint64_t vaddr = image.vaddr;
		const uint8_t *at, *end = page + SCAN_BYTES;

		memcpy(page - kept, end - kept, kept);
		if (!next_page(&image, page)) {
			kept = 0;
			continue;
		}
		for (at = page - kept; (at = memmem(at, (size_t)(end - at), bytes, size_bytes)); at++) {
			if (tries++ == TRIES_MAX)
				return false;
			if (is_it(context, vaddr + (uint64_t)(at - buf) - IMAGESEARCH_BYTES_MAX))
				return true;
		}
		kept = size_bytes - 1;
	}
	return false;
}
