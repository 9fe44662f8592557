// SPDX-License-Identifier: GPL-2.0-or-later
// What is told of single pages: where they are, whose, and whether and why they are in the dump.
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cmd/inspect_commands.h"
#include "cmd/inspect_dump.h"
#include "cmd/inspect_totals.h"
#include "core/xlat_path.h"
#include "dump/filter.h"
#include "dump/pagemap.h"
#include "dump/presence.h"
#include "report/owner.h"
#include "report/pageinfo.h"

// What was asked for.
enum asked {
	ASKED_KERNEL, // A virtual address of the kernel, or a symbol.
	ASKED_PROCESS, // PID:ADDRESS
	ASKED_PHYSICAL, // phys:ADDRESS
	ASKED_FRAME, // pfn:NUMBER
};

struct explain {
	struct inspect_dump *dump;
	struct pagemap_reader *map;
	struct pageinfo *info;
	struct owner owner;
	struct owner_mapped mapped[INSPECT_DUMP_WORDS];
	struct json json;
};

// One address, and all that is known of it.
struct answer {
	const char *word;
	enum asked asked;
	uint64_t vaddr, paddr, pfn;
	uint32_t pid;
	struct xlat_path path;
	char path_why[KERNEL_WHY_BYTES]; // Why there is no physical address; "": there is.
	struct presence presence;
	struct pageinfo_page page;
	char page_why[KERNEL_WHY_BYTES]; // Why its struct page is not known; "": it is.
	struct owner_found owner;
	const struct owner_mapped *mapped; // NULL: not looked for.
};

static struct error *parse_number(const char *word, const char *text, int base, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, base);
	if (errno || end == text || *end || text[0] == '-')
		return error_new(ERROR_USAGE, "explain: %s: \"%s\" is no number", word, text);
	return NULL;
}

static struct error *parse_word(const struct explain *explain, const char *word, struct answer *ret)
{
	size_t digits = strspn(word, "0123456789");
	uint64_t pid;
	struct error *err;

	*ret = (struct answer){.word = word, .asked = ASKED_KERNEL};
	if (strncmp(word, "phys:", 5) == 0) {
		ret->asked = ASKED_PHYSICAL;
		return parse_number(word, word + 5, 16, &ret->paddr);
	}
	if (strncmp(word, "pfn:", 4) == 0) {
		ret->asked = ASKED_FRAME;
		err = parse_number(word, word + 4, 0, &ret->pfn);
		if (!err && ret->pfn > UINT64_MAX >> vmcore_page_shift(explain->dump->core))
			err = error_new(ERROR_USAGE, "explain: %s is above the last page frame that can be", word);
		ret->paddr = ret->pfn << vmcore_page_shift(explain->dump->core);
		return err;
	}
	if (digits && word[digits] == ':') {
		ret->asked = ASKED_PROCESS;
		pid = strtoull(word, NULL, 10);
		if (digits > 9 || !pid)
			return error_new(ERROR_USAGE, "explain: %s: no PID", word);
		ret->pid = (uint32_t)pid;
		return parse_number(word, word + digits + 1, 16, &ret->vaddr);
	}
	return inspect_dump_address(explain->dump, word, &ret->vaddr);
}

static struct error *process_table(const struct explain *explain, uint32_t pid, uint64_t *ret)
{
	const struct machine *machine = explain->dump->machine;
	struct kernel *kernel = machine->kernel;
	struct threads_task task;
	uint64_t pgd;
	struct error *err = machine_task(machine, pid, &task);

	if (!err && !task.mm_vaddr)
		err = error_new(ERROR_FAULT, "task %u has no memory of its own: it is the kernel's, or has ended", pid);
	if (!err)
		err = kernel_get(kernel, task.mm_vaddr, KERNEL_MM_PGD, &pgd);
	return err ? err : xlat_translate(&kernel->xlat, &kernel->reader, pgd, ret, NULL);
}

