// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A small machine that LTTng-modules traced, in a fakecore: a session with a channel of two sub-buffers, as version 2.13 has them, and
 * types of the modules.
 *
 * What is in the buffers are headers of packets, written down here as src/lttng-ring-buffer-client.h of lttng-modules has them, and no
 * events.
 */
#ifndef FAKELTTNG_H
#define FAKELTTNG_H

#include "fakebtf.h"
#include "fakecrash.h"

// Where things are, from fakecore_image on.
enum {
	FAKELTTNG_HEAD = FAKECRASH_MODULE_TEXT + 0x800, // The list of sessions: the module's second symbol.
	FAKELTTNG_MODULE_TEXT = FAKECRASH_MODULE + 0x900,
	FAKELTTNG_SESSION = FAKECRASH_FREE, // struct lttng_kernel_session_private, with a table of 32 KiB in it.
	FAKELTTNG_CACHE = FAKECRASH_FREE + 0x9000,
	FAKELTTNG_METADATA = FAKECRASH_FREE + 0x9100,
	FAKELTTNG_CHANNEL = FAKECRASH_FREE + 0xa000,
	FAKELTTNG_METADATA_CHANNEL = FAKECRASH_FREE + 0xa200,
	FAKELTTNG_RING = FAKECRASH_FREE + 0xa400,
	FAKELTTNG_WRITERS = FAKECRASH_FREE + 0xa800, // Identifiers of sub-buffers.
	FAKELTTNG_HOT = FAKECRASH_FREE + 0xa900,
	FAKELTTNG_COLD = FAKECRASH_FREE + 0xaa00,
	FAKELTTNG_ARRAY = FAKECRASH_FREE + 0xab00,
	FAKELTTNG_PAGES = FAKECRASH_FREE + 0xac00, // Lists of pages, 0x100 bytes each.
	FAKELTTNG_DATA = FAKECRASH_FREE + 0x10000, // 8 KiB each.
	FAKELTTNG_TYPES = FAKECRASH_FREE + 0x20000,
	FAKELTTNG_BTF_MODULE = FAKECRASH_FREE + 0x28000, // struct btf_module; behind it struct btf.
	FAKELTTNG_PER_CPU = 0xa00, // What the only CPU has.
	FAKELTTNG_SUBBUF_BYTES = 8192,
	FAKELTTNG_SUBBUFS = 2,
	FAKELTTNG_OWN_TYPES = 5000, // Number of the module's first one.
	FAKELTTNG_ID = 7, // Of the channel.
	FAKELTTNG_MOVED_ID = 176, // Where the types say that it is.
};

static const struct fakecrash_struct fakelttng_structs[] = {
	{"btf_module", 64, {{"list", 8, 8}, {"btf", 32, 8}}},
	{"btf", 128, {{"data", 0, 8}, {"data_size", 24, 4}, {"start_id", 32, 4}, {"name", 40, 8}}},
};

static const struct fakesym fakelttng_symbols[] = {{'d', "btf_modules", fakecore_image + FAKELTTNG_BTF_MODULE + 0x200}};

static inline uint64_t fakelttng_at(uint64_t place)
{
	return fakecore_image + place;
}

static inline uint64_t fakelttng_buffer(void)
{
	return fakelttng_at(FAKECRASH_PER_CPU + FAKELTTNG_PER_CPU);
}

static inline void fakelttng_put(struct fakecore *fake, uint64_t place, uint64_t value)
{
	fakecrash_put(fake, place, value, 8);
}

// A list of one or two.
static inline void fakelttng_link(struct fakecore *fake, uint64_t head, uint64_t first, uint64_t second)
{
	fakelttng_put(fake, head, first);
	fakelttng_put(fake, first, second ? second : head);
	if (second)
		fakelttng_put(fake, second, head);
}

// A packet's header, as src/lttng-ring-buffer-client.h of lttng-modules has it.
static inline void fakelttng_header(struct fakecore *fake, uint64_t data, uint64_t sequence, uint64_t begin,
                                    uint64_t end, uint64_t content_bits, uint64_t packet_bits)
{
	fakecrash_put(fake, data, 0xC1FC1FC1, 4);
	memset(fake->memory + (data - fakecore_image) + 4, 0xab, 16);
	fakecrash_put(fake, data + 20, FAKELTTNG_ID, 4);
	fakelttng_put(fake, data + 24, 0);
	fakelttng_put(fake, data + 32, begin);
	fakelttng_put(fake, data + 40, end);
	fakelttng_put(fake, data + 48, content_bits);
	fakelttng_put(fake, data + 56, packet_bits);
	fakelttng_put(fake, data + 64, sequence);
	fakelttng_put(fake, data + 72, 3);
	fakecrash_put(fake, data + 80, 0, 4);
}

