// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/copy_arguments.h"

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

static const char usage_text[] =
	"Usage: kdump-copy [OPTION]... VMCORE DUMP\n"
	"       kdump-copy -F [OPTION]... VMCORE >DUMP\n"
	"       kdump-copy -R [-f] DUMP <STREAM\n"
	"       kdump-copy -g FILE -x VMLINUX\n"
	"       kdump-copy --reassemble [OPTION]... PART... DUMP\n"
	"       kdump-copy --mem-usage VMCORE|/proc/kcore\n"
	"Copy a crash dump, leaving out what nobody needs.\n"
	"VMCORE may be a copy itself: ELF or kdump-compressed, also flattened.\n"
	"\n"
	"  -d, --dump-level LEVEL   what to leave out, the sum of: 1 zero pages, 2 page cache,\n"
	"                           4 page cache with private data (and 2), 8 memory of\n"
	"                           processes, 16 free pages; 0 (the default) keeps all\n"
	"      --keep-process NAME  keep the memory of processes of that name at every level;\n"
	"                           may be given several times\n"
	"  -c, -l, -p, -z           compress pages with zlib, lzo, snappy, zstd\n"
	"      --compress NAME[:LEVEL]\n"
	"                           the same by name, such as zstd:3; also zstd-fast, none, and auto: page by page\n"
	"                           what lets the dump be done first, denser for slow targets\n"
	"  -E                       write an ELF file\n"
	"  -F                       write to standard output, in makedumpfile's flattened format\n"
	"  -i FILE                  take VMCOREINFO of FILE, if VMCORE has none\n"
	"  -g FILE -x VMLINUX       write to FILE what VMLINUX, a kernel with debugging information,\n"
	"                           says of itself, for -i\n"
	"  -R                       make DUMP of a flattened stream on standard input\n"
	"      --reassemble         join the parts of a dump that makedumpfile --split wrote;\n"
	"                           compressed as they are, if nothing else is asked for\n"
	"  -f, --force              overwrite DUMP\n"
	"      --dry-run            write nothing; print the number of pages of each class\n"
	"      --pagemap FILE       write to FILE why each page is in DUMP, or is not\n"
	"      --stats FILE         write what was done to FILE, as JSON; -: to standard output\n"
	"      --warn-kept PERCENT  warn if more of the memory is kept at a level that leaves out free\n"
	"                           pages, cache and processes [50]; 0: never\n"
	"      --split VMCORE DUMP DUMP...\n"
	"      --split=PATH         write to several files at once, such as on several disks;\n"
	"                           crash opens them as one\n"
	"  -e                       leave out struct pages that describe only what is left out\n"
	"      --non-mmap           read VMCORE, never map it: slower\n"
	"      --direct             write past the page cache, where the file system can\n"
	"      --deadline SECONDS   end then, with what there is: the best pages come first\n"
	"      --memory-limit SIZE  take no more memory of our own (such as 16M): fewer threads\n"
	"      --num-threads N, --threads N\n"
	"                           threads [the CPUs there are]\n"
	"      --dump-dmesg         write the kernel log of VMCORE to DUMP, as text\n"
	"      --mem-usage          print how many pages of VMCORE, or of /proc/kcore, are of each kind\n"
	"      --check-params       end after looking at the options: 0 if they are right\n"
	"      --message-level N    as makedumpfile: 1 progress, 2 summary\n"
	"  -q, --quiet              no progress and no summary\n"
	"  -h, --help\n"
	"  -v, -V, --version\n"
	"  -D, -b N, -x FILE, --cyclic-buffer N, --non-cyclic, --work-dir DIR\n"
	"                           makedumpfile's; not needed, and without effect\n"
	"\n"
	"Exit status: 0 done; 1 failed; 2 wrong usage; 4 no space left; 5 unsupported;\n"
	"6 VMCORE is damaged or incomplete (what could be read is in DUMP, if it is there);\n"
	"7 the deadline passed (what there was time for is in DUMP.incomplete).\n";

static struct error *parse_number(const char *text, const char *what, unsigned long max, unsigned int *ret)
{
	char *end;
	unsigned long number;

