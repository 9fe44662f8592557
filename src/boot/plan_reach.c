// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/plan_reach.h"

#include <string.h>

#include "boot/destination.h"
#include "boot/modules.h"
#include "boot/text.h"
#include "boot/ways.h"

// Takes over what one more target stands on.
static void join_stack(struct stack *all, const struct stack *more)
{
	const struct words *const from[] = {&more->reasons, &more->dracut_modules, &more->devices, &more->disks};
	struct words *const to[] = {&all->reasons, &all->dracut_modules, &all->devices, &all->disks};

	for (size_t i = 0; i < array_size(from); i++)
		for (size_t j = 0; j < from[i]->count; j++)
			if (!words_has(to[i], from[i]->list[j]))
				words_add(to[i], from[i]->list[j]);
}

// Sessions of a target, whose number is that of its secrets.
static struct error *add_sessions(struct planner *planner, const struct iscsi_sessions *sessions, size_t number)
{
	const char *program = sessions->rows.count ? iscsi_program(planner->host) : NULL;
	struct error *err = NULL;

	if (program && !words_has(&planner->target_files, program))
		words_add(&planner->target_files, program);
	for (size_t i = 0; i < sessions->rows.count && !err; i++) {
		words_addf(&planner->sessions, "%zu %s", number, sessions->rows.list[i]);
		err = planner_explain(planner, "iscsi.sessions", "%s", sessions->reasons.list[i]);
	}
	for (size_t i = 0; i < sessions->servers.count; i++)
		if (!words_has(&planner->servers, sessions->servers.list[i]))
			words_add(&planner->servers, sessions->servers.list[i]);
	return err;
}

// Encrypted volumes of a target, as those.
static struct error *add_volumes(struct planner *planner, const struct crypt_volumes *volumes, size_t number)
{
	struct error *err = NULL;

	for (size_t i = 0; i < volumes->rows.count && !err; i++) {
		words_addf(&planner->volumes, "%zu %s", number, volumes->rows.list[i]);
		err = planner_explain(planner, "crypt.volumes", "%s", volumes->reasons.list[i]);
	}
	return err;
}

static struct error *add_place(struct planner *planner, const struct destination *place)
{
	const char *secret = place->secret ? place->secret : place->stack.sessions.secret;
	struct error *err = add_sessions(planner, &place->stack.sessions, planner->secrets.count);

	if (!err)
		err = add_volumes(planner, &place->stack.volumes, planner->secrets.count);

	join_stack(&planner->stack, &place->stack);
	words_add(&planner->secrets, secret ? secret : "");
	if (place->address && !words_has(&planner->servers, place->address))
		words_add(&planner->servers, place->address);
	for (size_t i = 0; i < place->files.count; i++)
		if (!words_has(&planner->target_files, place->files.list[i]))
			words_add(&planner->target_files, place->files.list[i]);
	return err;
}

struct error *plan_reach_target(struct planner *planner)
{
	struct plan_target *target = &planner->plan->target;
	_cleanup_destination_ struct destination place = {0};
	struct error *err = destination_find(planner->host, planner->config, &place);

	if (err)
		return err;
	err = add_place(planner, &place);
	if (!err)
		err = planner_explain(planner, "target.device", "%s", place.tag_reason);
	if (!err && place.options_reason)
		err = planner_explain(planner, "target.options", "%s", place.options_reason);
	if (!err)
		err = planner_explain(planner, "target.directory", "%s", place.directory_reason);
	planner->place = take_ptr(place.device.name);
	target->device = take_ptr(place.tag);
	target->fstype = take_ptr(place.fstype);
	target->options = take_ptr(place.options);
	target->directory = take_ptr(place.directory);
	return err;
}

// The lists of struct plan_fallback while they grow.
struct places {
	struct words tags, fstypes, options, directories;
};

static void places_deinit(struct places *places)
{
	words_deinit(&places->tags);
	words_deinit(&places->fstypes);
	words_deinit(&places->options);
	words_deinit(&places->directories);
}

// A target that is not another one would fail as the first did.
static bool is_known_target(const struct plan *plan, const struct words *devices, const char *tag)
{
	return strcmp(plan->target.device, tag) == 0 || words_has(devices, tag);
}