static inline void fakelttng_session(struct fakecore *fake)
{
	static const char name[] = "auto/..\033[2J", metadata[] = "trace { };\n\nevent { };\n\neve";
	uint8_t *memory = fake->memory;

	fakelttng_link(fake, fakelttng_at(FAKELTTNG_HEAD), fakelttng_at(FAKELTTNG_SESSION) + 56, 0);
	fakelttng_link(fake, fakelttng_at(FAKELTTNG_SESSION) + 24, fakelttng_at(FAKELTTNG_METADATA_CHANNEL) + 152,
	               fakelttng_at(FAKELTTNG_CHANNEL) + 152);
	memset(memory + FAKELTTNG_SESSION + 76, 0xab, 16);
	fakelttng_put(fake, fakelttng_at(FAKELTTNG_SESSION) + 96, fakelttng_at(FAKELTTNG_CACHE));
	memcpy(memory + FAKELTTNG_SESSION + 32896, name, sizeof(name));
	fakelttng_put(fake, fakelttng_at(FAKELTTNG_CACHE), fakelttng_at(FAKELTTNG_METADATA));
	fakecrash_put(fake, fakelttng_at(FAKELTTNG_CACHE) + 8, 4096, 4);
	fakecrash_put(fake, fakelttng_at(FAKELTTNG_CACHE) + 12, sizeof(metadata) - 1, 4);
	memcpy(memory + FAKELTTNG_METADATA, metadata, sizeof(metadata));
}

// The first sub-buffer is whole, and was written for the second time; the other one is written to 300 bytes.
static inline void fakelttng_channel(struct fakecore *fake)
{
	fakecrash_put(fake, fakelttng_at(FAKELTTNG_CHANNEL) + 112, FAKELTTNG_ID, 4);
	fakelttng_put(fake, fakelttng_at(FAKELTTNG_CHANNEL) + 136, fakelttng_at(FAKELTTNG_RING));
	fakecrash_put(fake, fakelttng_at(FAKELTTNG_METADATA_CHANNEL) + 124, 1, 4);
	fakelttng_put(fake, fakelttng_at(FAKELTTNG_RING) + 8, UINT64_MAX >> 1);
	fakelttng_put(fake, fakelttng_at(FAKELTTNG_RING) + 16, FAKELTTNG_SUBBUFS * FAKELTTNG_SUBBUF_BYTES);
	fakelttng_put(fake, fakelttng_at(FAKELTTNG_RING) + 24, FAKELTTNG_SUBBUF_BYTES);
	fakelttng_put(fake, fakelttng_at(FAKELTTNG_RING) + 48, FAKELTTNG_PER_CPU);
	fakelttng_put(fake, fakelttng_at(FAKELTTNG_RING) + 56, FAKELTTNG_SUBBUFS);
	fakelttng_put(fake, fakelttng_buffer(), 3 * FAKELTTNG_SUBBUF_BYTES + 400);
	fakelttng_put(fake, fakelttng_buffer() + 8, fakelttng_at(FAKELTTNG_HOT));
	fakelttng_put(fake, fakelttng_buffer() + 16, 2 * FAKELTTNG_SUBBUF_BYTES + 12);
	fakelttng_put(fake, fakelttng_buffer() + 32, 5000);
	fakelttng_put(fake, fakelttng_buffer() + 40, fakelttng_at(FAKELTTNG_WRITERS));
	fakelttng_put(fake, fakelttng_buffer() + 48, 2);
	fakelttng_put(fake, fakelttng_buffer() + 64, fakelttng_at(FAKELTTNG_ARRAY));
	fakelttng_put(fake, fakelttng_buffer() + 80, fakelttng_at(FAKELTTNG_RING));
	fakelttng_put(fake, fakelttng_buffer() + 112, fakelttng_at(FAKELTTNG_COLD));
	fakelttng_put(fake, fakelttng_buffer() + 136, 4);
	fakelttng_put(fake, fakelttng_buffer() + 152, 5);
	for (uint64_t i = 0; i <= FAKELTTNG_SUBBUFS; i++) {
		// The first two have changed places; the upper half has marks.
		fakelttng_put(fake, fakelttng_at(FAKELTTNG_WRITERS) + 8 * i, (1 - i) | UINT64_C(3) << 32);
		fakelttng_put(fake, fakelttng_at(FAKELTTNG_ARRAY) + 8 * i, fakelttng_at(FAKELTTNG_PAGES) + 0x100 * i);
		fakelttng_put(fake, fakelttng_at(FAKELTTNG_PAGES) + 0x100 * i + 32,
		              fakelttng_at(FAKELTTNG_DATA) + FAKELTTNG_SUBBUF_BYTES * i);
		fakelttng_put(fake, fakelttng_at(FAKELTTNG_PAGES) + 0x100 * i + 48,
		              fakelttng_at(FAKELTTNG_DATA) + FAKELTTNG_SUBBUF_BYTES * i + 4096);
	}
	fakelttng_put(fake, fakelttng_at(FAKELTTNG_HOT) + 8, 2 * FAKELTTNG_SUBBUF_BYTES);
	fakelttng_put(fake, fakelttng_at(FAKELTTNG_COLD), 2 * FAKELTTNG_SUBBUF_BYTES);
	fakelttng_put(fake, fakelttng_at(FAKELTTNG_HOT) + 16 + 8, FAKELTTNG_SUBBUF_BYTES + 300);
	fakelttng_put(fake, fakelttng_at(FAKELTTNG_COLD) + 8, FAKELTTNG_SUBBUF_BYTES);
	fakelttng_header(fake, fakelttng_at(FAKELTTNG_DATA) + FAKELTTNG_SUBBUF_BYTES, 2, 1000, 2000, 8 * 500, 8 * 4096);
	fakelttng_header(fake, fakelttng_at(FAKELTTNG_DATA), 3, 2100, 0, UINT64_MAX, UINT64_MAX);
	memset(fake->memory + FAKELTTNG_DATA + 84, 0x11, 400);
}

