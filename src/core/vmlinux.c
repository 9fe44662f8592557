// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/vmlinux.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/endian.h"
#include "core/arch.h"

enum {
	NAME_BYTES = 64,
	RELEASE_BYTES = 65, // __NEW_UTS_LEN and a NUL.
	// Structures and unions without a name inside of each other.
	NESTING_MAX = 16,
	// typedef, const and volatile in a row.
	CHAIN_MAX = 16,
	// arch/arm64/include/asm/image.h: the kernel's image begins with struct arm64_image_header.
	ARM64_FLAGS_OFFSET = 24,
	ARM64_FLAGS_PAGE_SHIFT = 1,
	ARM64_FLAGS_PAGE_MASK = 3,
};

// include/linux/page-flags.h: PG_buddy and PG_offline (before v5.1: PG_balloon), v4.18 to v6.10; before, _mapcount was this.
enum { OLD_BUDDY_TYPE = 0x80, OLD_OFFLINE_TYPE = 0x100, OLDER_BUDDY_MAPCOUNT = -128 };

enum kind { KIND_SYMBOL, KIND_SIZE, KIND_OFFSET, KIND_LENGTH, KIND_NUMBER, KIND_PAGE_TYPE };

static const char *const kind_names[] = {"SYMBOL", "SIZE", "OFFSET", "LENGTH", "NUMBER"};

