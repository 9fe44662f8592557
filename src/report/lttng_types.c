// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/lttng_types.h"

#include <stdio.h>
#include <string.h>

#include "report/modtypes.h"

#define TRACER "lttng_tracer"
#define RING_BUFFER "lttng_lib_ring_buffer"

// What each is called. Where one has several rows, versions call it differently: the first that is there counts. Rows of one
// structure stand together.
static const struct {
	enum lttng_types_member which;
	const char *type, *member;
} names[] = {
	{LTTNG_TYPES_SESSION_CHAN, "lttng_kernel_session_private", "chan"},
	{LTTNG_TYPES_SESSION_CHAN, "lttng_kernel_session_private", "chan_head"},
	{LTTNG_TYPES_SESSION_LIST, "lttng_kernel_session_private", "list"},
	{LTTNG_TYPES_SESSION_LIST, "lttng_kernel_session_private", "node"},
	{LTTNG_TYPES_SESSION_UUID, "lttng_kernel_session_private", "uuid"},
	{LTTNG_TYPES_SESSION_METADATA_CACHE, "lttng_kernel_session_private", "metadata_cache"},
	{LTTNG_TYPES_SESSION_NAME, "lttng_kernel_session_private", "name"},
	{LTTNG_TYPES_CACHE_DATA, "lttng_metadata_cache", "data"},
	{LTTNG_TYPES_CACHE_ALLOC, "lttng_metadata_cache", "cache_alloc"},
	{LTTNG_TYPES_CACHE_WRITTEN, "lttng_metadata_cache", "metadata_written"},
	{LTTNG_TYPES_CACHE_PRODUCING, "lttng_metadata_cache", "producing"},
	{LTTNG_TYPES_CHANNEL_ID, "lttng_kernel_channel_buffer_private", "id"},
	{LTTNG_TYPES_CHANNEL_TYPE, "lttng_kernel_channel_buffer_private", "channel_type"},
	{LTTNG_TYPES_CHANNEL_RB_CHAN, "lttng_kernel_channel_buffer_private", "rb_chan"},
	{LTTNG_TYPES_CHANNEL_NODE, "lttng_kernel_channel_buffer_private", "node"},
	{LTTNG_TYPES_RING_COMMIT_COUNT_MASK, "lttng_kernel_ring_buffer_channel", "commit_count_mask"},
	{LTTNG_TYPES_RING_BACKEND, "lttng_kernel_ring_buffer_channel", "backend"},
	{LTTNG_TYPES_BACKEND_BUF_SIZE, "channel_backend", "buf_size"},
	{LTTNG_TYPES_BACKEND_SUBBUF_SIZE, "channel_backend", "subbuf_size"},
	{LTTNG_TYPES_BACKEND_BUF, "channel_backend", "buf"},
	{LTTNG_TYPES_BACKEND_BUF, "channel_backend", "percpu_buf"},
	{LTTNG_TYPES_BACKEND_NUM_SUBBUF, "channel_backend", "num_subbuf"},
	{LTTNG_TYPES_BUFFER_OFFSET, "lttng_kernel_ring_buffer", "offset"},
	{LTTNG_TYPES_BUFFER_COMMIT_HOT, "lttng_kernel_ring_buffer", "commit_hot"},
	{LTTNG_TYPES_BUFFER_CONSUMED, "lttng_kernel_ring_buffer", "consumed"},
	{LTTNG_TYPES_BUFFER_LAST_TSC, "lttng_kernel_ring_buffer", "last_tsc"},
	{LTTNG_TYPES_BUFFER_LAST_TSC, "lttng_kernel_ring_buffer", "last_timestamp"},
	{LTTNG_TYPES_BUFFER_BACKEND, "lttng_kernel_ring_buffer", "backend"},
	{LTTNG_TYPES_BUFFER_COMMIT_COLD, "lttng_kernel_ring_buffer", "commit_cold"},
	{LTTNG_TYPES_BUFFER_LOST_FULL, "lttng_kernel_ring_buffer", "records_lost_full"},
	{LTTNG_TYPES_BUFFER_LOST_WRAP, "lttng_kernel_ring_buffer", "records_lost_wrap"},
	{LTTNG_TYPES_BUFFER_LOST_BIG, "lttng_kernel_ring_buffer", "records_lost_big"},
	{LTTNG_TYPES_STORE_WSB, "lttng_kernel_ring_buffer_backend", "buf_wsb"},
	{LTTNG_TYPES_STORE_RSB, "lttng_kernel_ring_buffer_backend", "buf_rsb"},
	{LTTNG_TYPES_STORE_ARRAY, "lttng_kernel_ring_buffer_backend", "array"},
	{LTTNG_TYPES_STORE_CHAN, "lttng_kernel_ring_buffer_backend", "chan"},
	{LTTNG_TYPES_STORE_CPU, "lttng_kernel_ring_buffer_backend", "cpu"},
	{LTTNG_TYPES_HOT_SEQ, "commit_counters_hot", "seq"},
	{LTTNG_TYPES_HOT_BYTES, "commit_counters_hot", NULL},
	{LTTNG_TYPES_COLD_CC_SB, "commit_counters_cold", "cc_sb"},
	{LTTNG_TYPES_COLD_BYTES, "commit_counters_cold", NULL},
	{LTTNG_TYPES_PAGES_P, "lttng_kernel_ring_buffer_backend_pages", "p"},
	{LTTNG_TYPES_PAGE_VIRT, "lttng_kernel_ring_buffer_backend_page", "virt"},
	{LTTNG_TYPES_PAGE_BYTES, "lttng_kernel_ring_buffer_backend_page", NULL},
	{LTTNG_TYPES_SUBBUFFER_ID, "lttng_kernel_ring_buffer_backend_subbuffer", "id"},
	{LTTNG_TYPES_SUBBUFFER_BYTES, "lttng_kernel_ring_buffer_backend_subbuffer", NULL},
	// The first thing in the one above.
	{LTTNG_TYPES_CHANNEL_NODE, "lttng_kernel_channel_common_private", "node"},
};

