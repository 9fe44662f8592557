// SPDX-License-Identifier: GPL-2.0-or-later
// Corrupted kernel memory by the thousand: a synthetic machine whose struct pages, section tables, page tables, variables
// and VMCOREINFO are overwritten with random and with hostile values, one seed after the other, in one process.
//
// Usage: corrupt VMCORE PLACES FIRST COUNT [MEMORY_MIB]
//
// Whatever was hit: the copy ends, with success or a code that its header names; its numbers add up; no page is written that
// is not in the input. Where the damage is of a kind whose effect is known from the spec, the set of pages in the dump is too:
// what lost its struct page is kept, what is not understood is kept, and what lies elsewhere is as it was.
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "copycheck.h"
#include "test.h"

enum {
	FAILURES_MAX = 5,
	SEED_SECONDS = 60, // A copy takes milliseconds.
	HITS_MAX = 64,
	PAGE_BYTES = 4096,
};

// What PLACES names: "NAME OFFSET BYTES PFN_START PFN_END" of each.
enum kind {
	TABLE, // A page table.
	MEMMAP, // A page of struct pages.
	VARIABLE, // mem_map, node_data, mem_section …
	VALUE, // A value in VMCOREINFO.
	SECTION, // The word of a section that leads to the struct pages of these frames.
	LEAF, // The page-table entry that maps the struct pages of these frames.
	PAGE, // The struct page of a frame.
	CLASS, // Frames in blocks of 2^OFFSET; BYTES is 1 if they are dropped.
	RAM, // Frames that are there.
	FLAGS, // Members of struct page: offset and size.
	MAPPING,
	MAPCOUNT,
	PRIVATE,
	HEAD,
	KINDS,
};

static const char *const kind_names[KINDS] = {"table", "memmap", "variable", "value",   "section",  "leaf",    "page",
                                              "class", "ram",    "flags",    "mapping", "mapcount", "private", "head"};

struct place {
	uint64_t offset, bytes, start, end;
};

struct places {
	struct place *list;
	size_t count;
};

// The machine as the spec says it is.
struct frame {
	bool is_present;
	bool is_dropped; // In an undamaged dump.
	bool is_free_to_choose; // After this damage either is right.
	bool must_be_kept; // After this damage.
	uint8_t order; // Of its block.
	uint64_t struct_at; // Offset of its struct page in the file; 0: none.
};

struct corrupt {
	struct places places[KINDS];
	struct frame *frames;
	uint64_t frame_count;
	int fd;
	char path[64];
	uint8_t *file; // Shared mapping of what the copier reads.
	uint8_t *pristine;
	size_t file_bytes;
	uint64_t state; // Of the random numbers.
	bool is_exact; // The set of pages is known after this damage.
	struct copycheck check;
	struct place undo[8 * HITS_MAX];
	size_t undo_count;
	uint64_t errors; // Copies that ended with one.
};

static const uint64_t hostile[] = {
	0,
	1,
	2,
	0x7f,
	0x80,
	0xff,
	0x3f3f3f3f3f3f3f3f,
	0x7fffffff,
	0x80000000,
	0xffffffff,
	0xfffffffe,
	0xffffff7f,
	0xffffff80,
	0xf0000000,
	0xf000000000000000,
	UINT64_C(1) << 40,
	UINT64_C(1) << 51,
	UINT64_C(1) << 52,
	0x000ffffffffff067,
	0x000ffffffffff0e7,
	INT64_MAX,
	UINT64_C(1) << 63,
	UINT64_MAX,
	UINT64_MAX - 4095,
	UINT64_MAX - 63,
	0x00007fffffffffff,
	0x0000800000000000,
	0xffff7fffffffffff,
	0xffff800000000000,
	0xffff888000000000,
	0xffffea0000000003,
	0xffffffff80000000,
	0xffffffff81000000,
	0xdead000000000100,
	0x5a5a5a5a5a5a5a5b,
	0x6b6b6b6b6b6b6b6b,
};