// What is asked for.
static const struct key {
	enum kind kind;
	const char *name; // Symbol, type, type.member or enumerator.
} keys[] = {
	{KIND_SYMBOL, "init_uts_ns"},
	{KIND_SYMBOL, "node_online_map"},
	{KIND_SYMBOL, "swapper_pg_dir"},
	{KIND_SYMBOL, "init_level4_pgt"},
	{KIND_SYMBOL, "init_top_pgt"},
	{KIND_SYMBOL, "level4_kernel_pgt"},
	{KIND_SYMBOL, "_stext"},
	{KIND_SYMBOL, "vmlist"},
	{KIND_SYMBOL, "vmap_area_list"},
	{KIND_SYMBOL, "vmap_nodes"},
	{KIND_SYMBOL, "mem_map"},
	{KIND_SYMBOL, "contig_page_data"},
	{KIND_SYMBOL, "mem_section"},
	{KIND_SYMBOL, "node_data"},
	{KIND_SYMBOL, "node_states"},
	{KIND_SYMBOL, "max_pfn"},
	{KIND_SYMBOL, "high_memory"},
	{KIND_SYMBOL, "prb"},
	{KIND_SYMBOL, "clear_seq"},
	{KIND_SYMBOL, "log_buf"},
	{KIND_SYMBOL, "log_buf_len"},
	{KIND_SYMBOL, "log_end"},
	{KIND_SYMBOL, "log_first_idx"},
	{KIND_SYMBOL, "clear_idx"},
	{KIND_SYMBOL, "log_next_idx"},
	{KIND_SYMBOL, "free_huge_page"},
	{KIND_SYMBOL, "kallsyms_names"},
	{KIND_SYMBOL, "kallsyms_num_syms"},
	{KIND_SYMBOL, "kallsyms_token_table"},
	{KIND_SYMBOL, "kallsyms_token_index"},
	{KIND_SYMBOL, "kallsyms_offsets"},
	{KIND_SYMBOL, "kallsyms_relative_base"},
	{KIND_SIZE, "page"},
	{KIND_SIZE, "mem_section"},
	{KIND_SIZE, "pglist_data"},
	{KIND_SIZE, "zone"},
	{KIND_SIZE, "free_area"},
	{KIND_SIZE, "list_head"},
	{KIND_SIZE, "nodemask_t"},
	{KIND_SIZE, "pageflags"},
	{KIND_SIZE, "printk_ringbuffer"},
	{KIND_SIZE, "prb_desc"},
	{KIND_SIZE, "printk_info"},
	{KIND_SIZE, "latched_seq"},
	{KIND_SIZE, "printk_log"},
	{KIND_OFFSET, "page.flags"},
	{KIND_OFFSET, "page._count"},
	{KIND_OFFSET, "page._refcount"},
	{KIND_OFFSET, "page.mapping"},
	{KIND_OFFSET, "page.lru"},
	{KIND_OFFSET, "page._mapcount"},
	{KIND_OFFSET, "page.private"},
	{KIND_OFFSET, "page.compound_dtor"},
	{KIND_OFFSET, "page.compound_order"},
	{KIND_OFFSET, "page.compound_head"},
	{KIND_OFFSET, "page.compound_info"},
	{KIND_OFFSET, "folio._folio_dtor"},
	{KIND_OFFSET, "folio._folio_order"},
	{KIND_OFFSET, "mem_section.section_mem_map"},
	{KIND_OFFSET, "pglist_data.node_zones"},
	{KIND_OFFSET, "pglist_data.nr_zones"},
	{KIND_OFFSET, "pglist_data.node_mem_map"},
	{KIND_OFFSET, "pglist_data.node_start_pfn"},
	{KIND_OFFSET, "pglist_data.node_spanned_pages"},
	{KIND_OFFSET, "pglist_data.node_id"},
	{KIND_OFFSET, "pglist_data.pgdat_next"},
	{KIND_OFFSET, "zone.free_area"},
	{KIND_OFFSET, "zone.vm_stat"},
	{KIND_OFFSET, "zone.spanned_pages"},
	{KIND_OFFSET, "free_area.free_list"},
	{KIND_OFFSET, "list_head.next"},
	{KIND_OFFSET, "list_head.prev"},
	{KIND_OFFSET, "vm_struct.addr"},
	{KIND_OFFSET, "vmap_area.va_start"},
	{KIND_OFFSET, "vmap_area.list"},
	{KIND_OFFSET, "printk_ringbuffer.desc_ring"},
	{KIND_OFFSET, "printk_ringbuffer.text_data_ring"},
	{KIND_OFFSET, "printk_ringbuffer.fail"},
	{KIND_OFFSET, "prb_desc_ring.count_bits"},
	{KIND_OFFSET, "prb_desc_ring.descs"},
	{KIND_OFFSET, "prb_desc_ring.infos"},
	{KIND_OFFSET, "prb_desc_ring.head_id"},
	{KIND_OFFSET, "prb_desc_ring.tail_id"},
	{KIND_OFFSET, "prb_desc.state_var"},
	{KIND_OFFSET, "prb_desc.text_blk_lpos"},
	{KIND_OFFSET, "prb_data_blk_lpos.begin"},
	{KIND_OFFSET, "prb_data_blk_lpos.next"},
	{KIND_OFFSET, "prb_data_ring.size_bits"},
	{KIND_OFFSET, "prb_data_ring.data"},
	{KIND_OFFSET, "printk_info.seq"},
	{KIND_OFFSET, "printk_info.ts_nsec"},
	{KIND_OFFSET, "printk_info.text_len"},
	{KIND_OFFSET, "printk_info.caller_id"},
	{KIND_OFFSET, "printk_info.dev_info"},
	{KIND_OFFSET, "dev_printk_info.subsystem"},
	{KIND_OFFSET, "dev_printk_info.device"},
	{KIND_OFFSET, "atomic_long_t.counter"},
	{KIND_OFFSET, "latched_seq.val"},
	{KIND_OFFSET, "printk_log.ts_nsec"},
	{KIND_OFFSET, "printk_log.len"},
	{KIND_OFFSET, "printk_log.text_len"},
	{KIND_OFFSET, "printk_log.dict_len"},
	{KIND_OFFSET, "printk_log.caller_id"},
	{KIND_OFFSET, "uts_namespace.name"},
	{KIND_LENGTH, "mem_section"},
	{KIND_LENGTH, "node_data"},
	{KIND_LENGTH, "zone.free_area"},
	{KIND_LENGTH, "free_area.free_list"},
	{KIND_NUMBER, "NR_FREE_PAGES"},
	{KIND_NUMBER, "N_ONLINE"},
	{KIND_NUMBER, "PG_lru"},
	{KIND_NUMBER, "PG_private"},
	{KIND_NUMBER, "PG_swapcache"},
	{KIND_NUMBER, "PG_swapbacked"},
	{KIND_NUMBER, "PG_slab"},
	{KIND_NUMBER, "PG_hwpoison"},
	{KIND_NUMBER, "PG_hugetlb"},
	{KIND_NUMBER, "PG_head"},
	{KIND_NUMBER, "HUGETLB_PAGE_DTOR"},
	// Page types: since v6.12 …
	{KIND_PAGE_TYPE, "PGTY_buddy"},
	{KIND_PAGE_TYPE, "PGTY_offline"},
	{KIND_PAGE_TYPE, "PGTY_slab"},
	{KIND_PAGE_TYPE, "PGTY_hugetlb"},
	{KIND_PAGE_TYPE, "PGTY_unaccepted"},
	// … and in v6.11.
	{KIND_PAGE_TYPE, "PG_buddy"},
	{KIND_PAGE_TYPE, "PG_offline"},
};

