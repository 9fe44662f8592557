// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/lttng.h"

#include <stdlib.h>
#include <string.h>

enum {
	POINTER_BYTES = 8,
	// enum channel_type: PER_CPU_CHANNEL is 0.
	METADATA_CHANNEL = 1,
	// Sub-buffers of a buffer; LTTng's own limit is that of memory.
	SUBBUFS_MAX = 1 << 20,
	SUBBUF_MIN_BYTES = 4096,
	// Of all channels, on all CPUs.
	BUFFERS_MAX = 1 << 20,
};

// What a file of metadata begins with; the tracer leaves it to those who write the file.
#define METADATA_START "/* CTF 1.8 */\n\n"
#define METADATA_ITEM_END "};\n\n"
// CTF 2, which LTTng 2.15 and newer write where they are told to, is JSON: this is before each item, and there is nothing else.
#define METADATA_RECORD_START '\x1e'

static struct error *get(const struct lttng *lttng, uint64_t vaddr, enum lttng_types_member which, size_t size_bytes,
                         uint64_t *ret)
{
	return vmemory_uint(lttng->kernel->memory, vaddr + lttng->types.at[which], size_bytes, ret);
}

static bool is_power(uint64_t number)
{
	return number && (number & (number - 1)) == 0;
}

static struct error *read_geometry(const struct lttng *lttng, struct lttng_channel *channel)
{
	uint64_t backend = channel->ring_vaddr + lttng->types.at[LTTNG_TYPES_RING_BACKEND], bytes = 0;
	struct error *err =
		get(lttng, channel->ring_vaddr, LTTNG_TYPES_RING_COMMIT_COUNT_MASK, 8, &channel->commit_mask);

	if (!err)
		err = get(lttng, backend, LTTNG_TYPES_BACKEND_BUF_SIZE, 8, &bytes);
	if (!err)
		err = get(lttng, backend, LTTNG_TYPES_BACKEND_SUBBUF_SIZE, 8, &channel->subbuf_bytes);
	if (!err)
		err = get(lttng, backend, LTTNG_TYPES_BACKEND_NUM_SUBBUF, 8, &channel->subbuf_count);
	if (!err)
		err = get(lttng, backend, LTTNG_TYPES_BACKEND_BUF, POINTER_BYTES, &channel->buffers);
	if (err)
		return err;
	if (!is_power(channel->subbuf_bytes) || channel->subbuf_bytes < SUBBUF_MIN_BYTES ||
	    channel->subbuf_bytes > CTF_PACKET_MAX_BYTES || !is_power(channel->subbuf_count) ||
	    channel->subbuf_count > SUBBUFS_MAX || bytes != channel->subbuf_bytes * channel->subbuf_count)
		return error_new(ERROR_BAD_DATA, "a buffer of %ju bytes has %ju sub-buffers of %ju bytes",
		                 (uintmax_t)bytes, (uintmax_t)channel->subbuf_count, (uintmax_t)channel->subbuf_bytes);
	return NULL;
}

static struct error *add_channel(const struct lttng *lttng, uint64_t vaddr, struct lttng_session *session)
{
	struct lttng_channel channel = {0};
	uint64_t id = 0, type = 0;
	struct error *err = get(lttng, vaddr, LTTNG_TYPES_CHANNEL_ID, 4, &id);

	if (!err)
		err = get(lttng, vaddr, LTTNG_TYPES_CHANNEL_TYPE, 4, &type);
	if (!err)
		err = get(lttng, vaddr, LTTNG_TYPES_CHANNEL_RB_CHAN, POINTER_BYTES, &channel.ring_vaddr);
	if (err || type == METADATA_CHANNEL)
		return err;
	for (size_t i = 0; i < session->channel_count; i++)
		if (session->channels[i].id == id || session->channels[i].ring_vaddr == channel.ring_vaddr)
			return error_new(ERROR_BAD_DATA, "channel %ju is there twice", (uintmax_t)id);
	if (session->channel_count >= LTTNG_CHANNELS_MAX)
		return error_new(ERROR_BAD_DATA, "the list of channels has no end");
	channel.id = (uint32_t)id;
	kernel_explain(channel.why, read_geometry(lttng, &channel));
	session->channels[session->channel_count++] = channel;
	return NULL;
}