// splitmix64: the same numbers on every machine.
static uint64_t next_random(struct corrupt *corrupt)
{
	uint64_t z = corrupt->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint64_t below(struct corrupt *corrupt, uint64_t limit)
{
	return next_random(corrupt) % limit;
}

static uint64_t wild_value(struct corrupt *corrupt)
{
	uint64_t number = next_random(corrupt), choice = below(corrupt, 16);

	if (choice < 9)
		return hostile[number % array_size(hostile)];
	if (choice == 9) // A block order, of any size.
		return number % 70;
	if (choice == 10) // One bit.
		return UINT64_C(1) << number % 64;
	return choice == 11 ? number & 0x000ffffffffff0ff : number;
}

static void overwrite(struct corrupt *corrupt, uint64_t offset, const void *bytes, size_t size)
{
	check(corrupt->undo_count < array_size(corrupt->undo) && offset + size <= corrupt->file_bytes);
	corrupt->undo[corrupt->undo_count++] = (struct place){.offset = offset, .bytes = size};
	memcpy(corrupt->file + offset, bytes, size);
}

static void put(struct corrupt *corrupt, uint64_t offset, uint64_t value, size_t size)
{
	overwrite(corrupt, offset, &value, size);
}

static void restore(struct corrupt *corrupt)
{
	for (size_t i = 0; i < corrupt->undo_count; i++)
		memcpy(corrupt->file + corrupt->undo[i].offset, corrupt->pristine + corrupt->undo[i].offset,
		       corrupt->undo[i].bytes);
	corrupt->undo_count = 0;
}

static const struct place *choose(struct corrupt *corrupt, enum kind kind)
{
	const struct places *places = &corrupt->places[kind];

	return places->count ? &places->list[below(corrupt, places->count)] : NULL;
}

static const struct place *member(const struct corrupt *corrupt, enum kind kind)
{
	return &corrupt->places[kind].list[0];
}

// 1, 2, 8 or 64 hits.
static unsigned int hit_count(struct corrupt *corrupt)
{
	static const unsigned int counts[] = {1, 1, 2, 8, HITS_MAX};

	return counts[below(corrupt, array_size(counts))];
}

// Frames that a struct page, once overwritten, can speak for: the block that can start there, and at its neighbour before it,
// whose order it holds.
static void doubt(struct corrupt *corrupt, uint64_t pfn)
{
	for (uint64_t head = pfn ? pfn - 1 : 0; head <= pfn; head++) {
		uint64_t end = head ? head + (head & -head) : corrupt->frame_count;

		for (uint64_t i = head; i < end && i < corrupt->frame_count; i++)
			corrupt->frames[i].is_free_to_choose = true;
	}
}

static void hit_members(struct corrupt *corrupt)
{
	static const enum kind members[] = {FLAGS, MAPPING, MAPCOUNT, MAPCOUNT, PRIVATE, HEAD};

	corrupt->is_exact = true;
	for (unsigned int hits = hit_count(corrupt); hits--;) {
		const struct place *page = choose(corrupt, PAGE);
		const struct place *what = member(corrupt, members[below(corrupt, array_size(members))]);
		bool is_own = below(corrupt, 8) == 0;

		if (!page)
			return;
		// Its own address, marked as a tail's link to its head: a block that is inside itself.
		put(corrupt, page->offset + what->offset,
		    is_own ? UINT64_C(0xffffea0000000001) + page->start * page->bytes : wild_value(corrupt),
		    (size_t)what->bytes);
		doubt(corrupt, page->start);
	}
}

static void hit_bytes(struct corrupt *corrupt)
{
	corrupt->is_exact = true;
	for (unsigned int hits = hit_count(corrupt); hits--;) {
		const struct place *page = choose(corrupt, PAGE), *other = choose(corrupt, PAGE);
		uint8_t bytes[256];

		if (!page || page->bytes > sizeof(bytes))
			return;
		switch (below(corrupt, 3)) {
		case 0: // Another's struct page.
			memcpy(bytes, corrupt->pristine + other->offset, page->bytes);
			break;
		case 1:
			memset(bytes, (int)wild_value(corrupt), page->bytes);
			break;
		default:
			for (size_t i = 0; i < page->bytes; i++)
				bytes[i] = (uint8_t)next_random(corrupt);
		}
		overwrite(corrupt, page->offset, bytes, page->bytes);
		doubt(corrupt, page->start);
	}
}

// A struct page that nobody understands: no flags, no mapping, a count of mappings or a type that no kernel has. Its page is
// kept, whatever it was; blocks have other ways to be dropped, so single pages are hit.
static void hit_unknown(struct corrupt *corrupt)
{
	corrupt->is_exact = true;
	for (unsigned int hits = hit_count(corrupt); hits--;) {
		const struct place *page = choose(corrupt, PAGE);
		uint64_t mapcount = below(corrupt, 2) ? below(corrupt, 1 << 24) : 0xf8000000 | below(corrupt, 1 << 20);
		struct frame *frame;

		if (!page || page->start >= corrupt->frame_count)
			return;
		frame = &corrupt->frames[page->start];
		if (frame->order || !frame->is_present)
			continue;
		put(corrupt, page->offset + member(corrupt, FLAGS)->offset, next_random(corrupt) << 40, 8);
		put(corrupt, page->offset + member(corrupt, HEAD)->offset, next_random(corrupt) & ~UINT64_C(1), 8);
		put(corrupt, page->offset + member(corrupt, PRIVATE)->offset, wild_value(corrupt), 8);
		put(corrupt, page->offset + member(corrupt, MAPPING)->offset, 0, 8);
		put(corrupt, page->offset + member(corrupt, MAPCOUNT)->offset, mapcount, 4);
		frame->must_be_kept = true;
	}
}

// Struct pages of a range that cannot be reached any more: their pages are kept, unless a block from before reaches in. Blocks
// that start inside and end behind lose their head, so their tails may be taken for anything.
static void lose(struct corrupt *corrupt, const struct place *range)
{
	for (uint64_t pfn = range->start; pfn < range->end && pfn < corrupt->frame_count; pfn++) {
		uint64_t size = UINT64_C(1) << corrupt->frames[pfn].order, start = pfn & -size;

		if (start >= range->start)
			corrupt->frames[pfn].must_be_kept = true;
		else
			corrupt->frames[pfn].is_free_to_choose = true;
		for (uint64_t i = range->end; i < start + size && i < corrupt->frame_count; i++)
			corrupt->frames[i].is_free_to_choose = true;
	}
}

static void hit_section(struct corrupt *corrupt)
{
	// Nothing is mapped there, or bit 1, which says that there are struct pages, is not set.
	static const uint64_t words[] = {0,
	                                 1,
	                                 UINT64_MAX,
	                                 UINT64_C(1) << 63,
	                                 0x000000000000001f,
	                                 0xffffc90000000003,
	                                 0x7ffffffffffff003,
	                                 0x8000000000000003,
	                                 0xdead00000000001f};
	const struct place *section = choose(corrupt, SECTION);

	if (!section)
		return;
	corrupt->is_exact = true;
	put(corrupt, section->offset, words[below(corrupt, array_size(words))], 8);
	lose(corrupt, section);
}

static void hit_leaf(struct corrupt *corrupt)
{
	// Not present, or present and beyond all memory.
	static const uint64_t entries[] = {0, 2, UINT64_MAX - 1, 0x000fffffffe00063, 0x000fffffffe000e3};
	const struct place *leaf = choose(corrupt, LEAF);

	if (!leaf)
		return;
	corrupt->is_exact = true;
	put(corrupt, leaf->offset, entries[below(corrupt, array_size(entries))], 8);
	lose(corrupt, leaf);
}

static void hit_words(struct corrupt *corrupt, enum kind kind)
{
	for (unsigned int hits = hit_count(corrupt); hits--;) {
		const struct place *place = choose(corrupt, kind);
		uint64_t at, value = wild_value(corrupt);
		unsigned int choice = (unsigned int)below(corrupt, 8);

		if (!place)
			return;
		at = place->offset + below(corrupt, place->bytes / 8) * 8;
		// An entry of another table, or the one beside it: tables that contain each other or themselves.
		if (choice < 2)
			memcpy(&value,
			       corrupt->pristine + (choose(corrupt, kind)->offset + below(corrupt, 512) * 8) %
			                                   (corrupt->file_bytes - 8),
			       8);
		else if (choice == 2)
			value = (below(corrupt, corrupt->frame_count) << 12) | 0x67 | below(corrupt, 2) << 7;
		put(corrupt, at, value, 8);
	}
}

static void hit_values(struct corrupt *corrupt)
{
	static const char *const texts[] = {
		"-1", "0", "1",   "99999999999999999999", "ffffffffffffffff", "x", "", "63", "64", "12", "4096",
		"2",  "8", "0x10"};

	for (unsigned int hits = 1 + (unsigned int)below(corrupt, 3); hits--;) {
		const struct place *value = choose(corrupt, VALUE);
		const char *text = texts[below(corrupt, array_size(texts))];
		char bytes[64];

		if (!value || !value->bytes || value->bytes > sizeof(bytes))
			return;
		memset(bytes, '\n', sizeof(bytes));
		if (below(corrupt, 3))
			memcpy(bytes, text, strnlen(text, value->bytes));
		else
			memcpy(bytes, corrupt->pristine + value->offset, value->bytes);
		if (below(corrupt, 2))
			bytes[below(corrupt, value->bytes)] = (char)('0' + below(corrupt, 10));
		overwrite(corrupt, value->offset, bytes, value->bytes);
	}
}

enum { DAMAGES = 10 };

static void damage(struct corrupt *corrupt, uint64_t seed)
{
	corrupt->state = seed * 0x10001 + 1;
	corrupt->is_exact = false;
	for (uint64_t i = 0; i < corrupt->frame_count; i++)
		corrupt->frames[i].is_free_to_choose = corrupt->frames[i].must_be_kept = false;
	switch (seed % DAMAGES) {
	case 0:
		hit_unknown(corrupt);
		break;
	case 1:
		hit_section(corrupt);
		break;
	case 2:
		hit_leaf(corrupt);
		break;
	case 3:
		hit_bytes(corrupt);
		break;
	case 4:
		hit_words(corrupt, TABLE);
		break;
	case 5:
		hit_words(corrupt, VARIABLE);
		break;
	case 6:
		hit_values(corrupt);
		break;
	case 7: // All at once.
		hit_words(corrupt, MEMMAP);
		hit_words(corrupt, TABLE);
		hit_words(corrupt, VARIABLE);
		hit_values(corrupt);
		break;
	default:
		hit_members(corrupt);
	}
}

static bool bit(const uint8_t *map, uint64_t pfn)
{
	return map[pfn / 8] >> pfn % 8 & 1;
}

// The set of pages in the dump is what the spec says, as far as the damage leaves that known.
static void compare(struct corrupt *corrupt, const uint8_t *present, const uint8_t *saved)
{
	for (uint64_t pfn = 0; pfn < corrupt->frame_count; pfn++) {
		const struct frame *frame = &corrupt->frames[pfn];
		bool is_saved = bit(saved, pfn);

		if (bit(present, pfn) != frame->is_present)
			copycheck_wrong(&corrupt->check, "page frame %#jx: wrong in the first bitmap", (uintmax_t)pfn);
		if (!frame->is_present && is_saved)
			copycheck_wrong(&corrupt->check, "page frame %#jx is not there, but saved", (uintmax_t)pfn);
		if (!frame->is_present || !corrupt->is_exact)
			continue;
		if (frame->must_be_kept && !frame->is_free_to_choose && !is_saved)
			copycheck_wrong(&corrupt->check, "page frame %#jx is not known, but dropped", (uintmax_t)pfn);
		if (!frame->must_be_kept && !frame->is_free_to_choose && is_saved == frame->is_dropped)
			copycheck_wrong(&corrupt->check, "page frame %#jx, far from the damage, is %s", (uintmax_t)pfn,
			                is_saved ? "saved" : "dropped");
	}
}

static void copy_once(struct corrupt *corrupt, const struct vmcore *core, uint64_t seed, bool is_dry_run,
                      struct copy_stats *stats)
{
	struct copy_options options = {.dump_level = FILTER_LEVEL_MAX,
	                               .format = !is_dry_run && seed / DAMAGES % 7 == 3 ? COPY_ELF : COPY_KDUMP,
	                               .thread_count = seed / DAMAGES % 5 == 4 ? 2 : 1,
	                               .is_dry_run = is_dry_run};
	const uint8_t *present, *saved;
	struct error *err;

	check_ok(compressor_find("none", &options.compressor));
	copycheck_init(&corrupt->check);
	err = copy_run(core, &options, &corrupt->check.sink, stats);
	copycheck_end(&corrupt->check, core, &options, stats, err, &present, &saved);
	if (present)
		compare(corrupt, present, saved);
	else if (err && corrupt->is_exact)
		copycheck_wrong(&corrupt->check, "damaged struct pages are no error: %s", err->text);
	corrupt->errors += err != NULL;
	error_free(err);
}

// NULL, or what is wrong.
static const char *run_seed(struct corrupt *corrupt, uint64_t seed, bool is_damaged)
{
	struct copy_stats dry = {0}, real = {0};
	struct vmcore *core = NULL;
	struct error *err;

	corrupt->is_exact = true;
	*corrupt->check.wrong = '\0';
	if (is_damaged)
		damage(corrupt, seed);
	// The headers are whole, so the dump must open.
	err = vmcore_open(corrupt->path, &core);
	if (err)
		copycheck_wrong(&corrupt->check, "%s", err->text);
	error_free(err);
	if (core) {
		copy_once(corrupt, core, seed, true, &dry);
		if (!*corrupt->check.wrong)
			copy_once(corrupt, core, seed, false, &real);
		// ELF leaves out of the sums what it cannot read; else a dry run tells what will be done.
		real.counts.zero = dry.counts.zero = 0;
		if (!*corrupt->check.wrong && memcmp(&dry.counts, &real.counts, sizeof(dry.counts)) != 0)
			copycheck_wrong(&corrupt->check, "a dry run counts %ju pages, the copy %ju",
			                (uintmax_t)dry.counts.kept, (uintmax_t)real.counts.kept);
	}
	vmcore_close(core);
	restore(corrupt);
	return *corrupt->check.wrong ? corrupt->check.wrong : NULL;
}

// A comparison that cannot fail compares nothing: with one frame of the spec wrong, an undamaged dump must be refused.
static const char *refuse(struct corrupt *corrupt)
{
	for (unsigned int number = 0; number < 3; number++) {
		struct frame old, *frame = corrupt->frames;

		// One that is dropped, one that is kept, one that is there.
		while (frame < corrupt->frames + corrupt->frame_count &&
		       (!frame->is_present || (number < 2 && frame->is_dropped != !number)))
			frame++;
		if (frame == corrupt->frames + corrupt->frame_count)
			continue;
		old = *frame;
		frame->is_dropped ^= number < 2;
		frame->is_present ^= number == 2;
		if (!run_seed(corrupt, 0, false))
			return "a wrong set of pages is not noticed";
		*frame = old;
	}
	return NULL;
}

static void read_places(struct corrupt *corrupt, const char *path)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	struct place place;
	char name[32];

	check(file);
	while (fscanf(file, "%31s %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64, name, &place.offset, &place.bytes,
	              &place.start, &place.end) == 5) {
		unsigned int kind = 0;
		struct places *places;

		while (kind < KINDS && strcmp(kind_names[kind], name) != 0)
			kind++;
		check(kind < KINDS);
		places = &corrupt->places[kind];
		places->list = reallocarray(places->list, places->count + 1, sizeof(place));
		check(places->list);
		places->list[places->count++] = place;
	}
	check(feof(file));
	for (unsigned int kind = FLAGS; kind < KINDS; kind++)
		check(corrupt->places[kind].count == 1);
}

