// SPDX-License-Identifier: GPL-2.0-or-later
// Everything read here comes from a kernel that died: each number is checked before it is used as a size or an index, and
// each loop ends after as many steps as there can be records.
#include "report/dmesg.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "base/io.h"
#include "core/vmcoreinfo.h"
#include "core/xlat.h"

enum {
	// Records lie side by side: a window of this size serves a hundred of them.
	AREA_WINDOW_BYTES = 16384,
	OUTPUT_BYTES = 16384,
	// text_len is 16 bits wide in every form.
	TEXT_MAX_BYTES = 65536,
	RECORD_MAX_BYTES = 512,
	// log_buf_len is limited to 2 GiB (LOG_BUF_LEN_MAX, kernel/printk/printk.c).
	RING_MAX_BITS = 31,
	// setup_log_buf(): a descriptor for each 32 bytes of text (PRB_AVGBITS).
	COUNT_MAX_BITS = RING_MAX_BITS - 5,
	PAGE_BYTES = 4096,
};

// A piece of kernel memory, read through a small window.
struct area {
	uint64_t vaddr;
	uint64_t size_bytes;
	uint64_t window_offset;
	size_t window_bytes; // 0: empty
	uint8_t window[AREA_WINDOW_BYTES];
};

struct dmesg {
	const struct vmcore *core;
	struct xlat xlat;
	struct vmreader reader;
	struct dmesg_stats *stats;
	dmesg_note *note; // NULL: nobody asks for levels.
	dmesg_put *put;
	void *context;
	uint64_t text_left_bytes; // Records do not overlap: all texts together are no larger than the log.
	size_t out_bytes;
	struct area descs;
	struct area infos;
	struct area data;
	uint8_t text[TEXT_MAX_BYTES];
	char out[OUTPUT_BYTES];
};

static void dmesg_destroy(struct dmesg *dmesg)
{
	if (dmesg)
		vmreader_deinit(&dmesg->reader);
	free(dmesg);
}