enum { KEYS = array_size(keys) };

struct answer {
	bool is_found;
	uint64_t value;
};

// A vmlinux, and what is known of it.
struct vmlinux {
	const char *path;
	int fd;
	Elf *elf;
	Dwarf *dwarf;
	const struct arch *arch;
	unsigned int page_shift;
	char release[RELEASE_BYTES];
	struct answer answers[KEYS];
};

static void vmlinux_deinit(struct vmlinux *vmlinux)
{
	dwarf_end(vmlinux->dwarf);
	elf_end(vmlinux->elf);
	if (vmlinux->fd >= 0)
		close(vmlinux->fd);
}

static void answer(struct vmlinux *vmlinux, size_t key, uint64_t value)
{
	if (!vmlinux->answers[key].is_found)
		vmlinux->answers[key] = (struct answer){true, value};
}

static const struct answer *answer_to(const struct vmlinux *vmlinux, enum kind kind, const char *name)
{
	for (size_t i = 0; i < KEYS; i++)
		if (keys[i].kind == kind && strcmp(keys[i].name, name) == 0)
			return &vmlinux->answers[i];
	return NULL;
}

static bool is_enumerator(const struct key *key)
{
	return key->kind == KIND_NUMBER || key->kind == KIND_PAGE_TYPE;
}

// Whether a key is about a type or variable of that name; the member is what follows.
static bool is_about(const struct key *key, const char *name, const char **member_ret)
{
	size_t length = strlen(name);

	if (strncmp(key->name, name, length) != 0 || (key->name[length] && key->name[length] != '.'))
		return false;
	*member_ret = key->name[length] ? key->name + length + 1 : NULL;
	return true;
}

// Bytes of the file that are at an address when the kernel is loaded.
static const uint8_t *bytes_at(struct vmlinux *vmlinux, uint64_t vaddr, size_t size_bytes)
{
	size_t count, file_bytes;
	const char *raw = elf_rawfile(vmlinux->elf, &file_bytes);

	if (!raw || elf_getphdrnum(vmlinux->elf, &count) != 0)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr load;

		if (!gelf_getphdr(vmlinux->elf, (int)i, &load) || load.p_type != PT_LOAD || vaddr < load.p_vaddr ||
		    vaddr - load.p_vaddr >= load.p_filesz || load.p_filesz - (vaddr - load.p_vaddr) < size_bytes)
			continue;
		if (load.p_offset > file_bytes || file_bytes - load.p_offset < vaddr - load.p_vaddr + size_bytes)
			return NULL;
		return (const uint8_t *)raw + load.p_offset + (vaddr - load.p_vaddr);
	}
	return NULL;
}

// "Linux version RELEASE (…", as /proc/version has it.
static void read_release(struct vmlinux *vmlinux, uint64_t banner_vaddr)
{
	static const char start[] = "Linux version ";
	enum { START_BYTES = sizeof(start) - 1 };
	const uint8_t *banner = bytes_at(vmlinux, banner_vaddr, START_BYTES + RELEASE_BYTES);
	const uint8_t *end;

	if (!banner || memcmp(banner, start, START_BYTES) != 0)
		return;
	end = memchr(banner + START_BYTES, ' ', RELEASE_BYTES - 1);
	if (end)
		memcpy(vmlinux->release, banner + START_BYTES, (size_t)(end - banner) - START_BYTES);
}

// arm64: the header of the image, at _text, tells the size of pages.
static void read_page_size(struct vmlinux *vmlinux, uint64_t text_vaddr)
{
	const uint8_t *flags = bytes_at(vmlinux, text_vaddr + ARM64_FLAGS_OFFSET, 8);
	uint64_t code = flags ? load_u64(flags, false) >> ARM64_FLAGS_PAGE_SHIFT & ARM64_FLAGS_PAGE_MASK : 0;

	if (code)
		vmlinux->page_shift = 10 + 2 * (unsigned int)code;
}