static void make_frames(struct corrupt *corrupt)
{
	const struct places *ram = &corrupt->places[RAM], *classes = &corrupt->places[CLASS];

	for (size_t i = 0; i < ram->count; i++) {
		if (ram->list[i].end > corrupt->frame_count)
			corrupt->frame_count = ram->list[i].end;
	}
	corrupt->frames = calloc(corrupt->frame_count, sizeof(*corrupt->frames));
	check(corrupt->frames);
	for (size_t i = 0; i < ram->count; i++) {
		for (uint64_t pfn = ram->list[i].start; pfn < ram->list[i].end; pfn++)
			corrupt->frames[pfn].is_present = true;
	}
	for (size_t i = 0; i < classes->count; i++) {
		const struct place *class = &classes->list[i];

		for (uint64_t pfn = class->start; pfn < class->end && pfn < corrupt->frame_count; pfn++) {
			corrupt->frames[pfn].order = (uint8_t) class->offset;
			corrupt->frames[pfn].is_dropped = class->bytes;
		}
	}
}

static void read_vmcore(struct corrupt *corrupt, const char *path)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	long size;

	check(file && fseek(file, 0, SEEK_END) == 0);
	size = ftell(file);
	check(size > 0);
	rewind(file);
	corrupt->file_bytes = (size_t)size;
	corrupt->pristine = malloc(corrupt->file_bytes);
	corrupt->fd = memfd_create("vmcore", MFD_CLOEXEC);
	check(corrupt->pristine && corrupt->fd >= 0 && ftruncate(corrupt->fd, size) == 0);
	check(fread(corrupt->pristine, 1, corrupt->file_bytes, file) == corrupt->file_bytes);
	corrupt->file = mmap(NULL, corrupt->file_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, corrupt->fd, 0);
	check(corrupt->file != MAP_FAILED);
	memcpy(corrupt->file, corrupt->pristine, corrupt->file_bytes);
	snprintf(corrupt->path, sizeof(corrupt->path), "/proc/self/fd/%d", corrupt->fd);
}