static void dmesg_destroyp(struct dmesg **dmesg)
{
	dmesg_destroy(*dmesg);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void area_init(struct area *area, uint64_t vaddr, uint64_t size_bytes)
{
	area->vaddr = vaddr;
	area->size_bytes = size_bytes;
	area->window_bytes = 0;
}

// Windows start at multiples of their size, relative to page boundaries, so that a page that is missing in the dump costs
// the records on it and no others.
static struct error *area_load(struct dmesg *dmesg, struct area *area, uint64_t offset_bytes)
{
	uint64_t start = offset_bytes;
	uint64_t page_end = (area->vaddr + offset_bytes) / PAGE_BYTES * PAGE_BYTES + PAGE_BYTES - area->vaddr;
	uint64_t end = least(offset_bytes + AREA_WINDOW_BYTES, area->size_bytes);
	struct error *err;

	area->window_bytes = 0;
	err = xlat_read(&dmesg->xlat, &dmesg->reader, area->vaddr + start, area->window, (size_t)(end - start));
	if (error_catch(&err, ERROR_FAULT)) {
		end = least(page_end, end);
		err = xlat_read(&dmesg->xlat, &dmesg->reader, area->vaddr + start, area->window, (size_t)(end - start));
	}
	if (err)
		return err;
	area->window_offset = start;
	area->window_bytes = (size_t)(end - start);
	return NULL;
}

// Copies bytes of an area. The caller has checked that they are inside it.
static struct error *area_read(struct dmesg *dmesg, struct area *area, uint64_t offset_bytes, void *buf,
                               size_t size_bytes)
{
	uint8_t *at = buf;

	while (size_bytes) {
		uint64_t skip = offset_bytes - area->window_offset;
		size_t part;

		if (offset_bytes < area->window_offset || skip >= area->window_bytes) {
			struct error *err = area_load(dmesg, area, offset_bytes);

			if (err)
				return err;
			skip = 0;
		}
		part = (size_t)least(size_bytes, area->window_bytes - skip);
		memcpy(at, area->window + skip, part);
		at += part;
		offset_bytes += part;
		size_bytes -= part;
	}
	return NULL;
}

static struct error *flush(struct dmesg *dmesg)
{
	size_t size_bytes = dmesg->out_bytes;

	dmesg->out_bytes = 0;
	return dmesg->put(dmesg->context, dmesg->out, size_bytes);
}

static struct error *put_char(struct dmesg *dmesg, char c)
{
	struct error *err = dmesg->out_bytes == sizeof(dmesg->out) ? flush(dmesg) : NULL;

	if (!err)
		dmesg->out[dmesg->out_bytes++] = c;
	return err;
}

static struct error *put_text(struct dmesg *dmesg, const char *text)
{
	struct error *err = NULL;

	while (*text && !err)
		err = put_char(dmesg, *text++);
	return err;
}

// Writes the record whose text is in dmesg->text.
static struct error *put_record(struct dmesg *dmesg, uint64_t time_ns, unsigned int level, size_t text_bytes)
{
	char prefix[48], indent[48];
	int width = snprintf(prefix, sizeof(prefix), "[%5" PRIu64 ".%06" PRIu64 "] ", time_ns / 1000000000,
	                     time_ns / 1000 % 1000000);
	struct error *err;

	if (text_bytes > dmesg->text_left_bytes)
		return error_new(ERROR_BAD_DATA, "kernel log: its records overlap");
	dmesg->text_left_bytes -= text_bytes;
	err = dmesg->note ? flush(dmesg) : NULL;
	if (!err && dmesg->note)
		err = dmesg->note(dmesg->context, level);
	if (!err)
		err = put_text(dmesg, prefix);
	snprintf(indent, sizeof(indent), "%*s", width, "");
	for (size_t i = 0; i < text_bytes && !err; i++) {
		unsigned char c = dmesg->text[i];
		bool is_plain = (c >= ' ' && c < 0x7f) || (c >= '\t' && c <= '\r');

		err = put_char(dmesg, is_plain ? (char)c : '.');
		if (!err && c == '\n')
			err = put_text(dmesg, indent);
	}
	if (!err)
		err = put_char(dmesg, '\n');
	dmesg->stats->records += !err;
	return err;
}

static struct error *missing(const char *what)
{
	return error_new(ERROR_UNSUPPORTED, "VMCOREINFO has no %s", what);
}

// Layout of a structure: a member's offset, or where its absence is to be told.
static uint64_t offset_of(const struct vmcoreinfo *info, const char *name, const char **missing_ret)
{
	uint64_t offset = 0;

	if (!vmcoreinfo_offset(info, name, &offset))
		*missing_ret = name;
	return offset;
}

static uint64_t size_of(const struct vmcoreinfo *info, const char *name, const char **missing_ret)
{
	uint64_t size = 0;

	if (!vmcoreinfo_size(info, name, &size))
		*missing_ret = name;
	return size;
}

// The printk ring buffer: where its three areas are. Names as in kernel/printk/printk_ringbuffer.h.
struct ring {
	uint64_t desc_bytes, state_offset, begin_offset, next_offset;
	uint64_t info_bytes, ts_offset, text_len_offset;
	uint64_t level_offset; // 0: not known.
	unsigned int count_bits; // log2 of the number of descriptors
	unsigned int data_bits; // log2 of the size of the text
	uint64_t head_id, tail_id;
};

enum {
	// desc_state (printk_ringbuffer.h): the two highest bits of state_var.
	DESC_COMMITTED = 1,
	DESC_FINALIZED = 2,
	DESC_STATE_SHIFT = 62,
};

enum {
	// struct printk_info: u16 text_len; u8 facility; u8 flags:5, level:3; u32 caller_id.
	INFO_LEVEL = 3,
	INFO_CALLER = 4,
	// struct printk_log: u16 dict_len; u8 facility; u8 flags:5, level:3; the end, or u32 caller_id.
	LOG_LEVEL = 3,
	LOG_END = 4,
	LOG_END_CALLER = 8,
};

// A byte of five and three bits: the first ones are the low ones where numbers are little-endian.
static unsigned int level_of(const struct dmesg *dmesg, const uint8_t *record, uint64_t offset)
{
	if (!offset)
		return DMESG_LEVEL_UNKNOWN;
	return dmesg->core->is_big_endian ? record[offset] & 7 : record[offset] >> 5;
}

static const uint64_t desc_id_mask = (UINT64_C(1) << DESC_STATE_SHIFT) - 1;

static struct error *ring_layout(const struct vmcoreinfo *info, struct ring *ring)
{
	const char *absent = NULL;
	uint64_t caller, counter = offset_of(info, "atomic_long_t.counter", &absent);
	uint64_t lpos = offset_of(info, "prb_desc.text_blk_lpos", &absent);

	ring->desc_bytes = size_of(info, "prb_desc", &absent);
	ring->state_offset = offset_of(info, "prb_desc.state_var", &absent) + counter;
	ring->begin_offset = lpos + offset_of(info, "prb_data_blk_lpos.begin", &absent);
	ring->next_offset = lpos + offset_of(info, "prb_data_blk_lpos.next", &absent);
	ring->info_bytes = size_of(info, "printk_info", &absent);
	ring->ts_offset = offset_of(info, "printk_info.ts_nsec", &absent);
	ring->text_len_offset = offset_of(info, "printk_info.text_len", &absent);
	if (absent)
		return missing(absent);
	if (ring->desc_bytes > RECORD_MAX_BYTES || ring->info_bytes > RECORD_MAX_BYTES ||
	    least(ring->desc_bytes, ring->info_bytes) < 8 || ring->state_offset > ring->desc_bytes - 8 ||
	    ring->begin_offset > ring->desc_bytes - 8 || ring->next_offset > ring->desc_bytes - 8 ||
	    ring->ts_offset > ring->info_bytes - 8 || ring->text_len_offset > ring->info_bytes - 2)
		return error_new(ERROR_BAD_DATA, "VMCOREINFO: sizes of the printk ring buffer contradict each other");
	if (vmcoreinfo_offset(info, "printk_info.caller_id", &caller) && caller == ring->text_len_offset + INFO_CALLER)
		ring->level_offset = ring->text_len_offset + INFO_LEVEL;
	if (ring->level_offset >= ring->info_bytes)
		ring->level_offset = 0;
	return NULL;
}

static struct error *read_word(struct dmesg *dmesg, uint64_t vaddr, unsigned int size_bytes, uint64_t *ret)
{
	return error_wrap(xlat_read_uint(&dmesg->xlat, &dmesg->reader, vaddr, size_bytes, ret), "kernel log");
}

// Reads the ring's own structures: struct printk_ringbuffer, prb_desc_ring, prb_data_ring.
static struct error *ring_open(struct dmesg *dmesg, uint64_t prb, struct ring *ring)
{
	const struct vmcoreinfo *info = &dmesg->core->info;
	const char *absent = NULL;
	uint64_t counter = offset_of(info, "atomic_long_t.counter", &absent);
	uint64_t desc_ring = prb + offset_of(info, "printk_ringbuffer.desc_ring", &absent);
	uint64_t data_ring = prb + offset_of(info, "printk_ringbuffer.text_data_ring", &absent);
	struct {
		uint64_t vaddr;
		unsigned int size_bytes;
		uint64_t value;
	} words[] = {
		{desc_ring + offset_of(info, "prb_desc_ring.count_bits", &absent), 4, 0},
		{desc_ring + offset_of(info, "prb_desc_ring.descs", &absent), 8, 0},
		{desc_ring + offset_of(info, "prb_desc_ring.infos", &absent), 8, 0},
		{desc_ring + offset_of(info, "prb_desc_ring.head_id", &absent) + counter, 8, 0},
		{desc_ring + offset_of(info, "prb_desc_ring.tail_id", &absent) + counter, 8, 0},
		{data_ring + offset_of(info, "prb_data_ring.size_bits", &absent), 4, 0},
		{data_ring + offset_of(info, "prb_data_ring.data", &absent), 8, 0},
	};

	if (absent)
		return missing(absent);
	for (size_t i = 0; i < array_size(words); i++) {
		struct error *err = read_word(dmesg, words[i].vaddr, words[i].size_bytes, &words[i].value);

		if (err)
			return err;
	}
	if (words[0].value > COUNT_MAX_BITS || words[5].value > RING_MAX_BITS)
		return error_new(ERROR_BAD_DATA, "kernel log: its size is out of range");
	ring->count_bits = (unsigned int)words[0].value;
	ring->data_bits = (unsigned int)words[5].value;
	ring->head_id = words[3].value & desc_id_mask;
	ring->tail_id = words[4].value & desc_id_mask;
	area_init(&dmesg->descs, words[1].value, ring->desc_bytes << ring->count_bits);
	area_init(&dmesg->infos, words[2].value, ring->info_bytes << ring->count_bits);
	area_init(&dmesg->data, words[6].value, UINT64_C(1) << ring->data_bits);
	dmesg->text_left_bytes = dmesg->data.size_bytes;
	return NULL;
}

// Where a record's text is: get_data() of kernel/printk/printk_ringbuffer.c. Returns its size without the id in front of it;
// 0 for "no text".
static uint64_t ring_text(const struct ring *ring, uint64_t begin, uint64_t next, uint64_t *offset_ret)
{
	uint64_t mask = (UINT64_C(1) << ring->data_bits) - 1;
	uint64_t start = begin & mask, end = next & mask;

	// BLK_DATALESS(): odd positions cannot be those of text.
	if ((begin & 1) && (next & 1))
		return 0;
	// A block that does not fit before the end is at the start of the data instead.
	if (begin >> ring->data_bits != (next - 1) >> ring->data_bits)
		start = 0;
	if (end == 0)
		end = mask + 1;
	if (end < start + sizeof(uint64_t))
		return 0;
	*offset_ret = start + sizeof(uint64_t);
	return end - start - sizeof(uint64_t);
}

static struct error *ring_record(struct dmesg *dmesg, const struct ring *ring, uint64_t id)
{
	uint64_t index = id & ((UINT64_C(1) << ring->count_bits) - 1);
	uint8_t desc[RECORD_MAX_BYTES], info[RECORD_MAX_BYTES];
	bool is_big = dmesg->core->is_big_endian;
	uint64_t state, text_bytes, offset = 0;
	struct error *err;

	err = area_read(dmesg, &dmesg->descs, index * ring->desc_bytes, desc, ring->desc_bytes);
	if (err)
		return err;
	state = load_u64(desc + ring->state_offset, is_big);
	// Records that were being written or have been given up have no text.
	if ((state & desc_id_mask) != id ||
	    (state >> DESC_STATE_SHIFT != DESC_COMMITTED && state >> DESC_STATE_SHIFT != DESC_FINALIZED))
		return NULL;
	err = area_read(dmesg, &dmesg->infos, index * ring->info_bytes, info, ring->info_bytes);
	if (err)
		return err;
	text_bytes = ring_text(ring, load_u64(desc + ring->begin_offset, is_big),
	                       load_u64(desc + ring->next_offset, is_big), &offset);
	text_bytes = least(text_bytes, load_u16(info + ring->text_len_offset, is_big));
	if (!text_bytes && load_u16(info + ring->text_len_offset, is_big))
		return NULL;
	err = area_read(dmesg, &dmesg->data, offset, dmesg->text, text_bytes);
	if (err)
		return err;
	return put_record(dmesg, load_u64(info + ring->ts_offset, is_big), level_of(dmesg, info, ring->level_offset),
	                  text_bytes);
}

// Records that a fault at one of them costs: all whose descriptors are on the same page, if that is what is missing.
static uint64_t ring_missing(const struct dmesg *dmesg, const struct ring *ring, uint64_t id)
{
	uint64_t index = id & ((UINT64_C(1) << ring->count_bits) - 1);
	uint64_t vaddr = dmesg->descs.vaddr + index * ring->desc_bytes;
	uint64_t count = (PAGE_BYTES - vaddr % PAGE_BYTES) / ring->desc_bytes;

	if (dmesg->descs.window_bytes || !count)
		return 1;
	return least(count, (UINT64_C(1) << ring->count_bits) - index);
}

static struct error *write_ring(struct dmesg *dmesg, uint64_t symbol)
{
	struct ring ring = {0};
	struct error *err = ring_layout(&dmesg->core->info, &ring);
	uint64_t prb = 0, id, left;

	if (!err)
		err = read_word(dmesg, symbol, 8, &prb);
	if (!err)
		err = ring_open(dmesg, prb, &ring);
	if (err)
		return err;
	id = ring.tail_id;
	left = least(((ring.head_id - ring.tail_id) & desc_id_mask) + 1, UINT64_C(1) << ring.count_bits);
	while (left && !err) {
		uint64_t done = 1;

		err = ring_record(dmesg, &ring, id);
		// One page of the log that is damaged must not cost the others.
		if (error_catch(&err, ERROR_FAULT)) {
			done = least(ring_missing(dmesg, &ring, id), left);
			dmesg->stats->unreadable += done;
		}
		id = (id + done) & desc_id_mask;
		left -= done;
	}
	return err;
}

// Records in a byte buffer: struct printk_log (kernel/printk/printk.c, v3.11 to v5.9), before that struct log.
struct records {
	uint64_t header_bytes, ts_offset, len_offset, text_len_offset;
	uint64_t level_offset; // 0: not known.
	uint64_t first, next;
};

static struct error *records_layout(const struct vmcoreinfo *info, const char *name, struct records *ret)
{
	static const char *const members[] = {"ts_nsec", "len", "text_len"};
	uint64_t *const offsets[] = {&ret->ts_offset, &ret->len_offset, &ret->text_len_offset};
	const uint64_t sizes[] = {8, 2, 2};
	uint64_t dict;

	if (!vmcoreinfo_size(info, name, &ret->header_bytes))
		return missing("size of a log record");
	for (size_t i = 0; i < array_size(members); i++) {
		char key[64];

		snprintf(key, sizeof(key), "%s.%s", name, members[i]);
		if (!vmcoreinfo_offset(info, key, offsets[i]))
			return missing("layout of a log record");
		if (ret->header_bytes < 8 || ret->header_bytes > RECORD_MAX_BYTES ||
		    *offsets[i] > ret->header_bytes - sizes[i])
			return error_new(ERROR_BAD_DATA, "VMCOREINFO: a log record contradicts itself");
	}
	// struct log had another layout at first (v3.5), and the same name up to v3.10.
	if (strcmp(name, "printk_log") == 0 && vmcoreinfo_offset(info, "printk_log.dict_len", &dict) &&
	    ret->header_bytes > LOG_LEVEL && dict < ret->header_bytes &&
	    (ret->header_bytes - dict == LOG_END || ret->header_bytes - dict == LOG_END_CALLER))
		ret->level_offset = dict + LOG_LEVEL;
	return NULL;
}

static struct error *records_open(struct dmesg *dmesg, uint64_t log_buf, struct records *ret)
{
	static const char *const symbols[] = {"log_buf_len", "log_first_idx", "log_next_idx"};
	uint64_t values[array_size(symbols)], data = 0, size;
	const struct vmcoreinfo *info = &dmesg->core->info;
	struct error *err =
		records_layout(info, vmcoreinfo_size(info, "printk_log", &size) ? "printk_log" : "log", ret);

	if (!err)
		err = read_word(dmesg, log_buf, 8, &data);
	for (size_t i = 0; i < array_size(symbols) && !err; i++) {
		uint64_t vaddr;

		err = vmcoreinfo_symbol(info, symbols[i], &vaddr) ? read_word(dmesg, vaddr, 4, &values[i])
		                                                  : missing(symbols[i]);
	}
	if (err)
		return err;
	if (values[0] > UINT64_C(1) << RING_MAX_BITS || values[1] > values[0] || values[2] > values[0])
		return error_new(ERROR_BAD_DATA, "kernel log: its size or indices are out of range");
	ret->first = values[1];
	ret->next = values[2];
	area_init(&dmesg->data, data, values[0]);
	dmesg->text_left_bytes = dmesg->data.size_bytes;
	return NULL;
}

static struct error *record_text(struct dmesg *dmesg, const struct records *records, uint64_t index,
                                 const uint8_t *header)
{
	bool is_big = dmesg->core->is_big_endian;
	uint64_t room = least(load_u16(header + records->len_offset, is_big), dmesg->data.size_bytes - index);
	uint64_t text_bytes = load_u16(header + records->text_len_offset, is_big);
	struct error *err;

	if (room < records->header_bytes)
		return error_new(ERROR_BAD_DATA, "kernel log: record at %#" PRIx64 " is smaller than its header",
		                 index);
	text_bytes = least(text_bytes, room - records->header_bytes);
	err = area_read(dmesg, &dmesg->data, index + records->header_bytes, dmesg->text, text_bytes);
	if (err)
		return err;
	return put_record(dmesg, load_u64(header + records->ts_offset, is_big),
	                  level_of(dmesg, header, records->level_offset), text_bytes);
}

static struct error *write_records(struct dmesg *dmesg, uint64_t symbol)
{
	struct records records = {0};
	struct error *err = records_open(dmesg, symbol, &records);
	uint64_t index = records.first;
	bool is_wrapped = false;

	while (!err && (index != records.next || (!is_wrapped && records.next < records.first))) {
		uint8_t header[RECORD_MAX_BYTES];
		uint64_t len = 0;

		if (index + records.header_bytes <= dmesg->data.size_bytes) {
			err = area_read(dmesg, &dmesg->data, index, header, records.header_bytes);
			len = err ? 0 : load_u16(header + records.len_offset, dmesg->core->is_big_endian);
		}
		// Without its length no way leads to the next record.
		if (err)
			break;
		if (len == 0) { // The rest of the buffer is empty: go on at its start, once.
			if (is_wrapped || records.next >= records.first)
				break;
			is_wrapped = true;
			index = 0;
			continue;
		}
		err = record_text(dmesg, &records, index, header);
		if (error_catch(&err, ERROR_FAULT))
			dmesg->stats->unreadable++;
		index += len;
	}
	return err;
}

struct error *dmesg_tell_levels(const struct vmcore *core, dmesg_note *note, dmesg_put *put, void *context,
                                struct dmesg_stats *ret)
{
	_cleanup_(dmesg_destroyp) struct dmesg *dmesg = calloc(1, sizeof(*dmesg));
	struct error *err, *late;
	uint64_t symbol;

	*ret = (struct dmesg_stats){0};
	if (!dmesg)
		return error_new(ERROR_NOMEM, "no memory for the kernel log");
	dmesg->core = core;
	dmesg->note = note;
	dmesg->put = put;
	dmesg->context = context;
	dmesg->stats = ret;
	vmreader_init(&dmesg->reader, core, VMREADER_WINDOW_TABLE_BYTES);
	err = xlat_init(&dmesg->xlat, core);
	if (err)
		return err;
	if (vmcoreinfo_symbol(&core->info, "prb", &symbol))
		err = write_ring(dmesg, symbol);
	else if (vmcoreinfo_symbol(&core->info, "log_buf", &symbol))
		err = write_records(dmesg, symbol);
	else
		err = missing("SYMBOL(prb) or SYMBOL(log_buf)");
	late = flush(dmesg);
	if (!err)
		return late;
	error_free(late);
	return err;
}

struct error *dmesg_tell(const struct vmcore *core, dmesg_put *put, void *context, struct dmesg_stats *ret)
{
	return dmesg_tell_levels(core, NULL, put, context, ret);
}

static struct error *put_fd(void *context, const char *bytes, size_t size_bytes)
{
	const int *fd = context;

	return io_write(*fd, bytes, size_bytes);
}

struct error *dmesg_write(const struct vmcore *core, int fd, struct dmesg_stats *ret)
{
	return dmesg_tell(core, put_fd, &fd, ret);
}