static void translate(const struct explain *explain, struct answer *answer)
{
	struct kernel *kernel = explain->dump->machine->kernel;
	uint64_t table = 0;
	struct error *err = NULL;

	if (answer->asked == ASKED_PROCESS)
		err = process_table(explain, answer->pid, &table);
	if (!err)
		err = xlat_path_find(&kernel->xlat, &kernel->reader, table, answer->vaddr, &answer->path);
	if (!err && !answer->path.is_mapped) {
		uint64_t entry = answer->path.count ? answer->path.steps[answer->path.count - 1].entry : 0;

		err = error_new(ERROR_FAULT, "nothing is mapped there%s",
		                entry && answer->asked == ASKED_PROCESS ? ": swapped out, or on its way" : "");
	}
	// Their symbols are offsets, from the start of the area of each CPU.
	if (err && answer->asked == ASKED_KERNEL &&
	    answer->vaddr - explain->info->symbols[PAGEINFO_PER_CPU_START] <
	            explain->info->symbols[PAGEINFO_PER_CPU_END] - explain->info->symbols[PAGEINFO_PER_CPU_START]) {
		uint64_t vaddr = 0;

		error_free(err);
		error_free(vmemory_uint(kernel->memory, kernel->symbols[KERNEL_PER_CPU_OFFSET], 8, &vaddr));
		err = error_new(ERROR_FAULT, "each CPU has its own; that of CPU 0 is at %#" PRIx64,
		                answer->vaddr + vaddr);
	}
	answer->paddr = answer->path.paddr;
	kernel_explain(answer->path_why, err);
}

static struct error *look(const struct explain *explain, struct answer *answer)
{
	struct kernel *kernel = explain->dump->machine->kernel;
	struct error *err;

	if (answer->asked == ASKED_KERNEL || answer->asked == ASKED_PROCESS)
		translate(explain, answer);
	if (answer->path_why[0])
		return NULL;
	answer->pfn = answer->paddr >> vmcore_page_shift(kernel->core);
	err = presence_find(&kernel->reader, explain->map, answer->pfn, &answer->presence);
	// Where the map is damaged, the dump still tells whether the page is there.
	if (err && err->code == ERROR_BAD_DATA && explain->map) {
		struct error *late = presence_find(&kernel->reader, NULL, answer->pfn, &answer->presence);

		kernel_explain(answer->presence.text, late ? late : err);
		if (late)
			return error_wrap(err, "%s", answer->word);
		err = NULL;
	}
	if (err)
		return error_wrap(err, "%s", answer->word);
	kernel_explain(answer->page_why, pageinfo_find(explain->info, answer->pfn, &answer->page));
	if (answer->presence.state != PRESENCE_NO_MEMORY)
		owner_find(&explain->owner, answer->paddr, answer->asked == ASKED_KERNEL ? answer->vaddr : 0,
		           answer->page_why[0] ? NULL : &answer->page, &answer->owner);
	return NULL;
}

// What a page without a map seems to have been. NULL: nothing can be said.
static const char *guess(const struct explain *explain, const struct answer *answer)
{
	if (answer->presence.is_by_map || answer->page_why[0] || answer->presence.state == PRESENCE_NO_MEMORY)
		return NULL;
	if (answer->page.view.is_poisoned)
		return presence_code_name(FMT_PAGEMAP_POISONED);
	// A level that keeps the class would not have left the page out for it.
	if (!presence_is_there(answer->presence.state) && explain->dump->core->dump_level &&
	    !filter_drops(answer->page.view.class, explain->dump->core->dump_level))
		return NULL;
	return presence_code_name(pagemap_class_code(answer->page.view.class));
}