// In a child, so that a crash costs one seed. Gives the next seed in *at.
static void run_seeds(struct corrupt *corrupt, _Atomic uint64_t *at, uint64_t end, uint64_t memory_bytes)
{
	struct rlimit limit = {memory_bytes, memory_bytes};

	if (memory_bytes)
		check(setrlimit(RLIMIT_AS, &limit) == 0);
	for (; *at < end; ++*at) {
		const char *wrong;

		alarm(SEED_SECONDS);
		wrong = run_seed(corrupt, *at, true);
		if (wrong) {
			fprintf(stderr, "    seed %ju: %s\n", (uintmax_t)*at, wrong);
			_exit(1);
		}
	}
	printf("    %ju seeds, %ju copies ended with an error\n", (uintmax_t)end, (uintmax_t)corrupt->errors);
	exit(0);
}

int main(int argc, char **argv)
{
	static struct corrupt corrupt;
	_Atomic uint64_t *at = mmap(NULL, sizeof(*at), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned int failures = 0;
	const char *wrong;
	uint64_t end;

	if (argc < 5) {
		fprintf(stderr, "usage: corrupt VMCORE PLACES FIRST COUNT [MEMORY_MIB]\n");
		return 2;
	}
	read_vmcore(&corrupt, argv[1]);
	read_places(&corrupt, argv[2]);
	make_frames(&corrupt);
	wrong = run_seed(&corrupt, 0, false);
	if (!wrong)
		wrong = refuse(&corrupt);
	if (wrong) {
		fprintf(stderr, "    before any damage: %s\n", wrong);
		return 1;
	}
	check(at != MAP_FAILED);
	*at = strtoull(argv[3], NULL, 10);
	end = *at + strtoull(argv[4], NULL, 10);
	while (*at < end && failures < FAILURES_MAX) {
		pid_t pid = fork();
		int status = 0;

		if (pid == 0)
			run_seeds(&corrupt, at, end, argc > 5 ? strtoull(argv[5], NULL, 10) << 20 : 0);
		check(pid > 0 && waitpid(pid, &status, 0) == pid);
		if (status == 0)
			break;
		if (WIFSIGNALED(status))
			fprintf(stderr, "    seed %ju: signal %d\n", (uintmax_t)*at, WTERMSIG(status));
		else if (WEXITSTATUS(status) != 1)
			fprintf(stderr, "    seed %ju: exit status %d\n", (uintmax_t)*at, WEXITSTATUS(status));
		failures++;
		++*at;
		// A crash may have left the damage behind.
		memcpy(corrupt.file, corrupt.pristine, corrupt.file_bytes);
	}
	return failures ? 1 : 0;
}