static struct error *add_next(struct planner *planner, struct places *places, enum config_key key, const char *word,
                              size_t number)
{
	const struct config *config = planner->config;
	_cleanup_destination_ struct destination place = {0};
	struct error *err = destination_find_next(planner->host, config, key, word, &place);

	if (!err && is_known_target(planner->plan, &places->tags, place.tag))
		err = error_new(ERROR_CONFIG, "%s: %s: word %zu is on %s, which is tried before",
		                config_where(config, key), config_key_info(key)->name, number, place.tag);
	if (err)
		return err;
	words_add(&places->tags, place.tag);
	words_add(&places->fstypes, place.fstype);
	words_add(&places->options, place.options);
	words_add(&places->directories, place.directory);
	err = add_place(planner, &place);
	if (!err)
		err = planner_explain(planner, "fallback.devices", "%s", place.tag_reason);
	return err ? err : planner_explain(planner, "fallback.directories", "%s", place.directory_reason);
}

struct error *plan_reach_fallback(struct planner *planner)
{
	const struct config *config = planner->config;
	struct plan_fallback *fallback = &planner->plan->fallback;
	_cleanup_(places_deinit) struct places places = {0};
	_cleanup_words_ struct words parts = {0}, words = {0};
	struct error *err = destination_names(config, &parts);

	for (size_t i = 1; i < parts.count && !err; i++)
		err = add_next(planner, &places, KEY_TARGET, parts.list[i], i + 1);
	words_split(&words, config_text(config, KEY_FALLBACK));
	for (size_t i = 0; i < words.count && !err; i++) {
		words_unquote(words.list[i]);
		err = add_next(planner, &places, KEY_FALLBACK, words.list[i], i + 1);
	}
	planner->plan->parts = (unsigned int)parts.count;
	if (!err && parts.count > PLAN_PARTS_MAX)
		err = error_new(ERROR_CONFIG, "%s: KDUMP_TARGET: more than %d targets",
		                config_where(config, KEY_TARGET), PLAN_PARTS_MAX);
	if (!err)
		err = parts.count > 1 ? planner_explain(planner, "target.parts",
		                                        "%s: KDUMP_TARGET names so many targets: the dump is split "
		                                        "over them; one that is "
		                                        "missing is left out",
		                                        config_where(config, KEY_TARGET))
		                      : planner_explain(planner, "target.parts", "the dump is not split");
	if (!err)
		err = words_take(&places.tags, &fallback->devices);
	if (!err)
		err = words_take(&places.fstypes, &fallback->fstypes);
	if (!err)
		err = words_take(&places.options, &fallback->options);
	if (!err)
		err = words_take(&places.directories, &fallback->directories);
	if (!err)
		err = words_take(&planner->secrets, &planner->plan->secrets);
	if (!err)
		err = words_take(&planner->sessions, &planner->plan->iscsi_sessions);
	if (!err)
		err = words_take(&planner->volumes, &planner->plan->crypt_volumes);
	return err ? err : words_take(&planner->target_files, &planner->plan->target_files);
}

static struct error *add_ciphers(struct planner *planner, const struct modules *modules, struct words *ordered)
{
	struct error *err = NULL;

	for (char *const *row = planner->plan->crypt_volumes; *row && !err; row++) {
		_cleanup_words_ struct words words = {0};

		err = crypt_parse(*row, &words);
		if (!err)
			err = modules_add_crypt(planner->host, modules, words.list[CRYPT_CIPHER], ordered);
	}
	return err;
}

struct error *plan_reach_modules(struct planner *planner)
{
	struct plan *plan = planner->plan;
	_cleanup_modules_ struct modules modules = {0};
	_cleanup_words_ struct words ordered = {0}, drivers = {0};
	_cleanup_text_ struct text names = {0};
	bool is_known;
	struct error *err = modules_open(planner->host, plan->kernel_version, &modules);