static struct error *read_channels(const struct lttng *lttng, uint64_t vaddr, struct lttng_session *session)
{
	uint64_t head = vaddr + lttng->types.at[LTTNG_TYPES_SESSION_CHAN], node = 0;
	struct error *err = vmemory_uint(lttng->kernel->memory, head, POINTER_BYTES, &node);

	session->channels = calloc(LTTNG_CHANNELS_MAX, sizeof(*session->channels));
	if (!session->channels && !err)
		err = error_new(ERROR_NOMEM, "no memory for channels");
	// Channels of metadata are skipped: the steps are counted too.
	for (size_t steps = 0; !err && node != head; steps++) {
		if (steps > LTTNG_CHANNELS_MAX)
			return error_new(ERROR_BAD_DATA, "the list of channels has no end");
		err = add_channel(lttng, node - lttng->types.at[LTTNG_TYPES_CHANNEL_NODE], session);
		if (!err)
			err = vmemory_uint(lttng->kernel->memory, node, POINTER_BYTES, &node);
	}
	return err;
}

static struct error *read_cache(const struct lttng *lttng, uint64_t vaddr, struct lttng_session *session)
{
	uint64_t cache = 0, room = 0, producing = 0;
	struct error *err = get(lttng, vaddr, LTTNG_TYPES_SESSION_METADATA_CACHE, POINTER_BYTES, &cache);

	if (!err)
		err = get(lttng, cache, LTTNG_TYPES_CACHE_DATA, POINTER_BYTES, &session->metadata_vaddr);
	if (!err)
		err = get(lttng, cache, LTTNG_TYPES_CACHE_ALLOC, 4, &room);
	if (!err)
		err = get(lttng, cache, LTTNG_TYPES_CACHE_WRITTEN, 4, &session->metadata_bytes);
	if (!err)
		err = get(lttng, cache, LTTNG_TYPES_CACHE_PRODUCING, 4, &producing);
	if (!err && session->metadata_bytes > room) {
		session->metadata_bytes = 0;
		err = error_new(ERROR_BAD_DATA, "metadata beyond its %ju bytes", (uintmax_t)room);
	}
	session->is_metadata_changing = producing != 0;
	return err;
}

static struct error *read_session(const struct lttng *lttng, uint64_t vaddr, struct lttng_session *session)
{
	struct error *err = vmemory_text(lttng->kernel->memory, vaddr + lttng->types.at[LTTNG_TYPES_SESSION_NAME],
	                                 session->name, sizeof(session->name));

	session->vaddr = vaddr;
	if (!err)
		err = vmemory_read(lttng->kernel->memory, vaddr + lttng->types.at[LTTNG_TYPES_SESSION_UUID],
		                   session->uuid, sizeof(session->uuid));
	if (err)
		return err;
	err = read_cache(lttng, vaddr, session);
	if (!err)
		err = read_channels(lttng, vaddr, session);
	// Of what is damaged the rest is told.
	kernel_explain(session->why, err);
	return NULL;
}

static bool is_known(const struct lttng *lttng, uint64_t vaddr)
{
	for (size_t i = 0; i < lttng->session_count; i++)
		if (lttng->sessions[i].vaddr == vaddr)
			return true;
	return false;
}

static struct error *read_sessions(struct lttng *lttng, uint64_t head)
{
	uint64_t node = 0;
	struct error *err = vmemory_uint(lttng->kernel->memory, head, POINTER_BYTES, &node);

