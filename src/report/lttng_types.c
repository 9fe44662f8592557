// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/lttng_types.h"

#include <stdio.h>
#include <string.h>

#include "report/modtypes.h"

#define TRACER "lttng_tracer"
#define RING_BUFFER "lttng_lib_ring_buffer"

// Its name, and where it is in versions 2.13: lttng-modules v2.13.0 to v2.13.18, the same in all, as pahole tells it.
static const struct {
	const char *type, *member;
	uint32_t at;
} members[LTTNG_TYPES_MEMBER_COUNT] = {
	[LTTNG_TYPES_SESSION_CHAN] = {"lttng_kernel_session_private", "chan", 24},
	[LTTNG_TYPES_SESSION_LIST] = {"lttng_kernel_session_private", "list", 56},
	[LTTNG_TYPES_SESSION_UUID] = {"lttng_kernel_session_private", "uuid", 76},
	[LTTNG_TYPES_SESSION_METADATA_CACHE] = {"lttng_kernel_session_private", "metadata_cache", 96},
	[LTTNG_TYPES_SESSION_NAME] = {"lttng_kernel_session_private", "name", 32896},
	[LTTNG_TYPES_CACHE_DATA] = {"lttng_metadata_cache", "data", 0},
	[LTTNG_TYPES_CACHE_ALLOC] = {"lttng_metadata_cache", "cache_alloc", 8},
	[LTTNG_TYPES_CACHE_WRITTEN] = {"lttng_metadata_cache", "metadata_written", 12},
	[LTTNG_TYPES_CACHE_PRODUCING] = {"lttng_metadata_cache", "producing", 16},
	[LTTNG_TYPES_CHANNEL_ID] = {"lttng_kernel_channel_buffer_private", "id", 112},
	[LTTNG_TYPES_CHANNEL_TYPE] = {"lttng_kernel_channel_buffer_private", "channel_type", 124},
	[LTTNG_TYPES_CHANNEL_RB_CHAN] = {"lttng_kernel_channel_buffer_private", "rb_chan", 136},
	[LTTNG_TYPES_CHANNEL_NODE] = {"lttng_kernel_channel_buffer_private", "node", 152},
	[LTTNG_TYPES_RING_COMMIT_COUNT_MASK] = {"lttng_kernel_ring_buffer_channel", "commit_count_mask", 8},
	[LTTNG_TYPES_RING_BACKEND] = {"lttng_kernel_ring_buffer_channel", "backend", 16},
	[LTTNG_TYPES_BACKEND_BUF_SIZE] = {"channel_backend", "buf_size", 0},
	[LTTNG_TYPES_BACKEND_SUBBUF_SIZE] = {"channel_backend", "subbuf_size", 8},
	[LTTNG_TYPES_BACKEND_BUF] = {"channel_backend", "buf", 32},
	[LTTNG_TYPES_BACKEND_NUM_SUBBUF] = {"channel_backend", "num_subbuf", 40},
	[LTTNG_TYPES_BUFFER_OFFSET] = {"lttng_kernel_ring_buffer", "offset", 0},
	[LTTNG_TYPES_BUFFER_COMMIT_HOT] = {"lttng_kernel_ring_buffer", "commit_hot", 8},
	[LTTNG_TYPES_BUFFER_CONSUMED] = {"lttng_kernel_ring_buffer", "consumed", 16},
	[LTTNG_TYPES_BUFFER_LAST_TSC] = {"lttng_kernel_ring_buffer", "last_tsc", 32},
	[LTTNG_TYPES_BUFFER_BACKEND] = {"lttng_kernel_ring_buffer", "backend", 40},
	[LTTNG_TYPES_BUFFER_COMMIT_COLD] = {"lttng_kernel_ring_buffer", "commit_cold", 112},
	[LTTNG_TYPES_BUFFER_LOST_FULL] = {"lttng_kernel_ring_buffer", "records_lost_full", 136},
	[LTTNG_TYPES_BUFFER_LOST_WRAP] = {"lttng_kernel_ring_buffer", "records_lost_wrap", 144},
	[LTTNG_TYPES_BUFFER_LOST_BIG] = {"lttng_kernel_ring_buffer", "records_lost_big", 152},
	[LTTNG_TYPES_STORE_WSB] = {"lttng_kernel_ring_buffer_backend", "buf_wsb", 0},
	[LTTNG_TYPES_STORE_RSB] = {"lttng_kernel_ring_buffer_backend", "buf_rsb", 8},
	[LTTNG_TYPES_STORE_ARRAY] = {"lttng_kernel_ring_buffer_backend", "array", 24},
	[LTTNG_TYPES_STORE_CHAN] = {"lttng_kernel_ring_buffer_backend", "chan", 40},
	[LTTNG_TYPES_STORE_CPU] = {"lttng_kernel_ring_buffer_backend", "cpu", 48},
	[LTTNG_TYPES_HOT_SEQ] = {"commit_counters_hot", "seq", 8},
	[LTTNG_TYPES_HOT_BYTES] = {"commit_counters_hot", NULL, 16},
	[LTTNG_TYPES_COLD_CC_SB] = {"commit_counters_cold", "cc_sb", 0},
	[LTTNG_TYPES_COLD_BYTES] = {"commit_counters_cold", NULL, 8},
	[LTTNG_TYPES_PAGES_P] = {"lttng_kernel_ring_buffer_backend_pages", "p", 32},
	[LTTNG_TYPES_PAGE_VIRT] = {"lttng_kernel_ring_buffer_backend_page", "virt", 0},
	[LTTNG_TYPES_PAGE_BYTES] = {"lttng_kernel_ring_buffer_backend_page", NULL, 16},
	[LTTNG_TYPES_SUBBUFFER_ID] = {"lttng_kernel_ring_buffer_backend_subbuffer", "id", 0},
	[LTTNG_TYPES_SUBBUFFER_BYTES] = {"lttng_kernel_ring_buffer_backend_subbuffer", NULL, 8},
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

// The types of both modules; false: one is missing, and why_ret says why.
static bool by_types(struct lttng_types *types, struct kernel *kernel, char why_ret[KERNEL_WHY_BYTES])
{
	struct btf_query queries[LTTNG_TYPES_MEMBER_COUNT] = {0};
	struct error *err;

	for (size_t i = 0; i < LTTNG_TYPES_MEMBER_COUNT; i++)
		queries[i] = (struct btf_query){.type = members[i].type, .member = members[i].member};
	err = modtypes_find(kernel, TRACER, queries, LTTNG_TYPES_MEMBER_COUNT);
	if (!err)
		err = modtypes_find(kernel, RING_BUFFER, queries, LTTNG_TYPES_MEMBER_COUNT);
	for (size_t i = 0; i < LTTNG_TYPES_MEMBER_COUNT && !err; i++) {
		if (!queries[i].is_found)
			err = error_new(ERROR_UNSUPPORTED, "the types of the modules have no %s%s%s", queries[i].type,
			                queries[i].member ? "." : "", queries[i].member ? queries[i].member : "");
		types->at[i] = queries[i].member ? queries[i].offset_bytes : queries[i].size_bytes;
	}
	if (!err) {
		snprintf(types->from, sizeof(types->from), "types of the modules");
		return true;
	}
	kernel_explain(why_ret, err);
	return false;
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
	if (by_types(ret, kernel, why))
		return NULL;
	if (strncmp(ret->version, "2.13.", 5) != 0)
		return error_new(
			ERROR_UNSUPPORTED,
			"the structures of LTTng-modules %s are not known: %s (without types versions 2.13 are known)",
			ret->version[0] ? ret->version : "of no version", why);
	for (size_t i = 0; i < LTTNG_TYPES_MEMBER_COUNT; i++)
		ret->at[i] = members[i].at;
	snprintf(ret->from, sizeof(ret->from), "version %.60s", ret->version);
	return NULL;
}