static void print_path(const struct answer *answer)
{
	static const char *const uses[] = {[XLAT_DATA] = "data", [XLAT_CONSTANTS] = "constants", [XLAT_CODE] = "code"};

	for (size_t i = 0; i < answer->path.count; i++)
		printf("  %-12s level %u: 0x%016" PRIx64 " at %#" PRIx64 "\n", i ? "" : "page tables",
		       answer->path.steps[i].level, answer->path.steps[i].entry, answer->path.steps[i].paddr);
	if (answer->path_why[0])
		printf("  %-12s not known: %s\n", "physical", answer->path_why);
	else if (answer->path.page_bytes)
		printf("  %-12s a page of %" PRIu64 " KiB%s%s\n", "mapped by", answer->path.page_bytes >> 10,
		       answer->asked == ASKED_KERNEL ? ", as " : "",
		       answer->asked == ASKED_KERNEL ? uses[answer->path.use] : "");
}

static void print_presence(const struct explain *explain, const struct answer *answer)
{
	const struct presence *presence = &answer->presence;
	const char *class = guess(explain, answer);

	if (presence_is_there(presence->state))
		printf("  %-12s %s\n", "in the dump", presence_sentence(presence));
	else
		printf("  %-12s no: %s\n", "in the dump", presence_sentence(presence));
	if (presence->is_by_map)
		printf("  %-12s %s, by the page map\n", "class", presence_code_name(presence->code));
	else if (class)
		printf("  %-12s %s, by its struct page: a guess, since there is no page map\n", "class", class);
	else if (presence->state != PRESENCE_NO_MEMORY)
		printf("  %-12s not known: there is no page map that tells\n", "class");
	if (presence->text[0])
		printf("  %-12s %s%s\n", "", presence->is_conflict ? "the dump and its page map do not agree: " : "",
		       presence->text);
}

static void print_page(const struct explain *explain, const struct answer *answer)
{
	const struct pageinfo_page *page = &answer->page;
	char flags[PAGEINFO_TEXT_BYTES];
	const char *type;

	if (answer->page_why[0]) {
		printf("  %-12s not known: %s\n", "struct page", answer->page_why);
		return;
	}
	type = pageinfo_type(explain->info, page);
	pageinfo_flags(explain->info, page, flags);
	printf("  %-12s %#" PRIx64, "struct page", page->vaddr);
	if (page->is_inside)
		printf(", inside 2^%u pages from page frame %#" PRIx64 " on", page->order, page->head_pfn);
	else if (page->order)
		printf(", first of 2^%u pages", page->order);
	printf("\n  %-12s %#" PRIx64 "  %s\n", "flags", page->flags, flags);
	if (page->has_counts)
		printf("  %-12s %" PRId32 "\n", "count", page->refcount);
	if (pageinfo_is_typed(page))
		printf("  %-12s %#" PRIx32 "  %s\n", "type", page->type, type ? type : "");
	else if (page->has_counts)
		printf("  %-12s %" PRId32 "\n", "mapcount", (int32_t)page->type + 1);
	if (page->mapping && !page->view.is_slab)
		printf("  %-12s %#" PRIx64 ", index %#" PRIx64 "\n", "mapping", page->mapping, page->index);
}

static void print_owner(const struct answer *answer)
{
	const struct owner_mapped *mapped = answer->mapped;

	printf("  %-12s %s%s%s\n", "owner", owner_kind_name(answer->owner.kind), answer->owner.text[0] ? ": " : "",
	       answer->owner.text);
	if (!mapped || !mapped->count)
		return;
	printf("  %-12s", "mapped by");
	for (size_t i = 0; i < mapped->count && i < OWNER_PROCESSES_MAX; i++)
		printf("%s %u %s", i ? "," : "", mapped->pids[i], mapped->names[i]);
	if (mapped->count > OWNER_PROCESSES_MAX)
		printf(" and %zu more", mapped->count - OWNER_PROCESSES_MAX);
	putchar('\n');
}

