// SPDX-License-Identifier: GPL-2.0-or-later
// What the page can do beyond being read. Text of the dump is only ever set as text: nothing here makes markup of it.
(() => {
	"use strict";
	const $ = id => document.getElementById(id);
	const root = document.documentElement;
	const data = JSON.parse($("data").textContent);

	function el(tag, attributes, ...children) {
		const node = document.createElement(tag);
		for (const [name, value] of Object.entries(attributes || {}))
			if (name.startsWith("on"))
				node.addEventListener(name.slice(2), value);
			else if (value !== false && value !== null)
				node.setAttribute(name, value === true ? "" : value);
		node.append(...children.filter(child => child !== null));
		return node;
	}

	function size(bytes) {
		const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
		let unit = 0;
		while (bytes >= 1024 && unit < 6) {
			bytes /= 1024;
			unit++;
		}
		return (unit && bytes < 100 ? bytes.toFixed(1) : Math.round(bytes)) + "\u00a0" + units[unit];
	}

	const count = number => number.toLocaleString("en");
	// JavaScript's bit operations have 32 bits; numbers here have 53.
	const hex = number => "0x" + number.toString(16);

	// Keystrokes come faster than long logs are searched.
	function later(run) {
		let timer = 0;
		return () => {
			clearTimeout(timer);
			timer = setTimeout(run, 60);
		};
	}

	// Tables that are sorted by their columns.
	function sortable(table) {
		const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
		heads.forEach((head, column) => {
			const isNumber = head.classList.contains("num");
			const button = el("button", {type: "button"}, head.textContent);
			head.replaceChildren(button);
			button.addEventListener("click", () => {
				const isDown = head.getAttribute("aria-sort") === (isNumber ? "descending" : "ascending");
				const sign = isDown === isNumber ? 1 : -1;
				heads.forEach(other => other.removeAttribute("aria-sort"));
				head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
				body.querySelectorAll("tr.stk").forEach(row => row.remove());
				const keyed = [...body.rows].map(row => {
					const text = row.cells[column].textContent;
					return [isNumber ? Number(text) : text, row];
				});
				keyed.sort((a, b) => sign * (isNumber ? a[0] - b[0] : a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
				body.append(...keyed.map(pair => pair[1]));
			});
		});
	}

	function stackOf(number) {
		const stack = data.stacks[number];
		const list = el("ol", {class: "bt"}, ...stack.f.map(text => {
			const at = text.search(/\+0x[0-9a-f]+/);
			return el("li", null, el("span", {class: "fn"}, el("b", null, at < 0 ? text : text.slice(0, at)),
			                         el("i", null, at < 0 ? "" : text.slice(at))));
		}));
		const parts = [list];
		if (stack.u)
			parts.push(el("p", {class: "end"}, "in a program"));
		if (stack.why)
			parts.push(el("p", {class: "problem"}, stack.why));
		return parts;
	}

	function tasks() {
		const table = $("tasktable"), bar = $("taskbar");
		if (!table)
			return;
		const rows = [...table.tBodies[0].rows], columns = table.tHead.rows[0].cells.length;
		const states = [...new Set(rows.map(row => row.cells[3].textContent))].sort();
		const search = el("input", {type: "search", placeholder: "Name or PID", "aria-label": "Filter tasks by name or PID", id: "task-search"});
		const state = el("select", {"aria-label": "State", id: "task-state"}, el("option", {value: ""}, "any state"),
		                 ...states.map(name => el("option", {value: name}, name)));
		const user = el("input", {type: "checkbox", id: "task-user"});
		const say = el("span", {class: "say", role: "status"});
		function filter() {
			const word = search.value.trim().toLowerCase();
			let shown = 0;
			table.tBodies[0].querySelectorAll("tr.stk").forEach(row => row.remove());
			for (const row of rows) {
				const name = row.cells[5].textContent;
				row.hidden = !((!word || name.toLowerCase().includes(word) || row.cells[0].textContent === word) &&
				               (!state.value || row.cells[3].textContent === state.value) && (!user.checked || name[0] !== "["));
				shown += !row.hidden;
			}
			say.textContent = shown === rows.length ? count(shown) : count(shown) + " of " + count(rows.length);
		}
		for (const row of rows) {
			if (row.dataset.s === undefined)
				continue;
			const cell = row.cells[5];
			cell.replaceChildren(el("button", {type: "button", "aria-expanded": "false", title: "Show its stack"}, cell.textContent));
		}
		table.tBodies[0].addEventListener("click", event => {
			const button = event.target.closest("button");
			if (!button)
				return;
			const row = button.closest("tr"), next = row.nextElementSibling;
			const isOpen = next && next.classList.contains("stk");
			button.setAttribute("aria-expanded", String(!isOpen));
			if (isOpen)
				next.remove();
			else
				row.after(el("tr", {class: "stk"}, el("td", {colspan: columns}, ...stackOf(Number(row.dataset.s)))));
		});
		bar.append(search, state, el("label", null, user, "without the kernel’s"), say);
		search.addEventListener("input", later(filter));
		state.addEventListener("change", filter);
		user.addEventListener("change", filter);
		filter();
	}

	// The log: one element for each line, in chunks that the browser may leave alone while they are out of sight.
	function log() {
		const CHUNK = 100, MARKS = 5000;
		const pre = $("logtext"), bar = $("logbar"), lines = [];
		function add(text, from) {
			for (const line of text.replace(/\n$/, "").split("\n"))
				lines.push({text: line, level: from ? from.className : "", id: from ? from.id : ""});
		}
		let plain = "";
		for (const node of pre.childNodes) {
			if (node.nodeType === Node.TEXT_NODE) {
				plain += plain || !lines.length ? node.data : node.data.replace(/^\n/, "");
				continue;
			}
			if (plain)
				add(plain);
			plain = "";
			add(node.textContent, node);
		}
		if (plain)
			add(plain);
		if (lines.length && !lines[0].text)
			lines.shift();
		pre.replaceChildren();
		let chunk = null;
		lines.forEach((line, index) => {
			if (index % CHUNK === 0) {
				chunk = el("div", {class: "ch"});
				pre.append(chunk);
			}
			line.node = el("div", {class: ("ln " + line.level).trim(), id: line.id || "L" + (index + 1)});
			const stamp = /^\[ *\d+\.\d+\] /.exec(line.text);
			line.stamp = stamp ? stamp[0] : "";
			line.rank = /\bl[0-3]\b/.test(line.level) ? 2 : /\bl4\b/.test(line.level) ? 1 : 0;
			fill(line, null);
			chunk.append(line.node);
		});

		function fill(line, find) {
			const parts = line.stamp ? [el("span", {class: "t"}, line.stamp)] : [];
			const rest = line.text.slice(line.stamp.length);
			let at = 0;
			if (find) {
				for (const match of rest.matchAll(find)) {
					if (!match[0])
						continue;
					parts.push(rest.slice(at, match.index), el("mark", null, match[0]));
					at = match.index + match[0].length;
				}
			}
			parts.push(rest.slice(at));
			line.node.replaceChildren(...parts);
			line.isMarked = at > 0;
		}

		const search = el("input", {type: "search", placeholder: "Search, or /expression/", "aria-label": "Search the log", id: "log-search"});
		const level = el("select", {"aria-label": "Level", id: "log-level"}, el("option", {value: 0}, "all levels"),
		                 el("option", {value: 1}, "warnings and worse"), el("option", {value: 2}, "errors and worse"));
		const only = el("input", {type: "checkbox", id: "log-only", checked: true});
		const say = el("span", {class: "say", role: "status", id: "log-say"});
		let hits = [], current = -1;

		function pattern() {
			const word = search.value, slashed = /^\/(.+)\/$/.exec(word);
			if (!word)
				return null;
			return new RegExp(slashed ? slashed[1] : word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "gi");
		}

		function step(by) {
			if (!hits.length)
				return;
			if (current >= 0 && hits[current])
				hits[current].node.classList.remove("cur");
			current = current < 0 ? (by > 0 ? 0 : hits.length - 1) : (current + by + hits.length) % hits.length;
			show(hits[current].node);
			tell();
		}

		function show(node) {
			pre.querySelectorAll(".cur").forEach(other => other.classList.remove("cur"));
			node.classList.add("cur");
			pre.scrollTop += node.getBoundingClientRect().top - pre.getBoundingClientRect().top - pre.clientHeight / 3;
		}

		function tell(problem) {
			say.textContent = problem || (search.value ? (current >= 0 ? count(current + 1) + " of " : "") + count(hits.length) + " lines"
			                                           : count(lines.length) + " lines");
		}

		function filter() {
			let find = null;
			try {
				find = pattern();
			} catch (error) {
				tell("no expression: " + error.message);
				return;
			}
			hits = [];
			current = -1;
			for (const line of lines) {
				const isShown = line.rank >= Number(level.value);
				const isHit = isShown && find !== null && line.text.search(find) >= 0;
				line.node.classList.toggle("lv", !isShown);
				line.node.classList.toggle("hit", isHit);
				line.node.classList.remove("cur");
				if (isHit)
					hits.push(line);
				if (isHit && hits.length <= MARKS)
					fill(line, find);
				else if (line.isMarked)
					fill(line, null);
			}
			pre.toggleAttribute("data-only", find !== null && only.checked);
			tell();
		}

		const panic = $("panic") || pre.querySelector(".at");
		function toPanic() {
			search.value = "";
			level.value = 0;
			filter();
			show(panic);
		}
		search.addEventListener("input", later(filter));
		search.addEventListener("keydown", event => {
			if (event.key === "Enter")
				step(event.shiftKey ? -1 : 1);
		});
		level.addEventListener("change", filter);
		only.addEventListener("change", filter);
		bar.append(search, el("button", {type: "button", "aria-label": "Line before", onclick: () => step(-1)}, "↑"),
		           el("button", {type: "button", "aria-label": "Next line", onclick: () => step(1)}, "↓"), level,
		           el("label", null, only, "only lines that match"),
		           panic ? el("button", {type: "button", id: "log-panic", onclick: toPanic}, "Crash") : null, say);
		if (panic && $("to-panic"))
			$("to-panic").addEventListener("click", event => {
				event.preventDefault();
				$("log").scrollIntoView();
				toPanic();
			});
		filter();
		if (panic)
			show(panic);
		else
			pre.scrollTop = pre.scrollHeight;
	}

	// Colours are those of the style sheet, as the legend shows them: light, dark or on paper.
	function colours(kinds) {
		const paint = el("canvas", {width: 1, height: 1}).getContext("2d", {willReadFrequently: true});
		const read = text => {
			paint.clearRect(0, 0, 1, 1);
			paint.fillStyle = text;
			paint.fillRect(0, 0, 1, 1);
			return [...paint.getImageData(0, 0, 1, 1).data.slice(0, 3)];
		};
		const style = getComputedStyle(root), value = name => read(style.getPropertyValue(name));
		const list = kinds.map((kind, index) => {
			const swatch = document.querySelector("#legend tr[data-k=\"" + index + "\"] .sw");
			return swatch ? read(getComputedStyle(swatch).backgroundColor) : value("--bg");
		});
		return {list, bg: value("--bg"), fg: style.getPropertyValue("--fg"), dim: style.getPropertyValue("--dim"),
		        line: style.getPropertyValue("--line"), link: style.getPropertyValue("--link")};
	}

	// The picture of the memory: rows of cells, each cell some frames; rows without memory are left out.
	function memory(told) {
		const home = $("memory-picture"), CELL = 4;
		if (!home)
			return;
		const runs = [...told.runs.matchAll(/([A-Za-z])(\d*)/g)], total = runs.length;
		const starts = new Float64Array(total + 1), kindOf = new Uint8Array(total);
		runs.forEach((run, index) => {
			const code = run[1].charCodeAt(0);
			kindOf[index] = code < 97 ? code - 65 : code - 71;
			starts[index + 1] = starts[index] + (run[2] ? Number(run[2]) : 1);
		});
		const GUTTER = 20 + 6.7 * hex(starts[total] * told.page_bytes).length;
		const isMemory = told.kinds.map(kind => kind.code !== 0), granule = told.granule;

		const canvas = el("canvas", {tabindex: 0, role: "application", id: "mem-canvas", "aria-describedby": "mem-status",
		                             "aria-label": "Picture of the memory: arrows move, + and - zoom, 0 shows all"});
		const over = el("canvas", {class: "over", "aria-hidden": true}), strip = el("canvas", {class: "strip", "aria-hidden": true});
		const status = el("p", {class: "status", id: "mem-status", "aria-live": "polite"});
		const find = el("input", {type: "search", placeholder: "0x address, or frame number", "aria-label": "Physical address or page frame number", id: "mem-find"});
		const scale = el("span", {class: "say", id: "mem-scale"});
		let paint = colours(told.kinds), only = -1, cursor = -1;
		let width = 0, height = 0, cols = 0, perCell = granule, top = 0, rows = [], visualRows = 0, rowHeight = CELL;
		let fitCols = 0, fitPerCell = granule;

		function runAt(pfn) {
			let low = 0, high = total - 1;
			while (low < high) {
				const middle = (low + high + 1) >> 1;
				if (starts[middle] <= pfn)
					low = middle;
				else
					high = middle - 1;
			}
			return low;
		}

		// Ranges of rows that have memory, and where each is in the picture; between two there is a row that says so.
		function layOut() {
			const perRow = cols * perCell;
			rows = [];
			for (let i = 0; i < total; i++) {
				if (!isMemory[kindOf[i]])
					continue;
				const first = Math.floor(starts[i] / perRow), end = Math.ceil(starts[i + 1] / perRow);
				const last = rows[rows.length - 1];
				if (last && first <= last.end)
					last.end = Math.max(last.end, end);
				else
					rows.push({first, end});
			}
			visualRows = 0;
			for (const range of rows) {
				range.at = visualRows;
				visualRows += range.end - range.first + 1;
			}
			visualRows = Math.max(visualRows - 1, 1);
		}

		// First frame of a row of the picture; -1: there is no memory.
		function rowStart(visual) {
			let low = 0, high = rows.length - 1;
			while (low < high) {
				const middle = (low + high + 1) >> 1;
				if (rows[middle].at <= visual)
					low = middle;
				else
					high = middle - 1;
			}
			const range = rows[low];
			if (!range || visual < range.at || visual - range.at >= range.end - range.first)
				return -1;
			return (range.first + visual - range.at) * cols * perCell;
		}

		function visualOf(pfn) {
			const row = Math.floor(pfn / (cols * perCell));
			for (const range of rows)
				if (row < range.end)
					return range.at + Math.max(row - range.first, 0);
			return visualRows - 1;
		}

		const seen = () => Math.max(1, Math.floor(height / rowHeight));

		function clampTop() {
			top = Math.max(0, Math.min(Math.round(top), visualRows - seen()));
		}

		// What a range of frames looks like: the mean of its frames, by the light they give.
		function mix(pfn, end, from) {
			let red = 0, green = 0, blue = 0, weight = 0, i = from;
			for (; i < total && starts[i] < end; i++) {
				const frames = Math.min(end, starts[i + 1]) - Math.max(pfn, starts[i]);
				if (frames <= 0)
					continue;
				const isFaint = only >= 0 && kindOf[i] !== only, share = isFaint ? 0.1 : 1;
				const colour = isMemory[kindOf[i]] ? paint.list[kindOf[i]] : paint.bg;
				red += frames * (share * colour[0] ** 2 + (1 - share) * paint.bg[0] ** 2);
				green += frames * (share * colour[1] ** 2 + (1 - share) * paint.bg[1] ** 2);
				blue += frames * (share * colour[2] ** 2 + (1 - share) * paint.bg[2] ** 2);
				weight += frames;
			}
			if (!weight)
				return null;
			return "rgb(" + Math.round(Math.sqrt(red / weight)) + " " + Math.round(Math.sqrt(green / weight)) + " " +
			       Math.round(Math.sqrt(blue / weight)) + ")";
		}

		function prepare(node, cssHeight) {
			const ratio = devicePixelRatio || 1, pen = node.getContext("2d");
			node.width = Math.round(width * ratio);
			node.height = Math.round(cssHeight * ratio);
			node.style.height = cssHeight + "px";
			pen.setTransform(ratio, 0, 0, ratio, 0, 0);
			return pen;
		}

		function draw() {
			const pen = prepare(canvas, height), cell = (width - GUTTER) / cols;
			let labelled = -99;
			clampTop();
			pen.font = "11px " + getComputedStyle(root).getPropertyValue("--mono");
			pen.textBaseline = "top";
			for (let line = 0; line < seen() && top + line < visualRows; line++) {
				const first = rowStart(top + line), y = line * rowHeight;
				if (first < 0) {
					const from = rowStart(top + line - 1), to = rowStart(top + line + 1);
					pen.fillStyle = paint.dim;
					pen.fillRect(GUTTER, y + rowHeight / 2 - 0.5, width - GUTTER, 1);
					if (from >= 0 && to >= 0 && y - labelled >= 13) {
						pen.fillText("no memory", 6, y - 4);
						labelled = y;
					}
					continue;
				}
				let run = runAt(first), x = 0, colour = null;
				for (let column = 0; column <= cols; column++) {
					const pfn = first + column * perCell;
					while (run + 1 < total && starts[run + 1] <= pfn)
						run++;
					const next = column < cols && pfn < starts[total] ? mix(pfn, pfn + perCell, run) : null;
					if (next === colour && column < cols)
						continue;
					const edge = Math.round(GUTTER + column * cell);
					if (colour) {
						pen.fillStyle = colour;
						pen.fillRect(x, y, edge - x, rowHeight > 7 ? rowHeight - 1 : rowHeight);
					}
					x = edge;
					colour = next;
				}
				if (y - labelled >= 13 && y + 11 <= height) {
					pen.fillStyle = paint.dim;
					pen.fillText(hex(first * told.page_bytes), 6, y);
					labelled = y;
				}
			}
			drawStrip();
			drawCursor();
			canvas.dataset.pages = perCell;
			canvas.dataset.cols = cols;
			canvas.dataset.top = top;
			scale.textContent = size(perCell * told.page_bytes) + " a cell, " + size(cols * perCell * told.page_bytes) + " a row";
		}

		function drawStrip() {
			const pen = prepare(strip, 18), all = Math.max(visualRows, seen());
			for (let x = 0; x < width; x++) {
				let first = rowStart(Math.floor(x / width * visualRows));
				if (first < 0)
					continue;
				const colour = mix(first, first + Math.max(1, Math.ceil(visualRows / width)) * cols * perCell, runAt(first));
				pen.fillStyle = colour || "transparent";
				pen.fillRect(x, 0, 1, 18);
			}
			pen.strokeStyle = paint.fg;
			pen.lineWidth = 2;
			if (visualRows > seen())
				pen.strokeRect(top / all * width + 1, 1, Math.max(6, seen() / all * width) - 2, 16);
		}

		function drawCursor() {
			const pen = prepare(over, height);
			if (cursor < 0)
				return;
			const line = visualOf(cursor) - top, cell = (width - GUTTER) / cols;
			const column = Math.floor(cursor % (cols * perCell) / perCell);
			if (line < 0 || line >= seen())
				return;
			pen.strokeStyle = paint.fg;
			pen.lineWidth = 1.5;
			pen.strokeRect(GUTTER + column * cell - 1, line * rowHeight - 1, cell + 2, rowHeight + 2);
		}

		// What a cell holds, in words.
		function tell() {
			if (cursor < 0) {
				status.textContent = "Point at a cell, or move with the arrow keys. Drag to move, Ctrl and the wheel, + and − zoom.";
				return;
			}
			const end = Math.min(cursor + perCell, starts[total]), first = runAt(cursor), parts = new Map();
			for (let i = first; i < total && starts[i] < end; i++)
				parts.set(kindOf[i], (parts.get(kindOf[i]) || 0) + Math.min(end, starts[i + 1]) - Math.max(cursor, starts[i]));
			const last = end - 1;
			const place = (last > cursor ? "frames " + hex(cursor) + "–" + hex(last) : "frame " + hex(cursor)) + ", at " +
			              hex(cursor * told.page_bytes) + ": ";
			const name = kind => isMemory[kind] ? told.kinds[kind].use + ", " + told.kinds[kind].fate : "no memory";
			if (parts.size === 1) {
				const frames = starts[first + 1] - starts[first];
				status.textContent = place + name(kindOf[first]) + ". " + count(frames) + (frames === 1 ? " such frame" : " such frames") +
					" in a row, " + size(frames * told.page_bytes) + ", from " + hex(starts[first]) + " on.";
			} else {
				status.textContent = place + [...parts].sort((a, b) => b[1] - a[1])
					.map(part => Math.round(part[1] * 100 / (end - cursor)) + " % " + name(part[0])).join("; ") + ".";
			}
		}

		function moveTo(pfn) {
			cursor = pfn < 0 ? -1 : Math.floor(pfn / perCell) * perCell;
			drawCursor();
			tell();
		}

		function reveal() {
			const line = visualOf(cursor);
			if (line < top || line >= top + seen()) {
				top = line - Math.floor(seen() / 2);
				draw();
			} else {
				drawCursor();
			}
		}

		function zoom(by) {
			const anchor = cursor >= 0 ? cursor : Math.max(0, rowStart(top + Math.floor(Math.min(seen(), visualRows) / 2)));
			const line = visualOf(anchor) - top;
			if (by > 0 && perCell > granule)
				perCell /= 2;
			else if (by > 0 && cols > 16)
				cols /= 2;
			else if (by < 0 && cols < fitCols)
				cols *= 2;
			else if (by < 0 && perCell < fitPerCell)
				perCell *= 2;
			else
				return;
			rowHeight = Math.max(CELL, Math.min(24, Math.round((width - GUTTER) / cols)));
			layOut();
			top = visualOf(anchor) - line;
			if (cursor >= 0)
				cursor = Math.floor(anchor / perCell) * perCell;
			draw();
			tell();
		}

		function all() {
			width = home.clientWidth - 2;
			height = width < 600 ? 320 : 432;
			cols = 2 ** Math.round(Math.log2((width - GUTTER) / CELL));
			perCell = granule;
			rowHeight = CELL;
			for (layOut(); visualRows * rowHeight > height; layOut())
				perCell *= 2;
			// A small machine fills the room it has.
			while (rowHeight < 16 && visualRows * (rowHeight + 1) <= height)
				rowHeight++;
			height = Math.min(height, visualRows * rowHeight);
			height = Math.max(height, 120);
			fitCols = cols;
			fitPerCell = perCell;
			top = 0;
			if (cursor >= 0)
				cursor = Math.floor(cursor / perCell) * perCell;
			draw();
			tell();
		}

		function at(event) {
			const box = canvas.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
			const first = x < GUTTER || y < 0 ? -1 : rowStart(top + Math.floor(y / rowHeight));
			if (first < 0)
				return -1;
			const pfn = first + Math.min(cols - 1, Math.floor((x - GUTTER) / ((width - GUTTER) / cols))) * perCell;
			return pfn < starts[total] ? pfn : -1;
		}

		let drag = null;
		canvas.addEventListener("pointermove", event => {
			if (drag) {
				const moved = Math.round((drag.y - event.clientY) / rowHeight);
				if (moved !== drag.moved) {
					drag.moved = moved;
					top = drag.top + moved;
					draw();
				}
			} else if (event.pointerType === "mouse") {
				moveTo(at(event));
			}
		});
		canvas.addEventListener("pointerdown", event => {
			moveTo(at(event));
			if (event.pointerType === "mouse" && event.button === 0 && visualRows > seen()) {
				drag = {y: event.clientY, top, moved: 0};
				canvas.setPointerCapture(event.pointerId);
			}
		});
		canvas.addEventListener("pointerup", () => drag = null);
		canvas.addEventListener("pointercancel", () => drag = null);
		canvas.addEventListener("dblclick", () => zoom(1));
		canvas.addEventListener("wheel", event => {
			if (!event.ctrlKey && !event.metaKey)
				return;
			event.preventDefault();
			zoom(event.deltaY < 0 ? 1 : -1);
		}, {passive: false});
		canvas.addEventListener("keydown", event => {
			const perRow = cols * perCell, page = Math.max(1, seen() - 2);
			const steps = {ArrowLeft: -perCell, ArrowRight: perCell};
			const lines = {ArrowUp: -1, ArrowDown: 1, PageUp: -page, PageDown: page};
			if (event.key === "+" || event.key === "=") {
				zoom(1);
			} else if (event.key === "-") {
				zoom(-1);
			} else if (event.key === "0" || event.key === "Home") {
				all();
			} else if (event.key in steps) {
				moveTo(cursor < 0 ? Math.max(0, rowStart(top)) : Math.max(0, Math.min(cursor + steps[event.key], starts[total] - 1)));
				reveal();
			} else if (event.key in lines) {
				let line = cursor < 0 ? top : visualOf(cursor) + lines[event.key];
				line = Math.max(0, Math.min(line, visualRows - 1));
				// Over the rows without memory.
				while (rowStart(line) < 0 && line > 0 && line < visualRows - 1)
					line += lines[event.key] < 0 ? -1 : 1;
				if (rowStart(line) >= 0)
					moveTo(Math.min(rowStart(line) + (cursor < 0 ? 0 : cursor % perRow), starts[total] - 1));
				reveal();
			} else {
				return;
			}
			event.preventDefault();
		});
		const scroll = event => {
			const box = strip.getBoundingClientRect();
			top = (event.clientX - box.left) / box.width * visualRows - seen() / 2;
			draw();
		};
		strip.addEventListener("pointerdown", event => {
			strip.setPointerCapture(event.pointerId);
			scroll(event);
		});
		strip.addEventListener("pointermove", event => {
			if (event.buttons)
				scroll(event);
		});
		find.addEventListener("change", () => {
			const text = find.value.trim(), isAddress = /^0x[0-9a-f]+$/i.test(text);
			if (!isAddress && !/^\d+$/.test(text)) {
				status.textContent = text ? text + " is neither an address (0x…) nor a frame number." : "";
				return;
			}
			const pfn = isAddress ? Math.floor(Number(text) / told.page_bytes) : Number(text);
			if (pfn >= starts[total]) {
				status.textContent = text + " is beyond the end of the memory.";
				return;
			}
			perCell = granule;
			layOut();
			moveTo(pfn);
			top = visualOf(cursor) - Math.floor(seen() / 2);
			draw();
		});
		document.querySelectorAll("#legend tbody tr").forEach(row => {
			const button = el("button", {type: "button", "aria-pressed": "false", title: "Show only these in the picture"}, ...row.cells[0].childNodes);
			row.cells[0].append(button);
			button.addEventListener("click", () => {
				only = only === Number(row.dataset.k) ? -1 : Number(row.dataset.k);
				document.querySelectorAll("#legend tbody tr").forEach(other => {
					const isOn = Number(other.dataset.k) === only;
					other.classList.toggle("on", isOn);
					other.querySelector("button").setAttribute("aria-pressed", String(isOn));
				});
				draw();
			});
		});
		home.append(el("div", {class: "bar"},
		               el("button", {type: "button", id: "mem-in", "aria-label": "Zoom in", onclick: () => zoom(1)}, "+"),
		               el("button", {type: "button", id: "mem-out", "aria-label": "Zoom out", onclick: () => zoom(-1)}, "−"),
		               el("button", {type: "button", id: "mem-all", onclick: all}, "All"), find, scale),
		            strip, el("div", {class: "pic"}, canvas, over), status);
		all();
		addEventListener("resize", later(all));
		matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
			paint = colours(told.kinds);
			draw();
		});
	}

	// The timeline: a lane for each CPU, with the tasks that it ran where sched_switch tells, and a tick for each event.
	function timeline(told) {
		const home = $("timeline"), GUTTER = 64, LANE = 26, AXIS = 22, AROUND = 60;
		if (!home || !told.events.length)
			return;
		// Time runs up to the last event, which is at 0; of each event the time before it is told.
		const events = told.events.map((event, index) => ({index, at: -event[0], cpu: event[1], pid: event[2],
		                                                  task: told.tasks[event[3]], name: told.names[event[4]], kind: event[4], text: event[5]}));
		const cpus = [...new Set(events.map(event => event.cpu))].sort((a, b) => a - b);
		const lanes = cpus.map(cpu => events.filter(event => event.cpu === cpu));
		const first = Math.min(events[0].at, -1), whole = {from: first * 1.01, to: -first * 0.01};
		let from = whole.from, to = whole.to, chosen = events.length - 1, width = 0, find = null, colour = null;

		// Which task ran from when to when.
		const ran = lanes.map(lane => {
			const list = [];
			let pid = null, name = "", since = whole.from;
			for (const event of lane) {
				if (event.name !== "sched_switch")
					continue;
				const next = /next_comm=(.*?) next_pid=(\d+)/.exec(event.text);
				list.push({from: since, to: event.at, pid: event.pid, name: pid === event.pid ? name : event.task});
				pid = next ? Number(next[2]) : null;
				name = next ? next[1] : "";
				since = event.at;
			}
			if (pid !== null)
				list.push({from: since, to: 0, pid, name});
			return list;
		});

		const canvas = el("canvas", {tabindex: 0, role: "application", id: "trace-canvas", "aria-describedby": "trace-status",
		                             "aria-label": "Timeline of trace events: left and right choose the event before and the next one, up and down the CPU, + and - zoom, 0 shows all"});
		const status = el("p", {class: "status", id: "trace-status", "aria-live": "polite"});
		const list = el("div", {class: "trace", id: "trace-list", tabindex: 0, role: "region", "aria-label": "Events around the one that is chosen"});
		const search = el("input", {type: "search", placeholder: "Event, task or text", "aria-label": "Show only events with these words", id: "trace-search"});
		const say = el("span", {class: "say", role: "status", id: "trace-say"});

		const isShown = event => find === null || (event.name + " " + event.task + "-" + event.pid + " " + event.text).toLowerCase().includes(find);
		const unit = told.ns ? 1e9 : 1;
		function time(at, digits) {
			const text = told.ns ? (Math.abs(at) / 1e9).toFixed(digits === undefined ? 6 : digits) + " s" : String(Math.abs(at));
			return (at < 0 ? "−" : "") + text;
		}
		const x = at => GUTTER + (at - from) / (to - from) * (width - GUTTER - 8);
		const when = place => from + (place - GUTTER) / (width - GUTTER - 8) * (to - from);

		function colours() {
			const style = getComputedStyle(root);
			colour = {fg: style.getPropertyValue("--fg"), dim: style.getPropertyValue("--dim"), line: style.getPropertyValue("--line"),
			          panel: style.getPropertyValue("--panel"), bad: style.getPropertyValue("--bad"),
			          kinds: [1, 5, 3, 8, 10, 9, 6, 4, 11, 7].map(number => style.getPropertyValue("--c" + number))};
		}

		// The interrupts, the scheduler … have colours of their own; a task has always the same.
		const eventColour = event => colour.kinds[event.kind % colour.kinds.length];
		const taskColour = pid => colour.kinds[pid * 7 % colour.kinds.length];

		// A step of the axis that people read well.
		function stepOf(span) {
			const rough = span / Math.max(2, (width - GUTTER) / 110), power = 10 ** Math.floor(Math.log10(rough));
			return [1, 2, 5, 10].map(factor => factor * power).find(step => step >= rough);
		}

		function draw() {
			const height = AXIS + LANE * lanes.length + 4, ratio = devicePixelRatio || 1, pen = canvas.getContext("2d");
			width = home.clientWidth - 2;
			canvas.width = Math.round(width * ratio);
			canvas.height = Math.round(height * ratio);
			canvas.style.height = height + "px";
			pen.setTransform(ratio, 0, 0, ratio, 0, 0);
			pen.font = "11px " + getComputedStyle(root).getPropertyValue("--mono");
			pen.textBaseline = "middle";
			const step = stepOf(to - from), digits = Math.max(0, Math.ceil(-Math.log10(step / unit)));
			pen.fillStyle = colour.dim;
			for (let tick = Math.ceil(from / step) * step; tick <= to; tick += step) {
				const place = Math.round(x(tick)) + 0.5;
				pen.fillStyle = colour.line;
				pen.fillRect(place, AXIS - 4, 1, height);
				pen.fillStyle = colour.dim;
				const text = Math.abs(tick) < step / 2 ? "last event" : time(tick, digits);
				pen.fillText(text, Math.min(Math.max(place - pen.measureText(text).width / 2, GUTTER), width - pen.measureText(text).width - 2), 9);
			}
			lanes.forEach((lane, number) => drawLane(pen, lane, ran[number], AXIS + number * LANE, cpus[number]));
			canvas.dataset.from = from;
			canvas.dataset.to = to;
		}

		function drawLane(pen, lane, tasks, top, cpu) {
			pen.fillStyle = colour.dim;
			pen.fillText("CPU " + cpu, 6, top + LANE / 2);
			pen.fillStyle = colour.line;
			pen.fillRect(GUTTER, top + LANE - 1, width - GUTTER, 1);
			for (const run of tasks) {
				const left = Math.max(x(run.from), GUTTER), right = Math.min(x(run.to), width);
				if (run.pid === 0 || right < GUTTER || left > width || right - left < 0.3)
					continue;
				pen.globalAlpha = 0.28;
				pen.fillStyle = taskColour(run.pid);
				pen.fillRect(left, top + 11, Math.max(right - left, 0.5), LANE - 14);
				pen.globalAlpha = 1;
				pen.fillStyle = colour.fg;
				if (right - left > pen.measureText(run.name).width + 6)
					pen.fillText(run.name, left + 3, top + 18);
			}
			for (const event of lane) {
				const place = x(event.at);
				if (place < GUTTER - 1 || place > width)
					continue;
				const isFound = isShown(event);
				pen.globalAlpha = isFound ? 0.85 : 0.12;
				pen.fillStyle = eventColour(event);
				pen.fillRect(place - 0.5, top + 3, 1, find !== null && isFound ? LANE - 6 : 8);
			}
			pen.globalAlpha = 1;
			const event = events[chosen];
			if (event && event.cpu === cpu && x(event.at) >= GUTTER - 1 && x(event.at) <= width) {
				pen.fillStyle = colour.bad;
				pen.fillRect(x(event.at) - 1, top + 1, 2, LANE - 3);
			}
		}

		const lineOf = event => time(event.at) + "  CPU " + event.cpu + "  " + event.task + "-" + event.pid + "  ";

		function tell() {
			const event = events[chosen];
			status.textContent = event ? lineOf(event) + event.name + ": " + event.text : "";
			const near = [];
			for (let i = chosen; i >= 0 && near.length < AROUND; i--)
				if (isShown(events[i]))
					near.unshift(events[i]);
			for (let i = chosen + 1; i < events.length && near.length < 2 * AROUND; i++)
				if (isShown(events[i]))
					near.push(events[i]);
			list.replaceChildren(...near.map(other => {
				const row = el("div", {class: other.index === chosen ? "ln cur" : "ln"}, el("span", {class: "t"}, lineOf(other)),
				               el("b", null, other.name), ": " + other.text);
				row.addEventListener("click", () => choose(other.index, true));
				return row;
			}));
			const row = list.querySelector(".cur");
			if (row)
				list.scrollTop = row.offsetTop - list.clientHeight / 2;
		}

		function choose(index, doReveal) {
			chosen = Math.max(0, Math.min(index, events.length - 1));
			const at = events[chosen].at, span = to - from;
			if (doReveal && (at < from || at > to)) {
				from = at - span / 2;
				to = at + span / 2;
			}
			draw();
			tell();
		}

		function zoom(factor, around) {
			const span = Math.max(told.ns ? 2000 : 10, Math.min((to - from) * factor, whole.to - whole.from));
			const share = (around - from) / (to - from);
			from = Math.max(whole.from, Math.min(around - share * span, whole.to - span));
			to = from + span;
			draw();
		}

		function middle() {
			const at = events[chosen].at;
			return at >= from && at <= to ? at : (from + to) / 2;
		}

		function all() {
			from = whole.from;
			to = whole.to;
			draw();
		}

		// The nearest event of a lane.
		function nearest(event) {
			const box = canvas.getBoundingClientRect(), lane = lanes[Math.floor((event.clientY - box.top - AXIS) / LANE)];
			if (!lane)
				return -1;
			const at = when(event.clientX - box.left);
			let best = -1, distance = Infinity;
			for (const other of lane) {
				if (Math.abs(other.at - at) < distance && isShown(other)) {
					distance = Math.abs(other.at - at);
					best = other.index;
				}
			}
			return Math.abs(distance) / (to - from) * (width - GUTTER) < 40 ? best : -1;
		}

		let drag = null;
		canvas.addEventListener("pointerdown", event => {
			const index = nearest(event);
			if (index >= 0)
				choose(index, false);
			if (event.pointerType === "mouse" && event.button === 0) {
				drag = {x: event.clientX, from, to};
				canvas.setPointerCapture(event.pointerId);
			}
		});
		canvas.addEventListener("pointermove", event => {
			if (!drag)
				return;
			const moved = (drag.x - event.clientX) / (width - GUTTER) * (drag.to - drag.from);
			const shift = Math.max(whole.from - drag.from, Math.min(moved, whole.to - drag.to));
			from = drag.from + shift;
			to = drag.to + shift;
			draw();
		});
		canvas.addEventListener("pointerup", () => drag = null);
		canvas.addEventListener("pointercancel", () => drag = null);
		canvas.addEventListener("wheel", event => {
			if (!event.ctrlKey && !event.metaKey)
				return;
			event.preventDefault();
			zoom(event.deltaY < 0 ? 0.6 : 1 / 0.6, when(event.clientX - canvas.getBoundingClientRect().left));
		}, {passive: false});

		function stepTo(by) {
			let index = chosen + by;
			while (events[index] && !isShown(events[index]))
				index += by;
			if (events[index])
				choose(index, true);
		}

		function laneTo(by) {
			const lane = lanes[cpus.indexOf(events[chosen].cpu) + by], at = events[chosen].at;
			if (!lane)
				return;
			choose(lane.reduce((best, event) => Math.abs(event.at - at) < Math.abs(best.at - at) ? event : best).index, true);
		}

		canvas.addEventListener("keydown", event => {
			const keys = {ArrowLeft: () => stepTo(-1), ArrowRight: () => stepTo(1), ArrowUp: () => laneTo(-1), ArrowDown: () => laneTo(1),
			              "+": () => zoom(0.5, middle()), "=": () => zoom(0.5, middle()), "-": () => zoom(2, middle()), 0: all,
			              Home: () => choose(0, true), End: () => choose(events.length - 1, true)};
			if (!keys[event.key])
				return;
			event.preventDefault();
			keys[event.key]();
		});
		function filter() {
			find = search.value.trim().toLowerCase() || null;
			const shown = events.filter(isShown);
			say.textContent = find === null ? count(events.length) + " events" : count(shown.length) + " of " + count(events.length) + " events";
			if (shown.length && !isShown(events[chosen]))
				chosen = shown[shown.length - 1].index;
			draw();
			tell();
		}
		search.addEventListener("input", later(filter));
		home.append(el("div", {class: "bar"},
		               el("button", {type: "button", id: "trace-in", "aria-label": "Zoom in", onclick: () => zoom(0.5, middle())}, "+"),
		               el("button", {type: "button", id: "trace-out", "aria-label": "Zoom out", onclick: () => zoom(2, middle())}, "−"),
		               el("button", {type: "button", onclick: all}, "All"), search, say),
		            el("div", {class: "pic lanes"}, canvas), status, list);
		colours();
		filter();
		addEventListener("resize", later(draw));
		matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
			colours();
			draw();
		});
	}

	root.classList.add("on");
	document.querySelectorAll("table.sortable").forEach(sortable);
	if (data.stacks)
		tasks();
	log();
	if (data.trace)
		timeline(data.trace);
	if (data.memory)
		memory(data.memory);
	addEventListener("beforeprint", () => document.querySelectorAll("details").forEach(node => node.open = true));
	if (/^#L\d+$/.test(location.hash) && $(location.hash.slice(1)))
		$(location.hash.slice(1)).scrollIntoView();
})();