static inline void fakelttng_make(struct fakecore *fake, const char *version)
{
	const struct fakecrash_more more = {.structs = fakelttng_structs,
	                                    .struct_count = array_size(fakelttng_structs),
	                                    .symbols = fakelttng_symbols,
	                                    .symbol_count = 1};
	char *memory;

	fakecrash_make_more(fake, 1, &more);
	memory = (char *)fake->memory;
	strcpy(memory + FAKECRASH_MODULE + 24, "lttng_tracer");
	memcpy(memory + FAKECRASH_MODULE + 0x800 + 10, "sessions", 8);
	fakelttng_put(fake, fakelttng_at(FAKECRASH_MODULE) + 360, fakelttng_at(FAKELTTNG_MODULE_TEXT));
	strcpy(memory + FAKELTTNG_MODULE_TEXT, version);
	fakelttng_put(fake, fakelttng_at(FAKELTTNG_BTF_MODULE) + 0x200, fakelttng_at(FAKELTTNG_BTF_MODULE) + 0x200);
	fakelttng_session(fake);
	fakelttng_channel(fake);
}

// The members of a structure, as the module's types have them: their names follow those of the kernel.
static inline void fakelttng_type(struct fakebtf *btf, const char *name, uint32_t bytes, const char *const *names,
                                  const uint32_t *places)
{
	uint32_t count = 0;

	while (names[count])
		count++;
	fakebtf_type(btf, name, 4, false, count, bytes);
	for (uint32_t i = 0; i < count; i++)
		fakebtf_member(btf, names[i], 1, 8 * places[i]);
}

// With a union without a name in it, whose number is that of the module's first type.
static inline void fakelttng_backend(struct fakebtf *btf)
{
	fakebtf_type(btf, NULL, 5, false, 2, 8);
	fakebtf_member(btf, "global_buf", 1, 0);
	fakebtf_member(btf, "percpu_buf", 1, 0);
	fakebtf_type(btf, "channel_backend", 4, false, 4, 472);
	fakebtf_member(btf, "buf_size", 1, 0);
	fakebtf_member(btf, "subbuf_size", 1, 8 * 8);
	fakebtf_member(btf, NULL, FAKELTTNG_OWN_TYPES, 8 * 32);
	fakebtf_member(btf, "num_subbuf", 1, 8 * 40);
}

#define FAKELTTNG_NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define FAKELTTNG_PLACES(...) ((const uint32_t[]){__VA_ARGS__})