static void print_answer(struct explain *explain, const struct answer *answer)
{
	char zone[PAGEINFO_NAME_BYTES];
	uint32_t node;

	printf("%s\n", answer->word);
	if (answer->asked == ASKED_KERNEL || answer->asked == ASKED_PROCESS) {
		printf("  %-12s %#" PRIx64 "\n", "address", answer->vaddr);
		print_path(answer);
	}
	if (answer->path_why[0])
		return;
	printf("  %-12s %#" PRIx64 ", page frame %#" PRIx64 "\n", "physical", answer->paddr, answer->pfn);
	if (pageinfo_zone(explain->info, answer->pfn, &node, zone))
		printf("  %-12s %u, zone %s\n", "node", node, zone);
	print_presence(explain, answer);
	if (answer->presence.state == PRESENCE_NO_MEMORY)
		return;
	print_page(explain, answer);
	print_owner(answer);
}

static void json_hex(struct json *json, const char *name, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%#" PRIx64, number);
	json_text(json, name, text);
}

static void json_path(const struct answer *answer, struct json *json)
{
	json_hex(json, "vaddr", answer->vaddr);
	if (answer->asked == ASKED_PROCESS)
		json_number(json, "pid", answer->pid);
	json_open_array(json, "page_tables");
	for (size_t i = 0; i < answer->path.count; i++) {
		json_open_object(json, NULL);
		json_number(json, "level", answer->path.steps[i].level);
		json_hex(json, "paddr", answer->path.steps[i].paddr);
		json_hex(json, "entry", answer->path.steps[i].entry);
		json_close(json);
	}
	json_close(json);
	if (!answer->path_why[0])
		json_number(json, "mapped_bytes", answer->path.page_bytes);
	json_text(json, "problem", answer->path_why[0] ? answer->path_why : NULL);
}

static void json_page(const struct explain *explain, const struct answer *answer, struct json *json)
{
	const struct pageinfo_page *page = &answer->page;
	char flags[PAGEINFO_TEXT_BYTES];

	json_open_object(json, "struct_page");
	json_text(json, "problem", answer->page_why[0] ? answer->page_why : NULL);
	if (!answer->page_why[0]) {
		pageinfo_flags(explain->info, page, flags);
		json_hex(json, "address", page->vaddr);
		json_hex(json, "flags", page->flags);
		json_text(json, "flag_names", flags);
		json_text(json, "type", pageinfo_type(explain->info, page));
		json_number(json, "head_pfn", page->head_pfn);
		json_number(json, "order", page->order);
		json_hex(json, "mapping", page->mapping);
		if (page->has_counts) {
			json_signed(json, "count", page->refcount);
			json_hex(json, "index", page->index);
		}
		if (page->has_counts && !pageinfo_is_typed(page))
			json_signed(json, "mapcount", (int64_t)(int32_t)page->type + 1);
	}
	json_close(json);
}

static void json_owner(const struct answer *answer, struct json *json)
{
	json_open_object(json, "owner");
	json_text(json, "kind", owner_kind_name(answer->owner.kind));
	json_text(json, "text", answer->owner.text[0] ? answer->owner.text : NULL);
	if (answer->mapped) {
		json_number(json, "process_count", answer->mapped->count);
		json_open_array(json, "processes");
		for (size_t i = 0; i < answer->mapped->count && i < OWNER_PROCESSES_MAX; i++) {
			json_open_object(json, NULL);
			json_number(json, "pid", answer->mapped->pids[i]);
			json_text(json, "name", answer->mapped->names[i]);
			json_close(json);
		}
		json_close(json);
	}
	json_close(json);
}