	while (!err && node != head) {
		uint64_t vaddr = node - lttng->types.at[LTTNG_TYPES_SESSION_LIST];

		if (lttng->session_count >= LTTNG_SESSIONS_MAX || is_known(lttng, vaddr))
			return error_new(ERROR_BAD_DATA, "the list of sessions has no end");
		// It has its place already where its reading fails: what it has is freed.
		err = read_session(lttng, vaddr, &lttng->sessions[lttng->session_count++]);
		if (!err)
			err = vmemory_uint(lttng->kernel->memory, node, POINTER_BYTES, &node);
	}
	return err;
}

struct sessions_symbol {
	uint64_t vaddr;
};

// A symbol of this name may be in other modules too.
static void take_symbol(void *context, const struct symbols_place *place)
{
	struct sessions_symbol *found = context;

	if (place->module && strcmp(place->module->name, "lttng_tracer") == 0)
		found->vaddr = place->vaddr;
}

struct error *lttng_open(const struct machine *machine, struct lttng **ret)
{
	_cleanup_(lttng_closep) struct lttng *lttng = calloc(1, sizeof(*lttng));
	struct sessions_symbol found = {0};
	struct error *err;

	if (!lttng)
		return error_new(ERROR_NOMEM, "no memory for sessions");
	lttng->kernel = machine->kernel;
	lttng->pages_left = vmcore_count_frames(machine->kernel->core, VMCORE_FRAMES_PRESENT);
	lttng->buffers_left = BUFFERS_MAX;
	lttng->sessions = calloc(LTTNG_SESSIONS_MAX, sizeof(*lttng->sessions));
	if (!lttng->sessions)
		return error_new(ERROR_NOMEM, "no memory for sessions");
	err = lttng_types_init(&lttng->types, machine->kernel, &machine->modules);
	if (!err)
		err = symbols_each(machine->symbols, "sessions", take_symbol, &found);
	if (!err && !found.vaddr)
		err = error_new(ERROR_UNSUPPORTED, "module lttng_tracer has no symbol \"sessions\"");
	if (err)
		return err;
	kernel_explain(lttng->why, read_sessions(lttng, found.vaddr));
	*ret = take_ptr(lttng);
	return NULL;
}

void lttng_close(struct lttng *lttng)
{
	if (!lttng)
		return;
	for (size_t i = 0; lttng->sessions && i < lttng->session_count; i++)
		free(lttng->sessions[i].channels);
	free(lttng->sessions);
	free(lttng);
}

// Where the last thing that is whole ends.
static size_t whole_items(const char *text, size_t size)
{
	const size_t end = strlen(METADATA_ITEM_END);

	if (text[0] == METADATA_RECORD_START) {
		while (size && text[size - 1] != METADATA_RECORD_START)
			size--;
		return size ? size - 1 : 0;
	}
	while (size >= end && memcmp(text + size - end, METADATA_ITEM_END, end) != 0)
		size--;
	return size >= end ? size : 0;
}

struct error *lttng_metadata(const struct lttng *lttng, const struct lttng_session *session, char **ret,
                             size_t *size_ret)
{
	size_t start = strlen(METADATA_START), size = session->metadata_bytes;
	_cleanup_free_ char *text = NULL;
	struct error *err;

	if (!size || size > LTTNG_METADATA_MAX_BYTES)
		return error_new(ERROR_BAD_DATA, "metadata of %zu bytes", size);
	text = malloc(start + size);
	if (!text)
		return error_new(ERROR_NOMEM, "no memory for metadata");
	err = vmemory_read(lttng->kernel->memory, session->metadata_vaddr, text + start, size);
	if (err)
		return error_wrap(err, "metadata");
	if (session->is_metadata_changing)
		size = whole_items(text + start, size);
	if (size && text[start] == METADATA_RECORD_START) {
		memmove(text, text + start, size);
		start = 0;
	} else {
		memcpy(text, METADATA_START, start);
	}
	*ret = take_ptr(text);
	*size_ret = start + size;
	return NULL;
}