static void take_symbol(struct vmlinux *vmlinux, const char *name, uint64_t vaddr)
{
	if (strcmp(name, "linux_banner") == 0)
		read_release(vmlinux, vaddr);
	if (strcmp(name, "_text") == 0 && vmlinux->arch->page_shifts[1])
		read_page_size(vmlinux, vaddr);
	for (size_t i = 0; i < KEYS; i++)
		if (keys[i].kind == KIND_SYMBOL && strcmp(keys[i].name, name) == 0)
			answer(vmlinux, i, vaddr);
}

static struct error *read_symbols(struct vmlinux *vmlinux)
{
	size_t count = 0;

	for (Elf_Scn *section = elf_nextscn(vmlinux->elf, NULL); section;
	     section = elf_nextscn(vmlinux->elf, section)) {
		GElf_Shdr header;
		Elf_Data *data;
		GElf_Sym symbol;

		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_SYMTAB)
			continue;
		data = elf_getdata(section, NULL);
		for (int i = 0; data && gelf_getsym(data, i, &symbol); i++) {
			const char *name = elf_strptr(vmlinux->elf, header.sh_link, symbol.st_name);

			if (name && symbol.st_shndx != SHN_UNDEF)
				take_symbol(vmlinux, name, symbol.st_value);
			count++;
		}
	}
	if (!count)
		return error_new(ERROR_BAD_DATA, "%s: no symbol table; is this a vmlinux with debugging information?",
		                 vmlinux->path);
	return NULL;
}

// Behind typedef, const and volatile.
static bool strip(Dwarf_Die *die)
{
	for (unsigned int i = 0; i < CHAIN_MAX; i++) {
		Dwarf_Attribute attribute;
		int tag = dwarf_tag(die);

		if (tag != DW_TAG_typedef && tag != DW_TAG_const_type && tag != DW_TAG_volatile_type)
			return true;
		if (!dwarf_formref_die(dwarf_attr_integrate(die, DW_AT_type, &attribute), die))
			return false;
	}
	return false;
}

static bool type_of(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Attribute attribute;

	return dwarf_formref_die(dwarf_attr_integrate(die, DW_AT_type, &attribute), ret) && strip(ret);
}

static bool array_length(Dwarf_Die *die, uint64_t *ret)
{
	Dwarf_Die type, range;
	Dwarf_Attribute attribute;
	Dwarf_Word number;

	if (!type_of(die, &type) || dwarf_tag(&type) != DW_TAG_array_type || dwarf_child(&type, &range) != 0)
		return false;
	if (dwarf_formudata(dwarf_attr(&range, DW_AT_count, &attribute), &number) == 0)
		*ret = number;
	else if (dwarf_formudata(dwarf_attr(&range, DW_AT_upper_bound, &attribute), &number) == 0)
		*ret = number + 1;
	else
		return false;
	return true;
}

// A member, also of a structure without a name inside.
static bool find_member(Dwarf_Die *type, const char *name, unsigned int nesting, uint64_t *offset_ret, Dwarf_Die *ret)
{
	if (nesting > NESTING_MAX || dwarf_child(type, ret) != 0)
		return false;
	do {
		const char *its_name = dwarf_diename(ret);
		Dwarf_Attribute attribute;
		Dwarf_Word offset = 0;
		Dwarf_Die inner, found;

		if (dwarf_tag(ret) != DW_TAG_member || (its_name && strcmp(its_name, name) != 0))
			continue;
		// Members of unions have none.
		if (dwarf_attr(ret, DW_AT_data_member_location, &attribute) &&
		    dwarf_formudata(&attribute, &offset) != 0)
			continue;
		if (its_name) {
			*offset_ret += offset;
			return true;
		}
		if (type_of(ret, &inner) && find_member(&inner, name, nesting + 1, offset_ret, &found)) {
			*offset_ret += offset;
			*ret = found;
			return true;
		}
	} while (dwarf_siblingof(ret, ret) == 0);
	return false;
}

static void take_member(struct vmlinux *vmlinux, size_t key, Dwarf_Die *type, const char *name)
{
	uint64_t offset = 0, length;
	Dwarf_Die member;

	if (!find_member(type, name, 0, &offset, &member))
		return;
	if (keys[key].kind == KIND_OFFSET)
		answer(vmlinux, key, offset);
	else if (keys[key].kind == KIND_LENGTH && array_length(&member, &length))
		answer(vmlinux, key, length);
}