static void write_answer(struct explain *explain, const struct answer *answer)
{
	struct json *json = &explain->json;
	const struct presence *presence = &answer->presence;
	const char *class = guess(explain, answer);
	char zone[PAGEINFO_NAME_BYTES];
	uint32_t node;

	json_open_object(json, NULL);
	json_text(json, "word", answer->word);
	if (answer->asked == ASKED_KERNEL || answer->asked == ASKED_PROCESS)
		json_path(answer, json);
	if (!answer->path_why[0]) {
		json_hex(json, "paddr", answer->paddr);
		json_number(json, "pfn", answer->pfn);
		if (pageinfo_zone(explain->info, answer->pfn, &node, zone)) {
			json_number(json, "node", node);
			json_text(json, "zone", zone);
		}
		json_bool(json, "in_dump", presence_is_there(presence->state));
		json_text(json, "state", presence_state_name(presence->state));
		json_text(json, "class", presence->is_by_map ? presence_code_name(presence->code) : class);
		json_bool(json, "is_guess", !presence->is_by_map);
		json_bool(json, "is_conflict", presence->is_conflict);
		json_text(json, "text", presence->text[0] ? presence->text : presence_sentence(presence));
		json_page(explain, answer, json);
		json_owner(answer, json);
	}
	json_close(json);
}

static bool is_of_processes(const struct answer *answer)
{
	return answer->owner.kind == OWNER_ANON || answer->owner.kind == OWNER_FILE ||
	       answer->owner.kind == OWNER_HUGETLB || answer->owner.kind == OWNER_SHARED;
}

// Answers are looked for first, and told together: one walk over all processes is for all of them.
static struct error *explain_words(struct explain *explain)
{
	const struct inspect_dump *dump = explain->dump;
	_cleanup_free_ struct answer *answers = calloc(dump->word_count, sizeof(*answers));
	struct error *err = answers ? NULL : error_new(ERROR_NOMEM, "out of memory");
	size_t mapped = 0;

	for (size_t i = 0; !err && i < dump->word_count; i++) {
		err = parse_word(explain, dump->words[i], &answers[i]);
		if (!err)
			err = look(explain, &answers[i]);
		if (!err && is_of_processes(&answers[i])) {
			explain->mapped[mapped].pfn = answers[i].pfn;
			answers[i].mapped = &explain->mapped[mapped++];
		}
	}
	if (err)
		return err;
	// That some page table could not be read hides some processes, and no more.
	if (mapped)
		error_free(owner_find_processes(&explain->owner, explain->mapped, mapped));
	if (dump->is_json)
		json_open_array(&explain->json, NULL);
	for (size_t i = 0; i < dump->word_count; i++) {
		if (dump->is_json) {
			write_answer(explain, &answers[i]);
			continue;
		}
		if (i)
			putchar('\n');
		print_answer(explain, &answers[i]);
	}
	if (!dump->is_json)
		return NULL;
	json_close(&explain->json);
	return json_finish(&explain->json);
}

struct error *inspect_commands_explain(int argc, char **argv)
{
	_cleanup_inspect_dump_ struct inspect_dump dump;
	_cleanup_(pageinfo_closep) struct pageinfo *info = NULL;
	_cleanup_close_ int map_fd = -1;
	_cleanup_(pagemap_reader_destroyp) struct pagemap_reader *map = NULL;
	struct explain explain = {.dump = &dump};
	struct error *err =
		inspect_dump_open(argc, argv, INSPECT_DUMP_MAP | INSPECT_DUMP_RANGES, INSPECT_DUMP_WORDS, &dump);

	if (!err && dump.word_count && dump.given & INSPECT_DUMP_RANGES)
		err = error_new(ERROR_USAGE, "explain: --ranges goes without addresses");
	if (!err)
		err = inspect_dump_map(&dump, &map_fd, &map);
	if (!err)
		err = inspect_dump_machine(&dump);
	if (!err)
		err = pageinfo_open(dump.machine->kernel, &info);
	if (err)
		return err;
	explain.map = map;
	explain.info = info;
	explain.owner = (struct owner){dump.machine, info};
	json_init(&explain.json, stdout);
	if (dump.core->is_incomplete)
		fprintf(stderr, "kdump-inspect: warning: pages are missing that the dump should hold\n");
	return dump.word_count ? explain_words(&explain) : inspect_totals(&dump, map, info);
}
