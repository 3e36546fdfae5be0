"use strict";
// Shows what the script element "data" holds (python/gofollow/report/_collect.py says how). Captured bytes
// reach the page as text nodes alone.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const by = (id) => document.getElementById(id);
  const rows = data.rows, addresses = data.addresses, ENDS = data.ends, PAGE = 100;
  const names = ["client", "server"];

  function make(tag, properties, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(properties || {})) {
      if (name in node) node[name] = value;
      else node.setAttribute(name, value);
    }
    for (const child of children) if (child !== null && child !== undefined) node.append(child);
    return node;
  }
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const grouped = (n) => n.toLocaleString("en-US");
  function short(n) {
    if (n < 10000) return grouped(n);
    let unit = 0;
    while (n >= 999.95 && unit < 6) { n /= 1000; unit += 1; }
    return n.toFixed(1) + " " + " kMGTPE"[unit];
  }
  const bytes = (n) => (n < 10000 ? short(n) + " B" : short(n) + "B");
  const connections = (n) => grouped(n) + (n === 1 ? " connection" : " connections");
  function duration(us) {
    if (us < 999500) return (us / 1000).toFixed(us < 10000 ? 1 : 0) + " ms";
    const s = us / 1e6;
    if (s < 99.95) return s.toFixed(1) + " s";
    if (s < 5997) return (s / 60).toFixed(1) + " min";
    return s < 359820 ? (s / 3600).toFixed(1) + " h" : (s / 86400).toFixed(1) + " d";
  }
  const timed = data.base_us !== null;
  function clock(us, digits = 3) {
    if (!timed || us === null) return "";
    const at = data.base_us + us, date = new Date(Math.floor(at / 1000));
    const part = String(Math.floor(at) % 1000000).padStart(6, "0").slice(0, digits);
    return date.toISOString().slice(11, 19) + "." + part;
  }
  const day = (us) => new Date(Math.floor((data.base_us + us) / 1000)).toISOString().slice(0, 10);
  const endpoint = (address, port) => (address.includes(":") ? `[${address}]` : address) + ":" + port;
  const client = (i) => endpoint(addresses[rows.client[i]], rows.client_port[i]);
  const server = (i) => endpoint(addresses[rows.server[i]], rows.server_port[i]);

  // The head, sums and bars.

  by("title").textContent = data.title;
  const sums = data.sums;
  by("span").textContent = timed
    ? `${day(0)} ${clock(0)} to ${day(data.span_us) === day(0) ? "" : day(data.span_us) + " "}${clock(data.span_us)} UTC, ${duration(data.span_us)}`
    : "the packets have no times";
  const tiles = [
    ["connections", grouped(sums.connections), Object.entries(sums.closed).map(([end, n]) => `${end} ${grouped(n)}`).join(", ")],
    ["packets", grouped(sums.packets), `${grouped(sums.segments)} TCP segments`],
    ["sent by clients", bytes(sums.up), grouped(sums.up) + " bytes"],
    ["sent by servers", bytes(sums.down), grouped(sums.down) + " bytes"],
    ["missing", bytes(sums.missing), `in ${connections(sums.with_missing)}`],
    ["retransmitted", bytes(sums.repeated), `in ${connections(sums.with_repeated)}`],
  ];
  for (const [name, value, more] of tiles) by("sums").append(make("div", {}, make("dt", { textContent: name }), make("dd", {}, value, make("small", { textContent: more }))));
  for (const [id, text] of [["not-followed", data.not_followed], ["left-out", data.left_out]]) {
    by(id).textContent = text;
    by(id).hidden = !text;
  }
  for (const id of ["ports", "hosts"]) {
    const most = Math.max(1, ...data[id].map(([, , up, down]) => up + down));
    for (const [name, count, up, down] of data[id]) {
      const bar = make("span", { className: "bar", title: `${grouped(up)} bytes up, ${grouped(down)} down` });
      for (const [kind, n] of [["up", up], ["down", down]]) { const part = make("b", { className: kind }); part.style.width = (100 * n) / most + "%"; bar.append(part); }
      by(id).append(make("span", { textContent: name, title: String(name) }), bar, make("span", { textContent: `${bytes(up + down)} in ${grouped(count)}` }));
    }
    if (!data[id].length) by(id).append(make("span", { className: "dim", textContent: "none" }));
  }

  // Charts over time. They are drawn again when the theme or the width changes.

  const axis = (extra) => ({ stroke: color("dim"), grid: { stroke: color("grid"), width: 1 }, ticks: { stroke: color("grid"), width: 1 }, ...extra });
  const atBytes = (unit) => (u, values) => values.map((n) => (n < 0 ? "" : bytes(n).replace(".0 ", " ") + unit));
  const atOffset = (u, values) => values.map((n) => (n < 0 ? "" : Math.max(...values) < 100000 ? grouped(n) : short(n).replace(".0 ", " ")));
  const atTime = (u, values) => values.map((s) => (s === null ? "" : duration(Math.max(0, s * 1e6)).replace(".0", "")));
  let rateChart = null;
  function drawRate() {
    if (rateChart) rateChart.destroy();
    rateChart = null;
    const box = by("rate"), rate = data.rate;
    box.replaceChildren();
    if (!timed || !rate.up.length) { box.append(make("p", { className: "dim", textContent: "no payload with times" })); return; }
    const second = rate.width_us / 1e6;
    const x = rate.up.map((_, i) => (i + 0.5) * second);
    const options = {
      width: Math.max(200, box.clientWidth), height: 220, cursor: { drag: { x: true, y: false } },
      scales: { x: { time: false } },
      axes: [axis({ values: atTime }), axis({ size: 84, values: atBytes("/s") })],
      series: [
        { label: "after", value: (u, s) => (s === null ? "" : duration(s * 1e6)) },
        { label: "clients", stroke: color("client"), fill: color("client") + "22", width: 1.5, value: (u, n) => (n === null ? "" : bytes(n) + "/s") },
        { label: "servers", stroke: color("server"), fill: color("server") + "22", width: 1.5, value: (u, n) => (n === null ? "" : bytes(n) + "/s") },
      ],
    };
    rateChart = new uPlot(options, [x, rate.up.map((n) => n / second), rate.down.map((n) => n / second)], box);
  }

  const END_COLORS = { fin: "good", flush: "dim", rst: "bad", timeout: "late", reused: "late", evicted: "late" };
  function drawTimeline() {
    const canvas = by("timeline"), scale = window.devicePixelRatio || 1;
    const n = rows.id.length, width = canvas.clientWidth, height = Math.min(220, n * 16 + 4);
    canvas.style.height = height + "px";
    canvas.width = width * scale;
    canvas.height = height * scale;
    const g = canvas.getContext("2d");
    g.scale(scale, scale);
    const span = Math.max(1, data.span_us), step = Math.min(16, (height - 4) / Math.max(1, n));
    g.lineWidth = Math.max(1, Math.min(6, step - 2));
    for (let i = 0; i < n; i += 1) {
      if (rows.start[i] === null) continue;
      const x = 2 + (rows.start[i] / span) * (width - 4), y = 2 + (i + 0.5) * step;
      g.strokeStyle = timeline.colors[rows.end[i]];
      g.beginPath();
      g.moveTo(x, y);
      g.lineTo(Math.max(x + 2, x + (rows.duration[i] / span) * (width - 4)), y);
      g.stroke();
    }
    if (!timed) g.fillText("the packets have no times", 8, 16);
    timeline.step = step;
  }
  const timeline = { step: 1, colors: [] };
  by("timeline").addEventListener("click", (event) => {
    const i = Math.floor((event.offsetY - 2) / timeline.step);
    if (i >= 0 && i < rows.id.length) open(i, true);
  });
  function colorEnds() {
    timeline.colors = ENDS.map((end) => color(END_COLORS[end] || "dim"));
    by("timeline-legend").replaceChildren(...ENDS.map((end, k) => { const mark = make("i"); mark.style.background = timeline.colors[k]; return make("span", {}, mark, end === "flush" ? "open at the end" : end); }));
  }

  // The table.

  const columns = [
    ["#", (i) => rows.id[i], (i) => grouped(rows.id[i])],
    ["start", (i) => rows.start[i], (i) => clock(rows.start[i])],
    ["for", (i) => rows.duration[i], (i) => (rows.duration[i] === null ? "" : duration(rows.duration[i]))],
    ["client", client, client, "left"],
    ["server", server, server, "left"],
    ["up", (i) => rows.up[i], (i) => short(rows.up[i])],
    ["down", (i) => rows.down[i], (i) => short(rows.down[i])],
    ["missing", (i) => rows.missing[i], (i) => (rows.missing[i] ? short(rows.missing[i]) : ""), "bad"],
    ["retransmitted", (i) => rows.repeated[i], (i) => (rows.repeated[i] ? short(rows.repeated[i]) : ""), "again"],
    ["end", (i) => ENDS[rows.end[i]], (i) => (ENDS[rows.end[i]] === "flush" ? "open" : ENDS[rows.end[i]]), "left"],
    ["begins with", (i) => rows.text[i], (i) => rows.text[i], "left"],
  ];
  let sorted = 0, downwards = false, page = 0, chosen = 0, shown = [];
  const heads = by("table").tHead.rows[0], body = by("table").tBodies[0];
  columns.forEach(([name, , , kind], k) => {
    const button = make("button", { type: "button", textContent: name });
    button.addEventListener("click", () => { downwards = k === sorted ? !downwards : k === 5 || k === 6 || k === 7 || k === 8 || k === 2; sorted = k; page = 0; filter(); });
    heads.append(make("th", { className: kind === "left" ? "left" : "", scope: "col" }, button));
  });
  ENDS.forEach((end, k) => by("ended").append(make("option", { value: String(k), textContent: end === "flush" ? "open" : end })));

  function filter() {
    const words = by("search").value.toLowerCase().split(/\s+/).filter(Boolean), end = by("ended").value;
    const missing = by("only-missing").checked, repeated = by("only-repeated").checked;
    shown = [];
    for (let i = 0; i < rows.id.length; i += 1) {
      if (end !== "" && rows.end[i] !== Number(end)) continue;
      if ((missing && !rows.missing[i]) || (repeated && !rows.repeated[i])) continue;
      if (words.length) {
        const text = `${client(i)} ${server(i)} ${rows.text[i]} #${rows.id[i]}`.toLowerCase();
        if (!words.every((word) => text.includes(word))) continue;
      }
      shown.push(i);
    }
    const key = columns[sorted][1], keys = shown.map(key), order = shown.map((_, k) => k);
    order.sort((a, b) => { const x = keys[a], y = keys[b]; return x === y ? a - b : x === null ? -1 : y === null ? 1 : x < y ? -1 : 1; });
    if (downwards) order.reverse();
    shown = order.map((k) => shown[k]);
    chosen = Math.min(chosen, Math.max(0, shown.length - 1));
    drawTable();
  }
  function drawTable() {
    const pages = Math.max(1, Math.ceil(shown.length / PAGE));
    page = Math.max(0, Math.min(page, pages - 1));
    [...heads.cells].forEach((cell, k) => cell.setAttribute("aria-sort", k === sorted ? (downwards ? "descending" : "ascending") : "none"));
    const part = shown.slice(page * PAGE, (page + 1) * PAGE);
    body.replaceChildren(...part.map((i, k) => {
      const row = make("tr", { tabIndex: -1 }, ...columns.map(([, , show, kind]) => make("td", { className: kind || "", textContent: show(i) })));
      row.dataset.id = rows.id[i];
      row.setAttribute("aria-selected", String(page * PAGE + k === chosen));
      row.addEventListener("click", () => { chosen = page * PAGE + k; mark(); open(i, true); });
      return row;
    }));
    by("count").textContent = shown.length === rows.id.length ? connections(shown.length) : `${grouped(shown.length)} of ${grouped(rows.id.length)} connections`;
    by("page").textContent = `${page + 1} of ${pages}`;
    by("previous").disabled = page === 0;
    by("next").disabled = page === pages - 1;
  }
  function mark(scroll) {
    const at = Math.floor(chosen / PAGE);
    if (at !== page) { page = at; drawTable(); }
    [...body.rows].forEach((row, k) => row.setAttribute("aria-selected", String(page * PAGE + k === chosen)));
    if (scroll && body.rows[chosen - page * PAGE]) body.rows[chosen - page * PAGE].scrollIntoView({ block: "nearest" });
  }
  for (const id of ["ended", "only-missing", "only-repeated"]) by(id).addEventListener("change", () => { page = 0; filter(); });
  by("search").addEventListener("input", () => { page = 0; chosen = 0; filter(); });
  by("previous").addEventListener("click", () => { page -= 1; drawTable(); });
  by("next").addEventListener("click", () => { page += 1; drawTable(); });

  // One connection.

  let opened = -1, hex = false;
  function open(i, scroll) {
    opened = i;
    const facts = rows.facts[i] || {};
    by("detail").hidden = false;
    by("detail-title").textContent = `connection ${rows.id[i]}: ${client(i)} to ${server(i)}`;
    const ends = { fin: "both sides sent FIN", rst: "reset", timeout: "a time-out", reused: "its addresses and ports were used again", evicted: "a limit", flush: "open when the capture ended" };
    const lines = [
      ["start", rows.start[i] === null ? "no time" : `${day(rows.start[i])} ${clock(rows.start[i], 6)} UTC`],
      ["duration", rows.duration[i] === null ? "" : duration(rows.duration[i])],
      ["end", ends[ENDS[rows.end[i]]] || ENDS[rows.end[i]]],
      ["client sent", `${grouped(rows.up[i])} bytes`], ["server sent", `${grouped(rows.down[i])} bytes`],
      ["missing", `${grouped(rows.missing[i])} bytes`], ["retransmitted", `${grouped(rows.repeated[i])} bytes`],
      ...Object.entries(facts),
    ];
    by("facts").replaceChildren(...lines.filter(([, value]) => value !== "").map(([name, value]) => make("div", {}, make("dt", { textContent: name }), make("dd", { textContent: String(value) }))));
    by("graph-side").value = rows.down[i] > rows.up[i] ? "1" : "0";
    drawTalk();
    choose(graphShown);
    if (scroll) { by("detail").scrollIntoView({ block: "start" }); by("detail").focus({ preventScroll: true }); }
  }
  function close() { by("detail").hidden = true; opened = -1; by("table").scrollIntoView({ block: "nearest" }); }
  by("close").addEventListener("click", close);
  let graphShown = false;
  function choose(graph) {
    graphShown = graph;
    by("talk").hidden = graph;
    by("graph").hidden = !graph;
    by("as-hex").hidden = graph;
    by("graph-side").hidden = !graph;
    by("tab-talk").setAttribute("aria-selected", String(!graph));
    by("tab-graph").setAttribute("aria-selected", String(graph));
    if (graph) drawGraph();
  }
  by("tab-talk").addEventListener("click", () => choose(false));
  by("tab-graph").addEventListener("click", () => choose(true));
  by("as-hex").addEventListener("click", () => { hex = !hex; by("as-hex").setAttribute("aria-pressed", String(hex)); drawTalk(); });
  by("graph-side").addEventListener("change", drawGraph);

  function bytesOf(text) {
    const binary = atob(text), bytes = new Uint8Array(binary.length);
    for (let k = 0; k < binary.length; k += 1) bytes[k] = binary.charCodeAt(k);
    return bytes;
  }
  const decoder = new TextDecoder("utf-8", { fatal: true });
  function textOf(bytes) {
    for (let cut = 0; cut < 4; cut += 1) { // what is kept may end within a character
      try { return decoder.decode(bytes.subarray(0, bytes.length - cut)); } catch { /* no UTF-8 */ }
    }
    return null;
  }
  function isText(text) {
    if (text === null) return false;
    let odd = 0;
    for (const c of text) { const code = c.codePointAt(0); if ((code < 32 && code !== 10 && code !== 13 && code !== 9) || code === 127) odd += 1; }
    return odd * 20 <= text.length;
  }
  const HARMFUL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
  function asText(text) { // control characters, also those that turn the direction of text, are written out
    const node = make("pre");
    let at = 0;
    text = text.replace(/\r\n/g, "\n");
    for (const found of text.matchAll(HARMFUL)) {
      const code = found[0].charCodeAt(0);
      node.append(text.slice(at, found.index), make("span", { className: "control", textContent: code < 256 ? "\\x" + code.toString(16).padStart(2, "0") : "\\u" + code.toString(16).padStart(4, "0") }));
      at = found.index + 1;
    }
    node.append(text.slice(at));
    return node;
  }
  function asHex(bytes, offset, most) {
    const lines = [];
    for (let at = 0; at < Math.min(bytes.length, most); at += 16) {
      const part = [...bytes.subarray(at, Math.min(at + 16, most))];
      const digits = part.map((b) => b.toString(16).padStart(2, "0"));
      lines.push((offset + at).toString(16).padStart(8, "0") + "  " + digits.slice(0, 8).join(" ").padEnd(23) + "  " + digits.slice(8).join(" ").padEnd(23) + "  " + part.map((b) => (b > 31 && b < 127 ? String.fromCharCode(b) : ".")).join(""));
    }
    if (bytes.length > most) lines.push(`${grouped(bytes.length - most)} bytes more`);
    return make("pre", { className: "hex", textContent: lines.join("\n") });
  }
  const silent = () => rows.up[opened] + rows.down[opened] + rows.missing[opened] === 0;
  function drawTalk() {
    const talk = data.talks[rows.id[opened]], box = by("talk");
    box.replaceChildren();
    if (!talk) {
      box.append(make("p", { className: "dim", textContent: silent() ? "Neither side sent data." : "This page does not hold its payload: `gofollow show` does." }));
      return;
    }
    for (const part of talk.parts) {
      const [side, us, offset, length, text, again, gaps] = part;
      const head = make("p", {}, clock(us, 6), us === null ? "" : "  ", make("b", { textContent: names[side] }), `  ${grouped(length)} bytes at ${grouped(offset)}`);
      if (again) head.append(make("span", { className: "again", textContent: `  ${again === 1 ? "a segment was" : grouped(again) + " segments were"} retransmitted` }));
      const turn = make("div", { className: "turn " + names[side] }, head);
      const held = bytesOf(text);
      const show = (from, to) => {
        if (to <= from) return;
        const piece = held.subarray(from, to), decoded = hex ? null : textOf(piece);
        turn.append(!hex && isText(decoded) ? asText(decoded) : asHex(piece, from, hex ? 16384 : 256));
      };
      let at = 0;
      for (const [where, missing, reason] of gaps) { // where: in the bytes of this turn
        show(at, Math.min(where, held.length));
        at = Math.min(where, held.length);
        turn.append(make("p", { className: "gap", textContent: `${grouped(missing)} bytes missing (${data.reasons[reason] || reason})` }));
      }
      show(at, held.length);
      if (held.length < length) turn.append(make("p", { className: "dim", textContent: `${grouped(length - held.length)} bytes more are not in this page` }));
      box.append(turn);
    }
    if (talk.more) box.append(make("p", { className: "dim", textContent: `${grouped(talk.more)} bytes more are not in this page: gofollow show FILE ${rows.id[opened]}` }));
  }

  // The time-sequence graph, as tcptrace draws it: data of one side, and what the other side says of it.

  let graphChart = null;
  function drawGraph() {
    if (graphChart) graphChart.destroy();
    graphChart = null;
    const box = by("plot"), legend = by("graph-legend"), graph = data.graphs[rows.id[opened]];
    box.replaceChildren();
    legend.replaceChildren();
    if (!graph || !graph.points.length) {
      const why = silent() ? "Neither side sent data." : timed ? "This page does not hold its segments." : "The packets have no times.";
      box.append(make("p", { className: "dim", textContent: why }));
      return;
    }
    const side = Number(by("graph-side").value), sent = [], x = [], acked = [], windows = [];
    let low = Infinity, high = -Infinity;
    const see = (n) => { if (n < low) low = n; if (n > high) high = n; };
    for (const [us, from, offset, length, arrival, ack, window] of graph.points) {
      const s = us / 1e6;
      if (from === side) {
        sent.push([s, offset, length, arrival]);
        x.push(s); acked.push(null); windows.push(null);
        see(offset); see(offset + length);
      } else if (ack >= 0) {
        x.push(s); acked.push(ack); windows.push(graph.windows ? ack + window : null);
        see(ack);
      }
    }
    if (!x.length) { box.append(make("p", { className: "dim", textContent: `No segments of the ${names[side]} are in this page.` })); return; }
    const kinds = [color(names[side]), color("again"), color("late"), color("dim")];
    function segments(u) {
      const g = u.ctx, scale = window.devicePixelRatio || 1;
      g.save();
      g.setLineDash([]);
      g.beginPath();
      g.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
      g.clip();
      for (const [offset, length] of graph.gaps[side]) {
        const top = u.valToPos(offset + length, "y", true), bottom = u.valToPos(offset, "y", true);
        g.fillStyle = color("bad") + "33";
        g.fillRect(u.bbox.left, top, u.bbox.width, Math.max(1, bottom - top));
      }
      for (const [s, offset, length, arrival] of sent) {
        const at = u.valToPos(s, "x", true), top = u.valToPos(offset + length, "y", true), bottom = u.valToPos(offset, "y", true);
        g.strokeStyle = kinds[arrival];
        g.lineWidth = 1.5 * scale;
        g.beginPath();
        if (length === 0) { g.moveTo(at - 2 * scale, bottom); g.lineTo(at + 2 * scale, bottom); } else {
          g.moveTo(at, bottom); g.lineTo(at, Math.min(top, bottom - 1));
          g.moveTo(at - 3 * scale, top); g.lineTo(at + 3 * scale, top);
          g.moveTo(at - 3 * scale, bottom); g.lineTo(at + 3 * scale, bottom);
        }
        g.stroke();
      }
      g.restore();
    }
    const steps = uPlot.paths.stepped({ align: 1 });
    const span = Math.max(high - low, 1);
    const options = {
      width: Math.max(260, box.clientWidth), height: 420, cursor: { drag: { x: true, y: true, uni: 20 } },
      scales: { x: { time: false }, y: { range: (u, min, max) => (u.zoomed ? [min, max] : [low - span * 0.03, high + span * 0.05]) } },
      axes: [axis({ values: atTime }), axis({ size: 70, values: atOffset })],
      series: [
        { label: "after", value: (u, s) => (s === null ? "" : (s * 1000).toFixed(3) + " ms") },
        { label: "acknowledged", stroke: color("good"), width: 1.2, paths: steps, spanGaps: true, points: { show: false }, value: (u, n) => (n === null ? "" : grouped(n)) },
        { label: "window", stroke: color("window"), width: 1.2, dash: [4, 3], paths: steps, spanGaps: true, points: { show: false }, value: (u, n) => (n === null ? "" : grouped(n)) },
      ],
      hooks: { draw: [segments], setSelect: [(u) => { u.zoomed = true; }] },
    };
    graphChart = new uPlot(options, [x, acked, windows], box);
    u_reset(graphChart);
    const entry = (name, text) => { const i = make("i"); i.style.background = color(name); return make("span", {}, i, text); };
    legend.append(entry(names[side], "segment"), entry("again", "retransmitted"), entry("late", "out of order"), entry("bad", "missing"), entry("good", "acknowledged"), entry("window", "receive window"), make("span", { textContent: "Drag to zoom, double click to see all." }));
    if (graph.more) legend.append(make("span", { textContent: `${grouped(graph.more)} segments more are not in this page.` }));
  }
  function u_reset(u) { u.over.addEventListener("dblclick", () => { u.zoomed = false; u.redraw(); drawGraph(); }); }

  // Theme, keys, sizes.

  function redraw() {
    colorEnds();
    drawRate();
    drawTimeline();
    if (opened >= 0 && graphShown) drawGraph();
  }
  const prefers = window.matchMedia("(prefers-color-scheme: dark)");
  const setTheme = (dark) => { document.documentElement.dataset.theme = dark ? "dark" : "light"; redraw(); };
  by("theme").addEventListener("click", () => setTheme(document.documentElement.dataset.theme !== "dark"));
  prefers.addEventListener("change", () => setTheme(prefers.matches));
  let waiting = 0;
  window.addEventListener("resize", () => { cancelAnimationFrame(waiting); waiting = requestAnimationFrame(redraw); });
  window.addEventListener("beforeprint", () => { if (document.documentElement.dataset.theme === "dark") { setTheme(false); window.addEventListener("afterprint", () => setTheme(true), { once: true }); } });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = /^(INPUT|SELECT)$/.test(event.target.tagName) && event.target.type !== "checkbox";
    if (event.key === "Escape") { if (typing) event.target.blur(); else if (opened >= 0) close(); return; }
    if (typing && event.target.id === "search" && (event.key === "Enter" || event.key === "ArrowDown")) event.target.blur();
    else if (typing || (event.target.tagName === "BUTTON" && (event.key === "Enter" || event.key === " "))) return;
    const keys = {
      "/": () => by("search").focus(),
      ArrowDown: () => { chosen = Math.min(shown.length - 1, chosen + 1); mark(true); }, ArrowUp: () => { chosen = Math.max(0, chosen - 1); mark(true); },
      PageDown: () => { chosen = Math.min(shown.length - 1, chosen + PAGE); mark(true); }, PageUp: () => { chosen = Math.max(0, chosen - PAGE); mark(true); },
      Enter: () => { if (shown.length) open(shown[chosen], true); },
      x: () => { if (opened >= 0) by("as-hex").click(); }, g: () => { if (opened >= 0) choose(true); }, c: () => { if (opened >= 0) choose(false); },
    };
    if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
  });
  setTheme(prefers.matches);
  filter();
  if (data.open !== null) { const i = rows.id.indexOf(data.open); if (i >= 0) open(i, false); }
})();