static void take_type(struct vmlinux *vmlinux, Dwarf_Die *die, const char *name)
{
	for (size_t i = 0; i < KEYS; i++) {
		Dwarf_Die type = *die;
		const char *member;
		Dwarf_Word size;

		if (vmlinux->answers[i].is_found || keys[i].kind == KIND_SYMBOL || is_enumerator(&keys[i]) ||
		    !is_about(&keys[i], name, &member) || !strip(&type))
			continue;
		if (member)
			take_member(vmlinux, i, &type, member);
		else if (keys[i].kind == KIND_SIZE && dwarf_aggregate_size(&type, &size) == 0)
			answer(vmlinux, i, size);
	}
}

static void take_variable(struct vmlinux *vmlinux, Dwarf_Die *die, const char *name)
{
	for (size_t i = 0; i < KEYS; i++) {
		uint64_t length;

		if (keys[i].kind == KIND_LENGTH && strcmp(keys[i].name, name) == 0 && array_length(die, &length))
			answer(vmlinux, i, length);
	}
}

static void take_enumerators(struct vmlinux *vmlinux, Dwarf_Die *die)
{
	Dwarf_Die enumerator;

	if (dwarf_child(die, &enumerator) != 0)
		return;
	do {
		const char *name = dwarf_diename(&enumerator);
		Dwarf_Attribute attribute;
		Dwarf_Sword value;

		if (!name || dwarf_formsdata(dwarf_attr(&enumerator, DW_AT_const_value, &attribute), &value) != 0)
			continue;
		for (size_t i = 0; i < KEYS; i++)
			if (is_enumerator(&keys[i]) && strcmp(keys[i].name, name) == 0)
				answer(vmlinux, i, (uint64_t)value);
	} while (dwarf_siblingof(&enumerator, &enumerator) == 0);
}

static void take(struct vmlinux *vmlinux, Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);

	switch (dwarf_tag(die)) {
	case DW_TAG_enumeration_type:
		take_enumerators(vmlinux, die);
		if (name)
			take_type(vmlinux, die, name);
		break;
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
	case DW_TAG_typedef:
		if (name && !dwarf_hasattr(die, DW_AT_declaration))
			take_type(vmlinux, die, name);
		break;
	case DW_TAG_variable:
		if (name)
			take_variable(vmlinux, die, name);
		break;
	default:
		break;
	}
}

static struct error *read_types(struct vmlinux *vmlinux)
{
	Dwarf_CU *unit = NULL;
	Dwarf_Die root, die;

	while (dwarf_get_units(vmlinux->dwarf, unit, &unit, NULL, NULL, &root, NULL) == 0) {
		if (dwarf_child(&root, &die) != 0)
			continue;
		do
			take(vmlinux, &die);
		while (dwarf_siblingof(&die, &die) == 0);
	}
	if (!answer_to(vmlinux, KIND_SIZE, "page")->is_found)
		return error_new(ERROR_BAD_DATA,
		                 "%s: no type 'struct page'; is this a vmlinux with debugging information?",
		                 vmlinux->path);
	return NULL;
}

// With SPARSEMEM_EXTREME mem_section is a pointer, to one pointer for each page full of sections.
static void count_sections(struct vmlinux *vmlinux)
{
	const struct answer *bytes = answer_to(vmlinux, KIND_SIZE, "mem_section");
	unsigned int bits = vmlinux->arch->default_physmem_bits - vmlinux->arch->default_section_size_bits;

	for (size_t i = 0; i < KEYS; i++)
		if (keys[i].kind == KIND_LENGTH && strcmp(keys[i].name, "mem_section") == 0 && bytes->is_found &&
		    bytes->value)
			answer(vmlinux, i,
			       (UINT64_C(1) << bits) / ((UINT64_C(1) << vmlinux->page_shift) / bytes->value));
}

static void write_answer(const struct vmlinux *vmlinux, size_t key, FILE *out)
{
	const char *name = keys[key].name;
	uint64_t value = vmlinux->answers[key].value;

	if (keys[key].kind == KIND_SYMBOL)
		fprintf(out, "SYMBOL(%s)=%" PRIx64 "\n", name, value);
	else if (strcmp(name, "PG_head") == 0)
		fprintf(out, "NUMBER(PG_head_mask)=%" PRIu64 "\n", UINT64_C(1) << (value & 63));
	else
		fprintf(out, "%s(%s)=%" PRId64 "\n", kind_names[keys[key].kind], name, (int64_t)value);
}

