// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/vmcoreinfo.h"

#include <sys/mman.h>

#include "test.h"

static const char sample[] = "OSRELEASE=6.1.0-50-cloud-amd64\n"
			     "PAGESIZE=4096\n"
			     "SYMBOL(mem_section)=ffff9a2b41008000\n"
			     "SYMBOL(mem_section_x)=1\n"
			     "SIZE(page)=64\n"
			     "OFFSET(page.flags)=0\n"
			     "LENGTH(zone.free_area)=11\n"
			     "NUMBER(phys_base)=-444596224\n"
			     "NUMBER(VA_BITS)=0x30\n"
			     "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129\n"
			     "KERNELOFFSET=1c000000\n"
			     "EMPTY=\n"
			     "CRASHTIME=1700000000";

static void values(void)
{
	struct vmcoreinfo info;
	char text[32], small[4];
	uint64_t value = 7;
	int64_t number = 7;
	size_t size;

	check_ok(vmcoreinfo_init(&info, sample, strlen(sample)));
	check(vmcoreinfo_string(&info, "OSRELEASE", text, sizeof(text)));
	check_text(text, "6.1.0-50-cloud-amd64");
	check(vmcoreinfo_string(&info, "OSRELEASE", small, sizeof(small)));
	check_text(small, "6.1");
	check(vmcoreinfo_find(&info, "CRASHTIME", &size) && size == 10);
	check(vmcoreinfo_find(&info, "EMPTY", &size) && size == 0);
	check(vmcoreinfo_symbol(&info, "mem_section", &value) && value == UINT64_C(0xffff9a2b41008000));
	check(vmcoreinfo_size(&info, "page", &value) && value == 64);
	check(vmcoreinfo_offset(&info, "page.flags", &value) && value == 0);
	check(vmcoreinfo_length(&info, "zone.free_area", &value) && value == 11);
	check(vmcoreinfo_number(&info, "phys_base", &number) && number == -444596224);
	check(vmcoreinfo_number(&info, "VA_BITS", &number) && number == 0x30);
	check(vmcoreinfo_number(&info, "PAGE_BUDDY_MAPCOUNT_VALUE", &number) && number == -129);
	vmcoreinfo_deinit(&info);
}

static void absent(void)
{
	struct vmcoreinfo info;
	uint64_t value = 7;
	int64_t number = 7;
	char text[8] = "x";
	size_t size;

	check_ok(vmcoreinfo_init(&info, sample, strlen(sample)));
	check(!vmcoreinfo_find(&info, "RELEASE", &size) && !vmcoreinfo_find(&info, "OSRELEAS", &size));
	check(!vmcoreinfo_find(&info, "", &size));
	check(!vmcoreinfo_string(&info, "NOTHING", text, sizeof(text)) && !*text);
	check(!vmcoreinfo_symbol(&info, "mem_sectio", &value) && !vmcoreinfo_symbol(&info, "page", &value) &&
	      value == 7);
	check(!vmcoreinfo_number(&info, "page", &number) && number == 7);
	vmcoreinfo_deinit(&info);
	vmcoreinfo_deinit(&info);
	check_ok(vmcoreinfo_init(&info, "", 0));
	check(!vmcoreinfo_find(&info, "OSRELEASE", &size));
	vmcoreinfo_deinit(&info);
}

// Numbers that are none are not there.
static void nonsense(void)
{
	static const char text[] = "SIZE(a)=x\nSIZE(b)=\nSIZE(c)=12x\nSIZE(d)=99999999999999999999\n"
				   "NUMBER(g)=0x\nNUMBER(h)=99999999999999999999\nSYMBOL(i)=zz\nno equals sign\n=\n\n";
	struct vmcoreinfo info;
	uint64_t value = 7;
	int64_t number = 7;

	check_ok(vmcoreinfo_init(&info, text, strlen(text)));
	for (char name[2] = "a"; *name <= 'd'; ++*name)
		check(!vmcoreinfo_size(&info, name, &value) && value == 7);
	check(!vmcoreinfo_symbol(&info, "i", &value) && value == 7);
	check(!vmcoreinfo_number(&info, "g", &number) && !vmcoreinfo_number(&info, "h", &number) && number == 7);
	vmcoreinfo_deinit(&info);
}

// The note ends where it ends: the byte behind it belongs to an unmapped page.
static void bounds(void)
{
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct vmcoreinfo info;
	size_t size;

	check(pages != MAP_FAILED && mprotect(pages + 4096, 4096, PROT_NONE) == 0);
	for (size_t length = 0; length <= strlen(sample); length++) {
		char *at = pages + 4096 - length;

		memcpy(at, sample, length);
		check_ok(vmcoreinfo_init(&info, at, length));
		vmcoreinfo_find(&info, "CRASHTIME", &size);
		vmcoreinfo_deinit(&info);
	}
}

static const struct test tests[] = {TEST(values), TEST(absent), TEST(nonsense), TEST(bounds)};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