	for (size_t i = 0; i < planner->stack.disks.count && !err; i++)
		err = modules_add_device(planner->host, &modules, planner->stack.disks.list[i], &ordered, &drivers);
	if (!err && *plan->iscsi_sessions)
		err = modules_add_iscsi(&modules, &ordered);
	if (!err)
		err = add_ciphers(planner, &modules, &ordered);
	for (size_t i = 0; i < plan_target_count(plan) && !err; i++) {
		struct plan_target place = plan_target_at(plan, i);

		if (!plan_target_is_server(&place) && !plan_target_is_raw(&place))
			err = modules_add_filesystem(&modules, place.fstype, &ordered);
	}
	// Where a log is kept when nothing else can be reached.
	if (!err && host_exists(planner->host, "/sys/firmware/efi"))
		err = modules_add(&modules, "efivarfs", &ordered, &is_known);
	if (!err)
		err = words_take(&ordered, &plan->modules);
	if (err)
		return err;
	for (size_t i = 0; i < drivers.count; i++)
		text_add(&names, "%s, ", drivers.list[i]);
	if (planner->place)
		return planner_explain(planner, "kernel.modules",
		                       "drivers of the target's disk (%sfrom the bus down)%s%s%s, in load order",
		                       names.buf ? names.buf : "", plan_target_is_raw(&plan->target) ? "" : " and ",
		                       plan_target_is_raw(&plan->target) ? "" : plan->target.fstype,
		                       *plan->fallback.devices ? ", and those of the fallback" : "");
	return planner_explain(planner, "kernel.modules",
	                       "%s%s, in load order; those of the network are in network.modules", plan->target.fstype,
	                       *plan->fallback.devices ? ", and drivers of the fallback" : "");
}

// Drivers of some devices, in load order. more: other modules, or NULL.
static struct error *list_drivers(struct planner *planner, const struct words *devices, const struct words *more,
                                  char ***ret)
{
	_cleanup_modules_ struct modules modules = {0};
	_cleanup_words_ struct words ordered = {0}, drivers = {0};
	bool is_known;
	struct error *err = modules_open(planner->host, planner->plan->kernel_version, &modules);

	for (size_t i = 0; i < devices->count && !err; i++)
		err = modules_add_device(planner->host, &modules, devices->list[i], &ordered, &drivers);
	for (size_t i = 0; more && i < more->count && !err; i++) {
		err = modules_add(&modules, more->list[i], &ordered, &is_known);
		if (!err && !is_known)
			err = error_new(ERROR_CONFIG, "the kernel %s has no %s, which the network needs",
			                planner->plan->kernel_version, more->list[i]);
	}
	return err ? err : words_take(&ordered, ret);
}

static struct error *explain_ways(struct planner *planner, const struct ways *ways)
{
	const struct config *config = planner->config;
	struct error *err = NULL;

	for (size_t i = 0; i < ways->server_reasons.count && !err; i++)
		err = planner_explain(planner, "network.routes", "%s", ways->server_reasons.list[i]);
	if (!err)
		err = planner_explain(planner, "notify.routes", "%s: KDUMP_NOTIFY_NODES, all addresses of each",
		                      config_where(config, KEY_NOTIFY_NODES));
	for (size_t i = 0; i < ways->reasons.count && !err; i++)
		err = planner_explain(planner, "notify.routes", "%s", ways->reasons.list[i]);
	for (size_t i = 0; i < ways->warnings.count && !err; i++)
		err = planner_explain(planner, PLAN_WARNING,
		                      "%s: KDUMP_NOTIFY_NODES: %s; it will not be told of a crash",
		                      config_where(config, KEY_NOTIFY_NODES), ways->warnings.list[i]);
	if (!err)
		err = planner_explain_key(planner, "notify.port", KEY_NOTIFY_PORT);
	return err ? err
	           : planner_explain(planner, "notify.interval_ms", "%s: KDUMP_NOTIFY_INTERVAL, in seconds",
	                             config_where(config, KEY_NOTIFY_INTERVAL));
}

// The network without those who get notices.
static struct error *plan_without_notices(struct planner *planner, const char *why, struct ways *ways)
{
	static const struct words nobody = {0};
	struct error *err =
		planner_explain(planner, PLAN_WARNING, "%s: KDUMP_NOTIFY_NODES: %s; nobody will be told of a crash",
	                        config_where(planner->config, KEY_NOTIFY_NODES), why);

	ways_deinit(ways);
	if (!err)
		err = ways_find(planner->host, &nobody, &planner->servers, ways);
	return err ? err : list_drivers(planner, &ways->devices, &ways->modules, &planner->plan->network_modules);
}