// Versions 2 whose structures are known.
enum { FIRST_MINOR = 13, LAST_MINOR = 16 };

// Where they are in the first of them, as pahole tells it of modules that were compiled, for 64-bit machines.
static const uint32_t places[LTTNG_TYPES_MEMBER_COUNT] = {
	[LTTNG_TYPES_SESSION_CHAN] = 24,
	[LTTNG_TYPES_SESSION_LIST] = 56,
	[LTTNG_TYPES_SESSION_UUID] = 76,
	[LTTNG_TYPES_SESSION_METADATA_CACHE] = 96,
	[LTTNG_TYPES_SESSION_NAME] = 32896,
	[LTTNG_TYPES_CACHE_DATA] = 0,
	[LTTNG_TYPES_CACHE_ALLOC] = 8,
	[LTTNG_TYPES_CACHE_WRITTEN] = 12,
	[LTTNG_TYPES_CACHE_PRODUCING] = 16,
	[LTTNG_TYPES_CHANNEL_ID] = 112,
	[LTTNG_TYPES_CHANNEL_TYPE] = 124,
	[LTTNG_TYPES_CHANNEL_RB_CHAN] = 136,
	[LTTNG_TYPES_CHANNEL_NODE] = 152,
	[LTTNG_TYPES_RING_COMMIT_COUNT_MASK] = 8,
	[LTTNG_TYPES_RING_BACKEND] = 16,
	[LTTNG_TYPES_BACKEND_BUF_SIZE] = 0,
	[LTTNG_TYPES_BACKEND_SUBBUF_SIZE] = 8,
	[LTTNG_TYPES_BACKEND_BUF] = 32,
	[LTTNG_TYPES_BACKEND_NUM_SUBBUF] = 40,
	[LTTNG_TYPES_BUFFER_OFFSET] = 0,
	[LTTNG_TYPES_BUFFER_COMMIT_HOT] = 8,
	[LTTNG_TYPES_BUFFER_CONSUMED] = 16,
	[LTTNG_TYPES_BUFFER_LAST_TSC] = 32,
	[LTTNG_TYPES_BUFFER_BACKEND] = 40,
	[LTTNG_TYPES_BUFFER_COMMIT_COLD] = 112,
	[LTTNG_TYPES_BUFFER_LOST_FULL] = 136,
	[LTTNG_TYPES_BUFFER_LOST_WRAP] = 144,
	[LTTNG_TYPES_BUFFER_LOST_BIG] = 152,
	[LTTNG_TYPES_STORE_WSB] = 0,
	[LTTNG_TYPES_STORE_RSB] = 8,
	[LTTNG_TYPES_STORE_ARRAY] = 24,
	[LTTNG_TYPES_STORE_CHAN] = 40,
	[LTTNG_TYPES_STORE_CPU] = 48,
	[LTTNG_TYPES_HOT_SEQ] = 8,
	[LTTNG_TYPES_HOT_BYTES] = 16,
	[LTTNG_TYPES_COLD_CC_SB] = 0,
	[LTTNG_TYPES_COLD_BYTES] = 8,
	[LTTNG_TYPES_PAGES_P] = 32,
	[LTTNG_TYPES_PAGE_VIRT] = 0,
	[LTTNG_TYPES_PAGE_BYTES] = 16,
	[LTTNG_TYPES_SUBBUFFER_ID] = 0,
	[LTTNG_TYPES_SUBBUFFER_BYTES] = 8,
};