	errno = 0;
	number = strtoul(text, &end, 10);
	if (errno || end == text || *end || text[0] == '-' || number > max)
		return error_new(ERROR_USAGE, "%s '%s': must be a number from 0 to %lu", what, text, max);
	*ret = (unsigned int)number;
	return NULL;
}

static struct error *choose_compressor(struct arguments *args, const char *name)
{
	args->is_compressor_chosen = true;
	if (strcmp(name, "auto") == 0) {
		args->copy.compressor = NULL;
		return NULL;
	}
	return compressor_parse(name, &args->copy.compressor, &args->copy.level, &args->copy.has_level);
}

static unsigned int cpu_count(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned int)CPU_COUNT(&set) : 1;
}

// A deadline is for one copy: a day is more than any takes.
enum { DEADLINE_MAX_S = 86400 };

enum {
	OPT_COMPRESS = 256,
	OPT_DRY_RUN,
	OPT_THREADS,
	OPT_REASSEMBLE,
	OPT_LOG,
	OPT_CHECK,
	OPT_MESSAGE_LEVEL,
	OPT_PAGEMAP,
	OPT_KEEP,
	OPT_STATS,
	OPT_WARN_KEPT,
	OPT_SPLIT,
	OPT_DIRECT,
	OPT_NON_MMAP,
	OPT_DEADLINE,
	OPT_MEMORY_LIMIT,
	OPT_USAGE,
	OPT_NO_EFFECT,
	OPT_UNSUPPORTED,
};

// makedumpfile(8), --message-level.
enum { MESSAGE_PROGRESS = 1, MESSAGE_COMMON = 2, MESSAGE_MAX = 31 };

static struct error *set_message_level(struct arguments *args)
{
	unsigned int level = 0;
	struct error *err = parse_number(optarg, "--message-level", MESSAGE_MAX, &level);

	args->is_progress_unwanted = !(level & MESSAGE_PROGRESS);
	args->is_quiet = !(level & (MESSAGE_PROGRESS | MESSAGE_COMMON));
	return err;
}

static struct error *add_keep_name(struct arguments *args)
{
	const char **grown = NULL;

	if (!*optarg)
		return error_new(ERROR_USAGE, "--keep-process: the name is empty");
	grown = reallocarray(args->keep_names, args->keep_count + 2, sizeof(*grown));

	if (!grown)
		return error_new(ERROR_NOMEM, "no memory for a name");
	grown[args->keep_count++] = optarg;
	grown[args->keep_count] = NULL;
	args->copy.keep_names = args->keep_names = grown;
	return NULL;
}

static struct error *add_output(struct arguments *args, const char *path)
{
	const char **grown = reallocarray(args->more_outputs, args->more_output_count + 1, sizeof(*grown));

	if (!grown)
		return error_new(ERROR_NOMEM, "no memory for a name");
	grown[args->more_output_count++] = path;
	args->more_outputs = grown;
	return NULL;
}

static struct error *set_split(struct arguments *args)
{
	args->is_split = args->is_split || !optarg;
	return optarg ? add_output(args, optarg) : NULL;
}

static struct error *set_deadline(struct arguments *args)
{
	unsigned int seconds = 0;
	struct error *err = parse_number(optarg, "--deadline", DEADLINE_MAX_S, &seconds);

	args->copy.deadline_ms = clock_now_ms() + seconds * UINT64_C(1000);
	return err;
}

// A size with K, M or G behind it, or none: bytes.
static struct error *set_memory_limit(struct arguments *args)
{
	unsigned int shift;
	uint64_t number;
	char *end;

	errno = 0;
	number = strtoull(optarg, &end, 10);
	shift = *end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;
	args->memory_limit_bytes = number << shift;
	if (errno || end == optarg || !number || *optarg == '-' || number > UINT64_MAX >> shift ||
	    (*end && (!shift || end[1])))
		return error_new(ERROR_USAGE, "--memory-limit '%s': must be a size such as 16M", optarg);
	return NULL;
}