// As versions 2.14 and newer call them.
static inline void fakelttng_all_types(struct fakebtf *btf)
{
	fakelttng_backend(btf);
	fakelttng_type(btf, "lttng_kernel_session_private", 33184,
	               FAKELTTNG_NAMES("chan_head", "node", "uuid", "metadata_cache", "name"),
	               FAKELTTNG_PLACES(24, 56, 76, 96, 32896));
	fakelttng_type(btf, "lttng_metadata_cache", 96,
	               FAKELTTNG_NAMES("data", "cache_alloc", "metadata_written", "producing"),
	               FAKELTTNG_PLACES(0, 8, 12, 16));
	fakelttng_type(btf, "lttng_kernel_channel_buffer_private", 176,
	               FAKELTTNG_NAMES("id", "channel_type", "rb_chan"),
	               FAKELTTNG_PLACES(FAKELTTNG_MOVED_ID, 124, 136));
	fakelttng_type(btf, "lttng_kernel_channel_common_private", 160, FAKELTTNG_NAMES("node"), FAKELTTNG_PLACES(152));
	fakelttng_type(btf, "lttng_kernel_ring_buffer_channel", 792, FAKELTTNG_NAMES("commit_count_mask", "backend"),
	               FAKELTTNG_PLACES(8, 16));
	fakelttng_type(btf, "lttng_kernel_ring_buffer", 456,
	               FAKELTTNG_NAMES("offset", "commit_hot", "consumed", "last_timestamp", "backend", "commit_cold",
	                               "records_lost_full", "records_lost_wrap", "records_lost_big"),
	               FAKELTTNG_PLACES(0, 8, 16, 32, 40, 112, 136, 144, 152));
	fakelttng_type(btf, "lttng_kernel_ring_buffer_backend", 72,
	               FAKELTTNG_NAMES("buf_wsb", "buf_rsb", "array", "chan", "cpu"),
	               FAKELTTNG_PLACES(0, 8, 24, 40, 48));
	fakelttng_type(btf, "commit_counters_hot", 16, FAKELTTNG_NAMES("cc", "seq"), FAKELTTNG_PLACES(0, 8));
	fakelttng_type(btf, "commit_counters_cold", 8, FAKELTTNG_NAMES("cc_sb"), FAKELTTNG_PLACES(0));
	fakelttng_type(btf, "lttng_kernel_ring_buffer_backend_pages", 32, FAKELTTNG_NAMES("p"), FAKELTTNG_PLACES(32));
	fakelttng_type(btf, "lttng_kernel_ring_buffer_backend_page", 16, FAKELTTNG_NAMES("virt"), FAKELTTNG_PLACES(0));
	fakelttng_type(btf, "lttng_kernel_ring_buffer_backend_subbuffer", 8, FAKELTTNG_NAMES("id"),
	               FAKELTTNG_PLACES(0));
}

// Names that the kernel has too are its own.
static inline void fakelttng_types(struct fakecore *fake)
{
	static struct fakebtf btf;
	const uint8_t *base = fake->memory + FAKECRASH_BTF;
	uint32_t header[6], own;

	memcpy(header, base, sizeof(header));
	fakebtf_init(&btf);
	memcpy(btf.strings, base + 24 + header[4], header[5]);
	btf.string_bytes = header[5];
	fakelttng_all_types(&btf);
	own = btf.string_bytes - header[5];
	check(own);
	header[3] = header[4] = btf.type_bytes;
	memcpy(fake->memory + FAKELTTNG_TYPES, header, sizeof(header));
	memcpy(fake->memory + FAKELTTNG_TYPES + 20, &own, 4);
	memcpy(fake->memory + FAKELTTNG_TYPES + 24, btf.types, btf.type_bytes);
	memcpy(fake->memory + FAKELTTNG_TYPES + 24 + btf.type_bytes, btf.strings + header[5], own);
	// Of both modules the same: each struct btf_module with its struct btf behind it.
	fakelttng_link(fake, fakelttng_at(FAKELTTNG_BTF_MODULE) + 0x200, fakelttng_at(FAKELTTNG_BTF_MODULE) + 8,
	               fakelttng_at(FAKELTTNG_BTF_MODULE) + 0x108);
	for (uint64_t i = 0; i < 2; i++) {
		uint64_t module = fakelttng_at(FAKELTTNG_BTF_MODULE) + 0x100 * i;

		fakelttng_put(fake, module + 32, module + 0x40);
		fakelttng_put(fake, module + 0x40, fakelttng_at(FAKELTTNG_TYPES));
		fakecrash_put(fake, module + 0x40 + 24, 24 + btf.type_bytes + own, 4);
		fakecrash_put(fake, module + 0x40 + 32, FAKELTTNG_OWN_TYPES, 4);
		strcpy((char *)fake->memory + (module - fakecore_image) + 0x40 + 40,
		       i ? "lttng_lib_ring_buffer" : "lttng_tracer");
	}
}

#endif