// What has another place from a version on; between these the sources of all that stands before a member are the same.
static const struct {
	unsigned int minor;
	enum lttng_types_member which;
	uint32_t at;
} moves[] = {
	{14, LTTNG_TYPES_SESSION_LIST, 65608},
	{14, LTTNG_TYPES_SESSION_UUID, 65628},
	{14, LTTNG_TYPES_SESSION_METADATA_CACHE, 65648},
	{14, LTTNG_TYPES_SESSION_NAME, 66173},
	{14, LTTNG_TYPES_CHANNEL_ID, 136},
	{14, LTTNG_TYPES_CHANNEL_TYPE, 148},
	{14, LTTNG_TYPES_CHANNEL_RB_CHAN, 160},
	{14, LTTNG_TYPES_CHANNEL_NODE, 24},
	{14, LTTNG_TYPES_COLD_BYTES, 16},
};

static const struct modlist_module *find(const struct modlist *modules, const char *name)
{
	for (size_t i = 0; i < modules->count; i++)
		if (strcmp(modules->list[i].name, name) == 0)
			return &modules->list[i];
	return NULL;
}

// MODULE_VERSION() of the module; it may have none.
static void read_version(struct lttng_types *types, struct kernel *kernel, const struct modlist_module *module)
{
	struct btf_query query = {.type = "module", .member = "version"};
	uint64_t text = 0;
	struct error *err = kernel_find_members(kernel, &query, 1);

	if (!err && query.is_found)
		err = vmemory_uint(kernel->memory, module->vaddr + query.offset_bytes, 8, &text);
	if (!err && text)
		err = vmemory_text(kernel->memory, text, types->version, sizeof(types->version));
	if (err)
		types->version[0] = '\0';
	error_free(err);
}

static const char *name_of(size_t which)
{
	size_t i = 0;

	while (names[i].which != which)
		i++;
	return names[i].member ? names[i].member : names[i].type;
}

// The types of both modules; false: one is missing, and why_ret says why.
static bool by_types(struct lttng_types *types, struct kernel *kernel, char why_ret[KERNEL_WHY_BYTES])
{
	struct btf_query queries[array_size(names)] = {0};
	bool is_found[LTTNG_TYPES_MEMBER_COUNT] = {0};
	struct error *err;

	for (size_t i = 0; i < array_size(names); i++)
		queries[i] = (struct btf_query){.type = names[i].type, .member = names[i].member};
	err = modtypes_find(kernel, TRACER, queries, array_size(queries));
	if (!err)
		err = modtypes_find(kernel, RING_BUFFER, queries, array_size(queries));
	for (size_t i = 0; i < array_size(names) && !err; i++) {
		if (!queries[i].is_found || is_found[names[i].which])
			continue;
		is_found[names[i].which] = true;
		types->at[names[i].which] = queries[i].member ? queries[i].offset_bytes : queries[i].size_bytes;
	}
	for (size_t i = 0; i < LTTNG_TYPES_MEMBER_COUNT && !err; i++)
		if (!is_found[i])
			err = error_new(ERROR_UNSUPPORTED, "the types of the modules have no %s", name_of(i));
	if (!err) {
		snprintf(types->from, sizeof(types->from), "types of the modules");
		return true;
	}
	kernel_explain(why_ret, err);
	return false;
}

static bool by_version(struct lttng_types *types)
{
	unsigned int minor;

	// "2.13.9", also "2.13.9-pre".
	if (sscanf(types->version, "2.%3u.", &minor) != 1)
		return false;
	if (minor < FIRST_MINOR || minor > LAST_MINOR)
		return false;
	for (size_t i = 0; i < LTTNG_TYPES_MEMBER_COUNT; i++)
		types->at[i] = places[i];
	for (size_t i = 0; i < array_size(moves); i++)
		if (minor >= moves[i].minor)
			types->at[moves[i].which] = moves[i].at;
	snprintf(types->from, sizeof(types->from), "version %.60s", types->version);
	return true;
}

struct error *lttng_types_init(struct lttng_types *ret, struct kernel *kernel, const struct modlist *modules)
{
	const struct modlist_module *tracer = find(modules, TRACER);
	char why[KERNEL_WHY_BYTES] = "";

	*ret = (struct lttng_types){0};
	if (!tracer && modules->why[0])
		return error_new(ERROR_UNSUPPORTED, "no module " TRACER " is found: %s", modules->why);
	if (!tracer)
		return error_new(ERROR_UNSUPPORTED, "LTTng was not in use: there is no module " TRACER);
	read_version(ret, kernel, tracer);
	if (by_types(ret, kernel, why) || by_version(ret))
		return NULL;
	return error_new(
		ERROR_UNSUPPORTED,
		"the structures of LTTng-modules %s are not known: %s (without types versions 2.%d to 2.%d are)",
		ret->version[0] ? ret->version : "of no version", why, FIRST_MINOR, LAST_MINOR);
}