static struct error *parse_option(int option, struct arguments *args)
{
	switch (option) {
	case 'd':
		return parse_number(optarg, "dump level", FILTER_LEVEL_MAX, &args->copy.dump_level);
	case 'c':
		return choose_compressor(args, "zlib");
	case 'l':
		return choose_compressor(args, "lzo");
	case 'p':
		return choose_compressor(args, "snappy");
	case 'z':
		return choose_compressor(args, "zstd");
	case OPT_COMPRESS:
		return choose_compressor(args, optarg);
	case 'E':
		args->copy.format = COPY_ELF;
		return NULL;
	case 'F':
		args->is_flattened = true;
		return NULL;
	case 'f':
		args->is_forced = true;
		return NULL;
	case 'q':
		args->is_quiet = true;
		return NULL;
	case OPT_DRY_RUN:
		args->copy.is_dry_run = true;
		return NULL;
	case OPT_REASSEMBLE:
		args->is_reassembled = true;
		return NULL;
	case OPT_LOG:
		args->is_log_wanted = true;
		return NULL;
	case OPT_CHECK:
		args->is_check = true;
		return NULL;
	case OPT_PAGEMAP:
		args->pagemap = optarg;
		return NULL;
	case OPT_STATS:
		args->stats = optarg;
		return NULL;
	case OPT_USAGE:
		args->is_usage_wanted = args->copy.is_dry_run = true;
		return NULL;
	case OPT_WARN_KEPT:
		return parse_number(optarg, "--warn-kept", 100, &args->copy.warn_kept_percent);
	case OPT_MESSAGE_LEVEL:
		return set_message_level(args);
	case OPT_KEEP:
		return add_keep_name(args);
	case OPT_NO_EFFECT:
	case 'D':
	case 'b':
		return NULL;
	case 'i':
		args->vmcoreinfo = optarg;
		return NULL;
	case 'x':
		args->vmlinux = optarg;
		return NULL;
	case 'g':
		args->is_info_wanted = true;
		args->output = optarg;
		return NULL;
	case 'R':
		args->is_rearranged = true;
		return NULL;
	case 'e':
		args->copy.is_unused_dropped = true;
		return NULL;
	case OPT_SPLIT:
		return set_split(args);
	case OPT_DIRECT:
		args->is_direct = true;
		return NULL;
	case OPT_NON_MMAP:
		args->is_read = true;
		return NULL;
	case OPT_DEADLINE:
		return set_deadline(args);
	case OPT_MEMORY_LIMIT:
		return set_memory_limit(args);
	case 'X':
		return error_new(ERROR_UNSUPPORTED, "-%c is not supported yet", option);
	case OPT_THREADS:
		return parse_number(optarg, "the number of threads", 256, &args->copy.thread_count);
	default:
		// getopt has said what is wrong.
		return error_new(ERROR_USAGE, "try 'kdump-copy --help'");
	}
}

// What -R writes is in the stream already, so nothing can be asked for but where.
static struct error *take_stream(struct arguments *args, char **paths, int count)
{
	if (args->is_flattened || args->is_reassembled || args->is_log_wanted || args->is_compressor_chosen ||
	    args->keep_names || args->pagemap || args->stats || args->copy.is_dry_run || args->copy.dump_level ||
	    args->copy.format != COPY_KDUMP || args->copy.is_unused_dropped || args->copy.deadline_ms ||
	    args->is_split || args->more_output_count || args->is_direct || args->is_read)
		return error_new(ERROR_USAGE, "-R writes what is in the stream: only -f and -q go with it");
	if (count != 1)
		return error_new(ERROR_USAGE, "%s; try 'kdump-copy --help'",
		                 count ? "too many arguments" : "DUMP is missing");
	if (isatty(STDIN_FILENO))
		return error_new(ERROR_USAGE,
		                 "-R reads the stream from standard input, which is a terminal; redirect it");
	args->output = paths[0];
	return NULL;
}