struct error *plan_reach_network(struct planner *planner)
{
	const struct config *config = planner->config;
	struct plan *plan = planner->plan;
	_cleanup_words_ struct words nodes = {0};
	_cleanup_ways_ struct ways ways = {0};
	struct error *err;

	plan->notify_port = (unsigned int)config_number(config, KEY_NOTIFY_PORT);
	plan->notify_interval_ms = (uint64_t)config_number(config, KEY_NOTIFY_INTERVAL) * 1000;
	plan->network_timeout_ms = (uint64_t)config_number(config, KEY_NET_TIMEOUT) * 1000;
	words_split(&nodes, config_text(config, KEY_NOTIFY_NODES));
	err = words_check(&nodes);
	if (!err)
		err = ways_find(planner->host, &nodes, &planner->servers, &ways);
	if (!err)
		err = explain_ways(planner, &ways);
	if (!err)
		err = planner_explain(planner, "network.timeout_ms", "%s: KDUMP_NET_TIMEOUT, in seconds",
		                      config_where(config, KEY_NET_TIMEOUT));
	if (!err)
		err = list_drivers(planner, &ways.devices, &ways.modules, &plan->network_modules);
	// As for a node that cannot be reached; but without a server there is no target.
	if (err && err->code == ERROR_CONFIG && nodes.count) {
		_cleanup_error_ struct error *lacking = err;

		err = plan_without_notices(planner, lacking->text, &ways);
	}
	if (!err)
		err = words_take(&ways.links, &plan->network_links);
	if (!err)
		err = words_take(&ways.addresses, &plan->network_addresses);
	if (!err)
		err = words_take(&ways.servers, &plan->network_routes);
	return err ? err : words_take(&ways.notices, &plan->notify_routes);
}

// A dump is split in the kdump-compressed format only, by our copier, in files that are written at any place.
static struct error *check_parts(const struct planner *planner)
{
	const struct plan *plan = planner->plan;
	const struct config *config = planner->config;
	enum config_key key = plan->format == PLAN_FORMAT_ELF || plan->format == PLAN_FORMAT_RAW ? KEY_DUMPFORMAT
	                      : *plan->encrypt_to                                                ? KEY_ENCRYPT_TO
	                      : *config_text(config, KEY_TRANSFER)                               ? KEY_TRANSFER
	                                                                                         : KEY_TARGET;

	for (size_t i = 0; i < plan->parts && plan->parts > 1; i++) {
		struct plan_target place = plan_target_at(plan, i);

		if (plan_target_is_raw(&place))
			return error_new(ERROR_CONFIG,
			                 "%s: KDUMP_TARGET: a raw partition (%s) has the whole dump, not a part of it",
			                 config_where(config, KEY_TARGET), place.device);
	}
	if (plan->parts < 2 || key == KEY_TARGET)
		return NULL;
	return error_new(ERROR_CONFIG,
	                 "%s: %s: not together with several targets in KDUMP_TARGET (%s), over which the dump is split",
	                 config_where(config, key), config_key_info(key)->name, config_where(config, KEY_TARGET));
}

struct error *plan_reach_warn(struct planner *planner)
{
	static const enum config_key keys[] = {KEY_KEEP_OLD_DUMPS, KEY_KEEP_MAX_SIZE, KEY_KEEP_MAX_DAYS,
	                                       KEY_KEEP_MIN_FREE, KEY_CRASH_LOOP_COUNT};
	const struct config *config = planner->config;
	struct error *err = check_parts(planner);

	for (size_t target = 0; target < plan_target_count(planner->plan); target++) {
		struct plan_target place = plan_target_at(planner->plan, target);
		bool is_unmounted = plan_target_is_server(&place) || plan_target_is_raw(&place);

		for (size_t i = 0; i < array_size(keys) && !err && is_unmounted; i++)
			if (config_number(config, keys[i]))
				err = planner_explain(planner, PLAN_WARNING, "%s: %s: it has no effect on %s",
				                      config_where(config, keys[i]), config_key_info(keys[i])->name,
				                      place.device);
		if (!err && is_unmounted && *config_text(config, KEY_TRANSFER))
			err = planner_explain(planner, PLAN_WARNING,
			                      "%s: KDUMP_TRANSFER: its directory is in memory, of which there is "
			                      "little, if the target is %s",
			                      config_where(config, KEY_TRANSFER), place.device);
	}
	return err;
}
