// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/idtree.h"

#include "report/facts.h"

enum member {
	XARRAY_HEAD,
	XA_NODE_SHIFT,
	XA_NODE_SLOTS,
	MAPLE_ROOT,
	MAPLE_NODE_MR64,
	MAPLE_NODE_MA64,
	RANGE_PIVOT,
	RANGE_SLOT,
	ARANGE_PIVOT,
	ARANGE_SLOT,
	TYPE_LEAF,
	TYPE_RANGE,
	TYPE_ARANGE,
	MEMBER_COUNT,
};

static const struct btf_query members[MEMBER_COUNT] = {
	[XARRAY_HEAD] = FACTS_MEMBER("xarray", "xa_head"),
	[XA_NODE_SHIFT] = FACTS_MEMBER("xa_node", "shift"),
	[XA_NODE_SLOTS] = FACTS_MEMBER("xa_node", "slots"),
	[MAPLE_ROOT] = FACTS_MEMBER("maple_tree", "ma_root"),
	[MAPLE_NODE_MR64] = FACTS_MEMBER("maple_node", "mr64"),
	[MAPLE_NODE_MA64] = FACTS_MEMBER("maple_node", "ma64"),
	[RANGE_PIVOT] = FACTS_MEMBER("maple_range_64", "pivot"),
	[RANGE_SLOT] = FACTS_MEMBER("maple_range_64", "slot"),
	[ARANGE_PIVOT] = FACTS_MEMBER("maple_arange_64", "pivot"),
	[ARANGE_SLOT] = FACTS_MEMBER("maple_arange_64", "slot"),
	[TYPE_LEAF] = FACTS_ENUMERATOR("maple_type", "maple_leaf_64"),
	[TYPE_RANGE] = FACTS_ENUMERATOR("maple_type", "maple_range_64"),
	[TYPE_ARANGE] = FACTS_ENUMERATOR("maple_type", "maple_arange_64"),
};

enum {
	// xa_is_internal(): the lowest bits; xa_is_node(): and above what such entries mean otherwise.
	INTERNAL_BITS = 3,
	INTERNAL = 2,
	NODE_MIN = 4096,
	// Numbers of 64 bits: eleven levels of six bits; a maple tree's are of ten slots at least.
	DEPTH_MAX = 24,
	SLOTS_MAX = 64,
	// include/linux/maple_tree.h: MAPLE_NODE_MASK, MAPLE_NODE_TYPE_SHIFT, MAPLE_NODE_TYPE_MASK.
	MAPLE_NODE_MASK = 255,
	MAPLE_TYPE_SHIFT = 3,
	MAPLE_TYPE_MASK = 15,
};

// A walk, and the nodes on the way down.
struct walk {
	struct facts facts;
	size_t left;
	idtree_each *each;
	void *context;
};

struct level {
	uint64_t node, slots, pivots; // Addresses.
	uint64_t count, pivot_count; // Of slots and pivots.
	uint64_t at; // Slot that is next.
	uint64_t first, last; // Numbers of the node; first also: of the next slot.
	unsigned int shift;
	bool is_leaf;
};

static bool is_node(uint64_t entry)
{
	return (entry & INTERNAL_BITS) == INTERNAL && entry > NODE_MIN;
}

static struct error *take(struct walk *walk)
{
	if (!walk->left)
		return error_new(ERROR_BAD_DATA, "a tree of numbers has more nodes than it can have");
	walk->left--;
	return NULL;
}

static struct error *tell(struct walk *walk, uint64_t number, uint64_t entry)
{
	struct error *err;

	// Values, and entries that mean something to the tree itself.
	if (!entry || entry & INTERNAL_BITS)
		return NULL;
	err = take(walk);
	return err ? err : walk->each(walk->context, number, entry);
}

static struct error *open_xa_node(struct walk *walk, uint64_t entry, uint64_t first, struct level *ret)
{
	const struct facts *facts = &walk->facts;
	uint64_t shift = 0;
	struct error *err = take(walk);

	*ret = (struct level){.node = entry - INTERNAL, .first = first};
	if (!err)
		err = facts_get(facts, ret->node, XA_NODE_SHIFT, &shift);
	if (!err && shift >= 64)
		err = error_new(ERROR_BAD_DATA, "the node of a tree at %#jx has a shift of %ju", (uintmax_t)ret->node,
		                (uintmax_t)shift);
	ret->shift = (unsigned int)shift;
	ret->slots = facts_at(facts, ret->node, XA_NODE_SLOTS);
	ret->count = facts_bytes(facts, XA_NODE_SLOTS) / 8;
	if (ret->count > SLOTS_MAX)
		ret->count = SLOTS_MAX;
	return err;
}

static struct error *walk_xarray(struct walk *walk, uint64_t head)
{
	struct level levels[DEPTH_MAX];
	unsigned int depth = 0;
	struct error *err;

	if (!is_node(head))
		return tell(walk, 0, head);
	err = open_xa_node(walk, head, 0, &levels[0]);
	while (!err) {
		struct level *level = &levels[depth];
		uint64_t entry = 0, number = level->first + (level->at << level->shift);

		if (level->at >= level->count) {
			if (!depth)
				return NULL;
			depth--;
			continue;
		}
		err = vmemory_uint(walk->facts.kernel->memory, level->slots + 8 * level->at++, 8, &entry);
		if (err || !entry)
			continue;
		if (!level->shift || !is_node(entry)) {
			err = tell(walk, number, entry);
			continue;
		}
		if (depth + 1 >= DEPTH_MAX)
			return error_new(ERROR_BAD_DATA, "a tree of numbers is too deep");
		err = open_xa_node(walk, entry, number, &levels[depth + 1]);
		// Each level has fewer bits of the number than the one above.
		if (!err && levels[depth + 1].shift >= level->shift)
			err = error_new(ERROR_BAD_DATA, "the node of a tree at %#jx is below itself", (uintmax_t)entry);
		depth++;
	}
	return err;
}