// What _mapcount holds of a page of a type. Where types are macros, only the version tells.
static void write_page_types(const struct vmlinux *vmlinux, FILE *out)
{
	static const struct {
		const char *name, *number, *bit;
		uint32_t old_bit;
	} types[] = {
		{"BUDDY", "PGTY_buddy", "PG_buddy", OLD_BUDDY_TYPE},
		{"OFFLINE", "PGTY_offline", "PG_offline", OLD_OFFLINE_TYPE},
		{"SLAB", "PGTY_slab", NULL, 0},
		{"HUGETLB", "PGTY_hugetlb", NULL, 0},
		{"UNACCEPTED", "PGTY_unaccepted", NULL, 0},
	};
	unsigned int major = 0, minor = 0;

	sscanf(vmlinux->release, "%u.%u", &major, &minor);
	for (size_t i = 0; i < array_size(types); i++) {
		const struct answer *number = answer_to(vmlinux, KIND_PAGE_TYPE, types[i].number);
		const struct answer *bit = types[i].bit ? answer_to(vmlinux, KIND_PAGE_TYPE, types[i].bit) : NULL;
		int32_t value = 0;

		if (number->is_found)
			value = (int32_t)((uint32_t)number->value << 24);
		else if (bit && bit->is_found)
			value = (int32_t) ~(uint32_t)bit->value;
		else if (types[i].old_bit && (major > 4 || (major == 4 && minor >= 18)))
			value = (int32_t)~types[i].old_bit;
		else if (types[i].old_bit == OLD_BUDDY_TYPE)
			value = OLDER_BUDDY_MAPCOUNT;
		if (value)
			fprintf(out, "NUMBER(PAGE_%s_MAPCOUNT_VALUE)=%" PRId32 "\n", types[i].name, value);
	}
}

static struct error *open_vmlinux(struct vmlinux *vmlinux)
{
	GElf_Ehdr header;

	vmlinux->fd = open(vmlinux->path, O_RDONLY | O_CLOEXEC);
	if (vmlinux->fd < 0)
		return error_os(errno, "%s", vmlinux->path);
	elf_version(EV_CURRENT);
	vmlinux->elf = elf_begin(vmlinux->fd, ELF_C_READ_MMAP, NULL);
	if (!vmlinux->elf || elf_kind(vmlinux->elf) != ELF_K_ELF || !gelf_getehdr(vmlinux->elf, &header))
		return error_new(ERROR_BAD_DATA, "%s: not an ELF file; a compressed kernel (vmlinuz) will not do",
		                 vmlinux->path);
	vmlinux->arch = arch_find(header.e_machine);
	if (!vmlinux->arch)
		return error_new(ERROR_UNSUPPORTED, "%s: of machine %u, which is not supported", vmlinux->path,
		                 (unsigned int)header.e_machine);
	vmlinux->page_shift = vmlinux->arch->page_shifts[0];
	vmlinux->dwarf = dwarf_begin_elf(vmlinux->elf, DWARF_C_READ, NULL);
	if (!vmlinux->dwarf)
		return error_new(ERROR_BAD_DATA, "%s: no debugging information (%s)", vmlinux->path, dwarf_errmsg(-1));
	return NULL;
}

struct error *vmlinux_write_info(const char *path, FILE *out)
{
	_cleanup_(vmlinux_deinit) struct vmlinux vmlinux = {.path = path, .fd = -1};
	struct error *err = open_vmlinux(&vmlinux);

	if (!err)
		err = read_symbols(&vmlinux);
	if (!err && !vmlinux.release[0])
		err = error_new(ERROR_BAD_DATA, "%s: not a kernel: it says no version", path);
	if (!err)
		err = read_types(&vmlinux);
	if (err)
		return err;
	count_sections(&vmlinux);
	fprintf(out, "OSRELEASE=%s\nPAGESIZE=%lu\n", vmlinux.release, 1UL << vmlinux.page_shift);
	for (size_t i = 0; i < KEYS; i++)
		if (vmlinux.answers[i].is_found && keys[i].kind != KIND_PAGE_TYPE)
			write_answer(&vmlinux, i, out);
	write_page_types(&vmlinux, out);
	return NULL;
}
