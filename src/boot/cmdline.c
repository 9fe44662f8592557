// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/cmdline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/text.h"
#include "boot/words.h"

// Larger than any kernel's COMMAND_LINE_SIZE (s390: 4096 since v5.17).
enum { CMDLINE_MAX_BYTES = 64 * 1024 };
// COMMAND_LINE_SIZE of x86 and arm64 is 2048 with the NUL; kexec-tools adds " elfcorehdr=0x…K" and, for kexec_load on
// machines with EFI, " acpi_rsdp=0x…".
enum { CMDLINE_ROOM_BYTES = 2048 - 1 - 64 };

// Parameters that are not handed on. A name that ends in "." stands for all that start with it.
// clang-format off
static const char *const dropped[] = {
	// The way to the root file system: the capture system has none.
	"root", "rootflags", "rootfstype", "rootdelay", "rootwait", "ro", "rw", "init", "rdinit", "initrd",
	"resume", "resume_offset", "noresume", "nfsroot", "nfsaddrs", "ip", "netroot", "BOOT_IMAGE", "BOOTIF",
	"rd.", "luks.", "systemd.", "ostree", "ignition.", "cloud-init", "showopts", "splash", "plymouth.", "quiet",
	"dm-mod.", "raid", "single",
	// Memory: the reservation is all there is.
	"crashkernel", "mem", "memmap", "hugepages", "hugepagesz", "default_hugepagesz", "hugetlb_cma",
	"hugetlb_free_vmemmap", "transparent_hugepage", "cma", "kvm_cma_resv_ratio", "log_buf_len", "swiotlb",
	"movablecore", "kernelcore", "movable_node", "numa", "numa_balancing", "cgroup_disable", "cgroup_enable",
	"cgroup.memory", "swapaccount", "slub_debug", "page_owner", "page_poison", "debug_pagealloc", "kmemleak", "kasan", "kasan.",
	"kfence.", "memtest", "initcall_debug", "zswap.", "trace_buf_size", "trace_event", "ftrace", "fadump",
	"novmcoredd",
	// CPUs: the capture kernel starts few of them.
	"nr_cpus", "maxcpus", "nosmp", "possible_cpus", "isolcpus", "nohz_full", "nohz", "rcu_nocbs",
	"rcu_nocb_poll", "irqaffinity", "additional_cpus", "disable_cpu_apicid",
	// A second panic, from something the first kernel would only report, costs the dump.
	"panic", "panic_on_warn", "panic_on_oops", "panic_print", "crash_kexec_post_notifiers", "oops",
	"softlockup_panic", "hardlockup_panic", "hung_task_panic", "nmi_watchdog", "unknown_nmi_panic", "sysctl.",
	"kdump_test_id",
	// Given below.
	"reset_devices", "irqpoll", "nokaslr", "kaslr", "mce", "hest_disable", "acpi_no_memhotplug", "pcie_ports",
	"ramoops.",
};
// clang-format on

// What every capture kernel gets. reset_devices: drivers reset what the crashed kernel left running. The memory: no
// memory control groups, NUMA, huge pages, CMA, memory hotplug, device dumps inside of vmcore. panic=10: even a crash
// in here ends in a reboot. Documentation/admin-guide/kdump/kdump.rst and kernel-parameters.txt.
// cgroup.memory=nokmem: pcpu_alloc_chunk() has a pointer for every 4 bytes of per-CPU memory otherwise, 4 MiB in all,
// cgroup_disable=memory or not. tracer_init_tracefs() makes a file for each trace event: 8 MiB of inodes before v6.6.
static const char added_everywhere[] = "reset_devices cgroup_disable=memory cgroup.memory=nokmem "
				       "initcall_blacklist=tracer_init_tracefs numa=off transparent_hugepage=never "
				       "hugetlb_cma=0 cma=0 novmcoredd nokaslr panic=10";
// irqpoll: interrupts that the crashed kernel left pending must not disable a line. mce, hest: a machine check of the
// first kernel would be reported again. acpi_no_memhotplug: memory devices would be added. pcie_ports=compat: no
// hotplug and error services.
static const char added_x86[] = "irqpoll mce=off hest_disable acpi_no_memhotplug pcie_ports=compat";

static bool is_dropped(const char *word)
{
	size_t size = strcspn(word, "=");

	for (size_t i = 0; i < array_size(dropped); i++) {
		size_t name_size = strlen(dropped[i]);

		if (dropped[i][name_size - 1] == '.' ? strncmp(word, dropped[i], name_size) == 0
		                                     : size == name_size && strncmp(word, dropped[i], size) == 0)
			return true;
	}
	return false;
}