// -g reads no dump, and nothing but -x and -f has a meaning for it.
static struct error *take_info(struct arguments *args, int count)
{
	if (!args->vmlinux)
		return error_new(ERROR_USAGE, "-g needs -x VMLINUX, a kernel with debugging information");
	if (count)
		return error_new(ERROR_USAGE,
		                 "-g writes what VMLINUX says: too many arguments; try 'kdump-copy --help'");
	return NULL;
}

// What is left of the command line: one input, or with --reassemble several, and the output where one is a file.
static struct error *take_paths(struct arguments *args, char **paths, int count)
{
	bool has_output = !args->is_flattened && (args->is_reassembled || !args->copy.is_dry_run);
	int least = has_output ? 2 : 1;

	if (args->is_split && has_output && !args->is_reassembled && count > least) {
		for (int i = least; i < count; i++) {
			struct error *err = add_output(args, paths[i]);

			if (err)
				return err;
		}
		count = least;
	}
	if (count < least ||
	    (count > least && !args->is_reassembled && (!args->copy.is_dry_run || args->is_usage_wanted)))
		return error_new(ERROR_USAGE, "%s; try 'kdump-copy --help'",
		                 count < 1       ? "VMCORE is missing"
		                 : count < least ? "DUMP is missing"
		                                 : "too many arguments");
	args->inputs = paths;
	args->input_count = args->is_reassembled ? (size_t)(count - has_output) : 1;
	args->output = has_output && !args->copy.is_dry_run ? paths[count - 1] : NULL;
	return NULL;
}

// Every page is counted under one name, as at level 31; pages of zeros are found by the writer of ELF files.
static struct error *ask_for_usage(struct arguments *args)
{
	if (args->is_log_wanted || args->is_flattened || args->is_split || args->pagemap || args->keep_names ||
	    args->copy.is_unused_dropped)
		return error_new(ERROR_USAGE, "--mem-usage goes without --dump-dmesg, -F, --split, --pagemap, "
		                              "--keep-process and -e");
	args->copy.dump_level = FILTER_LEVEL_MAX;
	args->copy.format = COPY_ELF;
	args->copy.is_zero_counted = true;
	return compressor_find("none", &args->copy.compressor);
}

// What only a dump in files can be.
static struct error *check_files(const struct arguments *args)
{
	if (args->is_split && !args->more_output_count && !args->copy.is_dry_run)
		return error_new(ERROR_USAGE, "--split needs two dumps or more");
	if (args->more_output_count && (args->is_flattened || args->copy.format == COPY_ELF || args->is_log_wanted))
		return error_new(ERROR_USAGE,
		                 "--split goes without -F, -E and --dump-dmesg: only kdump-compressed dumps "
		                 "can be split");
	for (size_t i = 0; args->output && i < args->more_output_count; i++)
		for (size_t j = 0; j <= i; j++)
			if (strcmp(args->more_outputs[i], j ? args->more_outputs[j - 1] : args->output) == 0)
				return error_new(ERROR_USAGE, "--split: %s is named twice", args->more_outputs[i]);
	if (args->copy.deadline_ms && args->is_flattened)
		return error_new(ERROR_USAGE, "--deadline goes without -F: cut short, it is no dump");
	if (args->is_direct && args->is_flattened)
		return error_new(ERROR_USAGE, "--direct goes without -F: a stream has no page cache");
	return NULL;
}

static struct error *check_arguments(struct arguments *args)
{
	struct error *err = args->is_usage_wanted ? ask_for_usage(args) : NULL;