static struct error *open_maple_node(struct walk *walk, uint64_t entry, uint64_t first, uint64_t last,
                                     struct level *ret)
{
	const struct facts *facts = &walk->facts;
	int64_t type = (int64_t)(entry >> MAPLE_TYPE_SHIFT & MAPLE_TYPE_MASK);
	bool is_arange = type == facts->members[TYPE_ARANGE].value;
	uint64_t node = entry & ~(uint64_t)MAPLE_NODE_MASK;
	uint64_t inner = facts_at(facts, node, is_arange ? MAPLE_NODE_MA64 : MAPLE_NODE_MR64);

	*ret = (struct level){.node = node, .first = first, .last = last};
	ret->is_leaf = type == facts->members[TYPE_LEAF].value;
	if (!ret->is_leaf && !is_arange && type != facts->members[TYPE_RANGE].value)
		return error_new(ERROR_UNSUPPORTED, "the node of a tree at %#jx has type %jd", (uintmax_t)node,
		                 (intmax_t)type);
	ret->slots = facts_at(facts, inner, is_arange ? ARANGE_SLOT : RANGE_SLOT);
	ret->pivots = facts_at(facts, inner, is_arange ? ARANGE_PIVOT : RANGE_PIVOT);
	ret->count = facts_bytes(facts, is_arange ? ARANGE_SLOT : RANGE_SLOT) / 8;
	ret->pivot_count = facts_bytes(facts, is_arange ? ARANGE_PIVOT : RANGE_PIVOT) / 8;
	if (ret->count > SLOTS_MAX)
		ret->count = SLOTS_MAX;
	return take(walk);
}

// The last number of a slot (mas_logical_pivot()): where the pivot is missing, that of the node.
static struct error *read_pivot(struct walk *walk, const struct level *level, uint64_t *ret)
{
	uint64_t pivot = 0;
	struct error *err = NULL;

	if (level->at < level->pivot_count)
		err = vmemory_uint(walk->facts.kernel->memory, level->pivots + 8 * level->at, 8, &pivot);
	if (!err)
		*ret = level->at >= level->pivot_count || (!pivot && level->at) || pivot > level->last ? level->last
		                                                                                       : pivot;
	return err;
}

static struct error *walk_maple(struct walk *walk, uint64_t root)
{
	struct level levels[DEPTH_MAX];
	unsigned int depth = 0;
	struct error *err;

	if (!is_node(root))
		return tell(walk, 0, root);
	err = open_maple_node(walk, root, 0, UINT64_MAX, &levels[0]);
	while (!err) {
		struct level *level = &levels[depth];
		uint64_t entry = 0, pivot = 0, first = level->first;

		if (level->at >= level->count) {
			if (!depth)
				return NULL;
			depth--;
			continue;
		}
		err = read_pivot(walk, level, &pivot);
		if (!err)
			err = vmemory_uint(walk->facts.kernel->memory, level->slots + 8 * level->at, 8, &entry);
		// What stands behind the last number is nothing.
		level->at = pivot >= level->last ? level->count : level->at + 1;
		level->first = pivot + 1;
		if (err || !entry || pivot < first)
			continue;
		if (level->is_leaf) {
			err = tell(walk, first, entry);
			continue;
		}
		if (depth + 1 >= DEPTH_MAX)
			return error_new(ERROR_BAD_DATA, "a tree of numbers is too deep");
		err = open_maple_node(walk, entry, first, pivot, &levels[++depth]);
	}
	return err;
}

struct error *idtree_xarray(struct kernel *kernel, uint64_t vaddr, size_t most, idtree_each *each, void *context)
{
	static const unsigned int needed[] = {XARRAY_HEAD, XA_NODE_SHIFT, XA_NODE_SLOTS};
	struct walk walk = {.left = most, .each = each, .context = context};
	uint64_t head = 0;
	struct error *err = facts_init(&walk.facts, kernel, NULL, 0, members, MEMBER_COUNT);

	if (!err)
		err = facts_need(&walk.facts, needed, array_size(needed));
	if (!err)
		err = facts_get(&walk.facts, vaddr, XARRAY_HEAD, &head);
	if (!err)
		err = walk_xarray(&walk, head);
	facts_deinit(&walk.facts);
	return err;
}

struct error *idtree_maple(struct kernel *kernel, uint64_t vaddr, size_t most, idtree_each *each, void *context)
{
	static const unsigned int needed[] = {MAPLE_ROOT,   MAPLE_NODE_MR64, MAPLE_NODE_MA64, RANGE_PIVOT, RANGE_SLOT,
	                                      ARANGE_PIVOT, ARANGE_SLOT,     TYPE_LEAF,       TYPE_RANGE,  TYPE_ARANGE};
	struct walk walk = {.left = most, .each = each, .context = context};
	uint64_t root = 0;
	struct error *err = facts_init(&walk.facts, kernel, NULL, 0, members, MEMBER_COUNT);

	if (!err)
		err = facts_need(&walk.facts, needed, array_size(needed));
	if (!err)
		err = facts_get(&walk.facts, vaddr, MAPLE_ROOT, &root);
	if (!err)
		err = walk_maple(&walk, root);
	facts_deinit(&walk.facts);
	return err;
}