static struct error *read_running(const struct host *host, struct words *words)
{
	_cleanup_free_ char *text = NULL;
	struct error *err = host_read(host, "/proc/cmdline", CMDLINE_MAX_BYTES, &text, NULL);

	if (err)
		return err;
	words_split(words, text);
	return words_check(words);
}

struct error *cmdline_running(const struct host *host, const char *name, char **ret)
{
	_cleanup_words_ struct words words = {0};
	struct error *err = read_running(host, &words);
	size_t size = strlen(name);

	if (err)
		return err;
	for (size_t i = words.count; i-- > 0;) {
		const char *word = words.list[i];

		if (strncmp(word, name, size) != 0 || (word[size] && word[size] != '='))
			continue;
		*ret = strdup(word[size] ? word + size + 1 : "");
		return *ret ? NULL : error_new(ERROR_NOMEM, "no memory for the command line");
	}
	*ret = NULL;
	return NULL;
}

// Since Linux v6.1 the kernel tells its architecture in a file. Where it does not, the machine is taken for an
// x86-64: the parameters of that are unknown words to others.
bool cmdline_is_x86(const struct host *host)
{
	_cleanup_free_ char *arch = NULL;
	_cleanup_error_ struct error *err = host_read(host, "/proc/sys/kernel/arch", 64, &arch, NULL);

	return err || strncmp(arch, "x86_64", 6) == 0 || strncmp(arch, "i686", 4) == 0;
}

// Where ramoops keeps logs; its driver knows, since parameters may be in modprobe.d, and the area in a device tree. There the log
// goes when no target can be reached (capture/ramoops.h).
static void add_ramoops(const struct host *host, struct text *line)
{
	static const char *const names[] = {"mem_address", "mem_size",  "record_size", "console_size",
	                                    "ftrace_size", "pmsg_size", "ecc"};

	for (size_t i = 0; i < array_size(names); i++) {
		_cleanup_free_ char *value = NULL;
		char path[64];
		struct error *err;

		snprintf(path, sizeof(path), "/sys/module/ramoops/parameters/%s", names[i]);
		err = host_read(host, path, 64, &value, NULL);
		// Unset, or not there: no line is longer for that.
		if (!err && (i > 0 || strtoull(value, NULL, 0)))
			text_add(line, " ramoops.%s=%.*s", names[i], (int)strcspn(value, "\n"), value);
		else
			i = array_size(names);
		error_free(err);
	}
}

static struct error *from_running(const struct host *host, const char *cpus, struct text *line)
{
	_cleanup_words_ struct words words = {0};
	struct error *err = read_running(host, &words);

	for (size_t i = 0; !err && i < words.count; i++) {
		if (!is_dropped(words.list[i]))
			text_add(line, "%s ", words.list[i]);
	}
	text_add(line, "%s %s", added_everywhere, cpus);
	if (cmdline_is_x86(host))
		text_add(line, " %s", added_x86);
	add_ramoops(host, line);
	return err;
}

struct error *cmdline_make(const struct host *host, const struct config *config, const char *cpus, char **ret,
                           char **reason_ret)
{
	const char *replacement = config_text(config, KEY_COMMANDLINE),
		   *more = config_text(config, KEY_COMMANDLINE_APPEND);
	enum config_key key = *more ? KEY_COMMANDLINE_APPEND : KEY_COMMANDLINE;
	_cleanup_text_ struct text line = {0}, reason = {0};
	struct error *err = NULL;

	if (*replacement) {
		text_add(&line, "%s", replacement);
		text_add(&reason, "%s: KDUMP_COMMANDLINE", config_where(config, KEY_COMMANDLINE));
	} else {
		err = from_running(host, cpus, &line);
		text_add(&reason, "the running kernel's, without its root file system, memory and CPU settings, with "
		                  "those of a capture kernel");
	}
	if (*more) {
		text_add(&line, " %s", more);
		text_add(&reason, "; then %s: KDUMP_COMMANDLINE_APPEND", config_where(config, KEY_COMMANDLINE_APPEND));
	}
	if (!err && line.size_bytes > CMDLINE_ROOM_BYTES)
		err = error_new(ERROR_CONFIG, "%s: %s: the command line would have %zu bytes, allowed are %d",
		                config_where(config, key), config_key_info(key)->name, line.size_bytes,
		                CMDLINE_ROOM_BYTES);
	if (!err)
		err = text_take(&reason, reason_ret);
	if (!err)
		err = text_take(&line, ret);
	return err;
}