	if (!err)
		err = check_files(args);
	if (err)
		return err;
	if (args->copy.format == COPY_ELF && strcmp(compressor_text(args->copy.compressor), "none") != 0)
		return error_new(ERROR_USAGE, "-E cannot be compressed: leave out -%s",
		                 strcmp(compressor_text(args->copy.compressor), "zlib") == 0
		                         ? "c"
		                         : "c, -l, -p, -z or --compress");
	if (args->is_log_wanted && (args->pagemap || args->stats))
		return error_new(ERROR_USAGE, "--dump-dmesg goes without --pagemap and --stats");
	if (args->is_flattened && args->stats && strcmp(args->stats, "-") == 0)
		return error_new(ERROR_USAGE, "-F writes the dump to standard output: --stats needs a file");
	if (args->is_log_wanted && (args->is_flattened || args->is_reassembled || args->copy.is_dry_run))
		return error_new(ERROR_USAGE, "--dump-dmesg goes without -F, --reassemble and --dry-run");
	if (args->is_flattened && isatty(STDOUT_FILENO) && !args->copy.is_dry_run)
		return error_new(ERROR_USAGE,
		                 "-F writes the dump to standard output, which is a terminal; redirect it");
	if (!args->copy.thread_count)
		args->copy.thread_count = cpu_count();
	if (!args->copy.is_dry_run)
		args->copy.more_sink_count = args->more_output_count;
	return NULL;
}

struct error *copy_arguments_parse(int argc, char **argv, struct arguments *args, bool *go_on_ret)
{
	static const struct option options[] = {
		{"dump-level", required_argument, NULL, 'd'},
		{"compress", required_argument, NULL, OPT_COMPRESS},
		{"force", no_argument, NULL, 'f'},
		{"dry-run", no_argument, NULL, OPT_DRY_RUN},
		{"num-threads", required_argument, NULL, OPT_THREADS},
		{"reassemble", no_argument, NULL, OPT_REASSEMBLE},
		{"pagemap", required_argument, NULL, OPT_PAGEMAP},
		{"stats", required_argument, NULL, OPT_STATS},
		{"warn-kept", required_argument, NULL, OPT_WARN_KEPT},
		{"dump-dmesg", no_argument, NULL, OPT_LOG},
		{"check-params", no_argument, NULL, OPT_CHECK},
		{"message-level", required_argument, NULL, OPT_MESSAGE_LEVEL},
		{"keep-process", required_argument, NULL, OPT_KEEP},
		{"cyclic-buffer", required_argument, NULL, OPT_NO_EFFECT},
		{"non-cyclic", no_argument, NULL, OPT_NO_EFFECT},
		{"work-dir", required_argument, NULL, OPT_NO_EFFECT},
		{"config", required_argument, NULL, OPT_UNSUPPORTED},
		{"extension", required_argument, NULL, OPT_UNSUPPORTED},
		{"mem-usage", no_argument, NULL, OPT_USAGE},
		{"split", optional_argument, NULL, OPT_SPLIT},
		{"direct", no_argument, NULL, OPT_DIRECT},
		{"non-mmap", no_argument, NULL, OPT_NON_MMAP},
		{"deadline", required_argument, NULL, OPT_DEADLINE},
		{"memory-limit", required_argument, NULL, OPT_MEMORY_LIMIT},
		{"threads", required_argument, NULL, OPT_THREADS},
		{"quiet", no_argument, NULL, 'q'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{0},
	};
	struct error *err;
	int option, place = 0;

	args->copy.warn_kept_percent = COPY_WARN_KEPT_PERCENT;
	err = compressor_find("none", &args->copy.compressor);
	while (!err && (option = getopt_long(argc, argv, "DEFRVXb:cd:efg:hi:lpqvx:z", options, &place)) != -1) {
		if (option == OPT_UNSUPPORTED)
			return error_new(ERROR_UNSUPPORTED, "--%s is not supported yet", options[place].name);
		if (option == 'h' || option == 'V' || option == 'v') {
			fputs(option == 'h' ? usage_text : "kdump-copy " PACKAGE_VERSION "\n", stdout);
			*go_on_ret = false;
			return NULL;
		}
		err = parse_option(option, args);
	}
	if (!err && args->is_info_wanted)
		err = take_info(args, argc - optind);
	else if (!err && args->is_rearranged)
		err = take_stream(args, argv + optind, argc - optind);
	else if (!err)
		err = take_paths(args, argv + optind, argc - optind);
	if (!err)
		err = check_arguments(args);
	if (err)
		return err;
	*go_on_ret = !args->is_check;
	return NULL;
}

void copy_arguments_deinit(struct arguments *args)
{
	free(args->keep_names);
	free(args->more_outputs);
	*args = (struct arguments){0};
}
